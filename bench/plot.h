/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plots as SVG text, drawn by gnuplot. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdbool.h>

struct plot_point {
	double x, y, low, high; /* of bars: low is the lower part of y */
};

struct plot_series {
	char label[96];
	unsigned nr;
	struct plot_point *points;
};

struct plot {
	const char *name; /* letters only */
	const char *title, *xlabel, *ylabel;
	bool log_x, log_y;
	bool bars; /* one bar for each series, in two parts */
	const char *parts[2];
	unsigned nr;
	struct plot_series *series;
};

/* -ENOENT: there is no gnuplot; -EIO: it failed; -ENODATA: what it wrote is not whole. Puts files
 * that begin with a dot into dir and removes them. */
int plot_svg(const struct plot *plot, const char *dir, char **svg);

int plot_add(struct plot *plot, const char *label, const struct plot_point *point);
void plot_free(struct plot *plot);

#endif
