/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One shard between its ring, or its lanes, and the merge.
 *
 * The consumer thread makes passes. A pass walks the new records in place, adds them to an index,
 * and gives the part of the index that is complete, sorted, to the merge thread through a queue. No
 * record is copied out of the ring. Invariants:
 *
 *  D1 The queue is sorted by (ts, position). Before the consumer stores `watermark` = W, it has put
 *     every record of the shard with ts < W into the queue. (I2, I3)
 *
 *  D2 A pass reads its time before producer_pos. W becomes that time less NR_EPSILON_NS only when
 *     everything below that producer_pos is walked. At a BUSY record the pass keeps both, time and
 *     position, for later passes. The epsilon is subtracted here, not in the merge: clock error may
 *     put a record a little below the time of a pass, and it must still find its place in the queue
 *     (D1). (I4)
 *
 *  D3 The queue never overflows: it has room for every record the ring can hold, and an entry
 * leaves it before its record leaves the ring.
 *
 *     With lanes, producer_pos stands for the heads of all lanes of the shard: W becomes the time
 *     only when every lane is walked to its own.
 *
 *  D4 consumer_pos moves only in nr_shard_release, which the merge thread calls with the mark of a
 *     safe packet. (I5, I10) With lanes, the consumer takes blocks back up to that mark at its next
 *     pass.
 *
 * Threads: fields are grouped by the thread that writes them. The consumer stores `tail`, `floor`
 * and `watermark` in this order with release; the merge thread loads them with acquire in the
 * reverse order.
 */
#ifndef NR_SHARD_H
#define NR_SHARD_H

#include <linux/types.h>
#include <numaring/record.h>
#include "base/clock.h"
#include "base/counter.h"
#include "lanes.h"
#include "ring/ring.h"
#include "sort.h"

/* The last record of a CPU that was walked. */
struct nr_last {
	uint64_t ts;
	uint32_t lost;
	bool any;
};

struct nr_shard {
	struct nr_ring ring;	/* zeroed if there are lanes */
	struct nr_lanes *lanes; /* NULL: the shard is a ring */
	const uint8_t *data;	/* of the ring or the arena */
	uint64_t data_mask;	/* offset in data = position & mask */
	size_t size;		/* bytes of data */
	struct nr_entry *queue; /* [queue_mask + 1] */
	uint64_t queue_mask;
	uint32_t n_cpus;

	/* Consumer thread. */
	uint64_t start;	      /* producer_pos when the shard was set up */
	uint64_t walked;      /* every record below this position was walked */
	uint64_t seen;	      /* producer_pos of this pass */
	bool pending;	      /* a BUSY record lies below the target */
	uint64_t target_ts;   /* becomes the watermark ... */
	uint64_t target_pos;  /* ... when walked gets here, and each lane to its own target */
	uint64_t complete_to; /* time of the last pass that reached its target, without epsilon */
	struct nr_entry *run; /* sorted entries with ts >= watermark, then those of this pass */
	struct nr_entry *tmp; /* for sorting */
	size_t held;	      /* entries in run */
	struct nr_last *last; /* [n_cpus] */

	/* Counters of the consumer thread; others read them relaxed. */
	_Atomic(uint64_t) records;	/* submitted records walked */
	_Atomic(uint64_t) discarded;	/* discarded records walked */
	_Atomic(uint64_t) malformed;	/* submitted, but shorter than struct nr_record */
	_Atomic(uint64_t) behind;	/* records below complete_to: violate I2 or I3 */
	_Atomic(uint64_t) behind_by;	/* the largest difference, ns */
	_Atomic(uint64_t) unsorted;	/* places where ts descends in the ring (I1) */
	_Atomic(uint64_t) peak;		/* largest fill seen, bytes; nr_lanes_fullest */
	_Atomic(uint64_t) *cpu_records; /* [n_cpus] records walked, with discarded ones */

	_Alignas(64) _Atomic(uint64_t) tail; /* entries put into the queue so far */
	_Atomic(uint64_t) floor; /* the ring is free below this once all of these are emitted */
	_Atomic(uint64_t) watermark;

	/* Merge thread. */
	_Alignas(64) uint64_t head; /* entries taken out so far */
	uint64_t free_below; /* the ring is free below this position once the taken entries are safe
			      */
	_Atomic(uint64_t) late;	    /* records below a watermark already used (I6) */
	_Atomic(uint64_t) accepted; /* head of the last released mark: entries written */
};

/* Takes over the ring and starts at its consumer_pos. Reserves memory, which the consumer thread
 * touches first, so that it lies on that thread's node. -ENOMEM. */
int nr_shard_init(struct nr_shard *shard, const struct nr_ring *ring, uint32_t n_cpus);
/* Likewise for lanes. */
int nr_shard_init_lanes(struct nr_shard *shard, struct nr_lanes *lanes, uint32_t n_cpus);
/* Also unmaps the ring, or frees the lanes. Takes a zeroed shard. */
void nr_shard_destroy(struct nr_shard *shard);

/* No record will be older than time: the shard is complete to it. Call before the first pass. */
static inline void nr_shard_start(struct nr_shard *shard, uint64_t time)
{
	atomic_store_explicit(&shard->watermark, time, memory_order_relaxed);
}

/*
 * One pass. The watermark may become time less NR_EPSILON_NS. The caller read time before the call,
 * and then passed the fence (I2) or the grace period (I3). -EAGAIN: stopped at a BUSY record, the
 * watermark stays unless a pending target was reached; -EBADMSG: the ring is corrupt and cannot be
 * read further.
 */
int nr_shard_pass(struct nr_shard *shard, uint64_t time);

/* Call when no more records can be read. Publishes every walked record and the watermark
 * NR_TIME_END, so that the shard does not hold the merge. No pass may follow. */
void nr_shard_finish(struct nr_shard *shard);

/* Bytes in use; of lanes, as of the last pass. */
uint64_t nr_shard_fill(const struct nr_shard *shard);

/* Bytes reserved and not walked, after the last pass. */
uint64_t nr_shard_unread(const struct nr_shard *shard);

/* Is more than this share of the ring, or of what one of the lanes can have, in use? */
static inline bool nr_shard_is_fuller(const struct nr_shard *shard, unsigned quarters)
{
	uint64_t fill =
		shard->lanes ? nr_counter_get(&shard->lanes->pressure) : nr_shard_fill(shard);

	return fill > shard->size / 4 * quarters;
}

/* It fills up: its records should leave soon. */
static inline bool nr_shard_pressed(const struct nr_shard *shard)
{
	return nr_shard_is_fuller(shard, 1);
}

/* Programs wait for what the next pass grants. */
static inline bool nr_shard_starves(const struct nr_shard *shard)
{
	return shard->lanes && atomic_load_explicit(&shard->lanes->starving, memory_order_relaxed);
}

/* Merge thread: the current end of the queue. */
uint64_t nr_shard_tail(struct nr_shard *shard);

/* Acquire: pairs with the releases in nr_shard_pass and nr_shard_finish (D1). */
static inline uint64_t nr_shard_watermark(const struct nr_shard *shard)
{
	return atomic_load_explicit(&shard->watermark, memory_order_acquire);
}

static inline const struct nr_entry *nr_shard_entry(const struct nr_shard *shard, uint64_t index)
{
	return &shard->queue[index & shard->queue_mask];
}

/* Merge thread: takes the entries before head out of the queue. The last of them is still there:
 * no mark covers it, so its record is in the ring (D3). */
static inline void nr_shard_take_to(struct nr_shard *shard, uint64_t head)
{
	uint32_t free_below;

	if (head == shard->head)
		return;
	shard->head = head;
	if (shard->lanes)
		return;
	free_below = nr_entry_free_below(nr_shard_entry(shard, head - 1));
	shard->free_below += (uint32_t)(free_below - (uint32_t)shard->free_below);
}

/* Merge thread: how far a packet and those before it have taken the shard. */
struct nr_mark {
	uint64_t head; /* entries taken out of the queue */
	uint64_t pos;  /* the ring is free below this once the packet is safe; 0 with lanes */
};

static inline struct nr_mark nr_shard_mark(const struct nr_shard *shard)
{
	return (struct nr_mark){ shard->head, shard->free_below };
}

/* Merge thread: all packets up to the mark are safe; frees their room in the ring (I10). */
void nr_shard_release(struct nr_shard *shard, const struct nr_mark *mark);

#endif
