/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of a trace between --from and --to. Only its packets are read. */
#ifndef NR_CLI_WINDOW_H
#define NR_CLI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <numaring/trace.h>

/* A time as it was given. */
struct window_time {
	enum window_base {
		WINDOW_NONE,  /* not given */
		WINDOW_EPOCH, /* since 1970, UTC */
		WINDOW_DAY,   /* since midnight, local time */
		WINDOW_START, /* since the start of the trace */
		WINDOW_END,   /* before its end */
	} base;
	int64_t s;
	uint32_t ns;
	const char *text;
};

struct window {
	struct window_time from, to;
	/* Set by window_open, CLOCK_MONOTONIC ns: */
	uint64_t begin, end;  /* events with begin <= ts < end; UINT64_MAX: no end */
	uint64_t first, last; /* the trace's own times */
};

/* For the options of a command, and its parser. */
enum { WINDOW_FROM = 512, WINDOW_TO };
#define WINDOW_OPTION_FROM                                                                         \
	{                                                                                          \
		.name = "from", .key = WINDOW_FROM, .arg = "TIME"                                  \
	}
#define WINDOW_OPTION_TO                                                                           \
	{                                                                                          \
		.name = "to", .key = WINDOW_TO, .arg = "TIME"                                      \
	}

/* Takes the value of one of these options. Exits with CLI_USAGE if it is not a time. */
void window_option(struct window *w, int key, const char *arg);

bool window_is_given(const struct window *w);
/* Moves the trace, which was just opened, to the begin of the window. Returns CLI_DONE, or another
 * exit status after a message: the window is empty, or outside of the trace. */
int window_open(struct window *w, struct nr_trace *trace, const char *dir);
/* As nr_trace_next; 0 is the end of the window or of the trace. */
int window_next(const struct window *w, struct nr_trace *trace, struct nr_event *ev);
/* Is all of the trace in the window, as far as the trace goes today? */
bool window_is_whole(const struct window *w);
/* The length of the window within the trace, ns. */
uint64_t window_length(const struct window *w);

#endif
