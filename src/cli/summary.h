/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The statistics of a recording: a progress line, and the summary for people and for programs. */
#ifndef NR_SUMMARY_H
#define NR_SUMMARY_H

#include <stdio.h>
#include <numaring/numaring.h>
#include "outputs.h"

struct summary {
	const struct nr_stats *stats;
	const struct nr_plan *plan;
	const struct nr_types *types;
	enum nr_order order;
	const struct outputs *outputs;
	const char *error;  /* that ended the recording; NULL: none */
	bool brief;	    /* only the first line */
	uint64_t delivered; /* events that reached the first output, even if the recording failed */
};

/* Replaces the line of progress. events_before: events_written `seconds` ago. */
void summary_progress(FILE *out, const struct nr_stats *now, enum nr_order order,
		      uint64_t events_before, double seconds);
/* Both return 0 or a negative errno. */
int summary_print(FILE *out, const struct summary *s);
int summary_json(FILE *out, const struct summary *s);

#endif
