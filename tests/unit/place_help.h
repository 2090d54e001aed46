/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records as they lie in a ring, and packets of them, without a ring. */
#ifndef PLACE_HELP_H
#define PLACE_HELP_H

#include <string.h>
#include "packet/packet.h"

/* What a record with so many bytes of payload takes in a ring, in words. */
#define SLOT_WORDS(payload) ((NR_RING_HEADER + sizeof(struct nr_record) + (payload) + 7) / 8)

/* Writes a record into a slot of SLOT_WORDS(size) words. */
static inline void fill_slot(uint64_t *slot, const struct nr_record *rec, const void *data,
			     uint32_t size)
{
	slot[0] = sizeof(*rec) + size;
	memcpy(slot + 1, rec, sizeof(*rec));
	memcpy(slot + 3, data, size);
}

/* Adds the record in the slot to a packet that has room for it: late, at this time in the order,
 * or at its own. */
static inline void add_place(struct nr_packet *packet, const uint64_t *slot, bool late, uint64_t ts)
{
	uint64_t *place = packet->places + packet->n_places;

	place[0] = (uintptr_t)slot;
	if (late) {
		place[0] |= NR_PLACE_LATE;
		place[1] = ts;
	}
	packet->n_places += 1 + late;
	packet->n_events++;
	packet->records += (nr_place_length(place[0]) + 7) & ~7u;
}

#endif
