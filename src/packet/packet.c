// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "packet.h"

#define ROOM 4096u /* words of the first growth */

/* The memory of a usual packet, when it is full: a direct write has less to look up. */
#define HUGE_PAGE (2u << 20)

/* A packet with more memory, from a flood of late records, is not kept. */
#define KEEP_BYTES (8u << 20)

#define SPARE (sizeof(((struct nr_packet_pool *)NULL)->spare) / sizeof(void *))

int nr_packet_pool_init(struct nr_packet_pool *pool)
{
	pool->n = 0;
	return -pthread_mutex_init(&pool->lock, NULL);
}

static void destroy(struct nr_packet *p)
{
	free(p->places);
	free(p->bytes);
	free(p->frame);
	free(p);
}

void nr_packet_pool_destroy(struct nr_packet_pool *pool)
{
	while (pool->n)
		destroy(pool->spare[--pool->n]);
	pthread_mutex_destroy(&pool->lock);
}

static struct nr_packet *take_spare(struct nr_packet_pool *pool)
{
	struct nr_packet *p = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->n)
		p = pool->spare[--pool->n];
	pthread_mutex_unlock(&pool->lock);
	return p;
}

struct nr_packet *nr_packet_get(struct nr_packet_pool *pool)
{
	struct nr_packet *p = take_spare(pool) ?: calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct nr_packet){
		.pool = pool,
		.places = p->places,
		.room = p->room,
		.bytes = p->bytes,
		.cap = p->cap,
		.frame = p->frame,
		.frame_cap = p->frame_cap,
	};
	atomic_init(&p->refs, 1);
	return p;
}

struct nr_packet *nr_packet_ref(struct nr_packet *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

static bool keep(struct nr_packet *p)
{
	struct nr_packet_pool *pool = p->pool;
	bool kept;

	if (p->cap > KEEP_BYTES || p->frame_cap > KEEP_BYTES ||
	    p->room > KEEP_BYTES / sizeof(*p->places))
		return false;
	pthread_mutex_lock(&pool->lock);
	kept = pool->n < SPARE;
	if (kept)
		pool->spare[pool->n++] = p;
	pthread_mutex_unlock(&pool->lock);
	return kept;
}

void nr_packet_put(struct nr_packet *p)
{
	/* Pairs with itself: the last holder sees what the others did before they let go. */
	if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1 && !keep(p))
		destroy(p);
}

int nr_packet_room(struct nr_packet *p, unsigned n)
{
	uint64_t need = (uint64_t)p->n_places + n, room = p->room ? p->room : ROOM;
	uint64_t *grown;

	if (need <= p->room)
		return 0;
	if (need > UINT32_MAX / 2)
		return -EMSGSIZE;
	while (room < need)
		room *= 2;
	grown = realloc(p->places, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->places = grown;
	p->room = room;
	return 0;
}

int nr_packet_grow(struct nr_packet *p, uint64_t size)
{
	uint64_t cap = p->cap ? p->cap : NR_BLOCK;
	uint8_t *grown;

	if (size > NR_PACKET_MAX)
		return -EMSGSIZE;
	if (size <= p->cap)
		return 0;
	while (cap < size)
		cap *= 2;
	grown = aligned_alloc(cap < HUGE_PAGE ? NR_BLOCK : HUGE_PAGE, cap);
	if (!grown)
		return -ENOMEM;
	if (cap >= HUGE_PAGE)
		madvise(grown, cap, MADV_HUGEPAGE);
	if (p->cap)
		memcpy(grown, p->bytes, p->cap);
	free(p->bytes);
	p->bytes = grown;
	p->cap = cap;
	return 0;
}

const uint64_t *nr_packet_read(const struct nr_packet *p, const uint64_t *place,
			       struct nr_event *evs, unsigned *n)
{
	const uint64_t *end = p->places + p->n_places;
	unsigned max = *n;

	for (*n = 0; *n < max && place < end; ++*n) {
		if (end - place > NR_PLACE_PREFETCH)
			nr_place_prefetch(place[NR_PLACE_PREFETCH]);
		place = nr_place_read(place, &evs[*n]);
	}
	return place;
}
