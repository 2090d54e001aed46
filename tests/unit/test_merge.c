/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The merge of many shards, against a sort by (ts, shard, position). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "fake_ring.h"
#include "merge/merge.h"
#include "seed.h"

#define PAGE	   4096u
#define MAX_SHARDS 70
#define EPS	   NR_EPSILON_NS
#define NO_ROOM	   0
#define ALL	   SIZE_MAX
#define PACKED	   24u /* bytes that our records take in a packet */

struct expected {
	uint64_t ts;
	uint32_t shard;
	uint32_t seq; /* the record's position in its shard */
};

struct rig {
	uint32_t n;
	struct fake_ring fake[MAX_SHARDS];
	struct nr_shard shard[MAX_SHARDS];
	struct nr_shard *ptr[MAX_SHARDS];
	struct nr_merge merge;
	uint32_t seq[MAX_SHARDS];
	struct expected *all; /* in the order of their insertion */
	size_t n_all;
	size_t n_out;
	uint64_t last;
};

/* The number of the allocation that fails; -1: none does. */
static int allocations_left = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static struct rig *open_rig(uint32_t n)
{
	struct rig *rig = aligned_alloc(_Alignof(struct rig), sizeof(*rig));

	memset(rig, 0, sizeof(*rig));
	rig->n = n;
	rig->all = malloc(MAX_SHARDS * (PAGE / 32) * sizeof(*rig->all));
	for (uint32_t s = 0; s < n; s++) {
		struct nr_ring ring;

		fake_ring_open(&rig->fake[s], PAGE, s * 1000000064ull);
		fake_ring_map(&rig->fake[s], &ring);
		assert_int_equal(nr_shard_init(&rig->shard[s], &ring, 1), 0);
		rig->ptr[s] = &rig->shard[s];
	}
	assert_int_equal(nr_merge_init(&rig->merge, rig->ptr, n), 0);
	return rig;
}

static void close_rig(struct rig *rig)
{
	nr_merge_destroy(&rig->merge);
	for (uint32_t s = 0; s < rig->n; s++) {
		nr_shard_destroy(&rig->shard[s]);
		fake_ring_close(&rig->fake[s]);
	}
	free(rig->all);
	free(rig);
}

static bool put(struct rig *rig, uint32_t s, uint64_t ts)
{
	uint32_t *payload = fake_ring_put(&rig->fake[s], ts, 0, 8);

	if (!payload)
		return false;
	payload[0] = s;
	payload[1] = rig->seq[s];
	rig->all[rig->n_all++] = (struct expected){ ts, s, rig->seq[s]++ };
	return true;
}

/* Makes the shard complete up to time. */
static void pass(struct rig *rig, uint32_t s, uint64_t time)
{
	assert_int_equal(nr_shard_pass(&rig->shard[s], time), 0);
}

static void pass_all(struct rig *rig, uint64_t time)
{
	for (uint32_t s = 0; s < rig->n; s++)
		pass(rig, s, time);
}

static int compare(const void *x, const void *y)
{
	const struct expected *a = x, *b = y;

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	if (a->shard != b->shard)
		return a->shard < b->shard ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void check_event(struct rig *rig, const struct nr_event *ev)
{
	const struct expected *want = &rig->all[rig->n_out++];
	const uint32_t *payload = ev->data;

	if (ev->ts != want->ts || payload[0] != want->shard || payload[1] != want->seq)
		fail_msg("event %zu is (%llu, %u, %u), not (%llu, %u, %u)", rig->n_out - 1,
			 (unsigned long long)ev->ts, payload[0], payload[1],
			 (unsigned long long)want->ts, want->shard, want->seq);
	assert_true(ev->rec->ts == ev->ts);
	assert_int_equal(ev->size, 8);
	assert_int_equal(ev->flags, 0);
	assert_ptr_equal(ev->data, ev->rec + 1);
	assert_true(ev->ts < rig->merge.watermark || rig->merge.watermark == NR_TIME_END);
}

/* Takes one window in pieces and compares it with the oracle, from the end of the last window. */
static void check_window(struct rig *rig, struct seed *seed)
{
	struct nr_event evs[64];
	size_t bytes = 0;
	unsigned n, max;

	qsort(rig->all + rig->n_out, rig->n_all - rig->n_out, sizeof(*rig->all), compare);
	nr_merge_begin(&rig->merge);
	while (nr_merge_more(&rig->merge)) {
		uint64_t complete;

		max = 1 + seed_below(seed, 64);
		n = take_events(&rig->merge, evs, max, 1 + seed_below(seed, 2000), &bytes);
		assert_in_range(n, 1, max);
		for (unsigned i = 0; i < n; i++)
			check_event(rig, &evs[i]);
		complete = nr_merge_complete_to(&rig->merge);
		assert_true(complete <= rig->merge.watermark);
		assert_true(rig->n_out == rig->n_all || rig->all[rig->n_out].ts >= complete);
	}
	assert_int_equal(take_events(&rig->merge, evs, 64, ALL, &bytes), 0);
	assert_true(nr_merge_complete_to(&rig->merge) == rig->merge.watermark);
	/* M1: it had all events below W. */
	if (rig->n_out < rig->n_all && rig->merge.watermark != NR_TIME_END)
		assert_true(rig->all[rig->n_out].ts >= rig->merge.watermark);
	release_merged(&rig->merge);
}

static void random_history(uint32_t n, struct seed *seed)
{
	struct rig *rig = open_rig(n);
	uint64_t now = seed_once_in(seed, 4) ? 0 : seed_next(seed) >> 2;
	uint64_t spread = 1 + seed_below(seed, seed_once_in(seed, 3) ? 20 : 5000);
	/* Times of different shards far apart make long runs from one shard. */
	uint64_t apart = seed_once_in(seed, 3) ? seed_below(seed, 8 * spread) : 0;

	for (int round = 0; round < 5; round++) {
		for (uint32_t s = 0; s < n; s++) {
			uint64_t in = seed_once_in(seed, 4) ? 0 : seed_below(seed, PAGE / 32 / 6);

			while (in--)
				put(rig, s, now + s * apart + seed_below(seed, spread));
		}
		now += seed_below(seed, spread);
		for (uint32_t s = 0; s < n; s++) {
			if (!seed_once_in(seed, n + 1)) /* or this one has no watermark yet */
				pass(rig, s, now - (now ? seed_below(seed, 2) : 0));
		}
		check_window(rig, seed);
	}
	put(rig, seed_below(seed, n), UINT64_MAX);
	put(rig, seed_below(seed, n), UINT64_MAX - EPS);
	pass_all(rig, NR_TIME_END);
	check_window(rig, seed);
	assert_int_equal(rig->n_out, rig->n_all);
	for (uint32_t s = 0; s < n; s++)
		assert_true(fake_ring_consumed(&rig->fake[s]) == fake_ring_produced(&rig->fake[s]));
	close_rig(rig);
}

static void test_random(void **state)
{
	uint64_t first = seed_first("merge/random"), rounds = seed_env("NR_ROUNDS", 140);

	(void)state;
	for (uint64_t i = 0; i < rounds; i++) {
		struct seed seed = { first + i };

		random_history(1 + (first + i) % MAX_SHARDS, &seed);
	}
}

static unsigned take(struct rig *rig, struct nr_event *evs, unsigned max, size_t room)
{
	size_t bytes = 0;
	unsigned n = take_events(&rig->merge, evs, max, room, &bytes);

	for (unsigned i = 0; i < n; i++) {
		assert_true(evs[i].ts >= rig->last); /* M2 */
		rig->last = evs[i].ts;
	}
	return n;
}

static void test_epsilon(void **state)
{
	struct rig *rig = open_rig(2);
	struct nr_event ev;

	(void)state;
	put(rig, 0, 8999);
	put(rig, 1, 9000);
	pass_all(rig, 999);
	assert_int_equal(nr_merge_begin(&rig->merge), 0);
	assert_int_equal(take(rig, &ev, 1, ALL), 0);
	pass(rig, 0, 9000 + EPS);
	pass(rig, 1, 10000 + EPS);
	assert_int_equal(nr_merge_begin(&rig->merge), 9000);
	assert_int_equal(take(rig, &ev, 1, ALL), 1);
	assert_int_equal(ev.ts, 8999);
	assert_int_equal(take(rig, &ev, 1, ALL), 0); /* 9000 is not below 9000 */
	pass(rig, 0, 9001 + EPS);
	assert_int_equal(nr_merge_begin(&rig->merge), 9001);
	assert_int_equal(take(rig, &ev, 1, ALL), 1);
	assert_int_equal(ev.ts, 9000);
	close_rig(rig);
}

static void test_late_shard_holds(void **state)
{
	struct rig *rig = open_rig(3);
	struct nr_event evs[8];

	(void)state;
	put(rig, 0, 5000);
	put(rig, 2, 6000);
	pass(rig, 0, 100000);
	pass(rig, 2, 100000);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 0); /* shard 1 has no watermark yet */
	put(rig, 1, 5500);
	pass(rig, 1, 5600 + EPS);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 2);
	assert_int_equal(evs[1].ts, 5500);
	pass(rig, 1, 100000); /* idle: moves on without a record */
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 1);
	close_rig(rig);
}

/* M3, with any watermark of a shard. */
static void test_never_back(void **state)
{
	struct rig *rig = open_rig(2);

	(void)state;
	pass_all(rig, 50000);
	assert_int_equal(nr_merge_begin(&rig->merge), 50000 - EPS);
	atomic_store(&rig->shard[1].watermark, 20000);
	assert_int_equal(nr_merge_begin(&rig->merge), 50000 - EPS);
	pass_all(rig, 60000);
	assert_int_equal(nr_merge_begin(&rig->merge), 60000 - EPS);
	close_rig(rig);
}

static void test_ties(void **state)
{
	struct rig *rig = open_rig(5);
	struct seed seed = { 1 };

	(void)state;
	for (int i = 0; i < 20; i++)
		put(rig, (i * 3) % 5, 7000 + i / 15);
	pass_all(rig, NR_TIME_END);
	check_window(rig, &seed);
	assert_int_equal(rig->n_out, 20);
	close_rig(rig);
}

/* A long run from one shard ends where another has an earlier record, or the same time and a lower
 * number. */
static void test_long_run(void **state)
{
	struct seed seed = { 1 };

	(void)state;
	for (int other = 0; other < 3; other += 2) {
		for (uint64_t at = 1000; at < 1040; at++) {
			struct rig *rig = open_rig(3);

			for (uint64_t ts = 1000; ts < 1040; ts++)
				put(rig, 1, ts);
			put(rig, other, at);
			pass_all(rig, NR_TIME_END);
			check_window(rig, &seed);
			assert_int_equal(rig->n_out, 41);
			close_rig(rig);
		}
	}
}

/* When the room is used up, events with the time of the last one still come, then no others. */
static void test_room(void **state)
{
	struct rig *rig = open_rig(3);
	struct nr_event evs[16];

	(void)state;
	for (uint32_t s = 0; s < 3; s++) {
		put(rig, s, 1000);
		put(rig, s, 2000);
		put(rig, s, 2000);
		put(rig, s, 3000);
	}
	pass_all(rig, 100000);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 16, NO_ROOM), 0);
	assert_true(nr_merge_more(&rig->merge));
	assert_int_equal(nr_merge_complete_to(&rig->merge), 1000);
	assert_int_equal(take(rig, evs, 16, 1), 3);
	assert_int_equal(nr_merge_complete_to(&rig->merge), 2000);
	assert_int_equal(take(rig, evs, 16, NO_ROOM), 0);
	assert_int_equal(take(rig, evs, 2, PACKED), 2);	  /* the array ends inside the tie ... */
	assert_int_equal(take(rig, evs, 16, NO_ROOM), 4); /* ... which goes on without room */
	assert_int_equal(take(rig, evs, 16, NO_ROOM), 0);
	assert_int_equal(nr_merge_complete_to(&rig->merge), 3000);
	assert_int_equal(take(rig, evs, 16, 2 * PACKED), 3);
	assert_false(nr_merge_more(&rig->merge));
	assert_int_equal(nr_merge_complete_to(&rig->merge), 100000 - EPS);
	close_rig(rig);
}

/* Takes exactly the events that fit, counting bytes of header and payload. */
static void test_room_exact(void **state)
{
	struct rig *rig = open_rig(1);
	struct nr_event evs[16];

	(void)state;
	for (int i = 0; i < 10; i++)
		put(rig, 0, 1000 + i);
	pass_all(rig, 100000);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 16, 3 * PACKED), 3);
	assert_int_equal(take(rig, evs, 16, 2 * PACKED + 1), 3);
	assert_int_equal(take(rig, evs, 16, ALL), 4);
	close_rig(rig);
}

/*
 * I6: records below a used W. They get the first place that breaks neither the order nor the
 * promise of a packet with that W. rec->ts does not change.
 */
static void test_late(void **state)
{
	struct rig *rig = open_rig(2);
	struct nr_event evs[8];

	(void)state;
	put(rig, 0, 5000);
	pass_all(rig, 20000 + EPS);
	assert_int_equal(nr_merge_begin(&rig->merge), 20000);
	assert_int_equal(take(rig, evs, 8, ALL), 1);
	put(rig, 0, 4000);  /* below the last emitted event */
	put(rig, 1, 19999); /* above it, but below the used W */
	put(rig, 1, 20000); /* not late */
	put(rig, 0, 20001); /* not late */
	pass_all(rig, 20002 + EPS);
	assert_int_equal(nr_merge_begin(&rig->merge), 20002);
	assert_int_equal(nr_merge_complete_to(&rig->merge), 20000);
	assert_int_equal(take(rig, evs, 8, ALL), 4);
	for (int i = 0; i < 4; i++) {
		static const uint64_t real[] = { 4000, 19999, 20000, 20001 };

		assert_int_equal(evs[i].rec->ts, real[i]);
		assert_int_equal(evs[i].ts, real[i] < 20000 ? 20000 : real[i]);
		assert_int_equal(evs[i].flags, i < 2 ? NR_EVENT_LATE : 0);
	}
	assert_int_equal(rig->shard[0].late, 1);
	assert_int_equal(rig->shard[1].late, 1);
	pass_all(rig, 30000 + EPS);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 0); /* no event, but 30000 is used now */
	put(rig, 1, 25000);
	pass_all(rig, 30001 + EPS);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 1);
	assert_int_equal(evs[0].ts, 30000);
	assert_int_equal(evs[0].flags, NR_EVENT_LATE);
	assert_int_equal(rig->shard[1].late, 2);
	release_merged(&rig->merge);
	for (int s = 0; s < 2; s++)
		assert_true(fake_ring_consumed(&rig->fake[s]) == fake_ring_produced(&rig->fake[s]));
	close_rig(rig);
}

/* A late record behind a record that is not below W yet: it comes together with that record. */
static void test_late_behind_held(void **state)
{
	struct rig *rig = open_rig(2);
	struct nr_event evs[8];

	(void)state;
	put(rig, 0, 50000);
	pass(rig, 0, 60000);
	pass(rig, 1, 30000 + EPS);
	assert_int_equal(nr_merge_begin(&rig->merge), 30000);
	assert_int_equal(take(rig, evs, 8, ALL), 0);
	put(rig, 0, 10000);
	put(rig, 1, 50001);
	pass_all(rig, 70000);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 8, ALL), 3);
	assert_int_equal(evs[1].rec->ts, 10000);
	assert_int_equal(evs[1].ts, 50000);
	assert_int_equal(evs[1].flags, NR_EVENT_LATE);
	assert_int_equal(evs[2].flags, 0);
	assert_int_equal(rig->shard[0].late, 1);
	close_rig(rig);
}

/* I5: exactly the room of taken records is released, and only by nr_merge_release. */
static void test_release(void **state)
{
	struct rig *rig = open_rig(2);
	struct nr_event evs[8];

	(void)state;
	for (int i = 0; i < 4; i++)
		put(rig, i % 2, 1000 + i);
	pass_all(rig, 100000);
	nr_merge_begin(&rig->merge);
	assert_int_equal(take(rig, evs, 3, ALL), 3);
	assert_int_equal(fake_ring_consumed(&rig->fake[0]), 0);
	release_merged(&rig->merge);
	assert_int_equal(fake_ring_consumed(&rig->fake[0]), 64);
	assert_int_equal(fake_ring_consumed(&rig->fake[1]), 1000000064 + 32);
	assert_int_equal(rig->shard[0].accepted, 2);
	assert_int_equal(rig->shard[1].accepted, 1);
	assert_int_equal(take(rig, evs, 3, ALL), 1);
	assert_int_equal(fake_ring_consumed(&rig->fake[1]), 1000000064 + 32);
	release_merged(&rig->merge);
	assert_int_equal(fake_ring_consumed(&rig->fake[1]), 1000000064 + 64);
	close_rig(rig);
}

static void test_edges(void **state)
{
	struct rig *rig = open_rig(4);
	struct seed seed = { 1 };

	(void)state;
	for (uint32_t s = 0; s < 4; s++) {
		put(rig, s, UINT64_MAX);
		put(rig, s, 0);
		put(rig, s, UINT64_MAX - 1);
		put(rig, s, 1);
	}
	pass_all(rig, EPS + 1);
	check_window(rig, &seed);
	assert_int_equal(rig->n_out, 4);
	pass_all(rig, UINT64_MAX - 1); /* not the end: UINT64_MAX - 1 - EPS */
	check_window(rig, &seed);
	assert_int_equal(rig->n_out, 8);
	pass_all(rig, NR_TIME_END);
	check_window(rig, &seed);
	assert_int_equal(rig->n_out, 16);
	close_rig(rig);
}

static void test_no_memory(void **state)
{
	struct nr_shard *none[1] = { NULL };
	struct nr_merge merge;

	(void)state;
	for (int i = 0; i < 2; i++) {
		allocations_left = i;
		assert_int_equal(nr_merge_init(&merge, none, 1), -ENOMEM);
		allocations_left = -1;
		nr_merge_destroy(&merge);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_epsilon),
		cmocka_unit_test(test_late_shard_holds),
		cmocka_unit_test(test_never_back),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_long_run),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_exact),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_behind_held),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
