/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plots as SVG text, drawn by gnuplot. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <jansson.h>
#include <stdbool.h>

struct plot_point {
	double x, y, low; /* low is of bars: the lower part of y */
};

struct plot_series {
	char label[96];
	unsigned n;
	struct plot_point *points;
	unsigned n_runs; /* of all points together */
	struct plot_point *runs;
};

struct plot {
	const char *name; /* letters only */
	const char *title, *xlabel, *ylabel;
	bool log_x, log_y;
	bool bars; /* one bar for each series, in two parts */
	const char *parts[2];
	unsigned n;
	struct plot_series *series;
};

/* -ENOENT: there is no gnuplot; -EIO: it failed; -ENODATA: what it wrote is not whole. */
int plot_svg(const struct plot *plot, char **svg);

/* A point of the line, and the runs behind it: an array of numbers, each to be multiplied by scale,
 * or NULL. */
int plot_add(struct plot *plot, const char *label, const struct plot_point *point,
	     const json_t *runs, double scale);
void plot_free(struct plot *plot);

#endif
