/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reports: the answer instead of the events. A report reads some event types, makes pairs of them
 * (a switch-out and the next switch-in), and prints a verdict, the worst cases with their causes, a
 * histogram, and totals (docs/answers.md).
 *
 * A run takes all events of a trace, or of a recording, in their order, and gives them to one or
 * more reports.
 */
#ifndef NR_REPORT_H
#define NR_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <numaring/event.h>
#include <numaring/symbols.h>
#include "feed.h"
#include "pairs.h"

struct report_env {
	const struct nr_types *types;
	int64_t clock_offset;	     /* CLOCK_MONOTONIC -> ns since the epoch, UTC */
	struct nr_symbols *symbols;  /* names of addresses in stacks; NULL: unknown */
	unsigned worst;		     /* how many worst cases to show */
	bool utf8;		     /* for people: block characters may be used */
	const uint32_t *node_of_cpu; /* [n_cpus]; NULL: unknown */
	unsigned n_cpus;
	/* Only these processes, "12,34", and only tasks whose name matches this glob; NULL: all. For
	 * reports in whose events --filter cannot tell whose pair it is. */
	const char *pids, *comm;
	const char *filter; /* of the recording; NULL: none */
	uint64_t begin;	    /* time from which on the events are complete; 0: not known yet */
};

struct report {
	const char *name;
	const char *about;
	const char *sources;		/* what record needs to record: "sched" */
	const struct feed_type *events; /* up to one without a name */
	size_t pair_size;		/* of struct pair and what the report adds to it */

	/* env: valid until close. pairs: where finished pairs go (pairs_add). */
	void *(*open)(const struct report_env *env, struct pairs *pairs);
	void (*close)(void *state);
	/* A pair without losses. NULL: the report makes no pairs. */
	void (*pair)(void *state, struct pair *pair);
	/* A pair with losses, as pairs.h says. May be NULL. */
	void (*drop)(struct pair *pair);
	/* After the last pair: the time at which the events end. May be NULL. */
	void (*end)(void *state, uint64_t end);
	void (*print)(void *state, FILE *out);
	json_t *(*json)(void *state);
};

/* The NUMA node of a CPU, -1: unknown. */
int report_node(const struct report_env *env, unsigned cpu);
/* Did the recording's filter choose among CPUs? Then what seems to go on may have ended on another one. */
bool report_lacks_cpus(const struct report_env *env);
/* Is a task one that env asks for? */
bool report_wants(const struct report_env *env, uint32_t pid, const char *comm);

/* By name; NULL: there is none. */
const struct report *report_find(const char *name);
/* Report i, from 0; NULL: there are no more. */
const struct report *report_at(unsigned i);

struct report_run;

/* Returns NULL after writing to why if the events of a report are not among the types. */
struct report_run *report_run_open(const struct report *const *reports, unsigned n,
				   const struct report_env *env, char *why, size_t size);
void report_run_close(struct report_run *run);

/* Before the end, if the begin was not known: the events are complete from this time on. */
void report_run_begin(struct report_run *run, uint64_t begin);
/* The next event, and whether it passes --filter. */
void report_run_event(struct report_run *run, const struct nr_event *ev, bool passes);
/* Events are missing after begin and before end. */
void report_run_gap(struct report_run *run, uint64_t begin, uint64_t end);
/* Before the first event: so many records were lost before the begin, by all CPUs. */
void report_run_before(struct report_run *run, uint64_t lost);
/* So many records were lost from the begin to this time, by all CPUs. */
void report_run_lost(struct report_run *run, uint64_t lost, uint64_t time);
/* No more events. end: when they end; 0: with the last one. lost: all losses. */
void report_run_end(struct report_run *run, uint64_t end, uint64_t lost);

/* After the end. */
void report_run_print(struct report_run *run, FILE *out);
/* One report: its object; more: an array of them. */
json_t *report_run_json(struct report_run *run);

#endif
