/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet: a stretch of the ordered stream as a value.
 *
 * The merge fills in its events, in order, and what is true at its end. From the cut on nobody
 * changes these. If an output wants its bytes, a packer makes them: those of the file, with the
 * head, and the same compressed if an output wants that. Outputs share the packet by counted
 * references.
 */
#ifndef NR_PACKET_H
#define NR_PACKET_H

#include <pthread.h>
#include <stdatomic.h>
#include "head.h"
#include "ring/place.h"

struct nr_packet_pool;

struct nr_packet {
	struct nr_packet_pool *pool;
	_Atomic(unsigned) refs;

	/* Filled in by the merge. Times are ns of the host's CLOCK_MONOTONIC. */
	uint64_t seq;
	/* Of its events. If it is empty, both are one time, not before the last packet's end. */
	uint64_t begin, end;
	uint64_t watermark; /* the stream is complete below */
	uint64_t lost;	    /* records lost by its end (I11) */
	uint64_t late;	    /* late records by its end */
	/* Of its events (ring/place.h). They are in the rings until all required outputs are done. */
	uint64_t *places;
	uint32_t n_places, room; /* words in use, and allocated */
	uint32_t n_events;
	size_t records; /* bytes of its records, with their headers, each rounded up to 8 */

	/* Made by a packer. */
	uint8_t *bytes; /* aligned to NR_BLOCK */
	size_t size;	/* of bytes in use; 0: no output wants them */
	size_t cap;	/* of bytes allocated */
	/* The same, compressed: label and frame (frame.h). frame_size 0: no output wants them. */
	uint8_t *frame;
	size_t frame_size, frame_cap;
};

/* Reads the events at a place of the packet and behind it, at most *n, from the rings. Sets *n to how
 * many. Returns the place behind them. */
const uint64_t *nr_packet_read(const struct nr_packet *packet, const uint64_t *place,
			       struct nr_event *evs, unsigned *n);

/* Bytes of the rings and of memory that its events hold. */
static inline size_t nr_packet_held(const struct nr_packet *packet)
{
	return packet->records + packet->n_places * sizeof(*packet->places);
}

/* Bytes of memory that it takes. */
static inline size_t nr_packet_memory(const struct nr_packet *packet)
{
	return sizeof(*packet) + packet->cap + packet->frame_cap +
	       packet->room * sizeof(*packet->places);
}

/* Keeps packets with their memory for the next use. */
struct nr_packet_pool {
	pthread_mutex_t lock;
	struct nr_packet *spare[24]; /* as many as may be on their way (stream.c), and some */
	unsigned n;
};

int nr_packet_pool_init(struct nr_packet_pool *pool);
void nr_packet_pool_destroy(struct nr_packet_pool *pool); /* after the last nr_packet_put */

/* Any thread may call these three. Returns an empty packet with one reference; NULL: no memory. */
struct nr_packet *nr_packet_get(struct nr_packet_pool *pool);
struct nr_packet *nr_packet_ref(struct nr_packet *packet);
/* Drops a reference. The last one gives the packet back to its pool. Takes NULL. */
void nr_packet_put(struct nr_packet *packet);

/* Makes room for n more words of places. 0; -ENOMEM; -EMSGSIZE: too many for a packet. */
int nr_packet_room(struct nr_packet *packet, unsigned n);
/* Makes room for size bytes in all, which keep their content. 0; -ENOMEM; -EMSGSIZE: larger than
 * NR_PACKET_MAX. */
int nr_packet_grow(struct nr_packet *packet, uint64_t size);

#endif
