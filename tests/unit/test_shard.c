/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Passes over one shard: what happens to records, when the watermark moves, when room is
 * released. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "fake_ring.h"
#include "drain/shard.h"
#include "seed.h"

#define PAGE	4096u
#define NR_CPUS 4
#define GUARD	(1u << 20)

struct rig {
	struct fake_ring fake;
	struct nr_shard shard;
};

/* The number of the mmap call that fails; -1: none does. */
static int mmap_left = -1;

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);

/* A page behind the shard's memory catches writes past its end. */
static void *guarded_mmap(size_t len, int prot, int flags)
{
	void *p = __real_mmap(NULL, len + GUARD, PROT_NONE, flags, -1, 0);

	if (p != MAP_FAILED)
		mprotect(p, len, prot);
	return p;
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (mmap_left == 0) {
		mmap_left = -1;
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (mmap_left > 0)
		mmap_left--;
	return fd < 0 ? guarded_mmap(len, prot, flags)
		      : __real_mmap(addr, len, prot, flags, fd, off);
}

static void open_rig(struct rig *rig, uint64_t start)
{
	struct nr_ring ring;

	fake_ring_open(&rig->fake, PAGE, start);
	fake_ring_map(&rig->fake, &ring);
	assert_int_equal(nr_shard_init(&rig->shard, &ring, NR_CPUS), 0);
}

static void close_rig(struct rig *rig)
{
	nr_shard_destroy(&rig->shard);
	fake_ring_close(&rig->fake);
}

/* A pass that may move the watermark to w. */
static int pass(struct rig *rig, uint64_t w)
{
	return nr_shard_pass(&rig->shard, w == NR_TIME_END ? w : w + NR_EPSILON_NS);
}

static void *put(struct rig *rig, uint64_t ts)
{
	void *payload = fake_ring_put(&rig->fake, ts, 1, 0);

	assert_non_null(payload);
	return payload;
}

static struct nr_record *reserve(struct rig *rig, uint64_t ts, uint16_t cpu)
{
	struct nr_record *rec = fake_ring_reserve(&rig->fake, sizeof(*rec));

	assert_non_null(rec);
	*rec = (struct nr_record){ .ts = ts, .cpu = cpu };
	return rec;
}

/* Takes the next time that the merge thread sees. UINT64_MAX: none. */
static uint64_t take(struct rig *rig)
{
	struct nr_shard *shard = &rig->shard;
	uint64_t ts;

	if (shard->head == nr_shard_tail(shard))
		return UINT64_MAX;
	ts = nr_shard_entry(shard, shard->head)->ts;
	nr_shard_take_to(shard, shard->head + 1);
	return ts;
}

static void expect_queue(struct rig *rig, const uint64_t *ts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(take(rig), ts[i]);
	assert_true(take(rig) == UINT64_MAX);
}

#define EXPECT_QUEUE(rig, ...)                                                                     \
	expect_queue(rig, (const uint64_t[]){ __VA_ARGS__ },                                       \
		     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static uint64_t unreleased(struct rig *rig)
{
	take(rig); /* looks */
	release_taken(&rig->shard);
	return fake_ring_produced(&rig->fake) - fake_ring_consumed(&rig->fake);
}

static void test_idle(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 4096);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100); /* even without a record (I4) */
	assert_int_equal(pass(&rig, 50), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100); /* never back */
	close_rig(&rig);
}

static void test_epsilon(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 0);
	put(&rig, 4000);
	assert_int_equal(nr_shard_pass(&rig.shard, NR_EPSILON_NS), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	assert_int_equal(nr_shard_pass(&rig.shard, NR_EPSILON_NS + 1), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 1);
	nr_shard_pass(&rig.shard, 4001);
	EXPECT_QUEUE(&rig, 0);
	put(&rig, 4001 - NR_EPSILON_NS); /* a clock that is behind by the whole epsilon */
	nr_shard_pass(&rig.shard, 4001 + NR_EPSILON_NS);
	EXPECT_QUEUE(&rig, 4001 - NR_EPSILON_NS, 4000);
	close_rig(&rig);
}

static void test_sorted_and_held_back(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 30);
	put(&rig, 10);
	put(&rig, 100); /* the pass's own time is not below it */
	put(&rig, 120);
	put(&rig, 20);
	put(&rig, 99);
	assert_int_equal(pass(&rig, 100), 0);
	EXPECT_QUEUE(&rig, 10, 20, 30, 99);
	put(&rig, 110);
	assert_int_equal(pass(&rig, 120), 0);
	EXPECT_QUEUE(&rig, 100, 110);
	assert_int_equal(pass(&rig, 121), 0);
	EXPECT_QUEUE(&rig, 120);
	close_rig(&rig);
}

/* D2: the target stays that of the pass that met the BUSY record. */
static void test_busy_keeps_target(void **state)
{
	struct nr_record *busy;
	struct rig rig;

	(void)state;
	open_rig(&rig, -48ull);
	put(&rig, 10);
	busy = reserve(&rig, 20, 0);
	put(&rig, 30);
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	assert_true(take(&rig) == UINT64_MAX);
	put(&rig, 105);
	assert_int_equal(pass(&rig, 110), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	fake_ring_submit(busy);
	assert_int_equal(pass(&rig, 120), 0);
	/* All records are there, so the first target needs no further pass. */
	assert_int_equal(nr_shard_watermark(&rig.shard), 120);
	EXPECT_QUEUE(&rig, 10, 20, 30, 105);
	close_rig(&rig);
}

/* A BUSY record behind the target does not hold records that were complete before it. */
static void test_busy_behind_target(void **state)
{
	struct nr_record *first, *second;
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	first = reserve(&rig, 20, 0);
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	second = reserve(&rig, 101, 0);
	fake_ring_submit(first);
	assert_int_equal(pass(&rig, 200), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100);
	EXPECT_QUEUE(&rig, 20);
	assert_int_equal(pass(&rig, 300), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100);
	fake_ring_submit(second);
	assert_int_equal(pass(&rig, 400), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 400);
	EXPECT_QUEUE(&rig, 101);
	close_rig(&rig);
}

/* After a record that is never submitted, or in a ring that cannot be read further, the walked
 * records still come. */
static void test_finish(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 20);
	put(&rig, 10);
	reserve(&rig, 30, 0);
	assert_int_equal(pass(&rig, 5), -EAGAIN);
	assert_true(take(&rig) == UINT64_MAX);
	nr_shard_finish(&rig.shard);
	assert_true(nr_shard_watermark(&rig.shard) == NR_TIME_END);
	EXPECT_QUEUE(&rig, 10, 20);
	close_rig(&rig);
}

/* Room is released up to the first record that is not accepted yet, whatever its time. */
static void test_release_out_of_order(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 40);
	put(&rig, 20);
	put(&rig, 500);
	put(&rig, 30);
	pass(&rig, 100);
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 0); /* nothing was taken */
	assert_int_equal(take(&rig), 20);
	assert_int_equal(take(&rig), 30);
	assert_int_equal(fake_ring_consumed(&rig.fake), 0); /* nothing was accepted */
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 0); /* 40 is the first in the ring */
	assert_int_equal(take(&rig), 40);
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 48); /* 500 is held back */
	assert_int_equal(unreleased(&rig), 48);
	pass(&rig, 1000);
	assert_int_equal(take(&rig), 500);
	release_taken(&rig.shard);
	assert_int_equal(unreleased(&rig), 0);
	close_rig(&rig);
}

static void test_release_discards(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0xffffffe8ull);
	for (int i = 0; i < 50; i++)
		fake_ring_discard(reserve(&rig, i, 2));
	pass(&rig, 100);
	assert_int_equal(unreleased(&rig), 0);
	put(&rig, 101);
	for (int i = 0; i < 50; i++)
		fake_ring_discard(reserve(&rig, i, 2));
	pass(&rig, 100);
	assert_int_equal(unreleased(&rig), 51 * 24); /* 101 is held back and precedes them */
	pass(&rig, 200);
	assert_int_equal(unreleased(&rig), 0);
	assert_int_equal(rig.shard.discarded, 100);
	assert_int_equal(rig.shard.records, 1);
	close_rig(&rig);
}

/* The consumer may stop between its two stores in publish: released room stays released. */
static void test_release_never_back(void **state)
{
	uint64_t floor;
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 10);
	put(&rig, 20);
	floor = rig.shard.floor;
	pass(&rig, 100);
	rig.shard.floor = floor; /* tail is stored, floor is not */
	assert_int_equal(take(&rig), 10);
	assert_int_equal(take(&rig), 20);
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 48);
	nr_shard_tail(&rig.shard);
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 48);
	close_rig(&rig);
}

static void test_malformed(void **state)
{
	struct rig rig;
	void *rec;

	(void)state;
	open_rig(&rig, 0);
	for (uint32_t length = 0; length < 16; length++) {
		rec = fake_ring_reserve(&rig.fake, length);
		fake_ring_submit(rec);
	}
	fake_ring_discard(fake_ring_reserve(&rig.fake, 3));
	put(&rig, 5);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(rig.shard.malformed, 16);
	assert_int_equal(rig.shard.discarded, 1);
	assert_int_equal(rig.shard.records, 1);
	EXPECT_QUEUE(&rig, 5);
	assert_int_equal(unreleased(&rig), 0);
	close_rig(&rig);
}

/* A CPU number that is not in the plan is counted as a record and causes no write out of bounds. */
static void test_foreign_cpu(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	fake_ring_submit(reserve(&rig, 1, 0xffff));
	fake_ring_submit(reserve(&rig, 2, NR_CPUS));
	fake_ring_submit(reserve(&rig, 3, NR_CPUS - 1));
	pass(&rig, 100);
	assert_int_equal(rig.shard.records, 3);
	assert_int_equal(rig.shard.cpu_records[NR_CPUS - 1], 1);
	close_rig(&rig);
}

static void test_bad_length(void **state)
{
	struct nr_record *rec;
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 10);
	rec = reserve(&rig, 20, 0);
	fake_ring_lie(rec, 0x3fffffff);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pass(&rig, 100 + i), -EBADMSG);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	nr_shard_tail(&rig.shard);
	release_taken(&rig.shard);
	assert_int_equal(fake_ring_consumed(&rig.fake), 0);
	close_rig(&rig);
}

/* A producer_pos that jumps, steps back, or increases forever without released room. */
static void test_bad_producer(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 4096);
	put(&rig, 10);
	fake_ring_produce_to(&rig.fake, 4096 + PAGE + 8);
	assert_int_equal(pass(&rig, 100), -EBADMSG);
	fake_ring_produce_to(&rig.fake, 4096 - 8);
	assert_int_equal(pass(&rig, 100), -EBADMSG);
	fake_ring_produce_to(&rig.fake, 4096 + 24);
	assert_int_equal(pass(&rig, 100), 0);
	close_rig(&rig);

	open_rig(&rig, 0);
	while (fake_ring_put(&rig.fake, 1000, 1, 0))
		;
	assert_int_equal(pass(&rig, 100), 0);
	fake_ring_produce_to(&rig.fake, PAGE);
	pass(&rig, 100);
	fake_ring_produce_to(&rig.fake, PAGE + 24);
	assert_int_equal(pass(&rig, 100), -EBADMSG);
	close_rig(&rig);
}

static void test_time_end(void **state)
{
	struct nr_record *busy;
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, UINT64_MAX);
	put(&rig, 0);
	busy = reserve(&rig, UINT64_MAX - 1, 0);
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	assert_int_equal(pass(&rig, NR_TIME_END), -EAGAIN);
	assert_true(nr_shard_watermark(&rig.shard) != NR_TIME_END);
	fake_ring_submit(busy);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pass(&rig, NR_TIME_END), 0);
	assert_true(nr_shard_watermark(&rig.shard) == NR_TIME_END);
	assert_int_equal(take(&rig), 0);
	assert_true(take(&rig) == UINT64_MAX - 1);
	assert_int_equal(rig.shard.tail - rig.shard.head, 1);
	assert_true(take(&rig) == UINT64_MAX);
	assert_int_equal(rig.shard.tail, rig.shard.head);
	assert_int_equal(unreleased(&rig), 0);
	close_rig(&rig);
}

static void test_peak(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	put(&rig, 1);
	put(&rig, 2);
	pass(&rig, 100);
	assert_int_equal(nr_shard_fill(&rig.shard), 48);
	EXPECT_QUEUE(&rig, 1, 2);
	release_taken(&rig.shard);
	assert_int_equal(nr_shard_fill(&rig.shard), 0);
	pass(&rig, 200);
	assert_int_equal(rig.shard.peak, 48);
	close_rig(&rig);
}

/* A ring full of the shortest records: run and queue have room for all of them. */
static void test_full_ring(void **state)
{
	struct rig rig;
	uint64_t n = 0;

	(void)state;
	open_rig(&rig, -1024ull);
	for (uint64_t base = 0; base < 50000; base += 10000) {
		uint64_t in = 0;

		while (fake_ring_put(&rig.fake, base + 1000 - in, 1, 0))
			in++;
		assert_int_equal(pass(&rig, base + 500), 0); /* all are held back */
		assert_true(take(&rig) == UINT64_MAX);
		assert_int_equal(pass(&rig, base + 2000), 0);
		n += in;
		while (in--)
			assert_int_equal(take(&rig), base + 1000 - in);
		assert_int_equal(unreleased(&rig), 0);
	}
	assert_int_equal(rig.shard.records, n);
	close_rig(&rig);
}

static void test_no_memory(void **state)
{
	struct nr_shard shard, zero;
	struct fake_ring fake;
	struct nr_ring ring;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	fake_ring_open(&fake, PAGE, 0);
	fake_ring_map(&fake, &ring);
	for (int i = 0; i < 5; i++) {
		mmap_left = i;
		assert_int_equal(nr_shard_init(&shard, &ring, NR_CPUS), -ENOMEM);
		mmap_left = -1;
		assert_int_equal(*ring.consumer, 0); /* the caller still owns the ring */
		nr_shard_destroy(&shard);
	}
	nr_shard_destroy(&zero);
	nr_ring_unmap(&ring);
	fake_ring_close(&fake);
}

/*
 * A random life of one shard. Every record's ts determines its fate. The queue yields exactly the
 * records below the watermark, in (ts, position) order. The room of a record that is not accepted
 * is never released (its bytes would change). Counters add up (I7).
 */
struct life {
	struct rig rig;
	struct seed seed;
	uint64_t start, now;
	uint64_t submitted, discarded, malformed, taken, cpu[NR_CPUS];
	uint64_t last_ts, last_pos;
	struct nr_record *busy[3];
	uint16_t busy_cpu[3];
};

static void finish(struct life *life, int i)
{
	struct nr_record *rec = life->busy[i];

	if (!rec)
		return;
	life->busy[i] = NULL;
	if (seed_once_in(&life->seed, 4)) {
		fake_ring_discard(rec);
		life->discarded++;
	} else {
		fake_ring_submit(rec);
		life->submitted++;
	}
}

static void produce(struct life *life)
{
	int i = seed_below(&life->seed, 3);
	uint16_t cpu = seed_below(&life->seed, NR_CPUS);
	struct nr_record *rec;

	finish(life, i);
	if (seed_once_in(&life->seed, 30)) {
		rec = fake_ring_reserve(&life->rig.fake, seed_below(&life->seed, 16));
		if (rec)
			fake_ring_submit(rec);
		life->malformed += !!rec;
		return;
	}
	rec = fake_ring_reserve(&life->rig.fake, sizeof(*rec) + seed_below(&life->seed, 100));
	if (!rec)
		return;
	*rec = (struct nr_record){ .ts = life->now, .cpu = cpu };
	life->now += seed_below(&life->seed, 3);
	life->cpu[cpu]++;
	life->busy[i] = rec;
}

static void take_some(struct life *life, uint64_t n)
{
	struct nr_shard *shard = &life->rig.shard;
	uint64_t tail = nr_shard_tail(shard);

	while (n-- && shard->head != tail) {
		struct nr_entry e = *nr_shard_entry(shard, shard->head);
		uint64_t pos =
			shard->walked - (uint32_t)((uint32_t)shard->walked - nr_entry_pos(&e));
		const struct nr_record *rec =
			(void *)(shard->ring.data + (pos & shard->ring.mask) + NR_RING_HEADER);

		assert_true(pos - fake_ring_consumed(&life->rig.fake) < PAGE);
		assert_true(rec->ts == e.ts); /* not overwritten */
		assert_true(e.ts < nr_shard_watermark(shard));
		assert_true(
			e.ts > life->last_ts ||
			(e.ts == life->last_ts && (!life->taken || pos - life->last_pos < PAGE)));
		life->last_ts = e.ts;
		life->last_pos = pos;
		life->taken++;
		nr_shard_take_to(shard, shard->head + 1);
	}
}

static void live(uint64_t seed)
{
	static const uint64_t starts[] = { 0, 0xfffffff0ull, 1ull << 63, -800ull };
	struct life life = { .seed = { seed } };
	struct nr_shard *shard = &life.rig.shard;

	life.start = starts[seed_below(&life.seed, 4)];
	open_rig(&life.rig, life.start);
	for (int step = 0; step < 3000; step++) {
		uint64_t time = life.now - (life.now && seed_once_in(&life.seed, 2));

		produce(&life);
		if (seed_once_in(&life.seed, 5))
			assert_int_not_equal(pass(&life.rig, time), -EBADMSG);
		if (seed_once_in(&life.seed, 5))
			take_some(&life, seed_below(&life.seed, 30));
		if (seed_once_in(&life.seed, 10))
			release_taken(shard);
	}
	for (int i = 0; i < 3; i++)
		finish(&life, i);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pass(&life.rig, NR_TIME_END), 0);
	take_some(&life, UINT64_MAX);
	assert_int_equal(unreleased(&life.rig), 0);
	assert_int_equal(life.taken, life.submitted);
	assert_int_equal(shard->records, life.submitted);
	assert_int_equal(shard->discarded, life.discarded);
	assert_int_equal(shard->malformed, life.malformed);
	for (int i = 0; i < NR_CPUS; i++)
		assert_int_equal(shard->cpu_records[i], life.cpu[i]);
	assert_int_equal(shard->accepted, life.submitted);
	assert_int_equal(shard->walked - shard->start,
			 fake_ring_produced(&life.rig.fake) - life.start);
	close_rig(&life.rig);
}

static void test_lives(void **state)
{
	uint64_t first = seed_first("shard/lives"), rounds = seed_env("NR_ROUNDS", 200);

	(void)state;
	for (uint64_t i = 0; i < rounds; i++) {
		live(first + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_epsilon),
		cmocka_unit_test(test_sorted_and_held_back),
		cmocka_unit_test(test_busy_keeps_target),
		cmocka_unit_test(test_busy_behind_target),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_release_out_of_order),
		cmocka_unit_test(test_release_discards),
		cmocka_unit_test(test_release_never_back),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_foreign_cpu),
		cmocka_unit_test(test_bad_length),
		cmocka_unit_test(test_bad_producer),
		cmocka_unit_test(test_time_end),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
