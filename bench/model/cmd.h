/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `numaring-bench model` was asked for, and what its verbs work with. */
#ifndef BENCH_MODEL_CMD_H
#define BENCH_MODEL_CMD_H

#include "model.h"

#define MAX_LIST 32

enum verb { VERB_CHECK, VERB_FIT, VERB_PREDICT, VERB_SURFACE, VERB_LIMITS };

struct args {
	enum verb verb;
	const char *data;
	const char *host, *synthetic;
	const char *like;
	const char *sweep, *sweep_host;
	const char *policy_list, *producer_list, *rate_list;
	bool fill;
	bool markdown;
	uint64_t seed;
	struct rest rest;

	unsigned n_policies, n_producers, n_rates;
	char *policies[MAX_LIST];
	double producers[MAX_LIST]; /* 0: all */
	double rates[MAX_LIST];	    /* 0: flat out */
};

/* Ends the process with status 2 if something is wrong with the arguments. */
void args_parse(struct args *a, int argc, char **argv);

struct job {
	const struct args *args;
	struct curves curves;
	struct like like;
	struct nr_topology *topo;
	struct machine *machine;
	struct machine *swept; /* the sweep's */
	bool own;	       /* the machine is the published host itself */
	struct family family;
	struct rest rest;
	struct sweep_curve sweep;	/* if there is one */
	struct shards shards[MAX_LIST]; /* of each policy */
	unsigned *order;		/* CPUs in the order in which they get a producer */
};

void print_table(const struct job *job);

#endif
