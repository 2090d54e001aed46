/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as lines: JSON objects or CSV rows, for everything that prints events. */
#ifndef NR_LINES_H
#define NR_LINES_H

#include <stdio.h>
#include <time.h>
#include <numaring/event.h>

/* The event of a record that has no known type. */
#define LINES_RAW "numaring:raw"

enum lines_format { LINES_TEXT, LINES_JSON, LINES_CSV };

struct lines {
	FILE *out;
	enum lines_format format;
	const struct nr_types *types;
	int64_t clock_offset; /* CLOCK_MONOTONIC -> ns since the epoch, UTC */
	char *buf;	      /* grows to the longest line */
	size_t size;
	char clock[32]; /* the second of the event before, as text */
	time_t second;
	unsigned *first_column; /* LINES_CSV: [id] where the type's columns begin */
	unsigned columns;	/* of all types */
};

/* CSV writes its header here. 0 or -ENOMEM. */
int lines_open(struct lines *l, FILE *out, enum lines_format format, const struct nr_types *types,
	       int64_t clock_offset);
void lines_close(struct lines *l); /* out stays open; a zeroed one is fine */

/* 0, -ENOMEM, or the error of writing: then ferror(out) tells so. */
int lines_event(struct lines *l, const struct nr_event *ev);

#endif
