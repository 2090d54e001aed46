/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sorts the index of one drain pass by time.
 *
 * A ring is in reservation order, which is nearly time order (I1): a few records in a thousand are
 * out of place. Hence a natural merge sort: it costs one comparison for each record in place, and
 * one more pass each time the number of ascending runs doubles.
 */
#ifndef NR_SORT_H
#define NR_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A walked record that is not yet emitted. Positions are the low 32 bits: a ring has at most 1 GiB,
 * so their differences are exact. */
struct nr_entry {
	uint64_t ts;
	uint32_t pos;	     /* of the record's header */
	uint32_t free_below; /* position below which the ring is free once this entry and all before
				it are safe */
};

/* The order within a shard: by (ts, position). */
static inline bool nr_entry_before(const struct nr_entry *a, const struct nr_entry *b)
{
	return a->ts < b->ts || (a->ts == b->ts && (int32_t)(a->pos - b->pos) < 0);
}

/* tmp has room for n entries. Returns the number of places where entries did not ascend. */
size_t nr_sort(struct nr_entry *entries, struct nr_entry *tmp, size_t n);

#endif
