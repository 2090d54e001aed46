/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the events of a packet lie: in the rings.
 *
 * An event takes one word, the address of its record's header in a ring, which is a multiple of 8.
 * A late event takes two: its address with NR_PLACE_LATE, then its time in the order.
 */
#ifndef NR_PLACE_H
#define NR_PLACE_H

#include <numaring/event.h>
#include "ring.h"

#define NR_PLACE_LATE  1ull
#define NR_PLACE_WORDS 2u /* the most that an event takes */

/* Words ahead: records come from the caches of other CPUs, and many shards make as many streams. */
#define NR_PLACE_PREFETCH 40

static inline const uint8_t *nr_place_header(uint64_t word)
{
	return (const uint8_t *)(uintptr_t)(word & ~NR_PLACE_LATE);
}

static inline const struct nr_record *nr_place_record(uint64_t word)
{
	return (const void *)(nr_place_header(word) + NR_RING_HEADER);
}

/* Bytes of the record with its struct nr_record. */
static inline uint32_t nr_place_length(uint64_t word)
{
	return *(const uint32_t *)nr_place_header(word);
}

/* A word that is no address is harmless here. */
static inline void nr_place_prefetch(uint64_t word)
{
	__builtin_prefetch(nr_place_record(word));
}

/* Reads the event at place. Returns the place of the next one. */
static inline const uint64_t *nr_place_read(const uint64_t *place, struct nr_event *ev)
{
	const struct nr_record *rec = nr_place_record(*place);
	bool late = *place & NR_PLACE_LATE;

	*ev = (struct nr_event){
		.rec = rec,
		.data = rec + 1,
		.size = nr_place_length(*place) - sizeof(*rec),
		.flags = late ? NR_EVENT_LATE : 0,
		.ts = late ? place[1] : rec->ts,
	};
	return place + 1 + late;
}

#endif
