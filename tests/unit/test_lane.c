/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Passes over a shard of lanes: what test_shard checks of rings, as far as lanes have it, and which
 * blocks a lane gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake_lane.h"
#include "seed.h"

#define SHIFT	4u /* of the blocks of most tests: 16 granules, eight of the shortest records */
#define BLOCK	(1u << SHIFT)
#define SHORT	sizeof(struct nr_record)
#define SECOND	1000000000ll
#define NO_TIME UINT64_MAX

struct rig {
	struct fake_lanes fake;
	struct nr_shard shard;
	bool joined; /* a CPU that joined waits for its share until blocks are free */
};

/* The number of the call that fails; -1: none does. */
static int calloc_left = -1, mmap_left = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);

void *__wrap_calloc(size_t n, size_t size)
{
	return calloc_left >= 0 && calloc_left-- == 0 ? NULL : __real_calloc(n, size);
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (mmap_left < 0 || mmap_left-- > 0)
		return __real_mmap(addr, len, prot, flags, fd, off);
	errno = ENOMEM;
	return MAP_FAILED;
}

static void open_at(struct rig *rig, uint32_t n_cpus, uint32_t n_blocks, uint64_t start)
{
	rig->joined = false;
	fake_lanes_open(&rig->fake, n_cpus, n_blocks, SHIFT, start);
	assert_int_equal(fake_lanes_shard(&rig->fake, &rig->shard), 0);
}

static void open_rig(struct rig *rig, uint32_t n_cpus, uint32_t n_blocks)
{
	open_at(rig, n_cpus, n_blocks, 0);
}

static void close_rig(struct rig *rig)
{
	assert_int_equal(rig->fake.dirty, 0);
	nr_shard_destroy(&rig->shard);
	fake_lanes_close(&rig->fake);
}

/* A pass that may move the watermark to w. */
static int pass(struct rig *rig, uint64_t w)
{
	return nr_shard_pass(&rig->shard, w == NR_TIME_END ? w : w + NR_EPSILON_NS);
}

static void put(struct rig *rig, uint16_t cpu, uint64_t ts)
{
	assert_true(fake_lane_put(&rig->fake, ts, cpu, 0));
}

static void reserve(struct rig *rig, struct fake_program *p, uint16_t cpu, uint64_t ts)
{
	assert_non_null(fake_program_reserve(p, &rig->fake, cpu, SHORT));
	*p->rec = (struct nr_record){ .ts = ts, .cpu = cpu, .id = 7 };
}

static void submit(struct fake_program *p)
{
	fake_program_commit(p, NR_COMMIT_SUBMITTED);
}

static const struct nr_record *record_of(struct rig *rig, const struct nr_entry *e)
{
	return (const void *)(rig->fake.arena.data + nr_entry_pos(e) +
			      sizeof(struct nr_lane_header));
}

/* Takes the next event that the merge thread sees. NULL: none. */
static const struct nr_record *take(struct rig *rig)
{
	struct nr_shard *shard = &rig->shard;
	uint64_t head = shard->head;

	if (head == nr_shard_tail(shard))
		return NULL;
	nr_shard_take_to(shard, head + 1);
	return record_of(rig, nr_shard_entry(shard, head));
}

static void expect_queue(struct rig *rig, const uint64_t *ts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct nr_record *rec = take(rig);

		assert_non_null(rec);
		assert_int_equal(rec->ts, ts[i]);
	}
	assert_null(take(rig));
}

#define EXPECT_QUEUE(rig, ...)                                                                     \
	expect_queue(rig, (const uint64_t[]){ __VA_ARGS__ },                                       \
		     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* All that can be taken is safe. The next pass gives its blocks back. */
static void release_all(struct rig *rig)
{
	while (take(rig))
		;
	release_taken(&rig->shard);
}

/* Writes the shortest records until the lane is full. Returns how many. */
static uint32_t fill(struct rig *rig, uint16_t cpu, uint64_t ts)
{
	uint32_t n = 0;

	while (fake_lane_put(&rig->fake, ts, cpu, 0))
		n++;
	return n;
}

static void wait_for(int64_t ns)
{
	atomic_fetch_add(&nr_clock_offset, ns);
}

static struct nr_lane_reader *lane(struct rig *rig, uint32_t i)
{
	return &rig->shard.lanes->lanes[i];
}

static uint32_t owned(struct rig *rig, uint32_t i)
{
	return (lane(rig, i)->granted - lane(rig, i)->freed) / BLOCK;
}

/* L1: each block is in one lane, or free, or barred. L3. */
static void check_blocks(struct rig *rig)
{
	const struct nr_lanes *l = rig->shard.lanes;
	unsigned n[NR_LANE_SLOTS + 44] = { 0 };

	for (uint32_t i = 0; i < l->n; i++) {
		const struct nr_lane_reader *r = &l->lanes[i];

		for (uint64_t pos = r->freed; pos < r->granted; pos += 1ull << l->arena.shift)
			n[r->slots[(pos >> l->arena.shift) % NR_LANE_SLOTS]]++;
		assert_true(r->freed <= r->walked && r->walked <= r->seen);
		assert_true(r->seen <= r->granted);
		assert_true((r->granted - r->freed) >> l->arena.shift >= l->base ||
			    (rig->joined && !l->n_free));
	}
	for (uint32_t i = 0; i < l->n_free; i++)
		n[l->free[i]]++;
	for (uint32_t i = 0; i < l->arena.n_blocks; i++)
		assert_true(n[i] == 1 || (!n[i] && l->barred[i]));
}

/* ---- passes ---- */

static void test_idle(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100); /* even without a record (I4) */
	assert_int_equal(pass(&rig, 50), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100); /* never back */
	close_rig(&rig);
}

static void test_sorted_and_held_back(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 3, 12);
	put(&rig, 2, 30);
	put(&rig, 0, 100); /* the pass's own time is not below it */
	put(&rig, 0, 120);
	put(&rig, 1, 10);
	put(&rig, 1, 20);
	put(&rig, 2, 99);
	assert_int_equal(pass(&rig, 100), 0);
	EXPECT_QUEUE(&rig, 10, 20, 30, 99);
	put(&rig, 2, 110);
	assert_int_equal(pass(&rig, 120), 0);
	EXPECT_QUEUE(&rig, 100, 110);
	assert_int_equal(pass(&rig, 121), 0);
	EXPECT_QUEUE(&rig, 120);
	assert_int_equal(rig.shard.unsorted, 0); /* each lane ascends */
	close_rig(&rig);
}

static void expect_cpus(struct rig *rig, const uint16_t *cpus, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct nr_record *rec = take(rig);

		assert_non_null(rec);
		assert_int_equal(rec->cpu, cpus[i]);
		assert_int_equal(rec->lost, i); /* its place in the expected order */
	}
	assert_null(take(rig));
}

static void put_nth(struct rig *rig, uint16_t cpu, uint32_t n)
{
	struct fake_program p;

	reserve(rig, &p, cpu, 100);
	p.rec->lost = n;
	submit(&p);
}

/* Equal times: by CPU, then by position, wherever passes end. */
static void test_ties(void **state)
{
	static const uint16_t cpus[] = { 0, 0, 1, 1, 2, 2 };
	static const unsigned order[][6] = {
		{ 0, 1, 2, 3, 4, 5 }, { 4, 5, 2, 3, 0, 1 }, { 2, 4, 0, 5, 1, 3 },
		{ 4, 2, 0, 3, 5, 1 }, { 0, 4, 2, 1, 3, 5 },
	};

	(void)state;
	for (unsigned k = 0; k < 5; k++) {
		for (unsigned passes = 0; passes < 32; passes++) {
			struct rig rig;

			/* Near the wrap: positions decide nothing. */
			open_at(&rig, 3, 12, fake_head(-(uint64_t)BLOCK, 0));
			for (unsigned i = 0; i < 6; i++) {
				put_nth(&rig, cpus[order[k][i]], order[k][i]);
				if (passes >> i & 1)
					assert_int_equal(pass(&rig, 50 + i), 0);
			}
			assert_int_equal(pass(&rig, 200), 0);
			expect_cpus(&rig, cpus, 6);
			close_rig(&rig);
		}
	}
}

/* D2: the target is that of the pass that met the unsubmitted record, for every lane. */
static void test_busy_keeps_target(void **state)
{
	struct fake_program first, second, third;
	struct rig rig;

	(void)state;
	open_rig(&rig, 3, 12);
	reserve(&rig, &first, 0, 20);
	reserve(&rig, &second, 1, 30);
	put(&rig, 2, 25);
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	submit(&first);
	reserve(&rig, &third, 0, 105);
	assert_int_equal(pass(&rig, 110), -EAGAIN); /* the second lane is behind its target */
	assert_int_equal(nr_shard_watermark(&rig.shard), 0);
	assert_null(take(&rig));
	submit(&second);
	assert_int_equal(pass(&rig, 120), -EAGAIN);
	assert_int_equal(nr_shard_watermark(&rig.shard), 100); /* the third is behind the target */
	EXPECT_QUEUE(&rig, 20, 25, 30);
	submit(&third);
	assert_int_equal(pass(&rig, 130), 0);
	assert_int_equal(nr_shard_watermark(&rig.shard), 130);
	EXPECT_QUEUE(&rig, 105);
	close_rig(&rig);
}

static void test_finish(void **state)
{
	struct fake_program busy;
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	put(&rig, 1, 20);
	put(&rig, 0, 10);
	put(&rig, 0, 40);
	reserve(&rig, &busy, 0, 30);
	assert_int_equal(pass(&rig, 5), -EAGAIN);
	assert_null(take(&rig));
	nr_shard_finish(&rig.shard);
	assert_true(nr_shard_watermark(&rig.shard) == NR_TIME_END);
	EXPECT_QUEUE(&rig, 10, 20, 40);
	close_rig(&rig);
}

static void test_time_end(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	put(&rig, 0, UINT64_MAX);
	put(&rig, 1, 0);
	assert_int_equal(pass(&rig, 100), 0);
	EXPECT_QUEUE(&rig, 0);
	assert_int_equal(pass(&rig, NR_TIME_END), 0);
	EXPECT_QUEUE(&rig, UINT64_MAX);
	close_rig(&rig);
}

/* A program may stop between any two steps while another one on its CPU does its work. */
static void test_nested(void **state)
{
	(void)state;
	for (unsigned stop = 0; stop < 6; stop++) {
		struct fake_program outer;
		struct rig rig;
		bool is_reserved;

		open_rig(&rig, 1, 4);
		for (unsigned i = 0; i < BLOCK / 2 - 1; i++)
			put(&rig, 0, 1);
		fake_program_begin(&outer, &rig.fake, 0, SHORT + 100); /* skips */
		for (unsigned i = 0; i < stop; i++)
			fake_program_step(&outer);
		is_reserved = outer.step > FAKE_SWAP;
		assert_int_equal(is_reserved, stop >= 2);
		put(&rig, 0, 300);
		assert_int_equal(pass(&rig, 200), is_reserved ? -EAGAIN : 0);
		assert_int_equal(nr_shard_watermark(&rig.shard), is_reserved ? 0 : 200);
		while (!fake_program_step(&outer))
			;
		*outer.rec = (struct nr_record){ .ts = 250 };
		submit(&outer);
		assert_int_equal(pass(&rig, 1000), 0);
		for (unsigned i = 0; i < BLOCK / 2 - 1; i++)
			assert_int_equal(take(&rig)->ts, 1);
		EXPECT_QUEUE(&rig, 250, 300);
		close_rig(&rig);
	}
}

static void test_contended(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	for (unsigned times = 7; times <= 8; times++) {
		open_rig(&rig, 1, 8);
		fake_program_begin(&p, &rig.fake, 0, SHORT);
		for (unsigned i = 0; i < times; i++) {
			fake_program_step(&p);
			put(&rig, 0, i);
			fake_program_step(&p);
		}
		while (!fake_program_step(&p))
			;
		assert_int_equal(p.step, times == 8 ? FAKE_LOST : FAKE_RESERVED);
		assert_int_equal(rig.fake.cpus[0].lost[NR_LOSS_CONTENDED], times == 8);
		close_rig(&rig);
	}
}

/* ---- records ---- */

static void test_lengths(void **state)
{
	const uint32_t most = BLOCK * NR_LANE_GRANULE - sizeof(struct nr_lane_header);
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, 8);
	for (uint32_t length = SHORT; length <= most; length++) { /* skips often */
		assert_non_null(fake_program_reserve(&p, &rig.fake, 0, length));
		*p.rec = (struct nr_record){ .ts = length };
		memset(p.rec + 1, length, length - SHORT);
		submit(&p);
		assert_int_equal(pass(&rig, length + 1), 0);
		assert_int_equal(((struct nr_lane_header *)take(&rig) - 1)->length, length);
		release_all(&rig);
	}
	assert_null(fake_program_reserve(&p, &rig.fake, 0, most + 1));
	assert_int_equal(rig.fake.cpus[0].lost[NR_LOSS_OVERSIZE], 1);
	assert_int_equal(rig.shard.records, most - SHORT + 1);
	close_rig(&rig);
}

static void test_malformed(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, 8);
	for (uint32_t length = 0; length < SHORT; length++) {
		assert_non_null(fake_program_reserve(&p, &rig.fake, 0, length));
		fake_program_commit(&p, length == 3 ? NR_COMMIT_DISCARDED : NR_COMMIT_SUBMITTED);
	}
	put(&rig, 0, 5);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(rig.shard.malformed, SHORT - 1);
	assert_int_equal(rig.shard.discarded, 1);
	assert_int_equal(rig.shard.records, 1);
	EXPECT_QUEUE(&rig, 5);
	close_rig(&rig);
}

/* A CPU number that is not in the plan causes no write out of bounds. */
static void test_foreign_cpu(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	reserve(&rig, &p, 1, 1);
	p.rec->cpu = 0xffff;
	submit(&p);
	put(&rig, 1, 2);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(rig.shard.records, 2);
	assert_int_equal(rig.shard.cpu_records[1], 1);
	close_rig(&rig);
}

/* ---- what cannot be trusted ---- */

/* A head that steps back, or past what was granted. */
static void test_bad_head(void **state)
{
	static const uint64_t heads[] = { 0, BLOCK * 8 + 1, 1ull << 39, (1ull << 40) - 1 };
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	put(&rig, 0, 10);
	put(&rig, 1, 20);
	assert_int_equal(pass(&rig, 50), 0);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t head = rig.fake.cpus[0].lane.head;

		rig.fake.cpus[0].lane.head = fake_head(heads[i], 1);
		assert_int_equal(pass(&rig, 100), -EBADMSG);
		assert_int_equal(nr_shard_watermark(&rig.shard), 50);
		rig.fake.cpus[0].lane.head = head;
	}
	put(&rig, 1, 60);
	assert_int_equal(pass(&rig, 100), 0);
	EXPECT_QUEUE(&rig, 10, 20, 60);
	close_rig(&rig);
}

/* A length or a commit byte that no program writes: what was read before still comes. */
static void test_bad_record(void **state)
{
	static const uint32_t lengths[] = {
		25,	     41,	 BLOCK * NR_LANE_GRANULE - 8, BLOCK * NR_LANE_GRANULE,
		0x80000000u, 0xffffffffu
	};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct nr_lane_header *h;
		struct fake_program p;
		struct rig rig;

		open_rig(&rig, 2, 8);
		put(&rig, 0, 10);
		put(&rig, 1, 20);
		reserve(&rig, &p, 0, 30);
		h = (struct nr_lane_header *)p.rec - 1;
		fake_program_commit(&p, i == 6 ? 4 : i == 7 ? 0xff : NR_COMMIT_SUBMITTED);
		if (i < 6)
			h->length = lengths[i];
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(pass(&rig, 100), -EBADMSG);
		assert_int_equal(nr_shard_watermark(&rig.shard), 0);
		nr_shard_finish(&rig.shard);
		EXPECT_QUEUE(&rig, 10, 20);
		close_rig(&rig);
	}
}

/* A skipped rest that is not below the head. */
static void test_bad_skip(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, 8);
	reserve(&rig, &p, 0, 30);
	fake_program_commit(&p, NR_COMMIT_SKIPPED);
	assert_int_equal(pass(&rig, 100), -EBADMSG);
	close_rig(&rig);
}

/* ---- blocks ---- */

/* A block is not used again before all its records are safe. */
static void test_release(void **state)
{
	struct rig rig;
	uint32_t n;

	(void)state;
	open_rig(&rig, 1, 4);
	put(&rig, 0, 500); /* held back for long, in the first block */
	n = 1 + fill(&rig, 0, 10);
	assert_int_equal(n, 4 * BLOCK / 2);
	assert_int_equal(rig.fake.cpus[0].lost[NR_LOSS_FULL], 1);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(nr_shard_fill(&rig.shard), 4 * BLOCK * NR_LANE_GRANULE);
	while (take(&rig))
		;
	assert_int_equal(pass(&rig, 101), 0); /* they are taken, but not safe */
	assert_int_equal(fill(&rig, 0, 102), 0);
	release_taken(&rig.shard);
	assert_int_equal(pass(&rig, 103), 0); /* blocks leave a lane in its order */
	assert_int_equal(fill(&rig, 0, 104), 0);
	assert_int_equal(pass(&rig, 501), 0);
	EXPECT_QUEUE(&rig, 500);
	release_taken(&rig.shard);
	assert_int_equal(pass(&rig, 502), 0);
	check_blocks(&rig);
	assert_int_equal(nr_shard_fill(&rig.shard), 0);
	assert_int_equal(fill(&rig, 0, 503), n);
	assert_int_equal(rig.shard.accepted, n);
	close_rig(&rig);
}

/* Discarded records need no merge to leave. */
static void test_release_discards(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, 2);
	for (unsigned i = 0; i < 10 * BLOCK; i++) {
		reserve(&rig, &p, 0, i);
		fake_program_commit(&p, NR_COMMIT_DISCARDED);
		assert_int_equal(pass(&rig, i), 0);
	}
	assert_int_equal(rig.shard.discarded, 10 * BLOCK);
	assert_int_equal(rig.fake.cpus[0].reserved, 10 * BLOCK);
	close_rig(&rig);
}

/* Fills a lane, pass after pass, until it gets no more. Returns the records. */
static uint32_t flood(struct rig *rig, uint16_t cpu, uint64_t ts)
{
	uint32_t n = 0, more;

	do {
		more = fill(rig, cpu, ts);
		n += more;
		assert_int_equal(pass(rig, ts), 0);
		check_blocks(rig);
	} while (more);
	return n;
}

/* One lane gets what others do not use, and they keep their base shares (L3). */
static void test_shares(void **state)
{
	const uint32_t per_block = BLOCK / 2;
	struct rig rig;

	(void)state;
	open_rig(&rig, 4, 64);
	assert_int_equal(rig.shard.lanes->base, 8);
	check_blocks(&rig);
	assert_true(flood(&rig, 2, 10) >= 36 * per_block);
	assert_true(nr_shard_starves(&rig.shard));
	assert_true(nr_shard_is_fuller(&rig.shard, 3)); /* a lane without room */
	for (unsigned i = 0; i < 4; i++)
		assert_true(i == 2 || fill(&rig, i, 11) >= 8 * per_block);
	assert_int_equal(pass(&rig, 100), 0);
	release_all(&rig);
	assert_int_equal(pass(&rig, 101), 0);
	check_blocks(&rig);
	assert_false(nr_shard_is_fuller(&rig.shard, 1));
	close_rig(&rig);
}

/* Blocks that lanes were granted after a burst, and do not need any more, go to the next burst. */
static void test_bursts(void **state)
{
	struct rig rig;
	uint64_t now = 100;

	(void)state;
	open_rig(&rig, 4, 64);
	for (unsigned round = 0; round < 12; round++) {
		assert_true(fill(&rig, round % 4, now) > 0);
		for (unsigned i = 0; i < 8; i++) {
			wait_for(SECOND / 10);
			assert_int_equal(pass(&rig, ++now), 0);
			release_all(&rig);
			check_blocks(&rig);
		}
	}
	assert_true(flood(&rig, 0, now) >= 36 * BLOCK / 2);
	close_rig(&rig);
}

/* A CPU that joins gets its share, although the lane that was alone is idle, or full. */
static void test_join(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct rig rig = {};

		fake_lanes_open(&rig.fake, 3, 16, SHIFT, 0);
		rig.fake.cpus[1].shard = NR_NO_SHARD;
		rig.fake.cpus[2].shard = 1; /* of another shard */
		assert_int_equal(fake_lanes_shard(&rig.fake, &rig.shard), 0);
		assert_int_equal(owned(&rig, 0), 16);
		if (full)
			fill(&rig, 0, 10);
		assert_false(fake_lane_put(&rig.fake, 20, 1, 0)); /* joins, has no room yet */
		assert_int_equal(rig.fake.rung, 1 + full);
		assert_int_equal(rig.fake.cpus[1].lost[NR_LOSS_FULL], 1);
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(pass(&rig, 30 + i), 0);
			release_all(&rig);
		}
		assert_int_equal(rig.shard.lanes->n, 2);
		check_blocks(&rig);
		/* Blocks that the first lane gave up were not in use. */
		assert_int_equal(nr_counter_get(&rig.shard.peak) > rig.shard.size / 2, full);
		assert_true(fill(&rig, 1, 40) >= 4 * BLOCK / 2);
		assert_true(fill(&rig, 0, 41) >= 4 * BLOCK / 2);
		assert_int_equal(pass(&rig, 50), 0);
		close_rig(&rig);
	}
}

/* A program that was about to reserve when its blocks were taken away does so behind them. */
static void test_join_meanwhile(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps < 4; steps++) {
		struct fake_program p;
		struct rig rig = {};

		fake_lanes_open(&rig.fake, 2, 16, SHIFT, fake_head(-(uint64_t)BLOCK, 5));
		rig.fake.cpus[1].shard = NR_NO_SHARD;
		assert_int_equal(fake_lanes_shard(&rig.fake, &rig.shard), 0);
		put(&rig, 0, 10);
		fake_program_begin(&p, &rig.fake, 0, SHORT);
		for (unsigned i = 0; i < steps; i++)
			fake_program_step(&p);
		fake_lane_put(&rig.fake, 20, 1, 0);
		pass(&rig, 30);
		while (!fake_program_step(&p))
			;
		*p.rec = (struct nr_record){ .ts = 40 };
		submit(&p);
		assert_int_equal(pass(&rig, 50), 0);
		EXPECT_QUEUE(&rig, 10, 40);
		for (unsigned i = 0; i < 3; i++) {
			release_all(&rig);
			assert_int_equal(pass(&rig, 51), 0);
		}
		assert_int_equal(rig.fake.cpus[0].reserved, 5 + 2);
		check_blocks(&rig);
		close_rig(&rig);
	}
}

/* A lane has fewer blocks than slots. */
static void test_many_blocks(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, NR_LANE_SLOTS + 44);
	for (unsigned lap = 0; lap < 5; lap++) {
		assert_int_equal(owned(&rig, 0), NR_LANE_SLOTS - 1);
		assert_int_equal(fill(&rig, 0, lap), (NR_LANE_SLOTS - 1) * BLOCK / 2);
		assert_int_equal(pass(&rig, lap + 1), 0);
		release_all(&rig);
		assert_int_equal(pass(&rig, lap + 1), 0);
		check_blocks(&rig);
	}
	close_rig(&rig);
}

/* The count of the head does not go around between two passes. */
static void test_large_blocks(void **state)
{
	struct rig rig;

	(void)state;
	fake_lanes_open(&rig.fake, 1, 40, 20, 0); /* 640 MiB, of which nothing is used */
	assert_int_equal(fake_lanes_shard(&rig.fake, &rig.shard), 0);
	assert_true(lane(&rig, 0)->granted / 2 < 1u << NR_LANE_COUNT_BITS);
	close_rig(&rig);
}

/* The consumer is woken when a lane has used a quarter of its room, once in a pass. */
static void test_bell(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 1, 8);
	for (unsigned i = 0; i < BLOCK - 1; i++) /* two granules each */
		put(&rig, 0, i);
	assert_int_equal(rig.fake.rung, 0);
	put(&rig, 0, 50);
	assert_int_equal(rig.fake.rung, 1);
	fill(&rig, 0, 60);
	assert_int_equal(rig.fake.rung, 1);
	assert_true(fake_ring_produced(&rig.fake.bell) > fake_ring_consumed(&rig.fake.bell));
	assert_int_equal(pass(&rig, 100), 0);
	assert_true(fake_ring_produced(&rig.fake.bell) == fake_ring_consumed(&rig.fake.bell));
	release_all(&rig);
	assert_int_equal(pass(&rig, 101), 0);
	fill(&rig, 0, 102);
	assert_int_equal(rig.fake.rung, 2);
	close_rig(&rig);
}

/* ---- records that no program submits ---- */

static uint64_t lost(struct rig *rig)
{
	const struct nr_cpu *cpu = &rig->fake.cpus[1];

	assert_int_equal(cpu->lost_total, cpu->lost[NR_LOSS_ABANDONED] + cpu->lost[NR_LOSS_FULL]);
	return cpu->lost[NR_LOSS_ABANDONED];
}

/* Only after a grace period; then with all records that were reserved before it. */
static void test_abandoned(void **state)
{
	struct fake_program p, late;
	struct nr_lanes *l;
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	l = rig.shard.lanes;
	for (unsigned i = 0; i < 3; i++) {
		reserve(&rig, &p, 1, 20 + i);
		put(&rig, 1, 30 + i);
	}
	l->grace = nr_clock_now();
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	assert_false(l->wants_grace);
	wait_for(SECOND / 20);
	assert_int_equal(pass(&rig, 101), -EAGAIN);
	assert_false(l->wants_grace);
	reserve(&rig, &late, 1, 40);
	wait_for(SECOND);
	assert_int_equal(pass(&rig, 102), -EAGAIN);
	assert_true(l->wants_grace);
	assert_int_equal(lost(&rig), 0);
	l->grace = nr_clock_now();
	assert_int_equal(pass(&rig, 103), -EAGAIN); /* `late` may still be submitted */
	assert_int_equal(nr_shard_watermark(&rig.shard), 100);
	assert_int_equal(lost(&rig), 3);
	assert_int_equal(l->abandoned, 3);
	assert_int_equal(l->abandoned_cpu, 1);
	assert_int_equal(l->abandoned_id, 7);
	EXPECT_QUEUE(&rig, 30, 31, 32);
	submit(&late);
	assert_int_equal(pass(&rig, 104), 0);
	EXPECT_QUEUE(&rig, 40);
	assert_int_equal(rig.fake.cpus[1].reserved, rig.shard.cpu_records[1] + lost(&rig));
	release_all(&rig);
	fill(&rig, 1, 110); /* its block is used again */
	assert_int_equal(pass(&rig, 111), 0);
	release_all(&rig);
	assert_int_equal(pass(&rig, 112), 0);
	check_blocks(&rig);
	assert_int_equal(nr_shard_fill(&rig.shard), 0);
	close_rig(&rig);
}

/* Fills the arena with headers. */
static void write_headers(struct rig *rig, uint32_t length, uint32_t where)
{
	for (uint64_t i = 0; i < nr_arena_granules(&rig->fake.arena); i++)
		memcpy(rig->fake.arena.data + i * NR_LANE_GRANULE,
		       &(struct nr_lane_header){ length, where }, sizeof(struct nr_lane_header));
}

/* A record is not given up while its program has not written its header. What else is in its place
 * is not taken for it. */
static void test_abandoned_without_header(void **state)
{
	struct fake_program p;
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	fake_program_begin(&p, &rig.fake, 1, SHORT);
	fake_program_step(&p);
	fake_program_step(&p);
	rig.shard.lanes->grace = NR_TIME_END;
	write_headers(&rig, SHORT, nr_arena_granules(&rig.fake.arena) - 1); /* another place */
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	for (uint32_t i = 0; i < nr_arena_granules(&rig.fake.arena); i++) {
		write_headers(&rig, i % 2 ? SHORT - 1 : UINT32_MAX, i);
		assert_int_equal(pass(&rig, 100), -EAGAIN);
	}
	assert_int_equal(lost(&rig), 0);
	fake_program_step(&p);
	assert_int_equal(pass(&rig, 100), 0);
	assert_int_equal(lost(&rig), 1);
	close_rig(&rig);
}

/* Programs that can sleep outlast a grace period. One of them may still write to the block of a
 * record that was given up. */
static void test_sleepable(void **state)
{
	struct fake_program first, second;
	struct nr_lanes *l;
	struct rig rig;

	(void)state;
	open_rig(&rig, 2, 8);
	l = rig.shard.lanes;
	l->sleepable = true;
	reserve(&rig, &first, 1, 20);
	assert_int_equal(pass(&rig, 100), -EAGAIN);
	wait_for(5 * SECOND);
	reserve(&rig, &second, 1, 30);
	l->grace = nr_clock_now();
	assert_int_equal(pass(&rig, 101), -EAGAIN);
	assert_false(l->wants_grace); /* it would tell nothing */
	wait_for(6 * SECOND);
	assert_int_equal(pass(&rig, 102), -EAGAIN);
	assert_int_equal(lost(&rig), 1);
	assert_true(l->barred[lane(&rig, 1)->slots[0]]);
	wait_for(6 * SECOND);
	assert_int_equal(pass(&rig, 103), -EAGAIN);
	submit(&second);
	for (unsigned i = 0; i < 40; i++) {
		fill(&rig, 1, 200 + i);
		assert_int_equal(pass(&rig, 300 + i), 0);
		release_all(&rig);
		assert_int_equal(pass(&rig, 300 + i), 0);
		check_blocks(&rig);
	}
	/* It is in nobody's lane: nothing else is there when the program goes on. */
	assert_int_equal(first.rec->ts, 20);
	submit(&first);
	assert_int_equal(lost(&rig), 1);
	close_rig(&rig);
}

/* ---- memory ---- */

static void test_map(void **state)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct nr_arena arena = { .n_blocks = 256, .shift = 4 };
	int data = memfd_create("data", 0), commits = memfd_create("commits", 0);
	const uint8_t busy = NR_COMMIT_SUBMITTED;

	(void)state;
	assert_int_equal(ftruncate(data, 256 * BLOCK * NR_LANE_GRANULE), 0);
	assert_int_equal(ftruncate(commits, page), 0);
	assert_int_equal(pwrite(data, "data", 4, 256 * BLOCK * NR_LANE_GRANULE - 4), 4);
	assert_int_equal(pwrite(commits, &busy, 1, 256 * BLOCK - 1), 1);
	assert_int_equal(nr_arena_map(&arena, data, commits), 0);
	assert_memory_equal(arena.data + nr_arena_bytes(&arena) - 4, "data", 4);
	assert_int_equal(arena.commits[256 * BLOCK - 1], NR_COMMIT_SUBMITTED);
	arena.commits[0] = NR_COMMIT_SKIPPED;
	nr_arena_unmap(&arena);
	nr_arena_unmap(&arena);
	arena = (struct nr_arena){ .n_blocks = 256, .shift = 4 };
	assert_int_equal(nr_arena_map(&arena, -1, commits), -EBADF);
	arena = (struct nr_arena){ .n_blocks = 256, .shift = 4 };
	assert_int_equal(nr_arena_map(&arena, data, -1), -EBADF);
	close(data);
	close(commits);
}

static void test_no_memory(void **state)
{
	struct fake_lanes fake;
	struct nr_shard shard;

	(void)state;
	for (int i = 0; i < 6; i++) {
		fake_lanes_open(&fake, 2, 8, SHIFT, 0);
		calloc_left = i;
		assert_int_equal(fake_lanes_shard(&fake, &shard), -ENOMEM);
		calloc_left = -1;
		nr_arena_unmap(&fake.arena); /* still the caller's */
		fake_lanes_close(&fake);
	}
	for (int i = 0; i < 5; i++) {
		fake_lanes_open(&fake, 2, 8, SHIFT, 0);
		mmap_left = 2 + i; /* two map the bell */
		assert_int_equal(fake_lanes_shard(&fake, &shard), -ENOMEM);
		mmap_left = -1;
		fake_lanes_close(&fake);
	}
}

/* ---- a random life ---- */

#define LIFE_CPUS 4u
#define PROGRAMS  3u /* at a time on each CPU */
#define STEPS	  4000

/*
 * Up to three programs on each CPU stop anywhere between their steps, the clock of each CPU advances
 * on its own, and passes, the merge and releases come in between. The queue yields exactly the
 * submitted records, ordered by (time, CPU, position), and all those below the watermark (D1). What
 * lies in a block does not change before its records are safe. Counts add up (I7).
 */
struct reserved {
	uint64_t ts, pos; /* from the start of its lane */
	uint16_t cpu;
	bool stamped, submitted, taken;
};

struct life {
	struct rig rig;
	struct seed seed;
	uint64_t start, now;
	struct fake_program programs[LIFE_CPUS][PROGRAMS];
	struct reserved *of[LIFE_CPUS][PROGRAMS]; /* NULL: it has not reserved yet */
	struct reserved all[STEPS];
	uint32_t n, count[LIFE_CPUS];
	uint64_t submitted, discarded;
	struct reserved last;
};

static void note_reserved(struct life *life, unsigned cpu, unsigned i)
{
	const struct fake_program *p = &life->programs[cpu][i];

	life->of[cpu][i] = &life->all[life->n++];
	life->count[cpu]++;
	*life->of[cpu][i] = (struct reserved){
		.pos = (p->start - (life->start >> NR_LANE_COUNT_BITS)) & ((1ull << 40) - 1),
		.cpu = cpu,
	};
}

static void stamp(struct life *life, struct fake_program *p, struct reserved *r)
{
	life->now += seed_below(&life->seed, 3);
	r->ts = life->now;
	r->stamped = true;
	*p->rec = (struct nr_record){ .ts = r->ts, .cpu = r->cpu, .lost = r - life->all };
}

static void finish(struct life *life, struct fake_program *p, struct reserved *r)
{
	r->submitted = !seed_once_in(&life->seed, 4);
	life->submitted += r->submitted;
	life->discarded += !r->submitted;
	fake_program_commit(p, r->submitted ? NR_COMMIT_SUBMITTED : NR_COMMIT_DISCARDED);
	*p = (struct fake_program){ .step = FAKE_LOST };
}

static void begin(struct life *life, unsigned cpu, unsigned i)
{
	uint32_t most = (NR_LANE_GRANULE << life->rig.fake.arena.shift) + 8;

	life->of[cpu][i] = NULL;
	fake_program_begin(
		&life->programs[cpu][i], &life->rig.fake, cpu,
		SHORT + seed_below(&life->seed, seed_once_in(&life->seed, 4) ? most : 40));
}

/* One step of one program. */
static void step(struct life *life, unsigned cpu, unsigned i)
{
	struct fake_program *p = &life->programs[cpu][i];
	struct reserved *r = life->of[cpu][i];

	if (!p->fake || p->step == FAKE_LOST)
		begin(life, cpu, i);
	else if (p->step != FAKE_RESERVED)
		fake_program_step(p);
	else if (!r->stamped)
		stamp(life, p, r);
	else
		finish(life, p, r);
	if (!life->of[cpu][i] && p->step > FAKE_SWAP && p->step <= FAKE_RESERVED)
		note_reserved(life, cpu, i);
}

static bool is_before(const struct reserved *a, const struct reserved *b)
{
	if (a->ts != b->ts)
		return a->ts < b->ts;
	return a->cpu != b->cpu ? a->cpu < b->cpu : a->pos < b->pos;
}

static void take_some(struct life *life, uint64_t n)
{
	const struct nr_record *rec;

	while (n-- && (rec = take(&life->rig))) {
		struct reserved *r = &life->all[rec->lost];

		assert_true(rec->lost < life->n && r->submitted && !r->taken);
		assert_true(rec->ts == r->ts && rec->cpu == r->cpu);
		assert_true(rec->ts < nr_shard_watermark(&life->rig.shard));
		assert_true(!life->last.taken || is_before(&life->last, r));
		r->taken = true;
		life->last = *r;
	}
}

/* D1: all records below the watermark are in the queue. */
static void check_complete(const struct life *life)
{
	uint64_t w = nr_shard_watermark(&life->rig.shard), n = 0;

	for (uint32_t i = 0; i < life->n; i++) {
		const struct reserved *r = &life->all[i];

		n += r->submitted && r->ts < w;
	}
	assert_true(w == NR_TIME_END || n == life->rig.shard.tail);
	for (unsigned cpu = 0; cpu < LIFE_CPUS; cpu++)
		for (unsigned i = 0; i < PROGRAMS; i++)
			if (life->of[cpu][i] && life->programs[cpu][i].step == FAKE_RESERVED)
				assert_true(!life->of[cpu][i]->stamped ||
					    life->of[cpu][i]->ts >= w);
}

/* Records whose room was not given back are as they were. */
static void check_unsafe(struct life *life)
{
	struct nr_shard *shard = &life->rig.shard;

	for (uint64_t i = shard->accepted; i != shard->tail; i++) {
		const struct nr_entry *e = nr_shard_entry(shard, i);
		const struct nr_record *rec = record_of(&life->rig, e);

		assert_true(rec->ts == e->ts && rec->cpu == e->extra);
	}
}

static void pass_some(struct life *life)
{
	uint64_t time = life->now - (life->now && seed_once_in(&life->seed, 2));

	assert_int_not_equal(pass(&life->rig, time), -EBADMSG);
	check_blocks(&life->rig);
	check_complete(life);
}

static void end_programs(struct life *life)
{
	for (unsigned cpu = 0; cpu < LIFE_CPUS; cpu++)
		for (unsigned i = 0; i < PROGRAMS; i++)
			while (life->programs[cpu][i].fake &&
			       life->programs[cpu][i].step != FAKE_LOST)
				step(life, cpu, i);
}

static void check_counts(const struct life *life)
{
	const struct nr_shard *shard = &life->rig.shard;
	uint64_t count = life->start & ((1u << NR_LANE_COUNT_BITS) - 1);

	assert_int_equal(shard->accepted, life->submitted);
	assert_int_equal(shard->records, life->submitted);
	assert_int_equal(shard->discarded, life->discarded);
	assert_int_equal(shard->malformed, 0);
	for (unsigned i = 0; i < LIFE_CPUS; i++) {
		assert_int_equal(shard->cpu_records[i], life->count[i]);
		assert_int_equal(life->rig.fake.cpus[i].reserved, count + life->count[i]);
	}
}

static void open_life(struct life *life, uint64_t seed)
{
	struct fake_lanes *fake = &life->rig.fake;
	uint32_t shift, blocks;

	memset(life, 0, sizeof(*life));
	life->seed.state = seed;
	shift = 2 + seed_below(&life->seed, 4);
	blocks = LIFE_CPUS * (2 + seed_below(&life->seed, 12));
	/* At the wraps of position and count, and elsewhere. */
	life->start =
		fake_head(-(seed_below(&life->seed, 3) << shift), -seed_below(&life->seed, 200));
	fake_lanes_open(fake, LIFE_CPUS, blocks, shift, life->start);
	for (unsigned i = 1; i < LIFE_CPUS; i++)
		if (seed_once_in(&life->seed, 4)) {
			fake->cpus[i].shard = NR_NO_SHARD;
			life->rig.joined = true;
		}
	assert_int_equal(fake_lanes_shard(fake, &life->rig.shard), 0);
}

static void live(uint64_t seed)
{
	static struct life life;
	uint32_t busy_cpu = 0;

	open_life(&life, seed);
	for (int i = 0; i < STEPS; i++) {
		if (seed_once_in(&life.seed, 400)) /* most steps of a while are of one CPU */
			busy_cpu = seed_below(&life.seed, LIFE_CPUS);
		step(&life,
		     seed_once_in(&life.seed, 2) ? busy_cpu : seed_below(&life.seed, LIFE_CPUS),
		     seed_below(&life.seed, PROGRAMS));
		if (seed_once_in(&life.seed, 12))
			pass_some(&life);
		if (seed_once_in(&life.seed, 12))
			take_some(&life, seed_below(&life.seed, 30));
		if (seed_once_in(&life.seed, 20)) {
			check_unsafe(&life);
			release_taken(&life.rig.shard);
		}
	}
	end_programs(&life);
	for (int i = 0; i < 10; i++) { /* lanes give up blocks that they have ceased to need */
		assert_int_equal(pass(&life.rig, NR_TIME_END), 0);
		take_some(&life, UINT64_MAX);
		check_unsafe(&life);
		release_taken(&life.rig.shard);
	}
	check_blocks(&life.rig);
	assert_int_equal(nr_shard_fill(&life.rig.shard), 0);
	check_counts(&life);
	close_rig(&life.rig);
}

static void test_lives(void **state)
{
	uint64_t first = seed_first("lanes/lives"), rounds = seed_env("NR_ROUNDS", 1000);

	(void)state;
	for (uint64_t i = 0; i < rounds; i++)
		live(first + i);
}

/* ---- lanes and a ring ---- */

#define MIXED 2000u

/* A shard of lanes and one of a ring, whose merge yields all records by (time, shard, CPU, position).
 * A record carries its number, which counts up in each lane and in the ring. */
struct mixed {
	struct rig rig;
	struct fake_ring ring;
	struct nr_shard ring_shard;
	struct nr_shard *shards[2];
	struct nr_merge merge;
	struct seed seed;
	struct fake_program busy; /* one that is not submitted yet, if busy.rec */
	struct nr_record *ring_busy;
	uint64_t now, put, taken;
	struct nr_record last;
	bool last_ring;
};

static void submit_busy(struct mixed *x)
{
	if (x->busy.rec)
		submit(&x->busy);
	if (x->ring_busy)
		fake_ring_submit(x->ring_busy);
	x->put += !!x->busy.rec + !!x->ring_busy;
	x->busy.rec = x->ring_busy = NULL;
}

/* The records of lanes have CPUs of their own, the ring's is the last. */
static void put_somewhere(struct mixed *x)
{
	uint16_t cpu = seed_below(&x->seed, LIFE_CPUS);
	struct nr_record *rec;

	if (cpu == LIFE_CPUS - 1)
		rec = x->ring_busy = fake_ring_reserve(&x->ring, SHORT);
	else
		rec = fake_program_reserve(&x->busy, &x->rig.fake, cpu, SHORT);
	x->now += seed_below(&x->seed, 2);
	if (rec)
		*rec = (struct nr_record){ .ts = x->now, .cpu = cpu, .lost = x->put };
}

static bool follows(const struct mixed *x, const struct nr_record *rec, bool ring)
{
	const struct nr_record *last = &x->last;

	if (rec->ts != last->ts)
		return rec->ts > last->ts;
	if (ring != x->last_ring)
		return ring;
	return rec->cpu != last->cpu ? rec->cpu > last->cpu : rec->lost > last->lost;
}

static void merge_window(struct mixed *x)
{
	uint64_t w = nr_merge_begin(&x->merge);
	struct nr_event evs[64];
	size_t bytes = 0;
	unsigned n;

	while ((n = take_events(&x->merge, evs, 64, SIZE_MAX, &bytes)) > 0)
		for (unsigned i = 0; i < n; i++) {
			bool ring = evs[i].rec->cpu == LIFE_CPUS - 1;

			assert_true(evs[i].ts < w && !evs[i].flags);
			assert_true(!x->taken || follows(x, evs[i].rec, ring));
			x->last = *evs[i].rec;
			x->last_ring = ring;
			x->taken++;
		}
	release_merged(&x->merge);
}

static void mix(struct mixed *x)
{
	for (unsigned i = 0; i < MIXED; i++) {
		submit_busy(x);
		put_somewhere(x);
		for (unsigned s = 0; s < 2; s++)
			if (seed_once_in(&x->seed, 5))
				assert_int_not_equal(
					nr_shard_pass(x->shards[s], x->now + NR_EPSILON_NS),
					-EBADMSG);
		if (seed_once_in(&x->seed, 10))
			merge_window(x);
	}
	submit_busy(x);
	for (unsigned s = 0; s < 2; s++)
		assert_int_equal(nr_shard_pass(x->shards[s], NR_TIME_END), 0);
	merge_window(x);
	assert_int_equal(x->taken, x->put);
}

static void test_mixed(void **state)
{
	uint64_t first = seed_first("lanes/mixed");
	static struct mixed x;

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct nr_ring ring;

		memset(&x, 0, sizeof(x));
		x.seed.state = first + i;
		open_at(&x.rig, LIFE_CPUS - 1, 24, fake_head(-(3ull << SHIFT), 0));
		fake_ring_open(&x.ring, sysconf(_SC_PAGESIZE), -64ull);
		fake_ring_map(&x.ring, &ring);
		assert_int_equal(nr_shard_init(&x.ring_shard, &ring, LIFE_CPUS), 0);
		x.shards[0] = &x.rig.shard;
		x.shards[1] = &x.ring_shard;
		assert_int_equal(nr_merge_init(&x.merge, x.shards, 2), 0);
		mix(&x);
		nr_merge_destroy(&x.merge);
		nr_shard_destroy(&x.ring_shard);
		fake_ring_close(&x.ring);
		close_rig(&x.rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_sorted_and_held_back),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_busy_keeps_target),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_time_end),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_contended),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_foreign_cpu),
		cmocka_unit_test(test_bad_head),
		cmocka_unit_test(test_bad_record),
		cmocka_unit_test(test_bad_skip),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_release_discards),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_meanwhile),
		cmocka_unit_test(test_many_blocks),
		cmocka_unit_test(test_large_blocks),
		cmocka_unit_test(test_bell),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_abandoned_without_header),
		cmocka_unit_test(test_sleepable),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
