// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z_95 1.959964 /* 95 % of a normal distribution are within so many standard deviations */

/* ---- Mann and Whitney ---- */

/* A histogram as values in ascending order. */
struct points {
	size_t n;
	double total;
	double *value, *count;
};

static struct points points_of(const struct hist *h)
{
	struct points p = { .total = h->n };
	struct hist_bucket b = {};

	while (hist_next(h, &b))
		p.n++;
	p.value = calloc(2 * p.n, sizeof(*p.value));
	if (!p.value) {
		fputs("numaring: out of memory\n", stderr);
		exit(1);
	}
	p.count = p.value + p.n;
	p.n = 0;
	b = (struct hist_bucket){};
	while (hist_next(h, &b)) {
		double middle = b.low + (b.high - b.low) / 2;

		p.value[p.n] = middle > 0 ? middle : 0.5; /* so that a ratio exists */
		p.count[p.n++] = b.count;
	}
	return p;
}

/* U of b against a * scale: the pairs in which b is larger, and half of those that are equal. And
 * the sum of t^3 - t over groups of t equal values. */
struct rank {
	double u, ties;
};

static struct rank rank(const struct points *a, double scale, const struct points *b)
{
	struct rank r = {};
	double below = 0; /* values of a that are smaller than the group */
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		double va = i < a->n ? a->value[i] * scale : INFINITY;
		double vb = j < b->n ? b->value[j] : INFINITY;
		double na = va <= vb ? a->count[i++] : 0;
		double nb = vb <= va ? b->count[j++] : 0;
		double t = na + nb;

		r.u += nb * (below + na / 2);
		r.ties += t * t * t - t;
		below += na;
	}
	return r;
}

/* How many standard deviations b is above a * scale. */
static double z_of(const struct points *a, double scale, const struct points *b)
{
	double pairs = a->total * b->total, n = a->total + b->total;
	struct rank r = rank(a, scale, b);
	double variance = pairs / 12 * (n + 1 - r.ties / (n * (n - 1)));
	double off = r.u - pairs / 2;
	double corrected = fabs(off) > 0.5 ? fabs(off) - 0.5 : 0; /* for continuity */

	return variance > 0 ? copysign(corrected / sqrt(variance), off) : 0;
}

/* The scale of a at which b is z standard deviations above it. z_of falls as the scale grows. */
static double scale_at(const struct points *a, const struct points *b, double z)
{
	double low = log(b->value[0] / a->value[a->n - 1]) - 1;
	double high = log(b->value[b->n - 1] / a->value[0]) + 1;

	while (high - low > 1e-4) {
		double middle = (low + high) / 2;

		if (z_of(a, exp(middle), b) > z)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

static double two_sided(double z)
{
	return erfc(fabs(z) / M_SQRT2);
}

static void compare_all(struct comparison *c, const struct hist *ha, const struct hist *hb)
{
	struct points a = points_of(ha), b = points_of(hb);
	double width = 1 + 2 * HIST_ERROR;

	c->p = two_sided(z_of(&a, 1, &b));
	c->delta = 2 * rank(&a, 1, &b).u / (a.total * b.total) - 1;
	/* From both sides, because equal values make a plateau. */
	c->ratio = sqrt(scale_at(&a, &b, 1e-9) * scale_at(&a, &b, -1e-9));
	c->low = scale_at(&a, &b, Z_95) / width;
	c->high = scale_at(&a, &b, -Z_95) * width;
	free(a.value);
	free(b.value);
}

/* ---- the tail ---- */

static uint64_t count_above(const struct hist *h, uint64_t ns)
{
	struct hist_bucket b = {};
	uint64_t n = 0;

	while (hist_next(h, &b))
		n += b.low > ns ? b.count : 0;
	return n;
}

static void compare_tails(struct comparison *c, const struct hist *a, const struct hist *b)
{
	struct hist both = {};
	double xa, xb, share, deviation, off, least;

	hist_merge(&both, a);
	hist_merge(&both, b);
	c->tail_above = hist_quantile(&both, 990);
	hist_clear(&both);
	xa = count_above(a, c->tail_above);
	xb = count_above(b, c->tail_above);
	c->tail_a = xa / a->n;
	c->tail_b = xb / b->n;
	share = (xa + xb) / (a->n + b->n);
	least = a->n < b->n ? a->n : b->n;
	if (share * least < 5)
		return;
	deviation = sqrt(share * (1 - share) * (1.0 / a->n + 1.0 / b->n));
	off = fabs(c->tail_b - c->tail_a) - 0.5 * (1.0 / a->n + 1.0 / b->n);
	c->tail_p = two_sided(off > 0 ? off / deviation : 0);
}

struct comparison compare(const struct hist *a, const struct hist *b)
{
	struct comparison c = { .p = 1, .tail_p = 1 };

	if (a->n < COMPARE_MIN || b->n < COMPARE_MIN)
		return c;
	compare_all(&c, a, b);
	compare_tails(&c, a, b);
	return c;
}

/* ---- many comparisons ---- */

static int by_p(const void *a, const void *b)
{
	double x = **(double *const *)a, y = **(double *const *)b;

	return (x > y) - (x < y);
}

void compare_adjust(double **p, size_t n)
{
	double least = 1;

	qsort(p, n, sizeof(*p), by_p);
	for (size_t i = n; i-- > 0;) {
		double adjusted = *p[i] * n / (i + 1);

		least = adjusted < least ? adjusted : least;
		*p[i] = least;
	}
}
