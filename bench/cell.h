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

/* Beside the number of records: they are not counted. Only for the floor. */
#define BENCH_UNCOUNTED (1ull << 32)

/* One record in so many is timed. It is a prime, so that every place in a burst gets its turn. */
#define BENCH_PROBE 17

/* Log-linear: eight buckets to a power of two, so a value read from it is off by 1/16 at most. */
#define BENCH_BUCKETS 320

/* Where the programs of baseline.bpf.c put a record. */
enum bench_baseline {
	BENCH_FLOOR, /* nowhere: into memory of the CPU that nobody reads */
	BENCH_RING,  /* the kernel's ring buffer */
	BENCH_PERF,  /* a perf buffer for each CPU */
	BENCH_ARRAY, /* one array for all CPUs */
};

struct bench_cell {
	__u64 attempts; /* records it tried to emit; the number of the next one */
	__u64 failed;	/* of these: refused by the ring or perf buffer */
	__u64 ns;	/* spent emitting all of them, probes and loop included */
	/* Of bursts without a refusal, which costs less than a record. */
	__u64 kept, kept_ns;
	/* Of BENCH_PERF. Records begun before their clock is read, and records that their buffer
	 * has or has refused: see perfbuf.c. */
	__u64 begun, done;
	__u64 bucket[BENCH_BUCKETS]; /* ns for one record, every BENCH_PROBE-th */
};

/* One array for all CPUs (array.c): positions count slots without end. */
struct bench_ends {
	__u64 head __attribute__((aligned(128))); /* the next position to be reserved: programs */
	__u64 tail __attribute__((aligned(128))); /* the first that is not free: user space */
};

/* In front of each record of the array. */
struct bench_slot {
	__u64 full; /* 1 + the position of the record here, once it is whole */
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
