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

static uint16_t *slot_of(const struct nr_lanes *l, struct nr_lane_reader *r, uint64_t pos)
{
	return &r->slots[(pos >> l->arena.shift) % NR_LANE_SLOTS];
}

/* The granule of the arena that holds a position of the lane. */
static uint64_t granule_of(const struct nr_lanes *l, struct nr_lane_reader *r, uint64_t pos)
{
	uint64_t block = *slot_of(l, r, pos);

	return (block << l->arena.shift) | (pos & (block_size(l) - 1));
}

/* ---- blocks ---- */

static void grant_block(struct nr_lanes *l, struct nr_lane_reader *r)
{
	uint16_t block = l->free[--l->n_free];

	memset(l->arena.commits + block * block_size(l), NR_COMMIT_BUSY, block_size(l));
	*slot_of(l, r, r->granted) = block;
	r->lane->slots[(r->granted >> l->arena.shift) % NR_LANE_SLOTS] = block;
	r->granted += block_size(l);
	/* Release: a program that sees the limit sees the slot and the clear commit bytes (L2). */
	__atomic_store_n(&r->lane->limit, r->granted, __ATOMIC_RELEASE);
}

static void take_back(struct nr_lanes *l, struct nr_lane_reader *r)
{
	while (r->freed + block_size(l) <= r->walked) {
		uint16_t block = *slot_of(l, r, r->freed);

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
	return l->n_free && owned(l, r) < NR_LANE_SLOTS - 1;
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

static uint64_t fill_of(const struct nr_lane_reader *r)
{
	return (r->seen - r->freed) * NR_LANE_GRANULE;
}

/* A lane that has used all that it can get presses as much as an arena that is full. */
static uint64_t pressure_of(const struct nr_lanes *l, const struct nr_lane_reader *r)
{
	uint64_t fill = fill_of(r);
	uint64_t most = (r->granted - r->freed + l->n_free * block_size(l)) * NR_LANE_GRANULE;

	return most ? nr_arena_bytes(&l->arena) * ((double)fill / most) : 0;
}

static void note_fill(struct nr_lanes *l)
{
	uint64_t fill = 0, pressure = 0;
	bool starving = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];
		uint64_t p = pressure_of(l, r);

		fill += fill_of(r);
		pressure = p > pressure ? p : pressure;
		starving |= owned(l, r) < l->base || is_short(l, r, SHORT_MS);
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

void nr_lanes_grant(struct nr_lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		take_back(l, &l->lanes[i]);
	grant_base(l);
	grant_more(l);
	for (uint32_t i = 0; i < l->n; i++)
		set_bell(&l->lanes[i]);
	note_fill(l);
}

/* ---- CPUs ---- */

static void add_lane(struct nr_lanes *l, uint32_t cpu)
{
	struct nr_lane *lane = &l->cpus[cpu].lane;
	uint64_t pos = nr_lane_position(nr_lane_head(lane), 0), start = pos & -block_size(l);

	l->has_lane[cpu] = true;
	l->lanes[l->n++] = (struct nr_lane_reader){
		.lane = lane,
		.cpu = cpu,
		.walked = pos,
		.seen = pos,
		.target = pos,
		.granted = start,
		.freed = start,
	};
	/* A lane alone may have all. */
	l->base = l->n == 1 ? l->arena.n_blocks : l->arena.n_blocks / 2 / l->n;
	l->base = l->base < NR_LANE_SLOTS ? l->base : NR_LANE_SLOTS - 1;
}

/* CPUs that come online join, also after the start. */
static void find_cpus(struct nr_lanes *l)
{
	for (uint32_t cpu = 0; cpu < l->n_cpus; cpu++)
		if (!l->has_lane[cpu] &&
		    __atomic_load_n(&l->cpus[cpu].shard, __ATOMIC_RELAXED) == l->shard)
			add_lane(l, cpu);
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

/* Its program has ended, so nobody will submit the record. If it can sleep, nobody knows, and its
 * block is not used again. */
static bool is_abandoned(struct nr_lanes *l, struct nr_lane_reader *r, uint64_t at)
{
	uint64_t now = nr_clock_now();

	r->stuck_since = r->stuck_since ?: now;
	l->wants_grace |= now - r->stuck_since > SLOW_NS;
	if (!l->sleepable)
		return r->stuck_since < l->grace;
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
	r->stuck_since = 0;
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
		r->stuck_since = 0;
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

uint64_t nr_lanes_fullest(const struct nr_lanes *l)
{
	double most = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];
		double share = (double)(r->seen - r->freed) / (r->granted - r->freed);

		most = r->seen != r->freed && share > most ? share : most;
	}
	return most * nr_arena_bytes(&l->arena);
}

/* ---- life ---- */

static bool allocate(struct nr_lanes *l, uint32_t n_blocks)
{
	l->lanes = calloc(l->n_cpus, sizeof(*l->lanes));
	l->has_lane = calloc(l->n_cpus, sizeof(*l->has_lane));
	l->free = calloc(n_blocks, sizeof(*l->free));
	l->held = calloc(n_blocks, sizeof(*l->held));
	l->barred = calloc(n_blocks, sizeof(*l->barred));
	return l->lanes && l->has_lane && l->free && l->held && l->barred;
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
	free(l->has_lane);
	free(l->free);
	free(l->held);
	free(l->barred);
	free(l);
}
