/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records on their way from a perf buffer to the merge: one writer, one reader, a list of chunks.
 *
 * Q1  A record is whole before `used` says so: release in queue_append, acquire in queue_head.
 * Q2  The writer does not touch a chunk after it has linked the next; then the reader frees it.
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <stdatomic.h>
#include <numaring/record.h>
#include "bench.h"

#define QUEUE_CHUNK 65536

struct queue_chunk {
	_Atomic(struct queue_chunk *) next;
	atomic_size_t used;
	uint8_t data[QUEUE_CHUNK];
};

struct queue {
	struct queue_chunk *tail;  /* writer */
	struct queue_chunk *head;  /* reader */
	size_t read;		   /* bytes of head */
	struct queue_chunk *spent; /* those from here to head are to be freed */
	_Atomic(uint64_t) bytes_in, bytes_out;
};

/* In front of each record: its length, padded so that records are aligned. */
#define QUEUE_HEADER 8u

static inline size_t queue_room(size_t size)
{
	return QUEUE_HEADER + ((size + 7) & ~(size_t)7);
}

static inline struct queue_chunk *queue_new_chunk(void)
{
	struct queue_chunk *c = bench_grow(NULL, 1, sizeof(*c)); /* not zeroed: that takes time */

	atomic_init(&c->next, NULL);
	atomic_init(&c->used, 0);
	return c;
}

static inline void queue_init(struct queue *q)
{
	*q = (struct queue){ 0 };
	q->spent = q->head = q->tail = queue_new_chunk();
}

static inline void queue_append(struct queue *q, const void *rec, uint32_t size)
{
	struct queue_chunk *c = q->tail;
	size_t used = atomic_load_explicit(&c->used, memory_order_relaxed);

	if (used + queue_room(size) > QUEUE_CHUNK) {
		struct queue_chunk *next = queue_new_chunk();

		/* Release: pairs with the acquire of next in queue_head. */
		atomic_store_explicit(&c->next, next, memory_order_release);
		q->tail = c = next;
		used = 0;
	}
	*(uint32_t *)(c->data + used) = size;
	memcpy(c->data + used + QUEUE_HEADER, rec, size);
	/* Release: pairs with the acquire of used in queue_head (Q1). */
	atomic_store_explicit(&c->used, used + queue_room(size), memory_order_release);
	atomic_fetch_add_explicit(&q->bytes_in, queue_room(size), memory_order_relaxed);
}

/* The oldest record, NULL if there is none now. It stays until queue_free_spent. */
static inline const struct nr_record *queue_head(struct queue *q, uint32_t *size)
{
	for (;;) {
		struct queue_chunk *c = q->head, *next;

		/* Before used: once there is a next, used has its last value. */
		next = atomic_load_explicit(&c->next, memory_order_acquire);
		if (q->read < atomic_load_explicit(&c->used, memory_order_acquire)) {
			*size = *(const uint32_t *)(c->data + q->read);
			return (const void *)(c->data + q->read + QUEUE_HEADER);
		}
		if (!next)
			return NULL;
		q->head = next;
		q->read = 0;
	}
}

static inline void queue_take(struct queue *q, uint32_t size)
{
	q->read += queue_room(size);
	atomic_fetch_add_explicit(&q->bytes_out, queue_room(size), memory_order_relaxed);
}

static inline void queue_free_spent(struct queue *q)
{
	while (q->spent != q->head) {
		struct queue_chunk *c = q->spent;

		q->spent = atomic_load_explicit(&c->next, memory_order_relaxed);
		free(c);
	}
}

#endif
