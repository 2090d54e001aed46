/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Nelder-Mead. The well-kept library that has it is under the GPL version 3, which this project's
 * choice of licences does not mix with; the method is a page.
 */
#include <math.h>
#include <string.h>

#include "model.h"

#define MAX_STEPS 4000
#define RESTARTS  4

struct simplex {
	objective_fn f;
	void *ctx;
	unsigned n; /* dimensions; n + 1 corners, sorted by value */
	double corner[MAX_DIM + 1][MAX_DIM];
	double value[MAX_DIM + 1];
};

static void sort_corners(struct simplex *s)
{
	double tmp[MAX_DIM], v;
	unsigned j;

	for (unsigned i = 1; i <= s->n; i++) {
		memcpy(tmp, s->corner[i], sizeof(tmp));
		v = s->value[i];
		for (j = i; j && s->value[j - 1] > v; j--) {
			memcpy(s->corner[j], s->corner[j - 1], sizeof(tmp));
			s->value[j] = s->value[j - 1];
		}
		memcpy(s->corner[j], tmp, sizeof(tmp));
		s->value[j] = v;
	}
}

static void replace_worst(struct simplex *s, const double *x, double v)
{
	memcpy(s->corner[s->n], x, sizeof(s->corner[0]));
	s->value[s->n] = v;
}

/* The point on the line from the worst corner through the centre of the others; returns its value.
 */
static double along(struct simplex *s, double t, double *x)
{
	for (unsigned d = 0; d < s->n; d++) {
		double centre = 0;

		for (unsigned i = 0; i < s->n; i++)
			centre += s->corner[i][d] / s->n;
		x[d] = centre + t * (s->corner[s->n][d] - centre);
	}
	return s->f(x, s->ctx);
}

static void shrink(struct simplex *s)
{
	for (unsigned i = 1; i <= s->n; i++) {
		for (unsigned d = 0; d < s->n; d++)
			s->corner[i][d] = (s->corner[i][d] + s->corner[0][d]) / 2;
		s->value[i] = s->f(s->corner[i], s->ctx);
	}
}

static void step(struct simplex *s)
{
	double x[MAX_DIM] = { 0 }, y[MAX_DIM] = { 0 };
	double vx = along(s, -1, x), vy;

	if (vx < s->value[0]) {
		vy = along(s, -2, y);
		replace_worst(s, vy < vx ? y : x, fmin(vx, vy));
	} else if (vx < s->value[s->n - 1]) {
		replace_worst(s, x, vx);
	} else {
		vy = along(s, vx < s->value[s->n] ? -0.5 : 0.5, y);
		if (vy < fmin(vx, s->value[s->n]))
			replace_worst(s, y, vy);
		else
			shrink(s);
	}
}

static void spread_corners(struct simplex *s, const double *x)
{
	for (unsigned i = 0; i <= s->n; i++) {
		memset(s->corner[i], 0, sizeof(s->corner[i]));
		memcpy(s->corner[i], x, s->n * sizeof(*x));
		if (i)
			s->corner[i][i - 1] += 0.3;
		s->value[i] = s->f(s->corner[i], s->ctx);
	}
}

double minimize(objective_fn f, void *ctx, double *x, unsigned n)
{
	struct simplex s = { .f = f, .ctx = ctx, .n = n };

	for (unsigned run = 0; run < RESTARTS; run++) {
		spread_corners(&s, x);
		for (unsigned i = 0; i < MAX_STEPS; i++) {
			sort_corners(&s);
			if (s.value[n] - s.value[0] < 1e-12)
				break;
			step(&s);
		}
		sort_corners(&s);
		memcpy(x, s.corner[0], n * sizeof(*x));
	}
	return s.value[0];
}
