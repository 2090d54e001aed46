/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the files of the command: what was asked for, and what the tables are made of. */
#ifndef NR_MODEL_CMD_H
#define NR_MODEL_CMD_H

#include "model.h"

struct args {
	const char *verb;
	const char *file;
	const char *data;
	const char *host;
	const char *synthetic;
	const char *like;
	const char *policies;
	const char *producers;
	const char *rates;
	const char *merge;
	bool fill;
	bool markdown;
	unsigned perf_sample;
	uint64_t seed;
};

struct job {
	const struct args *args;
	const struct nr_topology *topo;
	const struct nr_model_machine *machine;
	const struct nr_model_family *family;
	struct nr_model_rest rest;
	unsigned *order; /* CPUs in the order in which they get a producer */
};

int nr_model_print_table(const struct job *job);

#endif
