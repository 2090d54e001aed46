/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The k-way merge: from the sorted queues of the shards to one order.
 *
 *  M1 Emits exactly the records with ts < W, W = min over the shards' watermarks, in the order
 *     (ts, shard, position). (I4)
 *  M2 The time of what is emitted never goes back, and is never below a W already used: a packet
 *     that was complete to W stays so. A record with ts below such a W, or below the record emitted
 *     last, is late: it is emitted with the least time that keeps both, and marked. (I6)
 *  M3 W never goes back.
 *
 * One thread. A window is: begin, then take until it returns 0. A mark says how far the rings are
 * taken; they are released up to it once all that it covers is safe.
 */
#ifndef NR_MERGE_H
#define NR_MERGE_H

#include <numaring/event.h>
#include "drain/shard.h"
#include "losses.h"
#include "tree.h"

struct nr_merge {
	struct nr_shard **shards; /* [n_shards] */
	uint32_t n_shards;
	struct nr_tree tree;
	uint64_t *tail;		 /* [n_shards] end of what is in view in each queue */
	struct nr_losses losses; /* zeroed by init: places nothing */
	/* CLOCK_MONOTONIC ns. */
	uint64_t watermark;  /* W of this window */
	uint64_t late_below; /* W of the window before */
	uint64_t last;	     /* of the record emitted last */
};

int nr_merge_init(struct nr_merge *m, struct nr_shard **shards, uint32_t n);
/* The stream begins at this time: what is below is late. Before the first window. */
void nr_merge_start(struct nr_merge *m, uint64_t time);
void nr_merge_destroy(struct nr_merge *m); /* the shards stay */

/* Opens the next window; returns its W. */
uint64_t nr_merge_begin(struct nr_merge *m);

/*
 * Takes the next events in order: up to max, and as many as fill room bytes (records with their
 * header, rounded up to 8); it goes on beyond room while the time stays the same, so that a packet
 * never ends between two records of one time (I5). Adds their bytes to *used. Events point into the
 * rings. 0: the window is done, or there is no room.
 */
unsigned nr_merge_take(struct nr_merge *m, struct nr_event *evs, unsigned max, size_t room,
		       size_t *used);

/* Is there a record below W that was not taken yet? */
bool nr_merge_more(const struct nr_merge *m);

/* Every record with a time below is among those taken so far. */
uint64_t nr_merge_complete_to(const struct nr_merge *m);

/* How far the rings are taken by now: marks[n_shards]. */
void nr_merge_mark(const struct nr_merge *m, struct nr_mark *marks);

/* What these marks cover is safe: gives its room back to the producers (I10). */
void nr_merge_release(struct nr_merge *m, const struct nr_mark *marks);

#endif
