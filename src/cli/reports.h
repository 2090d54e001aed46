/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which reports a command makes, and how they are printed. */
#ifndef NR_CLI_REPORTS_H
#define NR_CLI_REPORTS_H

#include <stdio.h>
#include "report/report.h"

#define REPORTS_MAX   16
#define REPORTS_WORST 10

struct reports {
	const struct report *list[REPORTS_MAX];
	unsigned n;
	unsigned worst; /* cases to show of each */
};

/* Take the values of options. They exit with CLI_USAGE and a message if one is invalid. */
void reports_add(struct reports *r, char *names); /* separated by commas */
void reports_number(struct reports *r, const char *arg);
/* The kinds of reports, with an example each. */
void reports_list(FILE *out);

/* Fills in the rest of env. NULL after a message. */
struct report_run *reports_open(const struct reports *r, struct report_env *env);
/* 0 or the negative errno of writing. */
int reports_print(struct report_run *run, FILE *out, bool json);

#endif
