/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* record --report: reports of a recording, made while it goes on. No trace is needed. */
#ifndef NR_CLI_RECORD_REPORT_H
#define NR_CLI_RECORD_REPORT_H

#include <numaring/numaring.h>
#include "reports.h"
#include "what_args.h"

#define RECORD_REPORT_SOURCES 16

struct record_report {
	struct reports kinds; /* none: --report was not given */
	struct report_run *run;
	struct nr_symbols *symbols;
	struct nr_collector *collector;
	char sources[RECORD_REPORT_SOURCES][64];
	unsigned n_sources;
	uint64_t asked; /* time of the event at which losses were counted last, ns */
	uint64_t end;	/* when the recording began to stop, ns: from then on, events are missing */
};

/* If the user gives none, adds the sources that the reports need. */
void record_report_sources(struct record_report *r, struct what *what);
/* After the sources and the other outputs: adds the output that feeds the reports. filter: of the
 * recording; NULL: none. */
int record_report_open(struct record_report *r, struct nr_collector *c, const char *filter);
/* Just before the recording stops. */
void record_report_stop(struct record_report *r);
/* After the recording. Returns 0 or the negative errno of writing. */
int record_report_print(struct record_report *r, const struct nr_stats *stats, FILE *out);
void record_report_close(struct record_report *r);

#endif
