/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a packet's events to its bytes, and back (docs/format.md). */
#ifndef NR_PACKET_BUILD_H
#define NR_PACKET_BUILD_H

#include "packet.h"
#include "types/misfits.h"
#include "types/types.h"

/* What all packets of a recording share. */
struct nr_packet_format {
	const struct nr_types *types;
	__u8 uuid[16]; /* of the trace */
};

/*
 * Makes the bytes of a packet that was cut: the only copy between ring and file. They depend on
 * nothing but packet and format (I12). Unless misfits is NULL, counts there the records that do not
 * fit their type. Any thread; several may build different packets at once.
 *
 * Returns 0; -ENOMEM; -EMSGSIZE: more than NR_PACKET_MAX; -EINVAL: the times of events go back.
 */
int nr_packet_build(struct nr_packet *packet, const struct nr_packet_format *format,
		    struct nr_misfits *misfits);

/*
 * Reads the record at byte pos of a packet of size bytes into rec and ev. ev->rec points to rec,
 * ev->data into bytes. Returns the bytes that the record takes; 0: it is damaged. Any thread.
 */
uint64_t nr_packet_parse(const uint8_t *bytes, size_t size, size_t pos,
			 const struct nr_types *types, struct nr_record *rec, struct nr_event *ev);

#endif
