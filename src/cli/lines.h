/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Formats events as lines of text, JSON objects or CSV rows, for every command that prints events.
 */
#ifndef NR_LINES_H
#define NR_LINES_H

#include <stdio.h>
#include <time.h>
#include <numaring/event.h>
#include <numaring/symbols.h>
#include "columns.h"

/* The event name of a record of unknown type. */
#define LINES_RAW COLUMNS_RAW

enum lines_format { LINES_TEXT, LINES_JSON, LINES_CSV };

struct lines_opts {
	enum lines_format format;
	struct columns_opts text; /* for LINES_TEXT */
};

struct lines {
	FILE *out;
	struct lines_opts opts;
	const struct nr_types *types;
	int64_t clock_offset; /* CLOCK_MONOTONIC -> ns since the epoch, UTC */
	struct columns text;  /* LINES_TEXT */
	char *buf;	      /* of the others: grows to the longest line */
	size_t size;
	char clock[32]; /* the second of the previous event, as text */
	time_t second;
	unsigned *first_column; /* LINES_CSV: [id], the type's first column */
	unsigned columns;	/* LINES_CSV: of all types together */
	/* Set after lines_open: the names of stacks for LINES_TEXT and LINES_JSON; NULL: none. */
	struct nr_symbols *symbols;
};

/* Writes the header of CSV. Returns 0 or -ENOMEM. */
int lines_open(struct lines *l, FILE *out, const struct lines_opts *opts,
	       const struct nr_types *types, int64_t clock_offset);
void lines_close(struct lines *l); /* out stays open; accepts a zeroed struct */

/* Returns 0, -ENOMEM, or the write error if ferror(out) is set. */
int lines_event(struct lines *l, const struct nr_event *ev);

/* A time of the trace as the lines of LINES_TEXT have it by default. Returns buf. */
const char *lines_time(char *buf, size_t size, uint64_t ts, int64_t clock_offset);
/* The same as LINES_CSV and LINES_JSON have it: UTC, with the date. */
const char *lines_utc(char *buf, size_t size, uint64_t ts, int64_t clock_offset);

#endif
