// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Fuzzes the reader of lanes with contents that no program of ours writes: heads, commit bytes and
 * headers. Input: a sequence of steps, of four bytes each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "drain/shard.h"

#define N_CPUS	 3u
#define N_BLOCKS 12u
#define SHIFT	 3u
#define GRANULES (N_BLOCKS << SHIFT)

struct step {
	uint8_t what, cpu, a, b;
};

struct rig {
	uint8_t *data,
		*commits; /* of the exact size, so that the sanitizer sees each access outside */
	struct nr_cpu *cpus;
	_Atomic(uint64_t) bell[2];
	struct nr_shard shard;
	uint64_t time;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void open_rig(struct rig *rig)
{
	struct nr_arena arena = { .n_blocks = N_BLOCKS, .shift = SHIFT };
	const struct nr_ring bell = { .consumer = &rig->bell[0], .producer = &rig->bell[1] };
	struct nr_lanes *lanes;

	memset(rig, 0, sizeof(*rig));
	arena.data = rig->data = calloc(GRANULES, NR_LANE_GRANULE);
	arena.commits = rig->commits = calloc(GRANULES, 1);
	rig->cpus = aligned_alloc(128, N_CPUS * sizeof(*rig->cpus));
	memset(rig->cpus, 0, N_CPUS * sizeof(*rig->cpus));
	rig->cpus[2].shard = NR_NO_SHARD; /* joins */
	check(!nr_lanes_new(&lanes, &arena, &bell, rig->cpus, N_CPUS, 0));
	check(!nr_shard_init_lanes(&rig->shard, lanes, N_CPUS));
}

static void close_rig(struct rig *rig)
{
	rig->shard.lanes->arena = (struct nr_arena){}; /* nothing of it is mapped */
	rig->shard.lanes->bell = (struct nr_ring){};
	nr_shard_destroy(&rig->shard);
	free(rig->data);
	free(rig->commits);
	free(rig->cpus);
}

static uint64_t head_of(const struct nr_cpu *cpu)
{
	return cpu->lane.head >> NR_LANE_COUNT_BITS;
}

/* Moves the head by so many granules, without a look at the limit. */
static void move_head(struct nr_cpu *cpu, int granules)
{
	cpu->lane.head = (head_of(cpu) + granules) << NR_LANE_COUNT_BITS |
			 ((cpu->lane.head + 1) & ((1u << NR_LANE_COUNT_BITS) - 1));
}

/* The granule before the head by so many. */
static uint32_t behind_head(const struct nr_cpu *cpu, uint32_t granules)
{
	uint64_t pos = head_of(cpu) - granules;
	uint32_t block = cpu->lane.slots[(pos >> SHIFT) % NR_LANE_SLOTS];

	return (block << SHIFT | (pos & ((1u << SHIFT) - 1))) % GRANULES;
}

/* A record of n granules, as a program reserves it, whose commit byte is `how`. */
static void write_record(struct rig *rig, struct nr_cpu *cpu, uint32_t n, uint8_t how)
{
	struct nr_record rec = { .ts = rig->time + how / 8, .cpu = cpu - rig->cpus };
	struct nr_lane_header h = { .length = n * NR_LANE_GRANULE - sizeof(h) };
	uint8_t *at;

	move_head(cpu, n);
	h.where = behind_head(cpu, n);
	at = rig->data + h.where * NR_LANE_GRANULE;
	memcpy(at, &h, sizeof(h));
	if (n > 1 && h.where + 1 < GRANULES)
		memcpy(at + sizeof(h), &rec, sizeof(rec));
	rig->commits[h.where] = how % 8;
}

/* What the queue holds lies in the arena, and there is room for it. */
static void check_queue(const struct rig *rig)
{
	const struct nr_shard *shard = &rig->shard;
	uint64_t most = GRANULES / 2; /* records */

	check(shard->tail - shard->lanes->reaped + shard->held <= most);
	for (uint64_t i = shard->head; i != shard->tail; i++) {
		const struct nr_entry *e = nr_shard_entry(shard, i);
		size_t end = nr_entry_pos(e) + sizeof(struct nr_lane_header) +
			     (e->size ? e->size * 8u : sizeof(struct nr_record));

		check(end <= GRANULES * NR_LANE_GRANULE);
		check(i == shard->head || !nr_entry_before(e, nr_shard_entry(shard, i - 1)) ||
		      e->ts < shard->complete_to);
	}
}

/* L1: each block is in one lane, or free, or barred. */
static void check_blocks(const struct nr_lanes *l, bool corrupt)
{
	unsigned n[N_BLOCKS] = { 0 };

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];

		check(r->freed <= r->walked && r->walked <= r->seen);
		check(r->seen <= r->granted || corrupt);
		for (uint64_t pos = r->freed; pos < r->granted; pos += 1u << SHIFT)
			n[r->slots[(pos >> SHIFT) % NR_LANE_SLOTS]]++;
	}
	for (uint32_t i = 0; i < l->n_free; i++)
		n[l->free[i]]++;
	for (uint32_t i = 0; i < N_BLOCKS; i++)
		check(n[i] == 1 || (!n[i] && l->barred[i]));
}

static int pass(struct rig *rig, uint8_t ms)
{
	int err;

	rig->time += ms;
	atomic_fetch_add(&nr_clock_offset, ms * 100000000ll);
	err = nr_shard_pass(&rig->shard, rig->time + NR_EPSILON_NS);
	check(!err || err == -EAGAIN || err == -EBADMSG);
	if (err == -EBADMSG)
		nr_shard_finish(&rig->shard);
	check_queue(rig);
	check_blocks(rig->shard.lanes, err == -EBADMSG);
	return err == -EBADMSG ? err : 0;
}

static void release(struct rig *rig, uint8_t n)
{
	struct nr_shard *shard = &rig->shard;
	uint64_t tail = nr_shard_tail(shard);
	struct nr_mark mark;

	nr_shard_take_to(shard, tail - shard->head < n ? tail : shard->head + n);
	mark = nr_shard_mark(shard);
	nr_shard_release(shard, &mark);
}

static int run_step(struct rig *rig, const struct step *s)
{
	struct nr_cpu *cpu = &rig->cpus[s->cpu % N_CPUS];

	switch (s->what % 8) {
	case 0:
		write_record(rig, cpu, 1 + s->a % (1u << SHIFT), s->b);
		break;
	case 1: /* submits a record late, or another time */
		rig->commits[behind_head(cpu, s->a)] = s->b;
		break;
	case 2:
		move_head(cpu, (int8_t)s->a);
		break;
	case 3:
		rig->data[(s->a * 256u + s->b) % (GRANULES * NR_LANE_GRANULE)] = s->cpu;
		break;
	case 4:
		rig->commits[s->a % GRANULES] = s->b;
		break;
	case 5:
		cpu->shard = s->a % 2;
		break;
	case 6:
		rig->shard.lanes->grace = s->a % 2 ? nr_clock_now() : 0;
		rig->shard.lanes->sleepable = s->b % 2;
		release(rig, s->b);
		break;
	default:
		return pass(rig, s->a);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig;

	open_rig(&rig);
	for (size_t i = 0; i + sizeof(struct step) <= size; i += sizeof(struct step)) {
		struct step s;

		memcpy(&s, data + i, sizeof(s));
		if (run_step(&rig, &s))
			break;
	}
	close_rig(&rig);
	return 0;
}
