/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stat and verify count in a trace. */
#ifndef NR_CLI_COUNTS_H
#define NR_CLI_COUNTS_H

#include "filter.h"
#include "gaps.h"

#define COUNTS_IDS  (UINT16_MAX + 1)
#define COUNTS_CPUS (UINT16_MAX + 1)

/* The events of a chunk, or of a flat trace, which has the number 0. */
struct counts_chunk {
	uint64_t number;
	uint64_t events, missed; /* missed: in gaps between its packets with events */
	uint64_t missed_before;	 /* in gaps before these; they may be of the chunk before */
};

struct counts {
	uint64_t events, unordered, late;
	uint64_t lost; /* from the first packet to the last one */
	uint64_t packets;
	uint64_t first, latest; /* the least and the greatest time, ns, CLOCK_MONOTONIC */
	uint64_t last;		/* time of the previous event */
	uint64_t watermark;
	uint64_t raw;	      /* of unknown type */
	uint64_t misplaced;   /* losses counted by the wrong packet */
	uint64_t first_chunk; /* of a series; earlier ones were removed */
	struct gaps gaps;
	struct counts_chunk *chunks;
	size_t n_chunks;
	uint64_t by_type[COUNTS_IDS], by_cpu[COUNTS_CPUS]; /* ids of one name: under the first */
};

/* Counts the events of a window that was opened, up to its end or to a damaged place, that match the
 * filter; losses, gaps, order and packets are those of all events. n is zeroed. Returns 0 or a
 * negative errno. */
int counts_read(struct counts *n, struct nr_trace *trace, const struct window *window,
		const struct filter *filter);
void counts_close(struct counts *n);

/* Between the least and the greatest time. */
double counts_seconds(const struct counts *n);

#endif
