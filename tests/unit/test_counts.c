// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The merge looks at few records in their rings, but counts losses and bytes as if it looked at all
 * (I11): random histories, against a count of every record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "fake_ring.h"
#include "merge/merge.h"
#include "seed.h"

#define SIZE	   8192u
#define MAX_SHARDS 4
#define MAX_CPUS   7
#define STEPS	   2000

struct history {
	struct seed seed;
	uint32_t n_shards, n_cpus;
	struct fake_ring fake[MAX_SHARDS];
	struct nr_shard shard[MAX_SHARDS];
	struct nr_shard *ptr[MAX_SHARDS];
	struct nr_merge merge;
	struct nr_losses all; /* of every record */
	uint64_t now, lost[MAX_CPUS];
	bool moves;		/* CPUs write to any shard */
	struct nr_record *open; /* reserved and not submitted; NULL: none */
	uint64_t taken, looked;
};

static uint64_t below(struct history *h, uint64_t n)
{
	return seed_below(&h->seed, n);
}

static uint64_t read_counters(void *ctx, uint64_t *lost)
{
	const struct history *h = ctx;

	memcpy(lost, h->lost, h->n_cpus * sizeof(*lost));
	return h->now;
}

static void close_record(struct history *h)
{
	if (!h->open)
		return;
	if (below(h, 5))
		fake_ring_submit(h->open);
	else
		fake_ring_discard(h->open);
	h->open = NULL;
}

/* Some records are of no CPU, long, early, or hold a count from before an interrupt. */
static void write_record(struct history *h)
{
	uint32_t cpu = below(h, 30) ? below(h, h->n_cpus) : 0xffff;
	uint32_t s = h->moves ? below(h, h->n_shards) : cpu % h->n_shards;
	uint32_t size = below(h, 10) ? below(h, 80) : below(h, 700);
	struct nr_record *rec;

	close_record(h);
	rec = fake_ring_reserve(&h->fake[s], sizeof(*rec) + size);
	if (!rec)
		return;
	*rec = (struct nr_record){ .ts = h->now, .cpu = cpu };
	if (!below(h, 12))
		rec->ts -= below(h, 3000);
	if (cpu < h->n_cpus)
		rec->lost = h->lost[cpu] - (below(h, 10) ? 0 : below(h, 3));
	h->open = rec;
}

static void lose(struct history *h)
{
	h->lost[below(h, h->n_cpus)] += 1 + below(h, 5);
}

static void sample(struct history *h)
{
	nr_losses_sample(&h->merge.losses, h->now);
	nr_losses_sample(&h->all, h->now);
}

static void expect_equal(const struct history *h)
{
	assert_int_equal(h->merge.losses.total, h->all.total);
	for (uint32_t cpu = 0; cpu < h->n_cpus; cpu++)
		assert_int_equal(h->merge.losses.by_cpu[cpu], h->all.by_cpu[cpu]);
}

static void take_some(struct history *h)
{
	struct nr_event evs[MAX_TAKEN];
	size_t bytes = 0, expected = 0;
	unsigned n = take_events(&h->merge, evs, 1 + below(h, MAX_TAKEN), SIZE_MAX, &bytes);

	for (unsigned i = 0; i < n; i++) {
		nr_losses_note(&h->all, evs[i].rec);
		expected += (sizeof(struct nr_record) + evs[i].size + 7) & ~7u;
	}
	assert_int_equal(bytes, expected);
	expect_equal(h);
	h->taken += n;
}

static void merge_all(struct history *h)
{
	nr_merge_begin(&h->merge);
	while (nr_merge_more(&h->merge)) {
		take_some(h);
		assert_int_equal(nr_losses_until(&h->merge.losses, h->merge.last),
				 nr_losses_until(&h->all, h->merge.last));
	}
	release_merged(&h->merge);
}

/* Entries that the merge will look at. */
static uint64_t count_looks(const struct nr_shard *shard, uint64_t from)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < shard->tail; i++)
		n += !nr_shard_entry(shard, i)->size;
	return n;
}

static void pass(struct history *h, uint32_t s, uint64_t time)
{
	uint64_t tail = h->shard[s].tail;

	assert_int_not_equal(nr_shard_pass(&h->shard[s], time), -EBADMSG);
	h->looked += count_looks(&h->shard[s], tail);
}

static void step(struct history *h, unsigned loss_in)
{
	h->now += below(h, 200);
	write_record(h);
	if (seed_once_in(&h->seed, loss_in))
		lose(h);
	if (!below(h, 20))
		sample(h);
	if (!below(h, 8))
		pass(h, below(h, h->n_shards), h->now);
	if (!below(h, 15))
		merge_all(h);
}

static void open_history(struct history *h, uint64_t seed)
{
	*h = (struct history){ .seed = { seed }, .now = 10000 };
	h->n_shards = 1 + below(h, MAX_SHARDS);
	h->n_cpus = h->n_shards + below(h, MAX_CPUS - h->n_shards + 1);
	h->moves = !below(h, 4);
	for (uint32_t s = 0; s < h->n_shards; s++) {
		struct nr_ring ring;

		fake_ring_open(&h->fake[s], SIZE, below(h, 1000) * 8);
		fake_ring_map(&h->fake[s], &ring);
		assert_int_equal(nr_shard_init(&h->shard[s], &ring, h->n_cpus), 0);
		h->ptr[s] = &h->shard[s];
	}
	assert_int_equal(nr_merge_init(&h->merge, h->ptr, h->n_shards), 0);
	assert_int_equal(nr_losses_init(&h->merge.losses, h->n_cpus, read_counters, h), 0);
	assert_int_equal(nr_losses_init(&h->all, h->n_cpus, read_counters, h), 0);
}

static void close_history(struct history *h)
{
	nr_losses_destroy(&h->all);
	nr_merge_destroy(&h->merge);
	for (uint32_t s = 0; s < h->n_shards; s++) {
		nr_shard_destroy(&h->shard[s]);
		fake_ring_close(&h->fake[s]);
	}
}

static void run_history(uint64_t seed, unsigned loss_in)
{
	static struct history h;

	open_history(&h, seed);
	for (unsigned i = 0; i < STEPS; i++)
		step(&h, loss_in);
	close_record(&h);
	for (uint32_t s = 0; s < h.n_shards; s++)
		pass(&h, s, NR_TIME_END);
	merge_all(&h);
	for (uint32_t s = 0; s < h.n_shards; s++)
		assert_int_equal(h.shard[s].accepted, h.shard[s].records);
	assert_int_equal(nr_losses_all(&h.merge.losses), nr_losses_all(&h.all));
	assert_true(h.taken > 100 && h.looked < h.taken);
	close_history(&h);
}

static void test_histories(void **state)
{
	static const unsigned loss_in[] = { 3, 30, 1000 };
	uint64_t first = seed_first("counts"), rounds = seed_env("NR_ROUNDS", 300);

	(void)state;
	for (uint64_t i = 0; i < rounds; i++)
		run_history(first + i, loss_in[i % 3]);
}

/* What the entry of a record says: its words, or 0 for one to be looked at. */
static unsigned entry_of(struct nr_shard *shard, struct fake_ring *fake, uint64_t ts, uint16_t cpu,
			 uint32_t lost, uint32_t size)
{
	struct nr_record *rec = fake_ring_reserve(fake, sizeof(*rec) + size);
	uint64_t tail = shard->tail;

	*rec = (struct nr_record){ .ts = ts, .cpu = cpu, .lost = lost };
	fake_ring_submit(rec);
	assert_int_equal(nr_shard_pass(shard, NR_TIME_END - 1), 0);
	assert_int_equal(shard->tail, tail + 1);
	return nr_shard_entry(shard, tail)->size;
}

/* In the usual case, a record without losses before it, the merge needs no look. */
static void test_usual(void **state)
{
	struct fake_ring fake;
	struct nr_shard shard;
	struct nr_ring ring;

	(void)state;
	fake_ring_open(&fake, SIZE, 0);
	fake_ring_map(&fake, &ring);
	assert_int_equal(nr_shard_init(&shard, &ring, 2), 0);
	assert_int_equal(entry_of(&shard, &fake, 1000, 0, 0, 20), 0); /* the first of its CPU */
	assert_int_equal(entry_of(&shard, &fake, 1001, 0, 0, 20), 5);
	assert_int_equal(entry_of(&shard, &fake, 1001, 0, 0, 0), 2);
	assert_int_equal(entry_of(&shard, &fake, 1002, 1, 7, 8), 0);
	assert_int_equal(entry_of(&shard, &fake, 1003, 0, 0, 8 * 61), 63);
	assert_int_equal(entry_of(&shard, &fake, 1004, 0, 0, 8 * 61 + 1), 0); /* too long */
	assert_int_equal(entry_of(&shard, &fake, 1005, 1, 7, 9), 4);
	assert_int_equal(entry_of(&shard, &fake, 1006, 1, 8, 9), 0);
	assert_int_equal(entry_of(&shard, &fake, 1006, 1, 8, 9), 4);
	assert_int_equal(entry_of(&shard, &fake, 1005, 1, 8, 9), 0); /* earlier */
	assert_int_equal(entry_of(&shard, &fake, 1007, 9, 5, 9), 4); /* of no CPU: not counted */
	nr_shard_destroy(&shard);
	fake_ring_close(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
