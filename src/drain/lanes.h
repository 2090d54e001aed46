/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lanes of a shard: which blocks of the arena they have, and how far they are read.
 *
 *  L1 A block is in at most one lane, or free. Only the consumer thread moves blocks.
 *  L2 The commit bytes of a block are clear when it is granted to a lane. Before that, no program can
 *     write to it any more, and all its records of the lap before are safe (I10).
 *  L3 Every lane has its base share of the arena, half of the arena divided by the lanes. The other
 *     half goes where it is used. A lane whose blocks others need gives those up that it does not use
 *     (give_up), so that a CPU that joins gets its share, too.
 *
 * A block is given back when the lane has been read past its end and every record in it is safe:
 * `held` counts those that are not. The order of the queue says which are (nr_lanes_reap).
 */
#ifndef NR_LANES_H
#define NR_LANES_H

#include "ring/lane.h"
#include "ring/ring.h"

/* One lane. Positions are in granules, of 64 bits. */
struct nr_lane_reader {
	struct nr_lane *lane; /* shared with the programs */
	uint32_t cpu;
	uint64_t walked;  /* everything below was walked */
	uint64_t seen;	  /* its end in this pass */
	uint64_t target;  /* the shard's pending watermark needs it walked to here */
	uint64_t granted; /* the end of its blocks */
	uint64_t freed;	  /* the start of its blocks */
	uint64_t last_ts; /* of the last record walked */
	uint64_t rate;	  /* granules per ms, the highest of recent passes */
	/* The last stop at a record that was not submitted: records below stuck_below were reserved by
	 * stuck_since, CLOCK_MONOTONIC ns. */
	uint64_t stuck_below, stuck_since;
	uint16_t slots[NR_LANE_SLOTS];
};

struct nr_lanes {
	struct nr_arena arena;
	struct nr_ring bell; /* wakes the consumer, holds nothing */
	struct nr_cpu *cpus; /* [n_cpus], shared with the programs */
	uint32_t n_cpus;
	uint32_t shard;		      /* the CPUs with this number write here */
	struct nr_lane_reader *lanes; /* [n_cpus], of which n are in use */
	bool *placed;		      /* [n_cpus]: its shard is known */
	uint32_t n;		      /* others read it relaxed */
	uint32_t base, most;	      /* blocks that every lane has at least, and may have */

	uint16_t *free; /* [arena.n_blocks]: a stack of n_free blocks */
	uint32_t *held; /* [arena.n_blocks]: records that are not safe yet */
	bool *barred;	/* [arena.n_blocks]: a program may still write there */
	uint32_t n_free;
	uint64_t reaped;  /* entries of the queue that were given back */
	uint64_t seen_at; /* time of the latest nr_lanes_see; CLOCK_MONOTONIC ns */

	/* Every program that ran before this time has ended; CLOCK_MONOTONIC ns. */
	uint64_t grace;
	bool wants_grace; /* a record is not submitted for long */
	bool sleepable;	  /* programs may outlast a grace period */
	/* The last record that was abandoned. */
	uint64_t abandoned; /* so many so far */
	uint32_t abandoned_cpu;
	uint16_t abandoned_id;

	_Atomic(uint64_t) fill;	    /* bytes in use */
	_Atomic(uint64_t) pressure; /* fill, or more if a lane of its own is fuller, bytes */
	_Atomic(bool) starving; /* a lane waits for blocks: a release should wake the consumer */
};

/* Takes over arena and bell, and the CPUs of this shard. -ENOMEM. */
int nr_lanes_new(struct nr_lanes **out, const struct nr_arena *arena, const struct nr_ring *bell,
		 struct nr_cpu *cpus, uint32_t n_cpus, uint32_t shard);
void nr_lanes_free(struct nr_lanes *lanes); /* unmaps; takes NULL */

/* Reads how far the lanes reach. Call it once in a pass, after its time was read. -EBADMSG: a lane
 * claims more than it was granted. */
int nr_lanes_see(struct nr_lanes *lanes);

/* The next record of a lane, below its `seen`, at granule *at of the arena. Skipped granules are
 * stepped over. -EAGAIN: it is not submitted; -EBADMSG; -ENODATA: there is none. */
int nr_lanes_next(struct nr_lanes *lanes, struct nr_lane_reader *reader, uint64_t *at,
		  struct nr_lane_slot *slot);

/* The record at this granule, which the reader has just stepped over, leaves the arena only by
 * nr_lanes_reap. */
static inline void nr_lanes_hold(struct nr_lanes *lanes, uint64_t at)
{
	lanes->held[at >> lanes->arena.shift]++;
}

/* The record at this granule is safe. */
static inline void nr_lanes_reap(struct nr_lanes *lanes, uint64_t at)
{
	lanes->held[at >> lanes->arena.shift]--;
}

/* Takes back the blocks that are free, and grants blocks to the lanes that need some. */
void nr_lanes_grant(struct nr_lanes *lanes);

/* How much of its blocks the fullest lane has used, as that share of the arena, bytes. */
uint64_t nr_lanes_fullest(const struct nr_lanes *lanes);

/* Bytes reserved and not walked. */
uint64_t nr_lanes_unread(const struct nr_lanes *lanes);

#endif
