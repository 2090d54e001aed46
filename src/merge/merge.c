// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "base/counter.h"
#include "merge.h"

#define PREFETCH 8 /* records ahead in a queue */

int nr_merge_init(struct nr_merge *m, struct nr_shard **shards, uint32_t n)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = nr_tree_init(&m->tree, n);
	if (err)
		return err;
	m->shards = shards;
	m->n_shards = n;
	m->tail = calloc(n, sizeof(*m->tail));
	if (!m->tail) {
		nr_merge_destroy(m);
		return -ENOMEM;
	}
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
	free(m->tail);
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

/* Puts the head of shard s's queue into the tree. */
static void load_key(struct nr_merge *m, uint32_t s)
{
	const struct nr_shard *shard = m->shards[s];

	m->tree.dry[s] = shard->head == m->tail[s];
	if (!m->tree.dry[s])
		m->tree.key[s] = nr_shard_entry(shard, shard->head)->ts;
}

uint64_t nr_merge_begin(struct nr_merge *m)
{
	uint64_t w = common_watermark(m);

	m->late_below = m->watermark;
	if (w > m->watermark)
		m->watermark = w;
	/* Read the tails after the watermarks: every record below those is in the queues by now
	 * (D1). */
	for (uint32_t s = 0; s < m->n_shards; s++) {
		m->tail[s] = nr_shard_tail(m->shards[s]);
		load_key(m, s);
	}
	nr_tree_build(&m->tree);
	return m->watermark;
}

bool nr_merge_more(const struct nr_merge *m)
{
	uint32_t s = nr_tree_winner(&m->tree);

	return !m->tree.dry[s] && (m->tree.key[s] < m->watermark || m->watermark == NR_TIME_END);
}

/* The time of the next event: that of its record, unless it is late (M2). */
static uint64_t next_time(const struct nr_merge *m)
{
	uint64_t ts = m->tree.key[nr_tree_winner(&m->tree)];
	uint64_t min = m->last > m->late_below ? m->last : m->late_below;

	return ts > min ? ts : min;
}

/* The records come from other CPUs' caches: asks for one that will be taken soon. */
static void prefetch_record(const struct nr_merge *m, uint32_t s)
{
	const struct nr_shard *shard = m->shards[s];
	uint64_t soon = shard->head + PREFETCH;

	if (soon < m->tail[s])
		__builtin_prefetch(shard->ring.data +
				   (nr_shard_entry(shard, soon)->pos & shard->ring.mask));
}

/* Takes the head of the winner's queue. Returns its bytes in a packet. */
static size_t take_one(struct nr_merge *m, struct nr_event *ev)
{
	uint32_t s = nr_tree_winner(&m->tree);
	struct nr_shard *shard = m->shards[s];
	const struct nr_entry *entry = nr_shard_entry(shard, shard->head);
	const uint8_t *slot = shard->ring.data + (entry->pos & shard->ring.mask);
	uint32_t length = *(const uint32_t *)slot;
	bool late = entry->ts < m->late_below || entry->ts < m->last;

	prefetch_record(m, s);
	*ev = (struct nr_event){
		.rec = (const void *)(slot + NR_RING_HEADER),
		.data = slot + NR_RING_HEADER + sizeof(struct nr_record),
		.size = length - sizeof(struct nr_record),
		.flags = late ? NR_EVENT_LATE : 0,
		.ts = next_time(m),
	};
	m->last = ev->ts;
	nr_losses_note(&m->losses, ev->rec);
	if (late)
		nr_counter_add(&shard->late, 1);
	nr_shard_take(shard);
	load_key(m, s);
	nr_tree_replay(&m->tree);
	return nr_round8(length);
}

unsigned nr_merge_take(struct nr_merge *m, struct nr_event *evs, unsigned max, size_t room,
		       size_t *used)
{
	unsigned n = 0;
	size_t taken = 0;

	while (n < max && nr_merge_more(m)) {
		if (taken >= room && next_time(m) != m->last)
			break;
		taken += take_one(m, &evs[n++]);
	}
	*used += taken;
	return n;
}

uint64_t nr_merge_complete_to(const struct nr_merge *m)
{
	return nr_merge_more(m) ? next_time(m) : m->watermark;
}

void nr_merge_mark(const struct nr_merge *m, struct nr_mark *marks)
{
	for (uint32_t s = 0; s < m->n_shards; s++)
		marks[s] = nr_shard_mark(m->shards[s]);
}

void nr_merge_release(struct nr_merge *m, const struct nr_mark *marks)
{
	for (uint32_t s = 0; s < m->n_shards; s++)
		nr_shard_release(m->shards[s], &marks[s]);
}
