/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is recorded, and how: the options that numaring record and numaring top share. */
#ifndef NR_WHAT_ARGS_H
#define NR_WHAT_ARGS_H

#include <numaring/numaring.h>
#include "cli.h"
#include "events_args.h"
#include "filter.h"
#include "object_args.h"
#include "processes.h"

struct what {
	struct nr_collector_opts opts;
	struct nr_plan_opts plan;
	struct strings sources; /* none, and no objects: sched */
	struct strings objects;
	struct object_args object_args;
	struct processes processes;
	struct filter filter; /* without pids: processes has them */
	bool is_wrong; /* what_open found a source or the filter to be wrong: exit with CLI_USAGE */
	unsigned trial_ms; /* time to add the objects, which loads each of them for a trial */
	int verbosity;
};

/* A child parser. Its input is a struct what. */
extern const struct argp what_argp;

/* Before the options are parsed. */
void what_init(struct what *w);
/* Opens a collector and adds the sources and objects. 0, or a negative errno after a message. */
int what_open(struct what *w, struct nr_collector **collector);
/* 0, or -ESRCH after a message: all processes of -p have exited. */
int what_check_processes(struct what *w);
/* True, after a message, when all processes of -p have exited: there is nothing more to record. */
bool what_is_gone(struct what *w);
void what_destroy(struct what *w);

#endif
