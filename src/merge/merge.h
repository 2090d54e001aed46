/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The k-way merge of the shards' sorted queues into one order.
 *
 *  M1 At the end of a window exactly the records with ts < W are emitted, in the order (ts, shard,
 *     position). W is the minimum of the shards' watermarks. (I4)
 *  M2 The time of emitted events never decreases and is never below a W already used: a packet that
 *     was complete to W stays complete. A record with ts below such a W, or below the last emitted
 *     event, is late: it is marked and emitted at the least time that satisfies both. (I6)
 *  M3 W never decreases.
 *
 * One thread. For each window, call nr_merge_begin, then nr_merge_take until it returns 0. A mark
 * says how far the rings are taken. Release the rings up to a mark once every packet up to it is
 * safe.
 */
#ifndef NR_MERGE_H
#define NR_MERGE_H

#include "drain/shard.h"
#include "losses.h"
#include "ring/place.h"
#include "tree.h"

/* What the merge needs of a shard for each record: one cache line, which no other thread writes. */
struct nr_input {
	_Alignas(64) const struct nr_entry *queue;
	uint64_t queue_mask;
	uint64_t head;	     /* entries taken so far; the shard learns of them with the next mark */
	uint64_t tail;	     /* end of the queue in this window */
	const uint8_t *data; /* of the shard's records */
	uint64_t data_mask;
	nr_tree_key next; /* of the entry behind the one in the tree */
};

struct nr_merge {
	struct nr_shard **shards; /* [n_shards] */
	struct nr_input *inputs;  /* [n_shards] */
	uint32_t n_shards;
	struct nr_tree tree;
	struct nr_losses losses; /* zeroed by init: counts nothing */
	nr_tree_key limit;	 /* keys below it belong to this window */
	/* CLOCK_MONOTONIC ns. */
	uint64_t watermark;  /* W of this window */
	uint64_t late_below; /* W of the window before */
	uint64_t last;	     /* time of the last emitted event */
};

int nr_merge_init(struct nr_merge *m, struct nr_shard **shards, uint32_t n);
/* The stream begins at this time; a record below it is late. Call before the first window. */
void nr_merge_start(struct nr_merge *m, uint64_t time);
void nr_merge_destroy(struct nr_merge *m); /* the caller destroys the shards */

/* Opens the next window; returns its W. */
uint64_t nr_merge_begin(struct nr_merge *m);

/*
 * Takes the next events in order, at most max, until they fill room bytes. An event's bytes are
 * those of its record with the header, rounded up to 8. Beyond room it takes events of the same
 * time, so that a packet never ends between two records of one time (I5). Adds the bytes to *used.
 * Writes the places of the events, for which there are max * NR_PLACE_WORDS words, to *places, and
 * moves that behind them. 0: the window is done, or there is no room.
 */
unsigned nr_merge_take(struct nr_merge *m, uint64_t **places, unsigned max, size_t room,
		       size_t *used);

/* Is a record below W not taken yet? */
bool nr_merge_more(const struct nr_merge *m);

/* Returns a time; every record below it is taken. */
uint64_t nr_merge_complete_to(const struct nr_merge *m);

/* Writes how far the rings are taken to marks[n_shards]. */
void nr_merge_mark(struct nr_merge *m, struct nr_mark *marks);

/* Every packet up to these marks is safe: gives their room back to the producers (I10). */
void nr_merge_release(struct nr_merge *m, const struct nr_mark *marks);

#endif
