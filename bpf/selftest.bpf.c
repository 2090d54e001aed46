// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For `numaring selftest order`: writes a record for each of the test's calls. The call says where
 * to read the clock, in most cases a wrong place.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"
#include "selftest.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct selftest_call {
	__u64 count; /* the caller's count; the caller runs only on this CPU */
};
NR_EVENT(selftest_call, 0);

#define RECORD_SIZE (sizeof(struct nr_record) + sizeof(struct selftest_call))

/* A reservation without a fence shows too late only as long as its store waits in the CPU. Behind a store
 * to memory that is in no cache, it waits for longer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, char[4096]);
} far SEC(".maps");

static __always_inline void store_far_away(__u64 count)
{
	__u32 key = count * 619 % 8192;
	volatile char *p = bpf_map_lookup_elem(&far, &key);

	if (p)
		p[0] = 1;
}

/* Reserves in a lane without a fence: there the compare-and-swap of the head is the fence, so here a
 * plain store moves the head. */
static __always_inline struct nr_record *lane_unfenced(struct nr_cpu *c, __u64 *ts)
{
	struct nr_part part;

	if (!nr_lane_place(c, nr_granules(RECORD_SIZE), &part)) {
		nr_count_loss(c, NR_LOSS_FULL);
		return NULL;
	}
	*(volatile __u64 *)&c->lane.head = part.next;
	*ts = bpf_ktime_get_ns();
	return nr_lane_record(c, RECORD_SIZE, nr_lane_start(c, &part), nr_block_shift);
}

/* Does the work of nr_stamp without the fence: in a ring it counts with a plain addition, after the
 * clock was read. Only the caller's pinned thread runs this code on this CPU. */
static __always_inline struct selftest_call *stamp(struct nr_record *rec, struct nr_cpu *c,
						   __u64 ts)
{
	rec->ts = ts;
	rec->id = nr_id_base + nr_id_of_selftest_call;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = c->lost_total;
	if (!nr_has_lanes())
		c->reserved++;
	return (void *)(rec + 1);
}

static __always_inline void submit(struct selftest_call *e, __u64 how, __u64 count)
{
	e->count = count;
	_Bool wakes = (how & NR_SELFTEST_WAKE) && !(count % NR_SELFTEST_WAKE_EVERY);

	if (wakes && !nr_has_lanes())
		bpf_ringbuf_submit(NR_RECORD_OF(e), BPF_RB_FORCE_WAKEUP);
	else
		nr_submit(e);
	if (wakes && nr_has_lanes())
		nr_ring_bell(nr_this_cpu());
}

/* Lanes and rings go separate ways, as in nr_reserve_bytes. */
static __always_inline void write_at(struct nr_cpu *c, __u64 ts, __u64 how, __u64 count)
{
	struct nr_record *rec;

	if (nr_has_lanes()) {
		rec = nr_lane_reserve(c, RECORD_SIZE, nr_block_shift);
		if (rec)
			submit(stamp(rec, c, ts), how, count);
		return;
	}
	rec = nr_ring_reserve(c, RECORD_SIZE);
	if (rec)
		submit(stamp(rec, c, ts), how, count);
}

static __always_inline void stamp_before(struct nr_cpu *c, __u64 how, __u64 count)
{
	write_at(c, bpf_ktime_get_ns(), how, count);
}

static long is_over(__u32 i, void *end)
{
	(void)i;
	return bpf_ktime_get_ns() > *(__u64 *)end;
}

static __always_inline void stamp_slow(struct nr_cpu *c, __u64 how, __u64 count)
{
	__u64 ts = bpf_ktime_get_ns(), end = ts + NR_SELFTEST_SLOW_NS;

	if (!(count % NR_SELFTEST_SLOW_EVERY))
		bpf_loop(1 << 20, is_over, &end, 0);
	write_at(c, ts, how, count);
}

static __always_inline void stamp_after(struct nr_cpu *c, __u64 how, __u64 count)
{
	struct nr_record *rec;
	__u64 ts;

	if (nr_has_lanes()) {
		rec = lane_unfenced(c, &ts);
		if (rec)
			submit(stamp(rec, c, ts), how, count);
		return;
	}
	/* Read the clock right after the reservation, without a look-up or an atomic between. */
	rec = nr_ring_reserve(c, RECORD_SIZE);
	if (rec)
		submit(stamp(rec, c, bpf_ktime_get_ns()), how, count);
}

static __always_inline void stamp_fence(__u64 how, __u64 count)
{
	struct selftest_call *e = nr_reserve(selftest_call);

	if (e)
		submit(e, how, count);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *regs, long id)
{
	__u64 how, count;
	struct nr_cpu *c;

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) != NR_SELFTEST_MAGIC)
		return 0;
	how = PT_REGS_PARM2_CORE_SYSCALL(regs);
	count = PT_REGS_PARM3_CORE_SYSCALL(regs);
	c = nr_this_cpu();
	if (!c || !nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0; /* the call of another self-test */
	if (how & NR_SELFTEST_WAKE)
		store_far_away(count);
	switch (how & ~(__u64)NR_SELFTEST_WAKE) {
	case NR_STAMP_BEFORE:
		stamp_before(c, how, count);
		break;
	case NR_STAMP_AFTER:
		stamp_after(c, how, count);
		break;
	case NR_STAMP_SLOW:
		stamp_slow(c, how, count);
		break;
	case NR_STAMP_FENCE:
		stamp_fence(how, count);
		break;
	}
	return 0;
}
