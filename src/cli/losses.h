/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does each packet of a trace count the losses that happened before its end? Every record says how
 * many its CPU had lost by then. So the records up to a packet's end give the least that its count
 * can be. The next record of each CPU gives the most, or the CPU's last record if that has the time
 * of the packet's end (docs/format.md, events_discarded).
 */
#ifndef NR_LOSSES_OF_TRACE_H
#define NR_LOSSES_OF_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <numaring/trace.h>

struct losses_cpu;

struct losses {
	struct losses_cpu *cpus; /* [65536] */
	uint64_t sum;		 /* losses of all CPUs, as the records so far say */
	/* For each packet: its count, the least that it can be, and how much more it can be. */
	struct losses_packet *packets;
	size_t n, room;
};

int losses_open(struct losses *l); /* returns 0 or -ENOMEM */
void losses_close(struct losses *l);

/* Takes the next event of the trace, which is in packet. Returns 0 or -ENOMEM. */
int losses_event(struct losses *l, const struct nr_event *ev, const struct nr_packet_info *packet);
/* After the last event: how many losses a wrong packet counts. last is the last packet, NULL if
 * there is none. */
uint64_t losses_misplaced(struct losses *l, const struct nr_packet_info *last);

#endif
