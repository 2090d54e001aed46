/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Report "diff": which distributions and which rates changed between two traces. What is compared, by
 * which tests, and what is called changed: docs/answers.md.
 *
 * All events of both traces go through diff_event; diff_compare makes the rows.
 */
#ifndef NR_REPORT_DIFF_H
#define NR_REPORT_DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <numaring/event.h>
#include "compare.h"
#include "rows.h"

#define DIFF_P	    0.05 /* adjusted; below it a difference is not called chance */
#define DIFF_RATIO  1.1	 /* least ratio of durations, either way */
#define DIFF_TAIL   2.0	 /* least ratio of the shares of long durations */
#define DIFF_RATE   1.25 /* least ratio of rates */
#define DIFF_SLICES 50	 /* into which the shorter trace is divided to compare rates */

/* What one trace says about a name. */
struct diff_part {
	struct hist took;   /* ns; empty if only the rate is compared */
	struct hist counts; /* events in each slice */
	uint64_t n;
	double per_second;
};

struct diff_row {
	struct diff_key {
		uint64_t measure; /* a number in diff.c */
		char name[64];	  /* "read" */
	} key;
	const char *kind; /* "syscalls" */
	bool has_took;	  /* else only the rate is compared */
	const struct diff_part *a, *b;
	struct comparison took, rate;
	bool took_changed, tail_changed, rate_changed;
};

struct diff_trace {
	const struct nr_types *types;
	uint64_t begin, end;
};

struct diff {
	struct diff_side *sides[2];
	uint64_t slice; /* ns */

	/* After diff_compare: */
	struct rows rows; /* of struct diff_row, by the size of the change, the largest first */
	struct diff_part none[2];    /* of a name that a trace does not have */
	unsigned tests;		     /* p-values that were adjusted together */
	unsigned n_took, few;	     /* rows with durations; of these, with too few of them */
	unsigned took, tails, rates; /* changed */
	uint64_t lost[2];
	char skipped[256]; /* kinds that only one trace can answer: "offcpu, runq" */
};

/* kind: a kind of report; NULL: all. -ENOENT: there is none that both
 * traces answer. */
int diff_open(struct diff *d, const struct diff_trace traces[2], const char *kind);
void diff_close(struct diff *d);

/* An event of trace i, 0 or 1; the events of one trace come in order. passes:
 * it passes --filter. */
void diff_event(struct diff *d, unsigned i, const struct nr_event *ev, bool passes);
void diff_compare(struct diff *d);

/* Is there such a kind? */
bool diff_knows(const char *kind);
/* "offcpu, runq, syscalls, ..." */
const char *diff_kinds(void);

/* rows: of each table, at most. */
void diff_print(const struct diff *d, FILE *out, unsigned rows);
json_t *diff_json(const struct diff *d);

#endif
