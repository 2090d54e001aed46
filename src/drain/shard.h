/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One shard between its ring and the merge.
 *
 * The consumer thread makes passes: it walks the records in place, keeps an index of them, and
 * hands the part that is complete, sorted, to the merge thread through a queue. Nothing is copied
 * out of the ring. Invariants:
 *
 *  D1 What the queue holds is sorted by (ts, position), and after `watermark` = W was stored every
 *     record of the shard with ts < W has been put into the queue before. (I2, I3)
 *
 *  D2 A pass reads its time before producer_pos, and W becomes that time less NR_EPSILON_NS only
 *     when everything below that producer_pos was walked; at a BUSY record time and position are
 *     kept for the passes after it. The epsilon is taken off here, not in the merge: a record that
 *     clock error puts a little below the time of a pass must still find its place in the queue
 *     (D1). (I4)
 *
 *  D3 The queue never overruns: it has a place for every record the ring can hold, and an entry
 *     leaves it before its record leaves the ring.
 *
 *  D4 consumer_pos moves only in nr_shard_release, called by the merge thread with a mark of a
 *     packet that is safe. (I5, I10)
 *
 * Threads: the fields are grouped by the thread that writes them. `tail`, `floor` and `watermark`
 * are stored by the consumer in this order with release, and loaded by the merge thread with
 * acquire in the reverse order.
 */
#ifndef NR_SHARD_H
#define NR_SHARD_H

#include <linux/types.h>
#include <numaring/record.h>
#include "base/clock.h"
#include "ring/ring.h"
#include "sort.h"

struct nr_shard {
	struct nr_ring ring;
	struct nr_entry *queue; /* [queue_mask + 1] */
	uint64_t queue_mask;
	uint32_t n_cpus;

	/* Consumer thread. */
	uint64_t start;	      /* producer_pos when the shard was set up */
	uint64_t walked;      /* everything below was looked at */
	bool pending;	      /* target_* wait for a BUSY record */
	uint64_t target_ts;   /* becomes the watermark ... */
	uint64_t target_pos;  /* ... when walked gets here */
	uint64_t complete_to; /* time of the last pass that reached its target, without epsilon */
	struct nr_entry *run; /* held back (ts >= watermark), sorted, then what this pass found */
	struct nr_entry *tmp;
	size_t held;

	/* Counters of the consumer thread; others read them relaxed. */
	_Atomic(uint64_t) records;   /* submitted records walked */
	_Atomic(uint64_t) discarded; /* discarded ones */
	_Atomic(uint64_t) malformed; /* submitted, but too short to hold our header: not ours */
	_Atomic(uint64_t) behind;    /* records below complete_to: I2 or I3 is broken */
	_Atomic(uint64_t) behind_by; /* by at most that many ns */
	_Atomic(uint64_t) unsorted;  /* records that came before an earlier one in the ring (I1) */
	_Atomic(uint64_t) peak;	     /* largest fill seen, bytes */
	_Atomic(uint64_t) *cpu_records; /* [n_cpus] all records walked, discarded too, by writer */

	_Alignas(64) _Atomic(uint64_t) tail; /* entries put into the queue so far */
	_Atomic(uint64_t) floor; /* with all of them emitted the ring is free below this position */
	_Atomic(uint64_t) watermark;

	/* Merge thread. */
	_Alignas(64) uint64_t head; /* entries taken out so far */
	uint64_t free_below;	    /* where the ring is free once what was taken is safe */
	_Atomic(uint64_t) late;	    /* records that came below a watermark already used (I6) */
	_Atomic(uint64_t) accepted; /* head of the mark released last: these are written */
};

/* Takes over the ring, which holds no record older than its consumer_pos. Memory is reserved here
 * and touched first by the consumer thread, so that it lies on that thread's node. -ENOMEM. */
int nr_shard_init(struct nr_shard *shard, const struct nr_ring *ring, uint32_t n_cpus);
void nr_shard_destroy(struct nr_shard *shard); /* unmaps the ring too; a zeroed shard is fine */

/* No record will be older than this: so far the shard is complete. Before the first pass. */
static inline void nr_shard_start(struct nr_shard *shard, uint64_t time)
{
	atomic_store_explicit(&shard->watermark, time, memory_order_relaxed);
}

/*
 * One pass. time: this pass may reach it as watermark, less NR_EPSILON_NS; the caller read it, and
 * then whatever fence (I2) or grace period (I3) makes it one, before the call. 0; -EAGAIN: stopped
 * at a record not yet submitted, the watermark stays; -EBADMSG: the ring's content is not what the
 * kernel writes, nothing after it can be read.
 */
int nr_shard_pass(struct nr_shard *shard, uint64_t time);

/* Nothing more will come from this shard, or can be read: publishes all that was walked, with
 * NR_TIME_END as the watermark, so that it holds up nobody. No pass after it. */
void nr_shard_finish(struct nr_shard *shard);

/* Bytes in the ring that were not given back yet. */
uint64_t nr_shard_fill(const struct nr_shard *shard);

/* The ring is filling up: what is in it should leave soon. */
static inline bool nr_shard_pressed(const struct nr_shard *shard)
{
	return nr_shard_fill(shard) > shard->ring.size / 4;
}

/* Merge thread: the end of what is in the queue now. */
uint64_t nr_shard_tail(struct nr_shard *shard);

/* Pairs with the releases in nr_shard_pass and nr_shard_finish (D1). */
static inline uint64_t nr_shard_watermark(const struct nr_shard *shard)
{
	return atomic_load_explicit(&shard->watermark, memory_order_acquire);
}

static inline const struct nr_entry *nr_shard_entry(const struct nr_shard *shard, uint64_t index)
{
	return &shard->queue[index & shard->queue_mask];
}

/* Merge thread: the entry at head was emitted. */
static inline void nr_shard_take(struct nr_shard *shard)
{
	const struct nr_entry *entry = nr_shard_entry(shard, shard->head++);

	shard->free_below += (uint32_t)(entry->free_below - (uint32_t)shard->free_below);
}

/* Merge thread: how much of the shard a packet and those before it have taken. */
struct nr_mark {
	uint64_t head; /* entries taken out of the queue */
	uint64_t pos;  /* the ring is free below, once the packet is safe */
};

static inline struct nr_mark nr_shard_mark(const struct nr_shard *shard)
{
	return (struct nr_mark){ shard->head, shard->free_below };
}

/* Merge thread: what the mark covers is safe, its room in the ring is free (I10). */
void nr_shard_release(struct nr_shard *shard, const struct nr_mark *mark);

#endif
