/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet: a stretch of the ordered stream as a value.
 *
 * The merge fills in the order of its events and what holds at its end; then it is sealed, and
 * nobody changes that any more. A packer makes its bytes, which are those of the file, head
 * included, if an output wants them. Outputs share the packet by counted references.
 */
#ifndef NR_PACKET_H
#define NR_PACKET_H

#include <numaring/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include "head.h"

struct nr_packet_pool;

struct nr_packet {
	struct nr_packet_pool *pool;
	_Atomic(unsigned) refs;

	/* Filled in by the merge. Times are ns of the host's CLOCK_MONOTONIC. */
	uint64_t seq;
	uint64_t begin,
		end; /* of its events; one time, not before the last packet's end, if empty */
	uint64_t watermark; /* the stream is complete below */
	uint64_t lost;	    /* records lost by its end (I11) */
	/* In the rings: valid until every required output is done with the packet. */
	struct nr_event *events;
	uint32_t n_events, room; /* room: events that fit */
	size_t records; /* bytes of its records, with their headers, each rounded up to 8 */

	/* Made by a packer. */
	uint8_t *bytes; /* NULL: no output wants them */
	size_t size;	/* of bytes in use */
	size_t cap;	/* of bytes allocated */
};

/* Packets and their memory, which is used again and again. */
struct nr_packet_pool {
	pthread_mutex_t lock;
	struct nr_packet *spare[8];
	unsigned n;
};

int nr_packet_pool_init(struct nr_packet_pool *pool);
void nr_packet_pool_destroy(struct nr_packet_pool *pool); /* after its packets came back */

/* An empty packet with one reference; NULL: no memory. Any thread, as the next two. */
struct nr_packet *nr_packet_get(struct nr_packet_pool *pool);
struct nr_packet *nr_packet_ref(struct nr_packet *packet);
/* The last reference gives it back to its pool. Takes NULL. */
void nr_packet_put(struct nr_packet *packet);

/* Makes room for n more events. -ENOMEM; -EMSGSIZE: a packet does not hold as many. */
int nr_packet_room(struct nr_packet *packet, unsigned n);
/* Makes room for size bytes. -ENOMEM; -EMSGSIZE: larger than NR_PACKET_MAX. */
int nr_packet_grow(struct nr_packet *packet, uint64_t size);

#endif
