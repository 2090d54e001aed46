// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "hist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "duration.h"

#define NR_BUCKETS (HIST_GROUPS * HIST_SUB)

/* ---- buckets ---- */

/* Group 0 holds the values below 64, one each; group g > 0 those from 2^(g + 5) to 2^(g + 6), in
 * buckets of 2^(g - 1). */
static unsigned index_of(uint64_t ns)
{
	unsigned shift;

	if (ns < HIST_SUB)
		return ns;
	shift = 63 - __builtin_clzll(ns) - HIST_SUB_BITS;
	return (shift + 1) * HIST_SUB + (ns >> shift) - HIST_SUB;
}

static void bounds(struct hist_bucket *b)
{
	unsigned group = b->index / HIST_SUB, sub = b->index % HIST_SUB;
	unsigned shift = group ? group - 1 : 0;

	b->low = (uint64_t)(group ? HIST_SUB + sub : sub) << shift;
	b->high = b->low + ((1ull << shift) - 1);
}

static uint64_t middle(const struct hist_bucket *b)
{
	return b->low + (b->high - b->low) / 2;
}

static uint64_t *count_at(struct hist *h, unsigned index)
{
	uint64_t **group = &h->counts[index / HIST_SUB];

	if (!*group) {
		*group = calloc(HIST_SUB, sizeof(**group));
		if (!*group) {
			fputs("numaring: out of memory\n", stderr);
			exit(1);
		}
	}
	return &(*group)[index % HIST_SUB];
}

bool hist_next(const struct hist *h, struct hist_bucket *b)
{
	for (unsigned i = b->count ? b->index + 1 : 0; i < NR_BUCKETS; i++) {
		const uint64_t *group = h->counts[i / HIST_SUB];

		if (!group)
			i |= HIST_SUB - 1;
		if (!group || !group[i % HIST_SUB])
			continue;
		*b = (struct hist_bucket){ .index = i, .count = group[i % HIST_SUB] };
		bounds(b);
		return true;
	}
	return false;
}

void hist_add(struct hist *h, uint64_t ns)
{
	(*count_at(h, index_of(ns)))++;
	h->min = h->n && h->min < ns ? h->min : ns;
	h->max = h->max > ns ? h->max : ns;
	h->sum += ns;
	h->n++;
}

void hist_merge(struct hist *h, const struct hist *from)
{
	struct hist_bucket b = {};

	if (!from->n)
		return;
	while (hist_next(from, &b))
		*count_at(h, b.index) += b.count;
	h->min = h->n && h->min < from->min ? h->min : from->min;
	h->max = h->max > from->max ? h->max : from->max;
	h->sum += from->sum;
	h->n += from->n;
}

void hist_clear(struct hist *h)
{
	for (unsigned g = 0; g < HIST_GROUPS; g++)
		free(h->counts[g]);
	memset(h, 0, sizeof(*h));
}

uint64_t hist_quantile(const struct hist *h, unsigned permille)
{
	/* The rank, from 1, rounded up. */
	uint64_t rank = h->n / 1000 * permille + (h->n % 1000 * permille + 999) / 1000;
	uint64_t seen = 0, value = 0;
	struct hist_bucket b = {};

	if (rank <= 1)
		return h->min;
	if (rank >= h->n)
		return h->max;
	while (seen < rank && hist_next(h, &b)) {
		seen += b.count;
		value = middle(&b);
	}
	if (value < h->min)
		return h->min;
	return value < h->max ? value : h->max;
}

/* ---- text ---- */

#define MAX_ROWS 12
#define BAR	 36 /* columns of the longest bar */

/* Bounds within a decade, the finest first. */
static const struct steps {
	unsigned n, tenths[10];
} all_steps[] = {
	{ 10, { 10, 12, 15, 20, 25, 30, 40, 50, 60, 80 } },
	{ 3, { 10, 20, 50 } },
	{ 2, { 10, 30 } },
	{ 1, { 10 } },
};

struct rows {
	unsigned n;
	uint64_t low[MAX_ROWS + 1]; /* of each row; [n]: the end of the last */
	uint64_t count[MAX_ROWS];
};

/* Bound i of a series: 0, then from 1 ns on; UINT64_MAX above 10^18. */
static uint64_t bound(const struct steps *s, unsigned i)
{
	uint64_t decade = 1;

	if (!i--)
		return 0;
	if (i / s->n > 18)
		return UINT64_MAX;
	for (unsigned d = i / s->n; d; d--)
		decade *= 10;
	return decade * s->tenths[i % s->n] / 10;
}

/* The rows from min to max with these steps. False: too many. */
static bool make_rows(struct rows *r, const struct steps *s, uint64_t min, uint64_t max)
{
	unsigned first = 0;

	while (bound(s, first + 1) <= min && bound(s, first + 1) != UINT64_MAX)
		first++;
	r->n = 0;
	do {
		if (r->n == MAX_ROWS)
			return false;
		r->low[r->n] = bound(s, first + r->n);
		r->n++;
	} while (bound(s, first + r->n) <= max && bound(s, first + r->n) != UINT64_MAX);
	r->low[r->n] = bound(s, first + r->n);
	return true;
}

/* With decades too small, the lowest and the highest are counted in the rows next to them. */
static void choose_rows(struct rows *r, const struct hist *h)
{
	uint64_t min = h->min;

	for (size_t i = 0; i < sizeof(all_steps) / sizeof(all_steps[0]); i++)
		if (make_rows(r, &all_steps[i], h->min, h->max))
			return;
	while (!make_rows(r, &all_steps[3], min, h->max))
		min = min * 10 + 1;
	r->low[0] = 0;
}

static void count_rows(struct rows *r, const struct hist *h)
{
	struct hist_bucket b = {};

	memset(r->count, 0, sizeof(r->count));
	while (hist_next(h, &b)) {
		unsigned i = 0;
		uint64_t at = middle(&b);

		at = at < h->min ? h->min : at > h->max ? h->max : at;
		while (i + 1 < r->n && at >= r->low[i + 1])
			i++;
		r->count[i] += b.count;
	}
}

/* In eighths of a column; never nothing for a count that is not 0. */
static void print_bar(FILE *out, uint64_t count, uint64_t most, bool utf8)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	unsigned eighths = (double)count / most * BAR * 8 + 0.5;

	if (count && !eighths)
		eighths = 1;
	if (!utf8)
		eighths = (eighths + 7) / 8 * 8;
	for (unsigned i = 0; i < eighths / 8; i++)
		fputs(utf8 ? "█" : "#", out);
	fputs(parts[eighths % 8], out);
}

void hist_print(const struct hist *h, FILE *out, bool utf8)
{
	struct rows r;
	uint64_t most = 0;

	if (!h->n)
		return;
	choose_rows(&r, h);
	count_rows(&r, h);
	for (unsigned i = 0; i < r.n; i++)
		most = most > r.count[i] ? most : r.count[i];
	for (unsigned i = 0; i < r.n; i++) {
		fprintf(out, "  %8s - %8s %9" PRIu64, duration(r.low[i]).s,
			duration(r.low[i + 1]).s, r.count[i]);
		if (r.count[i])
			fputs("  ", out);
		print_bar(out, r.count[i], most, utf8);
		fputc('\n', out);
	}
}

/* ---- JSON ---- */

json_t *hist_json(const struct hist *h)
{
	json_t *list = json_array();
	struct hist_bucket b = {};

	while (hist_next(h, &b))
		json_array_append_new(list, json_pack("[I, I, I]", (json_int_t)b.low,
						      (json_int_t)b.high, (json_int_t)b.count));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "n",
			 (json_int_t)h->n, "sum_ns", (json_int_t)h->sum, "min_ns",
			 (json_int_t)h->min, "p50_ns", (json_int_t)hist_quantile(h, 500), "p90_ns",
			 (json_int_t)hist_quantile(h, 900), "p99_ns",
			 (json_int_t)hist_quantile(h, 990), "p999_ns",
			 (json_int_t)hist_quantile(h, 999), "max_ns", (json_int_t)h->max,
			 "relative_error", HIST_ERROR, "buckets", list);
}
