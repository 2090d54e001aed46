// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that number their events, for lanes.c: in system calls, in the interrupt of a perf event, and
 * as a program that can sleep and be preempted. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"
#include "lanes.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

NR_EVENT(step, 0);
NR_EVENT(words, 1);

struct large {
	__u64 count;
	char bytes[LARGE];
};
NR_EVENT(large, 2);

struct tick {
	__u64 source, count;
};
NR_EVENT(tick, 3);

static const char letters[256] = "abcdefghijklmnopqrstuvwxyz";
static char bytes[LARGE];

static __always_inline void step(const struct order *o, __u64 count)
{
	struct step *e = nr_reserve(step);

	if (!e)
		return;
	e->source = o->source;
	e->count = count;
	if (o->how == DISCARD_8TH && count % 8 == 0)
		nr_discard(e);
	else if (o->how != LEAVE || count != o->first || !nr_has_lanes())
		nr_submit(e);
}

static __always_inline void words(const struct order *o, __u64 count)
{
	struct words head = { o->source, count, count % 128 };

	nr_output_tail(words, &head, letters, head.data_len);
}

static __always_inline void large(void)
{
	struct large *e = nr_reserve(large);

	if (e)
		nr_submit(e);
}

static long obey_once(__u32 i, struct order *o)
{
	__u64 count = o->first + i;

	if (o->how == VARIABLE)
		words(o, count);
	else if (o->how == OVERSIZE)
		large();
	else if (o->how == OVERSIZE_VARIABLE)
		nr_output(large, bytes, sizeof(bytes));
	else
		step(o, count);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *regs, long id)
{
	struct order o;

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) != MAGIC ||
	    !nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	o.how = PT_REGS_PARM2_CORE_SYSCALL(regs);
	o.source = PT_REGS_PARM3_CORE_SYSCALL(regs);
	o.first = PT_REGS_PARM4_CORE_SYSCALL(regs);
	o.n = PT_REGS_PARM5_CORE_SYSCALL(regs);
	bpf_loop(o.n, obey_once, &o, 0);
	return 0;
}

SEC("?syscall")
int can_sleep(struct order *ctx)
{
	struct order o = *ctx;

	bpf_loop(o.n, obey_once, &o, 0);
	return 0;
}

__u64 ticks[TICKS];

SEC("?perf_event")
int on_tick(void *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id() % TICKS;
	struct tick *e = nr_reserve(tick);

	if (e) {
		e->source = TICKS + cpu;
		e->count = ticks[cpu];
		nr_submit(e);
	}
	ticks[cpu]++;
	return 0;
}
