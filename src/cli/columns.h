/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as lines for people: time, CPU, task, event, and what the event says, in columns. */
#ifndef NR_COLUMNS_H
#define NR_COLUMNS_H

#include <time.h>
#include <numaring/event.h>
#include "put.h"

/* The event name of a record of unknown type. */
#define COLUMNS_RAW "numaring:raw"

enum columns_time {
	COLUMNS_LOCAL, /* the time of day, in the reader's time zone */
	COLUMNS_UTC,   /* with the date */
	COLUMNS_SINCE, /* seconds since the first line */
	COLUMNS_DELTA, /* seconds since the line before */
};

struct columns_opts {
	enum columns_time time;
	bool colour;
};

struct columns {
	struct put line; /* the event formatted last, with its newline */
	const struct nr_types *types;
	int64_t clock_offset;
	struct columns_opts opts;
	struct view **views; /* [id], NULL: not needed yet */
	struct call_memory *memory;
	bool begun;
	uint64_t first, last; /* ts of lines */
	time_t second;	      /* whose time of day is in clock */
	char clock[32];
};

/* Returns 0 or -ENOMEM. */
int columns_open(struct columns *c, const struct columns_opts *opts, const struct nr_types *types,
		 int64_t clock_offset);
void columns_close(struct columns *c); /* accepts a zeroed struct */

/* Formats an event into c->line. Returns 0 or -ENOMEM. */
int columns_event(struct columns *c, const struct nr_event *ev);

#endif
