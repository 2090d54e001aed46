// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "totals.h"

#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "text.h"

static uint64_t sum_of(const void *row)
{
	return ((const struct total *)row)->sum;
}

static void fold(void *others, const void *row)
{
	const struct total *from = row;
	struct total *to = others;

	to->n += from->n;
	to->sum += from->sum;
	to->max = to->max > from->max ? to->max : from->max;
}

void totals_close(struct totals *t)
{
	rows_close(&t->rows, NULL);
}

void totals_add(struct totals *t, const struct totals_key *key, uint64_t ns)
{
	static const struct totals_key others = { .name = "(others)" };
	const struct total one = { .n = 1, .sum = ns, .max = ns };

	if (!t->rows.n)
		t->rows = (struct rows){ .size = sizeof(struct total),
					 .key_size = sizeof(*key),
					 .others = &others,
					 .fold = fold,
					 .rank = sum_of };
	fold(rows_get(&t->rows, key), &one);
}

void totals_sort(struct totals *t)
{
	rows_sort(&t->rows, sum_of);
}

void totals_print(const struct totals *t, FILE *out, const char *what, const char *n, unsigned rows)
{
	fprintf(out, "%-24s %10s %10s %10s\n", what, n, "TOTAL", "LONGEST");
	for (unsigned i = 0; i < t->rows.n && i < rows; i++) {
		const struct total *total = t->rows.list[i];

		fprintf(out, "%-24s %10" PRIu64 " %10s %10s\n",
			name_text(total->key.name, total->key.id).s, total->n,
			duration(total->sum).s, duration(total->max).s);
	}
	print_more(out, t->rows.n, rows);
}

static json_t *json_total(const void *row, const void *ctx)
{
	const struct total *t = row;

	(void)ctx;
	return json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", safe_text(t->key.name).s, "id",
			 (json_int_t)t->key.id, "n", (json_int_t)t->n, "sum_ns", (json_int_t)t->sum,
			 "max_ns", (json_int_t)t->max);
}

json_t *totals_json(const struct totals *t)
{
	return rows_json(&t->rows, json_total, NULL);
}
