/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of numaring record. */
#ifndef NR_RECORD_ARGS_H
#define NR_RECORD_ARGS_H

#include <numaring/numaring.h>
#include "cli.h"
#include "command.h"
#include "events_args.h"
#include "outputs.h"
#include "processes.h"
#include "signals.h"

struct record {
	struct nr_collector_opts opts;
	struct nr_plan_opts plan;
	struct outputs outputs;
	struct strings sources; /* none, and no objects: sched */
	struct strings objects;
	struct processes processes;
	const char *stats_json;
	struct destination stats;
	gid_t group;
	bool fail_on_loss;
	unsigned duration_ms; /* 0: no limit */
	unsigned trial_ms;    /* time to add the objects, which loads each of them for a trial */
	int verbosity;
	struct command command;

	struct nr_collector *collector;
	struct signals signals;
	bool stuck; /* a thread is in a write that does not return and still uses the collector */
};

/* Its input is a struct record. Parse with ARGP_IN_ORDER: COMMAND has options of its own. */
extern const struct argp record_argp;

#endif
