/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The producers' program, the same for every transport. Define this before including it:
 *
 *	static __always_inline int emit(void *ctx, struct bench_cell *cell, __u64 seq);
 *
 * It returns 0, or another number if the record was refused.
 *
 * A producer thread runs the program with BPF_PROG_TEST_RUN as a raw tracepoint: preemption is off
 * and it counts as an RCU reader, as at a real tracepoint. Its argument is the number of events to
 * emit, and maybe BENCH_UNCOUNTED.
 */
#ifndef BENCH_PRODUCE_BPF_H
#define BENCH_PRODUCE_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_cell);
} bench_cells SEC(".maps");

/* A burst ends after this time, as no tracepoint keeps preemption off for longer. */
#define BENCH_BURST_NS 20000

struct bench_burst {
	void *ctx;
	__u64 began;
	__u32 cpu;
};

static long produce_one(__u32 i, struct bench_burst *burst)
{
	__u32 cpu = burst->cpu, bucket;
	struct bench_cell *cell = bpf_map_lookup_elem(&bench_cells, &cpu);
	__u64 seq, now, begin = 0;

	(void)i;
	if (!cell)
		return 1;
	seq = cell->attempts++;
	if (seq % BENCH_PROBE == 0)
		begin = bpf_ktime_get_ns();
	if (emit(burst->ctx, cell, seq))
		cell->failed++;
	if (!begin)
		return 0;
	now = bpf_ktime_get_ns();
	bucket = bench_bucket(now - begin);
	/* Linux 6.1 forgets the bound of a copy made before the comparison. */
	barrier_var(bucket);
	if (bucket < BENCH_BUCKETS)
		cell->bucket[bucket]++;
	return now - burst->began > BENCH_BURST_NS;
}

/* Returns how many events it tried to emit. */
SEC("raw_tp")
int bench_produce(void *ctx)
{
	struct bench_burst burst = { ctx, bpf_ktime_get_ns(), bpf_get_smp_processor_id() };
	struct bench_cell *cell = bpf_map_lookup_elem(&bench_cells, &burst.cpu);
	__u64 events = *(__u64 *)ctx, failed, ns;
	int n;

	if (!cell)
		return 0;
	failed = cell->failed;
	n = bpf_loop(events, produce_one, &burst, 0);
	ns = bpf_ktime_get_ns() - burst.began;
	if (events & BENCH_UNCOUNTED) {
		cell->attempts -= n;
		return n;
	}
	cell->ns += ns;
	if (cell->failed == failed) {
		cell->kept += n;
		cell->kept_ns += ns;
	}
	return n;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif
