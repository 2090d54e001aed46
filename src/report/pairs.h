/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finished pairs of events, from begin to end, on their way to a report. A pair is left out if
 * records are missing within it: it may be two pairs, or none. Pairs wait here, in the order of
 * their ends, until all losses before their end are known (loss.h).
 */
#ifndef NR_REPORT_PAIRS_H
#define NR_REPORT_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "loss.h"

/* The first member of what a report keeps about a pair. */
struct pair {
	uint64_t begin, end; /* ns */
	bool split;	     /* it is two pairs: what ended the first was not recorded */
};

/* Records are missing after begin and before end. */
struct pairs_loss {
	uint64_t begin, end;
};

struct pairs {
	const struct loss *loss;
	size_t size; /* bytes of a pair */
	/* Gets each pair that is counted. */
	void (*fn)(void *ctx, struct pair *pair);
	/* Gets each pair that is left out, to free what it holds. NULL: it holds nothing. */
	void (*drop)(struct pair *pair);
	void *ctx;

	uint64_t counted, left_out;
	uint64_t split; /* also left out, and not because of losses */
	uint64_t late;	/* losses that showed after pairs were counted that may contain them */

	/* A ring of the pairs that wait. */
	char *waiting;
	size_t first, n, room, added;
	/* Losses that no pair has reached, by their begin. */
	struct pairs_loss *losses;
	unsigned n_losses;
	uint64_t reached;    /* the latest end of the losses that begin before the pairs so far */
	uint64_t settled;    /* end of the last pair counted or left out */
	uint64_t lost_until; /* the latest end of all losses so far */
};

void pairs_close(struct pairs *p);

/* Copies the pair. Each one ends at the time of the event now, so their ends are in order. */
void pairs_add(struct pairs *p, const struct pair *pair);
void pairs_lost(struct pairs *p, uint64_t begin, uint64_t end);
/* Are all records from this time to now there, as far as is known? */
static inline bool pairs_complete_since(const struct pairs *p, uint64_t begin)
{
	return begin >= p->lost_until;
}

/* Counts those whose losses are known; if all is set, all of them. */
void pairs_settle(struct pairs *p, bool all);

#endif
