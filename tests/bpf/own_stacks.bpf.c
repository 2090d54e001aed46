// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stacks of own events in all forms, of the same moments: own_stacks.sh. */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"
#include "stack.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define STACKS(NAME, ENTRIES)                                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);                                            \
		__uint(max_entries, ENTRIES);                                                      \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, 64 * sizeof(__u64));                                            \
	} NAME SEC(".maps")

STACKS(kernel_stacks, 4096);
STACKS(user_stacks, 4096);
STACKS(crowded_stacks, 1); /* has room for one stack */

struct whole {
	__u64 number;
	NR_STACK_FIELDS;
};
NR_EVENT(whole, 0);

struct in_place {
	__u32 pid;
	__u32 unused;
	__u64 kernel_stack[32];
	__u64 user_stack[32];
};
NR_EVENT(in_place, 1);

struct by_id {
	__u32 pid;
	__s32 kernel_stack_id;
	__s64 user_stack_id;
	__s32 crowded_stack_id;
};
NR_EVENT(by_id, 2);

/* The first of its moment, reserved before the collector is asked to read the mappings. */
struct first {
	__u32 pid;
	__u32 unused;
	__u64 user_stack[32];
};
NR_EVENT(first, 3);

static __u64 n;

static __always_inline void fill_in_place(struct in_place *e, void *ctx, __u32 pid)
{
	e->pid = pid;
	e->unused = 0;
	nr_get_stack(ctx, e->kernel_stack, sizeof(e->kernel_stack), 0);
	nr_get_stack(ctx, e->user_stack, sizeof(e->user_stack), BPF_F_USER_STACK);
}

static __always_inline void fill_by_id(struct by_id *e, void *ctx, __u32 pid)
{
	e->pid = pid;
	e->kernel_stack_id = nr_get_stackid(ctx, &kernel_stacks, 0);
	e->user_stack_id = nr_get_stackid(ctx, &user_stacks, BPF_F_USER_STACK);
	e->crowded_stack_id = nr_get_stackid(ctx, &crowded_stacks, BPF_F_USER_STACK);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_sleep, bool preempt, struct task_struct *prev)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct first *f;
	struct in_place *e;
	struct by_id *d;

	if (preempt || !nr_wanted(pid))
		return 0;
	f = nr_reserve(first);
	if (f) {
		f->pid = pid;
		f->unused = 0;
		nr_get_stack(ctx, f->user_stack, sizeof(f->user_stack), BPF_F_USER_STACK);
		nr_submit(f);
	}
	nr_emit_stack(whole, ctx, .number = __sync_fetch_and_add(&n, 1));
	e = nr_reserve(in_place);
	if (e) {
		fill_in_place(e, ctx, pid);
		nr_submit(e);
	}
	d = nr_reserve(by_id);
	if (d) {
		fill_by_id(d, ctx, pid);
		nr_submit(d);
	}
	return 0;
}
