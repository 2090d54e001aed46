/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sorts the index of one drain pass by time.
 *
 * A ring or a lane is in reservation order, which is nearly time order (I1): a few records in a
 * thousand are out of place. Hence a natural merge sort: it costs one comparison for each record in
 * place, and one more pass each time the number of ascending runs doubles. So it also merges the
 * lanes of a shard, with the comparisons of a tournament, and reads and writes in sequence.
 */
#ifndef NR_SORT_H
#define NR_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A walked record that is not yet emitted. Positions are in units of 8 bytes, the low 29 bits of
 * them: a ring has at most 1 GiB, so their differences are exact.
 */
struct nr_entry {
	uint64_t ts;
	uint64_t pos : 29; /* of the record's header, in the ring or in the arena */
	/* In the queue of a ring: position below which the ring is free once this entry and all
	 * before it are safe. Of lanes: the CPU. */
	uint64_t extra : 29;
	/* Bytes of the record with its struct nr_record, / 8, rounded up. 0: the merge looks at the
	 * record itself, because it is longer, or may count losses (shard.h). */
	uint64_t size : 6;
};
_Static_assert(sizeof(struct nr_entry) == 16, "four entries in a cache line");

#define NR_ENTRY_SIZE_MAX 63u

/* The low 32 bits of positions in bytes. */
static inline uint32_t nr_entry_pos(const struct nr_entry *e)
{
	return (uint32_t)e->pos << 3;
}

static inline uint32_t nr_entry_free_below(const struct nr_entry *e)
{
	return (uint32_t)e->extra << 3;
}

/* The order within a shard: by time, of lanes by (time, CPU). Those that are equal stay in the order
 * of their positions: nr_sort is stable. Entries of a ring have `extra` only in the queue. */
static inline bool nr_entry_before(const struct nr_entry *a, const struct nr_entry *b)
{
	return a->ts < b->ts || (a->ts == b->ts && a->extra < b->extra);
}

/* Stable. tmp has room for n entries. */
void nr_sort(struct nr_entry *entries, struct nr_entry *tmp, size_t n);

#endif
