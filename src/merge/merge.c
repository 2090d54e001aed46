// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "base/counter.h"
#include "merge.h"

#define PREFETCH 8 /* entries ahead in a queue: they come from other CPUs' caches */

/* Records in a row from one shard, after which the tree is asked how long that will go on. */
#define LONG_RUN 16

int nr_merge_init(struct nr_merge *m, struct nr_shard **shards, uint32_t n)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = nr_tree_init(&m->tree, n);
	if (err)
		return err;
	m->shards = shards;
	m->n_shards = n;
	m->inputs = aligned_alloc(_Alignof(struct nr_input), n * sizeof(*m->inputs));
	if (!m->inputs) {
		nr_merge_destroy(m);
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < n; s++)
		m->inputs[s] = (struct nr_input){
			.queue = shards[s]->queue,
			.queue_mask = shards[s]->queue_mask,
			.data = shards[s]->data,
			.data_mask = shards[s]->data_mask,
		};
	return 0;
}

void nr_merge_start(struct nr_merge *m, uint64_t time)
{
	m->watermark = time;
}

void nr_merge_destroy(struct nr_merge *m)
{
	nr_tree_destroy(&m->tree);
	nr_losses_destroy(&m->losses);
	free(m->inputs);
	memset(m, 0, sizeof(*m));
}

/* The minimum of the shards' watermarks. */
static uint64_t common_watermark(const struct nr_merge *m)
{
	uint64_t min = NR_TIME_END;

	for (uint32_t s = 0; s < m->n_shards; s++) {
		uint64_t w = nr_shard_watermark(m->shards[s]);

		min = w < min ? w : min;
	}
	return min;
}

static nr_tree_key key_of(const struct nr_input *input, uint32_t s, uint64_t index)
{
	if (index >= input->tail)
		return nr_tree_key_dry(s);
	return nr_tree_key_at(input->queue[index & input->queue_mask].ts, s);
}

/* Tells the shards what was taken. */
static void put_heads(struct nr_merge *m)
{
	for (uint32_t s = 0; s < m->n_shards; s++)
		nr_shard_take_to(m->shards[s], m->inputs[s].head);
}

static void open_window(struct nr_merge *m)
{
	for (uint32_t s = 0; s < m->n_shards; s++) {
		struct nr_input *input = &m->inputs[s];

		input->tail = nr_shard_tail(m->shards[s]);
		input->next = key_of(input, s, input->head + 1);
		nr_tree_set(&m->tree, key_of(input, s, input->head));
	}
	nr_tree_build(&m->tree);
}

uint64_t nr_merge_begin(struct nr_merge *m)
{
	uint64_t w = common_watermark(m);

	m->late_below = m->watermark;
	if (w > m->watermark)
		m->watermark = w;
	m->limit =
		m->watermark == NR_TIME_END ? nr_tree_key_dry(0) : nr_tree_key_at(m->watermark, 0);
	put_heads(m);
	/* Reads the tails after the watermarks: every record below those is in the queues by now
	 * (D1). */
	open_window(m);
	return m->watermark;
}

bool nr_merge_more(const struct nr_merge *m)
{
	return nr_tree_winner(&m->tree) < m->limit;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* No event from now on may have a time below (M2). */
static uint64_t least_time(const struct nr_merge *m)
{
	return later(m->last, m->late_below);
}

/* The time of the next event: that of its record, unless it is late (M2). */
static uint64_t next_time(const struct nr_merge *m)
{
	return later(nr_tree_time(nr_tree_winner(&m->tree)), least_time(m));
}

/* Reads a record in its ring, which the merge needs to do for few (nr_entry). Returns its bytes. */
static size_t look_at(struct nr_merge *m, uint64_t place)
{
	nr_losses_note(&m->losses, nr_place_record(place));
	return nr_round8(nr_place_length(place));
}

/* The tree, and how long its winner has been of one shard. */
struct race {
	struct nr_tree tree;
	nr_tree_key winner, second;
	unsigned run;
};

/*
 * The winner's shard goes on with key. In a long run its keys are compared only with the second
 * best. In short ones, that would cost more than the matches: whether a run goes on is a branch that
 * nobody can predict.
 */
static inline void advance(struct race *r, uint32_t s, nr_tree_key key)
{
	if (__builtin_expect(r->run >= LONG_RUN && key < r->second, 0)) {
		r->winner = key;
		return;
	}
	r->winner = nr_tree_replace(&r->tree, s, key);
	r->run = (r->run + 1) & -((uint32_t)r->winner == s);
	if (__builtin_expect(r->run >= LONG_RUN, 0))
		r->second = nr_tree_second(&r->tree, s);
}

/* Takes the head of a shard's queue. */
static inline const struct nr_entry *take_head(struct race *r, struct nr_input *input, uint32_t s)
{
	const struct nr_entry *entry = &input->queue[input->head++ & input->queue_mask];

	advance(r, s, input->next);
	input->next = key_of(input, s, input->head + 1);
	__builtin_prefetch(&input->queue[(input->head + PREFETCH) & input->queue_mask]);
	return entry;
}

unsigned nr_merge_take(struct nr_merge *m, uint64_t **places, unsigned max, size_t room,
		       size_t *used)
{
	struct race r = { .tree = m->tree, .winner = nr_tree_winner(&m->tree) };
	uint64_t least = least_time(m), *place = *places, *end = place + max;
	const nr_tree_key limit = m->limit;
	size_t taken = 0;
	unsigned late = 0, n;

	if (!room && next_time(m) != m->last)
		return 0; /* from here on, least is the time of the last event if room is 0 */
	while (place < end && r.winner < limit) {
		uint64_t time = nr_tree_time(r.winner), ts = later(time, least);
		uint32_t s = nr_tree_source(r.winner);
		struct nr_input *input = &m->inputs[s];
		const struct nr_entry *entry;

		if (taken >= room && ts != least)
			break;
		entry = take_head(&r, input, s);
		*place = (uintptr_t)(input->data + (nr_entry_pos(entry) & input->data_mask));
		taken += entry->size ? entry->size * 8u : look_at(m, *place);
		if (__builtin_expect(time < ts, 0)) {
			*place++ |= NR_PLACE_LATE;
			*place = ts;
			nr_counter_add(&m->shards[s]->late, 1);
			late++;
			end++;
		}
		place++;
		least = ts;
	}
	n = place - *places - late;
	m->tree.node[0] = r.winner;
	m->last = n ? least : m->last;
	*places = place;
	*used += taken;
	return n;
}

uint64_t nr_merge_complete_to(const struct nr_merge *m)
{
	return nr_merge_more(m) ? next_time(m) : m->watermark;
}

void nr_merge_mark(struct nr_merge *m, struct nr_mark *marks)
{
	put_heads(m);
	for (uint32_t s = 0; s < m->n_shards; s++)
		marks[s] = nr_shard_mark(m->shards[s]);
}

void nr_merge_release(struct nr_merge *m, const struct nr_mark *marks)
{
	for (uint32_t s = 0; s < m->n_shards; s++)
		nr_shard_release(m->shards[s], &marks[s]);
}
