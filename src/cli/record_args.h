/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of numaring record. */
#ifndef NR_RECORD_ARGS_H
#define NR_RECORD_ARGS_H

#include <numaring/numaring.h>
#include "cli.h"
#include "command.h"
#include "outputs.h"
#include "record_report.h"
#include "signals.h"
#include "what_args.h"

struct record {
	struct what what;
	struct outputs outputs;
	const char *stats_json;
	struct destination stats;
	gid_t group;
	bool fail_on_loss;
	unsigned duration_ms; /* 0: no limit */
	struct command command;
	struct record_report report;

	struct nr_collector *collector;
	struct signals signals;
	bool stuck; /* a thread is in a write that does not return and still uses the collector */
};

/* Its input is a struct record. Parse with ARGP_IN_ORDER: COMMAND has options of its own. */
extern const struct argp record_argp;

#endif
