/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes as their consumer sees them: the arena of a shard, and how to step from record to record.
 * <numaring/record.h> describes the memory.
 *
 * Everything in it may be damaged: BPF programs of others could write there. So what is read is
 * checked before it is used, and what user space decides, it remembers elsewhere.
 */
#ifndef NR_LANE_H
#define NR_LANE_H

#include <errno.h>
#include <linux/types.h>
#include <numaring/record.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NR_LANE_COUNT_BITS 24 /* of nr_lane.head */

/* The blocks of a shard: data, and a commit byte for each granule. */
struct nr_arena {
	uint8_t *data;	  /* n_blocks << shift granules, read-only */
	uint8_t *commits; /* as many bytes */
	uint32_t n_blocks;
	uint32_t shift; /* log2 of the granules of a block */
};

static inline uint64_t nr_arena_granules(const struct nr_arena *arena)
{
	return (uint64_t)arena->n_blocks << arena->shift;
}

static inline size_t nr_arena_bytes(const struct nr_arena *arena)
{
	return nr_arena_granules(arena) * NR_LANE_GRANULE;
}

/* Maps the arrays of a shard, for which n_blocks and shift are set. The mappings keep them alive. */
int nr_arena_map(struct nr_arena *arena, int data_fd, int commits_fd);
void nr_arena_unmap(struct nr_arena *arena); /* takes a zeroed one */

/* A position of nr_lane.head, which has 40 bits, as the 64-bit number that follows `last`. */
static inline uint64_t nr_lane_position(uint64_t head, uint64_t last)
{
	uint64_t mask = UINT64_MAX >> NR_LANE_COUNT_BITS;

	return last + (((head >> NR_LANE_COUNT_BITS) - last) & mask);
}

/* The count of records in nr_lane.head, likewise. */
static inline uint64_t nr_lane_count(uint64_t head, uint64_t last)
{
	return last + ((head - last) & ((1u << NR_LANE_COUNT_BITS) - 1));
}

/* Acquire: the reservations up to this position come before what is read next. */
static inline uint64_t nr_lane_head(const struct nr_lane *lane)
{
	return __atomic_load_n(&lane->head, __ATOMIC_ACQUIRE);
}

/* One record, or the rest of a block that was skipped. */
struct nr_lane_slot {
	const uint8_t *payload; /* behind the header; NULL: skipped */
	uint32_t length;	/* of the payload */
	uint32_t granules;	/* up to the next record */
	bool discarded;
};

static inline uint32_t nr_lane_granules(uint32_t length)
{
	return (length + sizeof(struct nr_lane_header) + NR_LANE_GRANULE - 1) / NR_LANE_GRANULE;
}

/* The header of the record at this granule of the arena. */
static inline const struct nr_lane_header *nr_lane_header(const struct nr_arena *arena, uint64_t at)
{
	return (const void *)(arena->data + at * NR_LANE_GRANULE);
}

/*
 * Reads the record at granule `at` of the arena; `left` granules of the lane are reserved from there
 * on. -EAGAIN: it is not submitted; -EBADMSG: it is not one of this lane.
 */
static inline int nr_lane_read(const struct nr_arena *arena, uint64_t at, uint64_t left,
			       struct nr_lane_slot *slot)
{
	const struct nr_lane_header *h = nr_lane_header(arena, at);
	uint64_t mask = (1ull << arena->shift) - 1, rest = mask + 1 - (at & mask);
	/* Acquire: pairs with the program's store of the byte, so the record is complete. */
	uint8_t commit = __atomic_load_n(&arena->commits[at], __ATOMIC_ACQUIRE);
	uint32_t length;

	if (commit == NR_COMMIT_BUSY)
		return -EAGAIN;
	if (commit == NR_COMMIT_SKIPPED) {
		*slot = (struct nr_lane_slot){ .granules = rest };
		return rest <= left ? 0 : -EBADMSG;
	}
	length = __atomic_load_n(&h->length, __ATOMIC_RELAXED);
	if (length >= (uint32_t)NR_LANE_GRANULE << arena->shift || commit > NR_COMMIT_SKIPPED)
		return -EBADMSG;
	*slot = (struct nr_lane_slot){
		.payload = (const void *)(h + 1),
		.length = length,
		.granules = nr_lane_granules(length),
		.discarded = commit == NR_COMMIT_DISCARDED,
	};
	return slot->granules <= rest && slot->granules <= left ? 0 : -EBADMSG;
}

#endif
