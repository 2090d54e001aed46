/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A sweep's file is JSON Lines: first the host, then a row for each run as it ends, finally for
 * each configuration the median and the quartiles of its valid runs. "kind" tells them apart.
 */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include <signal.h>
#include "bench.h"

/* ---- grids (grid.c) ---- */

struct grid {
	unsigned n;
	struct config *cfg;
};

/* One line of a grid: for each value of a configuration a list like "1,2,4", or NULL for the
 * default. */
struct axes {
	const char *list[16];
};

/* Adds every combination; -EINVAL was explained. */
int grid_add(struct grid *grid, const struct axes *axes);
/* Lines of "--NAME LIST ..."; # begins a comment. */
int grid_add_text(struct grid *grid, const char *text, const char *name);
int grid_add_file(struct grid *grid, const char *path);
/* A grid for this host: quick, in a few minutes, or thorough. */
int grid_add_default(struct grid *grid, const struct nr_topology *topo, bool quick);
/* What it costs to split memory: loss with the same memory of all rings or lanes together, under even
 * and uneven loads. */
int grid_add_skew(struct grid *grid, const struct nr_topology *topo);
/* Replaces 0 where it stands for a value of this host, and drops duplicates. */
void grid_settle(struct grid *grid, const struct nr_topology *topo);

/* ---- runs (child.c) ---- */

/* Runs it in a child process. Never NULL: the row of a run that failed has a reason and no
 * "seconds". */
json_t *child_run(const struct config *cfg);
/* Set by a signal handler: end the run. */
extern volatile sig_atomic_t child_interrupted;

/* ---- files (summary.c) ---- */

struct sweep_file {
	json_t *host; /* NULL: none */
	json_t *runs; /* array of rows */
	unsigned medians;
};

struct sweep_file sweep_read(const char *path);

/* Counts the runs that are not valid. */
unsigned sweep_invalid(const json_t *runs);

/* What is measured: a name, where it stands in a row, and how a table shows it. */
struct metric {
	const char *name;
	const char *object; /* NULL: the row itself */
	const char *key;
	const char *head;
	double scale;
	int digits;
};
#define N_METRICS 24
extern const struct metric sweep_metrics[N_METRICS];

/* Of a run; NULL: it has none, or is not valid. */
json_t *metric_of(const json_t *row, const struct metric *m);
/* For each configuration, in order of appearance, an object with its values and for each metric
 * {"median":..., "q1":..., "q3":..., "n":..., "runs":[...], "groups":1 or 2}, see two_groups. */
json_t *sweep_medians(const json_t *runs);
/* The largest share of CPU time that went elsewhere, of all medians. */
double sweep_elsewhere(const json_t *medians);
const struct metric *sweep_metric(const char *name); /* NULL: there is none */

/* ---- what medians say (verdict.c) ---- */

#define VERDICT_SIZE 1024

/* What most configurations have. */
json_t *verdict_base(const json_t *medians);
/* In a sentence: which policy wins with the most producers, how clearly and how certainly. */
void verdict_of_sweep(char text[VERDICT_SIZE], const json_t *medians, const json_t *base,
		      const json_t *host);
/* How rows with "sweep": "B" differ from those with "A"; false: no configuration is in both. */
bool verdict_of_two(char text[VERDICT_SIZE], const json_t *medians, const json_t *base);

/* The name of a row, where all but its transport is as in base. */
char *row_label(const json_t *base, const json_t *sum, char *buf, size_t size);
/* The same for one that stands alone: values that are not as in base are told. */
char *row_variant(const json_t *base, const json_t *sum, char *buf, size_t size);
/* "llc, 192 producers, flat out" */
char *row_text(const json_t *base, const json_t *sum, char buf[192]);
/* What the row is compared with: its configuration in sweep A, or else with one ring; NULL: none. */
const json_t *row_rival(const json_t *medians, const json_t *sum);
struct ratio row_ratio(const json_t *a, const json_t *b, const char *metric);

#endif
