/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an optional output missed, as its trace tells it: where packets are missing, and how many
 * events were in them. */
#ifndef NR_CLI_GAPS_H
#define NR_CLI_GAPS_H

#include <stdio.h>
#include <numaring/trace.h>

struct gaps {
	struct gap {
		uint64_t packets, events;
		uint64_t begin, end; /* of the packets around it, ns, CLOCK_MONOTONIC */
	} * list;
	size_t n, room;
	uint64_t packets, events; /* of all gaps */
	uint64_t seq, last;	  /* of the last packet: sequence number and end */
};

/* Takes the packet of the next event, and at the end the last packet. Returns 0 or -ENOMEM. */
int gaps_packet(struct gaps *g, const struct nr_packet_info *packet);
void gaps_close(struct gaps *g);

/* A line for each gap, but at most 10. Times are local, as numaring cat has them. */
void gaps_print(FILE *out, const struct gaps *g, int64_t clock_offset);

#endif
