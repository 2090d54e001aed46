/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --filter and its shorthands, for commands that read a trace (docs/filters.md). */
#ifndef NR_CLI_FILTER_H
#define NR_CLI_FILTER_H

#include <numaring/query.h>
#include "window.h"

struct filter {
	/* As given; NULL: not given. All of them have to match. */
	const char *expr, *pids, *comm, *cpus, *cgroup;
	/* Set by filter_open: */
	char *text; /* of all together; NULL: every event matches */
	struct nr_query *query;
};

/* For the options of a command, and its parser. */
enum { FILTER_PIDS = 'p', FILTER_CPUS = 'C', FILTER_EXPR = 520, FILTER_COMM, FILTER_CGROUP };
#define FILTER_OPTION_EXPR                                                                         \
	{                                                                                          \
		.name = "filter", .key = FILTER_EXPR, .arg = "EXPR"                                \
	}
#define FILTER_OPTION_PIDS                                                                         \
	{                                                                                          \
		.name = "pid", .key = FILTER_PIDS, .arg = "PIDS"                                   \
	}
#define FILTER_OPTION_COMM                                                                         \
	{                                                                                          \
		.name = "comm", .key = FILTER_COMM, .arg = "GLOB"                                  \
	}
#define FILTER_OPTION_CPUS                                                                         \
	{                                                                                          \
		.name = "cpus", .key = FILTER_CPUS, .arg = "CPUS"                                  \
	}
/* Only while recording. */
#define FILTER_OPTION_CGROUP                                                                       \
	{                                                                                          \
		.name = "cgroup", .key = FILTER_CGROUP, .arg = "PATH"                              \
	}
#define FILTER_OPTIONS                                                                             \
	FILTER_OPTION_EXPR, FILTER_OPTION_PIDS, FILTER_OPTION_COMM, FILTER_OPTION_CPUS

/* Takes the value of one of these options. False: it is another key. Exits with CLI_USAGE if a list is
 * invalid. */
bool filter_option(struct filter *f, int key, const char *arg);

/* The whole as one expression, malloc'ed; NULL: nothing was given. */
char *filter_text(const struct filter *f);
/* Compiles it for the types of a trace. Returns CLI_DONE, or another exit status after a message. */
int filter_open(struct filter *f, const struct nr_trace *trace);
bool filter_matches(const struct filter *f, const struct nr_event *ev);
/* As window_next, but goes on to the next event that matches. */
int filter_next(const struct filter *f, const struct window *w, struct nr_trace *trace,
		struct nr_event *ev);
void filter_close(struct filter *f);

#endif
