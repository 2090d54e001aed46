/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sorts the index of one drain pass by time.
 *
 * A ring is in reservation order, which is nearly time order (I1): a few records in a thousand are
 * out of place. So: a natural merge sort. Its cost is one comparison for a record in place, and a
 * pass over the run for every doubling of the number of ascending stretches.
 */
#ifndef NR_SORT_H
#define NR_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One record of a ring that was seen and not yet emitted. Positions are the low 32 bits: a ring is
 * at most 1 GiB, so differences are exact. */
struct nr_entry {
	uint64_t ts;
	uint32_t pos;	     /* of the record's header */
	uint32_t free_below; /* the ring is, once this entry and all before it are safe */
};

/* Order of the stream within a shard: by (ts, position). */
static inline bool nr_entry_before(const struct nr_entry *a, const struct nr_entry *b)
{
	return a->ts < b->ts || (a->ts == b->ts && (int32_t)(a->pos - b->pos) < 0);
}

/* tmp has room for n entries. Returns the number of places where entries was not ascending. */
size_t nr_sort(struct nr_entry *entries, struct nr_entry *tmp, size_t n);

#endif
