/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sums by key: how often, how long in all, and how long at most. */
#ifndef NR_REPORT_TOTALS_H
#define NR_REPORT_TOTALS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include "rows.h"

/* Keys are compared byte by byte, so fill them up with 0. */
struct totals_key {
	char name[40]; /* terminated */
	int64_t id;    /* printed as NAME:ID, unless it is 0 */
};

struct total {
	struct totals_key key;
	uint64_t n, sum, max;
};

/* A zeroed struct is empty. Of more than ROWS_MAX keys, those with the least are "(others)". */
struct totals {
	struct rows rows; /* of struct total */
};

void totals_close(struct totals *t);
void totals_add(struct totals *t, const struct totals_key *key, uint64_t ns);
/* Sorts the rows by sum, the greatest first. No totals_add after that. */
void totals_sort(struct totals *t);

/* After totals_sort: a table of the first rows. what: the heading of the keys, as in "TASK"; n: that
 * of the counts, as in "WAITS". */
void totals_print(const struct totals *t, FILE *out, const char *what, const char *n,
		  unsigned rows);
/* After totals_sort: [{"name", "id", "n", "sum_ns", "max_ns"}, ...]. */
json_t *totals_json(const struct totals *t);

#endif
