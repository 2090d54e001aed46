/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --filter on the ordered stream: leaves events out of a packet before anybody else sees it. */
#ifndef NR_DELIVER_FILTER_H
#define NR_DELIVER_FILTER_H

#include <numaring/query.h>
#include "packet/packet.h"

/* Does not change once the recording has started. */
struct nr_filter {
	const struct nr_query *query; /* NULL: there is no filter */
	/* Event types that BPF programs have tested in full: their records pass. */
	const bool *tested; /* [n_types], by id */
	uint32_t n_types;
};

/* The events that a filter left out. */
struct nr_left_out {
	uint32_t events;
	uint32_t late; /* of these */
};

/* Keeps the events that match. The packet still stands for the same stretch of time, unless nothing
 * is left: then both its times are its end. Any thread. */
struct nr_left_out nr_filter_packet(const struct nr_filter *filter, struct nr_packet *packet);

#endif
