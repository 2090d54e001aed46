/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Are the losses of a trace where they happened? Every record says what its CPU had lost by then,
 * so the count of a packet cannot be below what the records up to its end say, nor above what the
 * next record of each CPU says; or the last, if it is of the time of the packet's end
 * (docs/format.md, events_discarded).
 */
#ifndef NR_LOSSES_OF_TRACE_H
#define NR_LOSSES_OF_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <numaring/trace.h>

struct losses_cpu;

struct losses {
	struct losses_cpu *cpus; /* [65536] */
	uint64_t sum;		 /* of what all CPUs have lost, as their records say */
	/* Of each packet: its count, the least that it can be, and how much more it can be, as the
	 * difference from the packet before. */
	struct losses_packet *packets;
	size_t n, room;
};

int losses_open(struct losses *l); /* 0 or -ENOMEM */
void losses_close(struct losses *l);

/* The next event of the trace, in packet. 0 or -ENOMEM. */
int losses_event(struct losses *l, const struct nr_event *ev, const struct nr_packet_info *packet);
/* After the last event: losses that stand in another packet than where they happened. last: the
 * last packet, NULL if there is none. */
uint64_t losses_misplaced(struct losses *l, const struct nr_packet_info *last);

#endif
