/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes: how a program writes into the lane of its CPU. numaring.bpf.h includes this; authors use
 * that one. record.h describes the memory, docs/order.md why it is in order.
 *
 * Everything here is safe in any context: no lock, and every loop is bounded. A program that
 * interrupts another one on the same CPU writes into the same lane.
 */
#ifndef NUMARING_LANE_BPF_H
#define NUMARING_LANE_BPF_H

/* Reservations in a row that other programs may break off. Each one takes an interrupt of its own
 * within some nanoseconds. */
#define NR_LANE_TRIES 8

#define NR_LANE_COUNT_BITS 24 /* of nr_lane.head */

/* Of the shards: their blocks, and their commit bytes, eight in an element. */
struct nr_block_template {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nr_block_template);
} nr_arenas SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nr_block_template);
} nr_commits SEC(".maps") __weak;

/* Those of shard 0: the way to them is shorter if it is the only one. */
struct nr_block_template nr_arena SEC(".maps") __weak;
struct nr_block_template nr_commit SEC(".maps") __weak;

/* Set by the collector before the object is loaded. The verifier knows all and removes what does
 * not run. */
/* log2 of the granules of a block; 0: the shards are rings. */
const volatile __u32 nr_block_shift __weak = 0;
/* There is one shard. */
const volatile _Bool nr_one_shard __weak = 0;
/* Stores may overtake each other, as on arm64. */
const volatile _Bool nr_weak_memory __weak = 0;

static __always_inline _Bool nr_has_lanes(void)
{
	return nr_block_shift;
}

/* Granules that a record of this size, with struct nr_record, takes. */
static __always_inline __u64 nr_granules(__u64 size)
{
	return (size + sizeof(struct nr_lane_header) + NR_LANE_GRANULE - 1) / NR_LANE_GRANULE;
}

/* Is position a below b? Modulo 2^40. */
static __always_inline _Bool nr_pos_below(__u64 a, __u64 b)
{
	return (__s64)((a - b) << NR_LANE_COUNT_BITS) < 0;
}

static __always_inline __u32 nr_lane_block(struct nr_cpu *c, __u64 pos, __u32 shift)
{
	return c->lane.slots[(pos >> shift) & (NR_LANE_SLOTS - 1)];
}

/* The element of a shard's arena, or of its commit bytes. */
static __always_inline void *nr_element(void *arenas, void *only, __u32 shard, __u32 key)
{
	void *arena;

	if (nr_one_shard)
		return bpf_map_lookup_elem(only, &key);
	arena = bpf_map_lookup_elem(arenas, &shard);
	return arena ? bpf_map_lookup_elem(arena, &key) : NULL;
}

static __always_inline void *nr_block_of(__u32 shard, __u32 block)
{
	return nr_element(&nr_arenas, &nr_arena, shard, block);
}

/* The commit byte of a granule of the arena. */
static __always_inline __u8 *nr_commit_of(__u32 shard, __u32 granule)
{
	__u8 *bytes = nr_element(&nr_commits, &nr_commit, shard, granule / sizeof(__u64));

	return bytes ? bytes + granule % sizeof(__u64) : NULL;
}

/* Wakes the consumer: the ring of a shard with lanes is its bell. A full ring has rung. */
static __noinline int nr_ring_bell(struct nr_cpu *c)
{
	__u64 nothing = 0;
	__u32 shard;
	void *ring;

	if (!c)
		return 0;
	shard = c->shard;
	ring = bpf_map_lookup_elem(&nr_shards, &shard);
	if (ring)
		bpf_ringbuf_output(ring, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* A part of a lane, between two positions, and how it is reserved. */
struct nr_part {
	__u64 start, end;
	__u64 pos; /* the position of the head before it: less than start if a block is left */
	__u64 head, next; /* the head before and after */
	__u64 bell;	  /* NR_LANE_RINGS: it passes the bell */
};

/* With the position where a record starts: its submit wakes the consumer. */
#define NR_LANE_RINGS	(1ull << 63)
#define NR_LANE_NOWHERE (~0ull)

static __always_inline __u64 nr_lane_next(__u64 head, __u64 end)
{
	return end << NR_LANE_COUNT_BITS | ((head + 1) & ((1 << NR_LANE_COUNT_BITS) - 1));
}

/* As nr_lane_place, at or above the bell. */
static __always_inline _Bool nr_lane_reaches(struct nr_cpu *c, struct nr_part *part, __u64 bell)
{
	if (nr_pos_below(*(volatile __u64 *)&c->lane.limit, part->end))
		return 0;
	part->bell = nr_pos_below(part->start, bell) ? NR_LANE_RINGS : 0;
	return 1;
}

/*
 * Where the next n granules in a row are, at most a block: behind the last record, or in the next
 * block if they do not fit into the rest of this one. False: the lane does not reach so far yet.
 */
static __always_inline _Bool nr_lane_place(struct nr_cpu *c, __u64 n, struct nr_part *part)
{
	const __u64 block = 1ull << nr_block_shift, bell = *(volatile __u64 *)&c->lane.bell;
	__u64 rest;

	part->head = *(volatile __u64 *)&c->lane.head;
	part->pos = part->head >> NR_LANE_COUNT_BITS;
	rest = block - (part->pos & (block - 1));
	part->start = rest < n ? part->pos + rest : part->pos;
	part->end = part->start + n;
	part->next = nr_lane_next(part->head, part->end);
	part->bell = 0;
	return nr_pos_below(part->end, bell) || nr_lane_reaches(c, part, bell);
}

/*
 * The compare-and-swap fails only if, since `head` was read, another program on this CPU has reserved
 * or the consumer has moved the head past blocks that it takes back. Limit and bell are read before it
 * and only rise, so nothing is written that the consumer still reads. It is a full barrier: it makes
 * the reservation visible before the clock is read (I1, I2).
 */
static __always_inline _Bool nr_lane_move(struct nr_cpu *c, __u64 head, __u64 next)
{
	return __sync_val_compare_and_swap(&c->lane.head, head, next) == head;
}

/* For nr_lane_header.where. */
static __always_inline __u32 nr_where(__u32 block, __u64 start, const __u32 shift)
{
	return block << shift | (start & ((1ull << shift) - 1)) | ((start & NR_LANE_RINGS) >> 32);
}

/* Where the part starts, for nr_lane_record. If it leaves a block, this tells the reader to go on with
 * the next one. */
static __always_inline __u64 nr_lane_start(struct nr_cpu *c, const struct nr_part *part)
{
	const __u32 shift = nr_block_shift;
	__u32 block = nr_lane_block(c, part->pos, shift);
	__u8 *commit;

	if (part->start != part->pos) {
		commit = nr_commit_of(c->shard, nr_where(block, part->pos, shift));
		if (commit)
			*(volatile __u8 *)commit = NR_COMMIT_SKIPPED;
	}
	return part->start | part->bell;
}

/* Returns 0, or the cause of loss + 1. */
static __always_inline int nr_lane_try(struct nr_cpu *c, __u64 n, struct nr_part *part)
{
	if (n > 1ull << nr_block_shift)
		return NR_LOSS_OVERSIZE + 1;
#pragma clang loop unroll(disable)
	for (int i = 0; i < NR_LANE_TRIES; i++) {
		if (!nr_lane_place(c, n, part))
			return NR_LOSS_FULL + 1;
		if (nr_lane_move(c, part->head, part->next))
			return 0;
	}
	return NR_LOSS_CONTENDED + 1;
}

/* As nr_lane_take, in all cases. */
static __noinline __u64 nr_lane_take_slowly(struct nr_cpu *c, __u64 n)
{
	struct nr_part part;
	int loss;

	if (!c || !nr_has_lanes())
		return NR_LANE_NOWHERE;
	loss = nr_lane_try(c, n, &part);
	if (loss) {
		if (c->shard == NR_NO_SHARD) { /* its lane has no blocks yet */
			nr_join_shard(c);
			nr_ring_bell(c);
		}
		nr_count_loss(c, loss - 1);
		return NR_LANE_NOWHERE;
	}
	return nr_lane_start(c, &part);
}

/*
 * Reserves n granules of the CPU's lane. Returns where they start, maybe with NR_LANE_RINGS; or
 * NR_LANE_NOWHERE: the record is lost, and the loss is counted. Most records fit into the rest of
 * the block, end below the bell and are not interrupted: they need no more than this.
 */
static __always_inline __u64 nr_lane_take(struct nr_cpu *c, __u64 n, const __u32 shift)
{
	const __u64 block = 1ull << shift, bell = *(volatile __u64 *)&c->lane.bell;
	__u64 head = *(volatile __u64 *)&c->lane.head, start = head >> NR_LANE_COUNT_BITS;
	__u64 end = start + n;

	if ((start & (block - 1)) + n <= block && nr_pos_below(end, bell) &&
	    nr_lane_move(c, head, nr_lane_next(head, end)))
		return start;
	return nr_lane_take_slowly(c, n);
}

/* The record of this size that starts at a position of the lane. */
static __always_inline struct nr_record *nr_lane_record(struct nr_cpu *c, const __u64 size,
							__u64 start, const __u32 shift)
{
	const __u64 granules = 1ull << shift;
	__u32 block = nr_lane_block(c, start, shift), shard = c->shard;
	__u64 offset = (start & (granules - 1)) * NR_LANE_GRANULE;
	void *data = nr_block_of(shard, block);
	struct nr_lane_header *h;

	asm volatile("" : "+r"(offset));
	/* The verifier does not know that the record fits. */
	if (!data || offset > (granules - nr_granules(size)) * NR_LANE_GRANULE)
		return NULL;
	h = data + offset;
	h->length = shard << NR_LANE_LENGTH_BITS | size;
	h->where = nr_where(block, start, shift);
	return (void *)(h + 1);
}

/* size includes struct nr_record, shift is nr_block_shift. Returns NULL if the record is lost; the
 * loss is counted. */
static __always_inline struct nr_record *nr_lane_reserve(struct nr_cpu *c, const __u64 size,
							 const __u32 shift)
{
	struct nr_record *none = NULL;
	__u64 start = nr_lane_take(c, nr_granules(size), shift);

	if (start == NR_LANE_NOWHERE) {
		/* If the compiler knew that this is NULL, it would end a program that does not check
		 * right here, and the verifier could not say what is wrong. */
		asm volatile("" : "+r"(none));
		return none;
	}
	return nr_lane_record(c, size, start, shift);
}

/* All stores before this become visible before all after it. An atomic that returns a value is a full
 * barrier. */
static __noinline int nr_lane_fence(void)
{
	struct nr_cpu *c = nr_this_cpu();
	__u64 before = c ? __sync_fetch_and_add(&c->lane.fence, 1) : 0;

	asm volatile("" : : "r"(before) : "memory");
	return 0;
}

/* Stores the commit byte of a record after all of the record: a plain store, which is enough where
 * stores stay in order. */
static __always_inline void nr_lane_commit_at(__u32 shard, __u32 where, enum nr_commit how)
{
	__u8 *commit = nr_commit_of(shard, where & ~NR_LANE_BELL);

	if (!commit)
		return;
	if (nr_weak_memory)
		nr_lane_fence();
	asm volatile("" : : : "memory");
	*(volatile __u8 *)commit = how;
	if (where & NR_LANE_BELL)
		nr_ring_bell(nr_this_cpu());
}

/* Submits or discards a record of nr_lane_reserve. */
static __always_inline void nr_lane_commit(struct nr_record *rec, enum nr_commit how)
{
	struct nr_lane_header *h = (void *)rec - sizeof(*h);
	__u32 length = h->length, where = h->where;

	/* A second submit finds no block. */
	h->length = length & ((1u << NR_LANE_LENGTH_BITS) - 1);
	h->where = NR_LANE_DONE;
	nr_lane_commit_at(length >> NR_LANE_LENGTH_BITS, where, how);
}

#endif
