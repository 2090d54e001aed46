/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a packet's events to its bytes, and back (docs/format.md). */
#ifndef NR_PACKET_BUILD_H
#define NR_PACKET_BUILD_H

#include "packet.h"
#include "types/misfits.h"
#include "types/types.h"

/* What all packets of a recording have in common. */
struct nr_packet_format {
	const struct nr_types *types;
	__u8 uuid[16]; /* of the trace */
};

/*
 * Makes the bytes of a sealed packet: the only copy between ring and file. They depend on nothing
 * but packet and format (I12). Counts in misfits, unless it is NULL, the records that do not fit
 * their type. Several threads may build packets of their own at once.
 *
 * -ENOMEM; -EMSGSIZE: more than NR_PACKET_MAX; -EINVAL: the times of the events go back.
 */
int nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
		    struct nr_misfits *misfits);

/*
 * The record at byte pos of a packet's bytes: fills in rec and ev, which points to rec, and returns
 * the bytes that it takes, 0 if it is damaged. ev->data points into bytes.
 */
uint64_t nr_packet_parse(const uint8_t *bytes, size_t size, size_t pos,
			 const struct nr_types *types, struct nr_record *rec, struct nr_event *ev);

#endif
