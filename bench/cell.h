/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a producer's CPU counts, shared by the BPF programs and user space.
 *
 * One writer each: the programs that run on this CPU for the one producer thread pinned to it. User
 * space copies cells while they change; a copy is exact to the records in flight.
 */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

/* The largest record, and the most records of one system call. */
#define BENCH_MAX_SIZE	4096
#define BENCH_MAX_BURST 64

/* One record in so many is timed. It is a prime, so that every place in a burst gets its turn. */
#define BENCH_PROBE 17

/* Log-linear: eight buckets to a power of two, so a value read from it is off by 1/16 at most. */
#define BENCH_BUCKETS 320

struct bench_cell {
	__u64 attempts;		     /* records it tried to emit; the number of the next one */
	__u64 failed;		     /* of these: refused by the ring or perf buffer */
	__u64 ns;		     /* spent emitting all of them, probes and loop included */
	__u64 bucket[BENCH_BUCKETS]; /* ns for one record, every BENCH_PROBE-th */
};

static inline __u32 bench_bucket(__u64 v)
{
	__u32 msb = 0;
	__u64 rest = v;

	if (v < 8)
		return v;
	for (__u32 step = 32; step; step /= 2) {
		if (rest >> step) {
			rest >>= step;
			msb += step;
		}
	}
	if (msb > BENCH_BUCKETS / 8 + 1)
		return BENCH_BUCKETS - 1;
	return (msb - 2) * 8 + ((v >> (msb - 3)) & 7);
}

#endif
