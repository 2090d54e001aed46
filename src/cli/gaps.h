/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The gaps of a trace: where packets are missing, because an optional output missed them or because
 * they were damaged, and how many events were in them. */
#ifndef NR_CLI_GAPS_H
#define NR_CLI_GAPS_H

#include <stdio.h>
#include <numaring/trace.h>

struct gaps {
	struct gap {
		uint64_t packets, events; /* events of damaged packets: if known */
		uint64_t damaged;	  /* of these packets */
		uint64_t begin, end;	  /* of the packets around it, ns, CLOCK_MONOTONIC */
	} * list;
	size_t n, room;
	uint64_t packets, events, damaged; /* of all gaps */
	uint64_t seq, last;		   /* of the last packet: sequence number and end */
};

/* For a trace that is read from its middle on: the packet before it. */
void gaps_begin(struct gaps *g, const struct nr_packet_info *before);
/* Call it with the packet of each event, and at the end with the last packet. 0 or -ENOMEM. */
int gaps_packet(struct gaps *g, const struct nr_packet_info *packet);
void gaps_close(struct gaps *g);

/* Prints a line for each of the first 10 gaps. Times are local, as in numaring cat. */
void gaps_print(FILE *out, const struct gaps *g, int64_t clock_offset);

#endif
