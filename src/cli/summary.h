/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The numbers of a recording: while it runs, and at its end for people and for programs. */
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
	const struct outputs *outputs; /* where the stream went */
	const char *error;	       /* what ended the recording; NULL: it ended as it should */
	uint64_t delivered;	       /* events that went out, whatever ended the recording */
};

void summary_progress(FILE *out, const struct nr_stats *now, enum nr_order order,
		      uint64_t events_before, double seconds);
/* Both: 0 or a negative errno. */
int summary_print(FILE *out, const struct summary *s);
int summary_json(FILE *out, const struct summary *s);

#endif
