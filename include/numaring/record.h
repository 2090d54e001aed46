/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record: what a BPF program reserves in a ring and what the trace holds, byte for byte.
 *
 * Shared by BPF programs and user space, so it includes nothing: both sides have __u16/__u32/__u64
 * before they come here (vmlinux.h in BPF, <linux/types.h> in user space).
 */
#ifndef NUMARING_RECORD_H
#define NUMARING_RECORD_H

/* Version of everything in this file and of the tables NR_EVENT leaves in an object. A collector
 * takes only objects that were built with its own version. */
#define NR_RECORD_VERSION 2

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
	NR_LOSS_CONTENDED, /* the ring had room, its lock was not to be had */
	NR_LOSS_OVERSIZE,  /* the record can never fit into a ring of this size */
	NR_LOSS_NO_RING,   /* the shard has no ring: a fault of the collector */
	NR_LOSS_CAUSES,	   /* so many are known to this header; there is room for NR_LOSS_SLOTS */
};

/* Counters by cause have this length everywhere, so that a new cause moves nothing. */
#define NR_LOSS_SLOTS 12

/* How many processes a recording can be limited to. */
#define NR_PIDS_MAX 64

/* In nr_cpu.shard, "not in the plan": such a CPU joins the shard of its node with its first record.
 */
#define NR_NO_SHARD 0xffffffffu

/*
 * One per possible CPU in the map nr_cpus, mapped by user space: where the CPU writes and what
 * became of it. 128 bytes, so that no two CPUs write to one pair of cache lines. Only BPF programs
 * on the CPU itself write the counters; user space reads them and never resets them (I7).
 */
struct nr_cpu {
	/* Written by user space, any time; shard and node also by a CPU that joins (nr_join_shard).
	 */
	__u32 shard;	   /* index of the ring, or NR_NO_SHARD */
	__u32 node;	   /* NUMA node of the CPU, with memory or without */
	__u32 check_bytes; /* look at the ring's fill level after having written this many bytes ...
			    */
	__u32 fill_bytes;  /* ... and wake the consumer if it holds at least this many */
	/* Written by BPF. */
	__u32 unchecked;	   /* bytes written since the fill level was looked at */
	__u32 lost_total;	   /* sum of lost[], low 32 bits: what goes into the records */
	__u64 reserved;		   /* records; the atomic add to it is the fence of I2 */
	__u64 lost[NR_LOSS_SLOTS]; /* by enum nr_loss; 0 where there is no cause */
};

#endif
