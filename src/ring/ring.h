/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A BPF ring buffer as its consumer sees it: three mappings, and how to step from record to record.
 *
 * The kernel maps a page with the consumer's position, which we write, a page with the producers'
 * position, and the data twice in a row, so that a record that wraps is contiguous. Positions only
 * grow; the offset in the data is position & mask.
 *
 * A record is an 8-byte header { u32 length and flags; u32 offset }, then length bytes, rounded up
 * to 8. Bit 31 of the length is BUSY (reserved, not yet submitted), bit 30 DISCARD.
 */
#ifndef NR_RING_H
#define NR_RING_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "base/bits.h"

#define NR_RING_BUSY	0x80000000u
#define NR_RING_DISCARD 0x40000000u
#define NR_RING_HEADER	8u

/* The kernel's positions are of type unsigned long. */
_Static_assert(sizeof(long) == sizeof(uint64_t), "positions in a ring have 64 bits");

struct nr_ring {
	uint8_t *data; /* twice size bytes, read-only */
	size_t size;   /* a power of two */
	size_t mask;
	_Atomic(uint64_t) *consumer; /* written only by nr_ring_release */
	const _Atomic(uint64_t) *producer;
	size_t page;
};

/* One record. */
struct nr_ring_slot {
	const uint8_t *payload; /* behind the kernel's header */
	uint32_t length;	/* of the payload */
	uint32_t discarded;	/* not 0: the program discarded it */
};

/* fd: a BPF_MAP_TYPE_RINGBUF of size bytes. The mapping keeps the ring alive; fd may be closed. */
int nr_ring_map(struct nr_ring *ring, int fd, size_t size);
void nr_ring_unmap(struct nr_ring *ring); /* takes a zeroed ring */

/* Returns the position up to which records are reserved. Acquire: pairs with the kernel's
 * smp_store_release of producer_pos in __bpf_ringbuf_reserve, so every header below it is written,
 * BUSY or not. */
static inline uint64_t nr_ring_produced(const struct nr_ring *ring)
{
	return atomic_load_explicit(ring->producer, memory_order_acquire);
}

/* Returns the position up to which the ring is free. Acquire: pairs with the release in
 * nr_ring_release, so later reads of the ring are not older. */
static inline uint64_t nr_ring_consumed(const struct nr_ring *ring)
{
	return atomic_load_explicit(ring->consumer, memory_order_acquire);
}

/* Gives the bytes below pos back to the producers. Release: pairs with the smp_load_acquire of
 * consumer_pos in the kernel's reserve, so our reads of those records come before it. */
static inline void nr_ring_release(struct nr_ring *ring, uint64_t pos)
{
	atomic_store_explicit(ring->consumer, pos, memory_order_release);
}

/*
 * Reads the record at *pos and moves *pos behind it. limit is a position that nr_ring_produced
 * returned, > *pos. -EAGAIN: it is not yet submitted; -EBADMSG: its length exceeds limit. On
 * failure *pos stays.
 */
static inline int nr_ring_next(const struct nr_ring *ring, uint64_t *pos, uint64_t limit,
			       struct nr_ring_slot *slot)
{
	const uint8_t *header = ring->data + (*pos & ring->mask);
	uint32_t word, length;
	uint64_t step;

	/* Acquire: pairs with the xchg of the header in the kernel's commit, so the payload is
	 * complete once BUSY is cleared. */
	word = atomic_load_explicit((const _Atomic(uint32_t) *)header, memory_order_acquire);
	if (word & NR_RING_BUSY)
		return -EAGAIN;
	length = word & ~NR_RING_DISCARD;
	step = nr_round8((uint64_t)length + NR_RING_HEADER);
	if (step > limit - *pos)
		return -EBADMSG;
	*slot = (struct nr_ring_slot){
		.payload = header + NR_RING_HEADER,
		.length = length,
		.discarded = word & NR_RING_DISCARD,
	};
	*pos += step;
	return 0;
}

#endif
