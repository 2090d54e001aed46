/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sums by key: how often, how long in all, and how long at most. */
#ifndef NR_REPORT_TOTALS_H
#define NR_REPORT_TOTALS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Keys are compared byte by byte, so fill them up with 0. */
struct totals_key {
	char name[40]; /* terminated */
	int64_t id;    /* printed as NAME:ID, unless it is 0 */
};

struct total {
	struct totals_key key;
	uint64_t n, sum, max;
};

/* A zeroed struct is empty. At most TOTALS_MAX keys are kept apart; the rest is "(others)". */
#define TOTALS_MAX 65536
struct totals {
	struct total *list; /* [n], in the order in which they came */
	unsigned n, room;
	uint32_t *table; /* indexes into list + 1, by the hash of the key; 0: free */
	unsigned table_size;
};

void totals_close(struct totals *t);
void totals_add(struct totals *t, const struct totals_key *key, uint64_t ns);
/* Sorts the list by sum, the greatest first. No totals_add after that. */
void totals_sort(struct totals *t);

/* After totals_sort: a table of the first rows. what: the heading of the keys, as in "TASK"; n: that
 * of the counts, as in "WAITS". */
void totals_print(const struct totals *t, FILE *out, const char *what, const char *n,
		  unsigned rows);
/* After totals_sort: [{"name", "id", "n", "sum_ns", "max_ns"}, ...]. */
json_t *totals_json(const struct totals *t);

#endif
