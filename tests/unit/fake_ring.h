/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A test double of the kernel's BPF ring buffer: the same memory and the same producer, in user
 * space. A test can stop a producer between any two of its steps, or make it lie.
 *
 * The memory is a memfd: a page with the consumer's position, a page with the producers' position,
 * then the data, which is mapped twice in a row. Producers write through the consumer's mapping, so
 * that the thread sanitizer sees both sides at one address.
 */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <linux/types.h>
#include <numaring/record.h>
#include <stdlib.h>
#include "drain/shard.h"
#include "merge/merge.h"
#include "ring/ring.h"

struct fake_ring {
	int fd;
	size_t size;
	struct nr_ring view; /* the latest mapping: producers write there */
	atomic_flag lock;
};

/* size: a power of two, at least a page. Both positions begin at start, a multiple of 8. */
void fake_ring_open(struct fake_ring *fake, size_t size, uint64_t start);
void fake_ring_close(struct fake_ring *fake);

/* Maps the ring as a consumer does. The consumer owns the mapping (nr_ring_unmap). Without one,
 * producers wait for the next mapping. */
void fake_ring_map(struct fake_ring *fake, struct nr_ring *ring);

uint64_t fake_ring_produced(const struct fake_ring *fake);
uint64_t fake_ring_consumed(const struct fake_ring *fake);

/* Like bpf_ringbuf_reserve: NULL if the ring is full. The record is BUSY. Any thread may call
 * it. */
void *fake_ring_reserve(struct fake_ring *fake, uint32_t length);
void fake_ring_submit(void *payload);
void fake_ring_discard(void *payload);

/* Writes that the kernel never makes. */
void fake_ring_lie(void *payload, uint32_t word); /* the header word, including flags */
void fake_ring_produce_to(struct fake_ring *fake, uint64_t pos); /* moves producer_pos */

/* Position of the record in its ring. */
uint64_t fake_ring_pos(const struct fake_ring *fake, const void *payload);

/* Reserves, fills the header and submits at once. Returns the payload behind the header, or
 * NULL. */
void *fake_ring_put(struct fake_ring *fake, uint64_t ts, uint16_t cpu, uint32_t payload);

/* All that was taken of a shard, or by a merge, is safe. */
static inline void release_taken(struct nr_shard *shard)
{
	const struct nr_mark mark = nr_shard_mark(shard);

	nr_shard_release(shard, &mark);
}

static inline void release_merged(struct nr_merge *m)
{
	struct nr_mark *marks = malloc(m->n_shards * sizeof(*marks));

	nr_merge_mark(m, marks);
	nr_merge_release(m, marks);
	free(marks);
}

#define MAX_TAKEN 64u

/* Takes events as nr_merge_take does, at most MAX_TAKEN, and reads them in the rings. */
static inline unsigned take_events(struct nr_merge *m, struct nr_event *evs, unsigned max,
				   size_t room, size_t *bytes)
{
	uint64_t places[MAX_TAKEN * NR_PLACE_WORDS], *end = places;
	const uint64_t *place = places;
	unsigned n = nr_merge_take(m, &end, max < MAX_TAKEN ? max : MAX_TAKEN, room, bytes);

	for (unsigned i = 0; i < n; i++)
		place = nr_place_read(place, &evs[i]);
	if (place != end)
		abort();
	return n;
}

#endif
