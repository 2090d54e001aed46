/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the report "syscalls" keeps, and how it is told. */
#ifndef NR_REPORT_SYSCALLS_H
#define NR_REPORT_SYSCALLS_H

#include <jansson.h>
#include <stdio.h>
#include "call_kinds.h"
#include "calls.h"
#include "hist.h"
#include "report.h"
#include "rows.h"
#include "totals.h"
#include "worst.h"

/* Calls of one kind. */
struct call_row {
	int64_t nr; /* the key */
	const char *name;
	bool waits; /* by design */
	struct hist took;
	uint64_t errors;
};

struct error_row {
	struct error_key {
		int32_t nr, error;
	} key;
	const char *name;
	uint64_t n;
};

struct long_call {
	struct pair pair;
	const struct call_row *row;
	int32_t tid;
	char comm[FEED_COMM];
	const char *error; /* NULL: none */
	bool entered;	   /* the call is known, */
	bool sched;	   /* and what it waited for */
	struct call call;
};

struct syscalls {
	struct calls calls; /* first */
	const struct report_env *env;
	struct pairs *pairs;
	struct call_kinds kinds;
	struct rows rows, errors;
	struct totals tasks;
	struct worst worst;
	struct hist took;
	uint64_t n, failed;
};

/* After the end. */
void syscalls_print(void *state, FILE *out);
json_t *syscalls_json(void *state);

#endif
