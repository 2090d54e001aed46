/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record: what a BPF program reserves in a ring, and what the trace holds, byte for byte.
 *
 * BPF programs and user space share this file, so it includes nothing. Both define
 * __u16/__u32/__u64 before they include it (vmlinux.h in BPF, <linux/types.h> in user space).
 */
#ifndef NUMARING_RECORD_H
#define NUMARING_RECORD_H

/* Version of everything in this file and of what NR_EVENT declares in an object. A collector
 * accepts only objects that were built with its own version. */
#define NR_RECORD_VERSION 3

/* Header of every record, 16 bytes; the payload follows and starts 8-byte aligned. */
struct nr_record {
	__u64 ts;  /* host's CLOCK_MONOTONIC, ns; read after the reservation (I1) and the fence (I2)
		    */
	__u16 id;  /* event type, see NR_EVENT */
	__u16 cpu; /* CPU that wrote it */
	__u32 lost; /* records this CPU has lost so far, all causes, low 32 bits */
};

/* Why a record was lost. */
enum nr_loss {
	NR_LOSS_FULL,	   /* the ring had no room */
	NR_LOSS_CONTENDED, /* the ring had room, but its lock was not available; in a lane, each try
			    * was interrupted by another reservation */
	NR_LOSS_OVERSIZE,  /* the record does not fit into a ring, or a block, of this size */
	NR_LOSS_NO_RING,   /* the shard has no ring: a fault of the collector */
	NR_LOSS_ABANDONED, /* reserved in a lane, but its program ended without a submit or discard;
			    * user space counts it */
	NR_LOSS_CAUSES,	   /* number of causes in this header; there is room for NR_LOSS_SLOTS */
};

/* All arrays of counters by cause have this length, so that a new cause moves no field. */
#define NR_LOSS_SLOTS 12

/* A recording can be limited to at most this many processes. */
#define NR_PIDS_MAX 64

/*
 * --filter inside of BPF programs: for each event type whose number in its object is below
 * NR_FILTER_TYPES, a list of tests. Each test looks at one field, or at the CPU, and says where to
 * go on: the number of a later test of the list, NR_TEST_ACCEPT or NR_TEST_REJECT. So a list can
 * express any combination with && || !. The collector sets the lists before it loads an object.
 */
#define NR_FILTER_TYPES 16
#define NR_FILTER_TESTS 16
#define NR_TEST_ACCEPT	0xff
#define NR_TEST_REJECT	0xfe

enum nr_test_what {
	NR_TEST_NONE,  /* as the first one: there is no list, and everything passes */
	NR_TEST_FIELD, /* size bytes at offset in the payload; a multiple of size */
	NR_TEST_CPU,   /* the CPU that writes */
};

/* Passes if low <= (value & mask) <= high, as unsigned numbers. If bias is set, value is extended
 * by its sign to 64 bits, and 2^63 is added, so that signed numbers compare right. */
struct nr_test {
	__u64 low, high, mask;
	__u16 offset;
	__u8 size; /* 1, 2, 4 or 8 */
	__u8 what; /* enum nr_test_what */
	__u8 bias;
	__u8 yes, no; /* where to go on */
	__u8 zero;
};

/* What programs tell the collector in the ring nr_processes (stack.bpf.h). */
struct nr_process_seen {
	__u64 ts;    /* host's CLOCK_MONOTONIC, ns: before the event that has its addresses */
	__u32 pid;   /* the host's PID */
	__u32 again; /* 1: its address space was seen before */
};

/*
 * Lanes: a shard without a lock. The memory of a shard, its arena, is cut into blocks of 2^n
 * granules. The lane of a CPU is a sequence of blocks of its shard, to which user space adds. Only
 * the CPU itself writes records to it: a program moves `head` with one compare-and-swap, fills its
 * record, and stores the commit byte of the record's first granule. docs/order.md says why that is in
 * order. User space moves `head` in the same way past blocks that it takes back unused.
 *
 * Positions count the granules of the lane from its start, modulo 2^40.
 */
#define NR_LANE_GRANULE 16   /* bytes; records begin at multiples of it */
#define NR_LANE_SLOTS	1024 /* the most blocks of a lane at a time is one less */

/* In front of a record in a lane, as the kernel's header in a ring. */
struct nr_lane_header {
	/* Of the record with its struct nr_record. Until it is submitted or discarded, the upper bits
	 * hold the shard, so that this needs no look-up. */
	__u32 length;
	/* The number of this granule in the arena, and NR_LANE_BELL; then NR_LANE_DONE. */
	__u32 where;
};

#define NR_LANE_LENGTH_BITS 20
#define NR_LANE_SHARDS_MAX  4096u

/* In nr_lane_header.where: the submit wakes the consumer. */
#define NR_LANE_BELL 0x80000000u
#define NR_LANE_DONE 0xffffffffu

/* A commit byte: there is one for each granule, in an array of their own. User space clears those
 * of a block before it adds the block to a lane, so another value was stored in this lap. */
enum nr_commit {
	NR_COMMIT_BUSY, /* no record, or one that is not submitted yet */
	NR_COMMIT_SUBMITTED,
	NR_COMMIT_DISCARDED,
	NR_COMMIT_SKIPPED, /* the rest of the block is empty: the next record did not fit */
};

struct nr_lane {
	/* BPF programs on the CPU write these. */
	/* The position behind the last record, times 2^24, plus the number of records reserved,
	 * modulo 2^24. */
	__u64 head;
	__u64 fence;	 /* orders the data before the commit byte where plain stores do not */
	__u64 unused[6]; /* the rest of the cache line */
	/* User space writes these. */
	__u64 limit; /* records end at or below this position */
	/* Not above the limit: a record that ends below needs no look at that. The one that passes it
	 * wakes the consumer. */
	__u64 bell;
	/* The block, by its number in the arena, that holds position p: slot
	 * (p / granules of a block) modulo NR_LANE_SLOTS. */
	__u16 slots[NR_LANE_SLOTS];
	__u64 unused2[6];
};

/* In nr_cpu.shard: the CPU is not in the plan. It joins the shard of its node with its first
 * record.
 */
#define NR_NO_SHARD 0xffffffffu

/*
 * Where a CPU writes, and its counters. The map nr_cpus has one for each possible CPU, and user
 * space maps it. Its size is a multiple of 128, so that no two CPUs write to the same pair of cache
 * lines. Only BPF programs on the CPU itself write the counters; user space reads them and never
 * resets them (I7). With lanes, it counts in `reserved`, from the lane's head, and
 * lost[NR_LOSS_ABANDONED].
 */
struct nr_cpu {
	/* User space writes these at any time. A CPU that joins writes shard and node, too
	 * (nr_join_shard). */
	__u32 shard;	   /* index of the ring or arena, or NR_NO_SHARD */
	__u32 node;	   /* NUMA node of the CPU, with memory or without */
	__u32 check_bytes; /* check the ring's fill level after writing this many bytes ... */
	__u32 fill_bytes;  /* ... and wake the consumer if it holds at least this many */
	/* BPF programs write these. */
	__u32 unchecked;	   /* bytes written since the fill level was checked */
	__u32 lost_total;	   /* sum of lost[], low 32 bits, as stored in the records */
	__u64 reserved;		   /* records; the atomic add to it is the fence of I2 */
	__u64 lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 in unused slots */
	struct nr_lane lane;
};

#endif
