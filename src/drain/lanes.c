// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "lanes.h"

/* A lane that is written to at its recent rate should not fill up before the consumer comes, even if
 * that is late by some ticks. */
#define AHEAD_MS 25u
/* With less than this on hand, a lane needs the room of a release at once. */
#define SHORT_MS 2u
/* The highest rate of a lane is forgotten in about this time. */
#define FORGET_NS 100000000u

/* A record that is unsubmitted for so long may be one that no program will submit. */
#define SLOW_NS 100000000u
/* As long as it takes for a record of a program that can sleep to be given up. */
#define SLEEPER_NS 10000000000ull

static uint64_t block_size(const struct nr_lanes *l)
{
	return 1ull << l->arena.shift;
}

static uint32_t owned(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	return (r->granted - r->freed) >> l->arena.shift;
}

static uint32_t slot_of(const struct nr_lanes *l, uint64_t pos)
{
	return (pos >> l->arena.shift) % NR_LANE_SLOTS;
}

/* The granule of the arena that holds a position of the lane. */
static uint64_t granule_of(const struct nr_lanes *l, const struct nr_lane_reader *r, uint64_t pos)
{
	uint64_t block = r->slots[slot_of(l, pos)];

	return (block << l->arena.shift) | (pos & (block_size(l) - 1));
}

/* ---- blocks ---- */

static void grant_block(struct nr_lanes *l, struct nr_lane_reader *r)
{
	uint16_t block = l->free[--l->n_free];
	uint32_t slot = slot_of(l, r->granted);

	memset(l->arena.commits + block * block_size(l), NR_COMMIT_BUSY, block_size(l));
	r->slots[slot] = r->lane->slots[slot] = block;
	r->granted += block_size(l);
	/* Release: a program that sees the limit sees the slot and the clear commit bytes (L2). */
	__atomic_store_n(&r->lane->limit, r->granted, __ATOMIC_RELEASE);
}

static void take_back(struct nr_lanes *l, struct nr_lane_reader *r)
{
	while (r->freed + block_size(l) <= r->walked) {
		uint16_t block = r->slots[slot_of(l, r->freed)];

		if (l->held[block])
			break;
		if (!l->barred[block])
			l->free[l->n_free++] = block;
		r->freed += block_size(l);
	}
}

static uint64_t blocks_ahead(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	return (r->granted - r->seen) >> l->arena.shift;
}

static bool may_grow(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	return l->n_free && owned(l, r) < l->most;
}

/* Does the lane have less on hand than it fills in so many ms? */
static bool is_short(const struct nr_lanes *l, const struct nr_lane_reader *r, unsigned ms)
{
	return r->granted - r->seen < r->rate * ms + block_size(l);
}

/* What a lane has on hand beyond its base share is at most four times what stays free for others. */
static bool wants_more(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	return is_short(l, r, AHEAD_MS) && blocks_ahead(l, r) <= 4ull * l->n_free;
}

/* It rings when a quarter of what the lane has on hand is used, and is never above the limit. */
static void set_bell(struct nr_lane_reader *r)
{
	/* Release: up to here, programs do not look at the limit. */
	__atomic_store_n(&r->lane->bell, r->seen + (r->granted - r->seen) / 4, __ATOMIC_RELEASE);
}

/* Bytes in use. A block that is not full yet is in use while it holds records that are not safe. */
static uint64_t fill_of(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	bool safe =
		r->walked - r->freed < block_size(l) && !l->held[r->slots[slot_of(l, r->freed)]];

	return (r->seen - (safe ? r->walked : r->freed)) * NR_LANE_GRANULE;
}

/* A lane that has used all that it can get presses as much as an arena that is full. */
static uint64_t pressure_of(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	uint64_t blocks = (uint64_t)owned(l, r) + l->n_free;
	uint64_t most = (blocks < l->most ? blocks : l->most) * block_size(l) * NR_LANE_GRANULE;

	return most ? nr_arena_bytes(&l->arena) * ((double)fill_of(l, r) / most) : 0;
}

/* It lacks its share, or may soon be full. */
static bool needs_blocks(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	return owned(l, r) < l->base || is_short(l, r, SHORT_MS);
}

static void note_fill(struct nr_lanes *l)
{
	uint64_t fill = 0, pressure = 0;
	bool starving = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];
		uint64_t p = pressure_of(l, r);

		fill += fill_of(l, r);
		pressure = p > pressure ? p : pressure;
		starving |= needs_blocks(l, r);
	}
	atomic_store_explicit(&l->fill, fill, memory_order_relaxed);
	atomic_store_explicit(&l->pressure, pressure > fill ? pressure : fill,
			      memory_order_relaxed);
	atomic_store_explicit(&l->starving, starving, memory_order_relaxed);
}

/* Every lane gets its base share first. There is enough, because what others have above theirs is
 * granted only afterwards (L3). */
static void grant_base(struct nr_lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		while (owned(l, &l->lanes[i]) < l->base && may_grow(l, &l->lanes[i]))
			grant_block(l, &l->lanes[i]);
}

static void grant_more(struct nr_lanes *l)
{
	bool any = true;

	while (any) {
		any = false;
		for (uint32_t i = 0; i < l->n; i++) {
			struct nr_lane_reader *r = &l->lanes[i];

			if (!may_grow(l, r) || !wants_more(l, r))
				continue;
			grant_block(l, r);
			any = true;
		}
	}
}

/* Tells the reader that the lane is empty from one position to another, the start of a block. */
static void mark_skipped(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t from, uint64_t to)
{
	for (uint64_t pos = from; pos < to; pos = (pos | (block_size(l) - 1)) + 1)
		l->arena.commits[granule_of(l, r, pos)] = NR_COMMIT_SKIPPED;
}

/*
 * Takes blocks that a lane does not use from under its programs: moves its head past them, in the way
 * of a program that skips the rest of a block. The reader finds nothing in them, and they are free.
 * This fails if a program reserves meanwhile; one that is about to does so behind them.
 */
static void give_up(struct nr_lanes *l, struct nr_lane_reader *r)
{
	uint64_t keep = (r->rate * AHEAD_MS >> l->arena.shift) + 1;
	uint64_t end, next;
	__u64 head = nr_lane_head(r->lane);

	keep = keep > l->base ? keep : l->base;
	if (blocks_ahead(l, r) <= keep || nr_lane_position(head, r->seen) != r->seen)
		return;
	end = r->granted - keep * block_size(l);
	next = end << NR_LANE_COUNT_BITS | (head & ((1u << NR_LANE_COUNT_BITS) - 1));
	if (!__atomic_compare_exchange_n(&r->lane->head, &head, next, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return;
	mark_skipped(l, r, r->seen, end);
	r->seen = end;
}

/* If blocks are short, those that are not used are free at the next pass. */
static void share_out(struct nr_lanes *l)
{
	bool short_of = false;

	for (uint32_t i = 0; i < l->n; i++)
		short_of |= needs_blocks(l, &l->lanes[i]);
	for (uint32_t i = 0; short_of && i < l->n; i++)
		give_up(l, &l->lanes[i]);
}

void nr_lanes_grant(struct nr_lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		take_back(l, &l->lanes[i]);
	grant_base(l);
	grant_more(l);
	share_out(l);
	for (uint32_t i = 0; i < l->n; i++)
		set_bell(&l->lanes[i]);
	note_fill(l);
}

/* ---- CPUs ---- */

static void add_lane(struct nr_lanes *l, uint32_t cpu)
{
	struct nr_lane *lane = &l->cpus[cpu].lane;
	uint64_t pos = nr_lane_position(nr_lane_head(lane), 0), start = pos & -block_size(l);

	l->lanes[l->n] = (struct nr_lane_reader){
		.lane = lane,
		.cpu = cpu,
		.walked = pos,
		.seen = pos,
		.target = pos,
		.granted = start,
		.freed = start,
	};
	__atomic_store_n(&l->n, l->n + 1, __ATOMIC_RELAXED);
	/* A lane alone may have all. */
	l->base = l->n == 1 ? l->arena.n_blocks : l->arena.n_blocks / 2 / l->n;
	l->base = l->base < l->most ? l->base : l->most;
}

/* CPUs that come online join, also after the start. One that has a shard stays there. */
static void find_cpus(struct nr_lanes *l)
{
	for (uint32_t cpu = 0; cpu < l->n_cpus; cpu++) {
		uint32_t shard;

		if (l->placed[cpu])
			continue;
		shard = __atomic_load_n(&l->cpus[cpu].shard, __ATOMIC_RELAXED);
		l->placed[cpu] = shard != NR_NO_SHARD;
		if (shard == l->shard)
			add_lane(l, cpu);
	}
}

/* ---- passes ---- */

static void note_rate(struct nr_lane_reader *r, uint64_t granules, uint64_t elapsed)
{
	uint64_t now = granules * 1000000 / (elapsed ?: 1);
	uint64_t kept = elapsed < FORGET_NS ? FORGET_NS - elapsed : 0;

	r->rate = r->rate * kept / FORGET_NS;
	r->rate = now > r->rate ? now : r->rate;
}

static int see_lane(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t elapsed)
{
	uint64_t head = nr_lane_head(r->lane), end = nr_lane_position(head, r->seen);
	uint64_t *reserved = (uint64_t *)&l->cpus[r->cpu].reserved;

	if (end > r->granted)
		return -EBADMSG;
	note_rate(r, end - r->seen, elapsed);
	r->seen = end;
	__atomic_store_n(reserved, nr_lane_count(head, *reserved), __ATOMIC_RELAXED);
	return 0;
}

int nr_lanes_see(struct nr_lanes *l)
{
	uint64_t now = nr_clock_now(), elapsed = now - l->seen_at;
	int err = 0;

	l->seen_at = now;
	nr_ring_release(&l->bell, nr_ring_produced(&l->bell));
	find_cpus(l);
	l->wants_grace = false;
	for (uint32_t i = 0; i < l->n; i++)
		err = see_lane(l, &l->lanes[i], elapsed) ?: err;
	return err;
}

/* Its program has ended, so nobody will submit the record: it ran before a grace period. If programs
 * can sleep, nobody knows: the record is given up after some time, and its block is not used again. */
static bool is_abandoned(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t at)
{
	uint64_t now = nr_clock_now();

	if (r->walked >= r->stuck_below) {
		r->stuck_below = r->seen;
		r->stuck_since = now;
	}
	if (!l->sleepable) {
		l->wants_grace |= now - r->stuck_since > SLOW_NS;
		/* The time of a grace period is read on another CPU. */
		return r->stuck_since + NR_EPSILON_NS < l->grace;
	}
	if (now - r->stuck_since <= SLEEPER_NS)
		return false;
	l->barred[at >> l->arena.shift] = true;
	return true;
}

/* Goes on behind a record that is not submitted. Its header was written by the program that reserved
 * it; one that is not there yet is waited for. */
static int abandon(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t at)
{
	const struct nr_lane_header *h = nr_lane_header(&l->arena, at);
	const struct nr_record *rec = (const void *)(h + 1);
	struct nr_cpu *cpu = &l->cpus[r->cpu];
	uint32_t length = h->length & ((1u << NR_LANE_LENGTH_BITS) - 1);
	uint64_t n = nr_lane_granules(length);

	if ((h->where & ~NR_LANE_BELL) != at || length < sizeof(*rec) || n > r->seen - r->walked ||
	    n > block_size(l) - (at & (block_size(l) - 1)))
		return -EAGAIN;
	l->abandoned++;
	l->abandoned_cpu = r->cpu;
	l->abandoned_id = rec->id;
	__atomic_fetch_add(&cpu->lost[NR_LOSS_ABANDONED], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cpu->lost_total, 1, __ATOMIC_RELAXED);
	r->walked += n;
	return 0;
}

int nr_lanes_next(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t *at,
		  struct nr_lane_slot *slot)
{
	while (r->walked != r->seen) {
		int err;

		*at = granule_of(l, r, r->walked);
		err = nr_lane_read(&l->arena, *at, r->seen - r->walked, slot);
		if (err == -EAGAIN && is_abandoned(l, r, *at) && !abandon(l, r, *at))
			continue;
		if (err)
			return err;
		r->walked += slot->granules;
		if (slot->payload)
			return 0;
	}
	return -ENODATA;
}

uint64_t nr_lanes_unread(const struct nr_lanes *l)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];

		sum += nr_lane_position(nr_lane_head(r->lane), r->walked) - r->walked;
	}
	return sum * NR_LANE_GRANULE;
}

/* The first block that may hold records. Those before it were given up, or had only discarded ones. */
static uint64_t first_used(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	uint64_t pos = r->freed;

	while (pos + block_size(l) <= r->walked && !l->held[r->slots[slot_of(l, pos)]])
		pos += block_size(l);
	return pos;
}

uint64_t nr_lanes_fullest(const struct nr_lanes *l)
{
	double most = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];
		uint64_t from = first_used(l, r);
		double share = (double)(r->seen - from) / (r->granted - from);

		most = r->granted != from && share > most ? share : most;
	}
	return most * nr_arena_bytes(&l->arena);
}

/* ---- life ---- */

/* Blocks that a lane may have: fewer than it has slots, and records of at least two granules in them
 * must not make its count of NR_LANE_COUNT_BITS go around between two passes. */
static uint32_t most_blocks(const struct nr_arena *arena)
{
	uint64_t most = (2ull << NR_LANE_COUNT_BITS >> arena->shift) - 1;

	return most < NR_LANE_SLOTS - 1 ? most : NR_LANE_SLOTS - 1;
}

static bool allocate(struct nr_lanes *l, uint32_t n_blocks)
{
	l->lanes = calloc(l->n_cpus, sizeof(*l->lanes));
	l->placed = calloc(l->n_cpus, sizeof(*l->placed));
	l->free = calloc(n_blocks, sizeof(*l->free));
	l->held = calloc(n_blocks, sizeof(*l->held));
	l->barred = calloc(n_blocks, sizeof(*l->barred));
	return l->lanes && l->placed && l->free && l->held && l->barred;
}

int nr_lanes_new(struct nr_lanes **out, const struct nr_arena *arena, const struct nr_ring *bell,
		 struct nr_cpu *cpus, uint32_t n_cpus, uint32_t shard)
{
	struct nr_lanes *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->cpus = cpus;
	l->n_cpus = n_cpus;
	l->shard = shard;
	if (!allocate(l, arena->n_blocks)) {
		nr_lanes_free(l);
		return -ENOMEM;
	}
	l->arena = *arena;
	l->most = most_blocks(arena);
	l->bell = *bell;
	for (l->n_free = 0; l->n_free < arena->n_blocks; l->n_free++)
		l->free[l->n_free] = arena->n_blocks - 1 - l->n_free;
	find_cpus(l);
	nr_lanes_grant(l);
	*out = l;
	return 0;
}

void nr_lanes_free(struct nr_lanes *l)
{
	if (!l)
		return;
	nr_arena_unmap(&l->arena);
	nr_ring_unmap(&l->bell);
	free(l->lanes);
	free(l->placed);
	free(l->free);
	free(l->held);
	free(l->barred);
	free(l);
}
