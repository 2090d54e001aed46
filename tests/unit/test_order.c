/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The order as a whole: generated histories run through the real passes and the real merge in
 * virtual time, against an oracle.
 *
 * A history is a random interleaving of steps: of producers (reserve, stamp, submit or discard; I1
 * and I2 hold because a reservation is visible at once), of consumers (read the clock, pass), of
 * the merge (begin, take, commit), and of crashes. Clocks of CPUs differ by up to NR_EPSILON_NS. In
 * faulty histories, clocks step back by 5 us or stamps are too old, so records are late.
 *
 * There are three kinds: long histories, long faulty ones, and very many short ones with up to
 * three small rings, some of them faulty. Short histories reuse the same rings and shards, because
 * setting up a million times takes longer than the histories.
 *
 * NR_SEED=n begins with history n, NR_ROUNDS=n runs n of each kind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "fake_ring.h"
#include "merge/merge.h"
#include "seed.h"

#define MAX_SHARDS  70
#define MAX_CPUS    96
#define MAX_RECORDS 100000u
#define MAX_WINDOWS 60000u
#define SHORT_SIDES 3

/* as many as the tests have time for */
#if defined(__SANITIZE_THREAD__)
#define NR_SHORT 20000
#elif defined(__SANITIZE_ADDRESS__)
#define NR_SHORT 200000
#else
#define NR_SHORT 1000000
#endif
#define STEP_BACK 5000u

enum step { IDLE, RESERVED, STAMPED };

struct cpu {
	uint32_t shard;
	enum step step;
	uint32_t id; /* the producer's current record */
	struct nr_record *rec;
	uint32_t length;
	uint64_t asleep; /* steps in which it does nothing */
	uint64_t clock;	 /* the clock's lead over the true time */
	uint64_t back;	 /* fault: the clock's lag */
};

struct written {
	uint64_t ts;
	uint64_t pos; /* offset from the start of its shard's ring */
	uint32_t shard;
	bool submitted;
	uint64_t shard_w, merge_w; /* the watermarks at the time of a pass */
};

struct window {
	uint64_t w;
	uint32_t out; /* events emitted by the end of the window */
};

struct side { /* the consumer's side of a shard */
	struct fake_ring fake;
	uint64_t start;
	struct nr_shard shard;
	uint64_t clock; /* the lead of its CPU's clock over the true time */
	uint64_t asleep;
	bool has_time;
	uint64_t time;
	uint32_t *ids; /* in order of reservation */
	uint32_t n_ids, walked_ids;
	uint64_t submitted, discarded;
};

struct history {
	uint64_t number;
	struct seed seed;
	bool faulty, brief;
	uint64_t now, tick;
	uint32_t n_shards, n_cpus;
	struct cpu cpus[MAX_CPUS];
	struct side sides[MAX_SHARDS];
	struct nr_shard *ptr[MAX_SHARDS];
	struct nr_merge merge;

	struct written *all;
	uint32_t n_all;
	uint32_t *out; /* ids */
	uint32_t n_out, committed;
	uint64_t complete_to; /* at the last commit */
	uint64_t skip_below;  /* after a crash: everything below was written before it (I5) */
	bool in_window, crashed;
	/* W of the merge; W of the previous window; ts of the last event */
	uint64_t w, floor, last;
	struct window *windows;
	uint32_t n_windows;
	uint64_t late;
};

static struct history h;

/* The state that short histories share: a ring, and its shard as it was when it was new. */
static struct side brief[SHORT_SIDES];

/* Totals over all histories. */
static struct {
	uint64_t records, full, late, crashes, windows;
} sum;

#define check(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail_msg("%s\n(NR_SEED=%llu NR_ROUNDS=1 repeats it)", #cond,               \
				 (unsigned long long)h.number);                                    \
	} while (0)

static uint64_t below(uint64_t n)
{
	return seed_below(&h.seed, n);
}

static bool once_in(uint64_t n)
{
	return seed_once_in(&h.seed, n);
}

/* ---- producers ---- */

static void reserve(struct cpu *c)
{
	struct side *side = &h.sides[c->shard];
	struct written *w = &h.all[h.n_all];
	uint32_t payload = 4 + (once_in(h.brief ? 8 : 50) ? below(side->fake.size / 4) : below(60));

	if (h.n_all == MAX_RECORDS)
		return;
	c->length = sizeof(*c->rec) + payload;
	c->rec = fake_ring_reserve(&side->fake, c->length);
	if (!c->rec) {
		sum.full++;
		return;
	}
	c->id = h.n_all++;
	c->step = RESERVED;
	*w = (struct written){ .shard = c->shard };
	w->pos = fake_ring_pos(&side->fake, c->rec) - side->start;
	side->ids[side->n_ids++] = c->id;
}

static void stamp(struct cpu *c)
{
	uint8_t *payload = (uint8_t *)(c->rec + 1);
	uint64_t ts = h.now + c->clock - c->back;

	if (h.faulty && once_in(h.brief ? 50 : 2000))
		ts -= below(10 * NR_EPSILON_NS);
	*c->rec = (struct nr_record){ .ts = ts, .cpu = c - h.cpus };
	memcpy(payload, &c->id, 4);
	for (uint32_t i = 4; i < c->length - sizeof(*c->rec); i++)
		payload[i] = c->id + i;
	h.all[c->id].ts = ts;
	c->step = STAMPED;
}

static void finish(struct cpu *c)
{
	struct side *side = &h.sides[c->shard];

	c->step = IDLE;
	if (once_in(10)) {
		fake_ring_discard(c->rec);
		side->discarded++;
	} else {
		fake_ring_submit(c->rec);
		h.all[c->id].submitted = true;
		side->submitted++;
	}
}

static void step_cpu(struct cpu *c)
{
	if (c->asleep) {
		c->asleep--;
		return;
	}
	if (once_in(h.brief ? 30 : 500))
		c->asleep = below(h.brief ? 40 : 300);
	if (h.faulty && once_in(c->back ? 30 : h.brief ? 100 : 1000))
		c->back = c->back ? 0 : STEP_BACK;
	if (c->step == IDLE)
		reserve(c);
	else if (c->step == RESERVED)
		stamp(c);
	else
		finish(c);
}

/* ---- consumers ---- */

static void pass(struct side *side)
{
	uint64_t before = nr_shard_watermark(&side->shard);
	int err = nr_shard_pass(&side->shard, side->time);

	check(err == 0 || err == -EAGAIN);
	check(nr_shard_watermark(&side->shard) >= before);
	side->has_time = false;
	for (; side->walked_ids < side->n_ids; side->walked_ids++) {
		struct written *w = &h.all[side->ids[side->walked_ids]];

		if (w->pos >= side->shard.walked - side->start)
			break;
		w->shard_w = before;
		w->merge_w = h.w;
	}
}

/* One step reads the clock, a later one reads the ring (I2). */
static void step_consumer(struct side *side)
{
	if (side->asleep) {
		side->asleep--;
	} else if (!side->has_time) {
		side->time = h.now + side->clock;
		side->has_time = true;
		if (once_in(300))
			side->asleep = below(60);
	} else {
		pass(side);
	}
}

/* ---- the merge and its sink ---- */

static void check_content(const struct nr_event *ev, uint32_t id)
{
	const uint8_t *payload = ev->data;

	check(id < h.n_all);
	check(h.all[id].submitted);
	check(ev->rec->ts == h.all[id].ts);
	for (uint32_t i = 4; i < ev->size; i++)
		check(payload[i] == (uint8_t)(id + i));
}

/* Which records are late and where they go, derived only from the order of events (I6). */
static void check_place(const struct nr_event *ev, const struct written *w)
{
	uint64_t least = h.last > h.floor ? h.last : h.floor;
	bool late = w->ts < least;

	check(ev->flags == (late ? NR_EVENT_LATE : 0));
	check(ev->ts == (late ? least : w->ts));
	check(ev->ts < h.w || h.w == NR_TIME_END || (late && ev->ts == h.w));
	if (late)
		check(h.faulty && w->ts < w->shard_w);
	if (w->ts < w->merge_w)
		check(late);
	h.last = ev->ts;
	h.late += late;
}

static void emit(const struct nr_event *evs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t id;

		memcpy(&id, evs[i].data, 4);
		check_content(&evs[i], id);
		check_place(&evs[i], &h.all[id]);
		if (evs[i].ts < h.skip_below)
			continue;
		check(h.n_out < h.n_all);
		h.out[h.n_out++] = id;
	}
}

/* A collector that restarts after a crash never names a lower watermark than its predecessor. */
static void commit(void)
{
	uint64_t complete_to = nr_merge_complete_to(&h.merge);

	check(complete_to <= h.w);
	h.committed = h.n_out;
	if (complete_to > h.complete_to)
		h.complete_to = complete_to;
	release_merged(&h.merge);
}

static void begin(void)
{
	uint64_t w = nr_merge_begin(&h.merge);

	check(w >= h.w); /* M3 */
	h.floor = h.w;
	h.w = w;
	h.in_window = true;
}

static void end_window(void)
{
	h.in_window = false;
	if (h.w >= h.skip_below && h.n_windows < MAX_WINDOWS)
		h.windows[h.n_windows++] = (struct window){ h.w, h.n_out };
	if (h.committed == h.n_out)
		release_merged(&h.merge);
	else if (once_in(3) || h.w == NR_TIME_END)
		commit();
}

static void step_merge(void)
{
	struct nr_event evs[64];
	size_t bytes = 0;
	unsigned n;

	if (!h.in_window) {
		begin();
		return;
	}
	n = take_events(&h.merge, evs, 1 + below(64), once_in(4) ? 0 : below(4000), &bytes);
	emit(evs, n);
	if (!n && nr_merge_more(&h.merge))
		commit();
	else if (!n)
		end_window();
}

/* ---- parts of a history ---- */

/* Does the work of nr_shard_init for the ring in its current state. */
static void renew_shard(struct side *side)
{
	uint64_t pos = fake_ring_consumed(&side->fake);

	side->shard = brief[side - h.sides].shard;
	side->shard.start = side->shard.walked = side->shard.free_below = pos;
	side->shard.floor = pos;
	memset(side->shard.cpu_records, 0, MAX_CPUS * sizeof(*side->shard.cpu_records));
	memset(side->shard.last, 0, MAX_CPUS * sizeof(*side->shard.last));
}

static void open_shard(struct side *side)
{
	struct nr_ring ring;

	side->has_time = false;
	if (h.brief) {
		renew_shard(side);
		return;
	}
	fake_ring_map(&side->fake, &ring);
	check(!nr_shard_init(&side->shard, &ring, h.n_cpus));
}

/* kill -9 of the collector; another collector goes on with the same rings (I5). */
static void crash(void)
{
	sum.crashes++;
	h.crashed = true;
	nr_merge_destroy(&h.merge);
	for (uint32_t s = 0; s < h.n_shards; s++) {
		struct side *side = &h.sides[s];
		struct nr_shard old = side->shard;
		const uint8_t *data = side->fake.view.data;

		open_shard(side);
		for (uint32_t c = 0; c < h.n_cpus; c++) {
			struct cpu *cpu = &h.cpus[c];

			if (cpu->shard == s && cpu->step != IDLE)
				cpu->rec = (void *)(side->fake.view.data +
						    ((uint8_t *)cpu->rec - data));
		}
		if (!h.brief)
			nr_shard_destroy(&old);
		while (side->walked_ids && h.all[side->ids[side->walked_ids - 1]].pos >=
						   side->shard.walked - side->start)
			side->walked_ids--;
	}
	check(!nr_merge_init(&h.merge, h.ptr, h.n_shards));
	h.n_out = h.committed;
	while (h.n_windows && h.windows[h.n_windows - 1].out > h.n_out)
		h.n_windows--;
	h.skip_below = h.complete_to;
	h.in_window = false;
	h.w = h.floor = h.last = 0;
}

static void open_ring(struct side *side)
{
	size_t size = 4096u << (once_in(3) ? 0 : below(6));

	if (!h.brief) {
		fake_ring_open(&side->fake, size, side->start);
		return;
	}
	side->fake = brief[side - h.sides].fake;
	atomic_store(side->fake.view.consumer, side->start);
	fake_ring_produce_to(&side->fake, side->start);
}

static void open_sides(void)
{
	static const uint64_t starts[] = { 0, 0xfffffff0ull, 1ull << 63, -1024ull };
	static uint32_t ids[MAX_SHARDS][MAX_RECORDS];

	for (uint32_t s = 0; s < h.n_shards; s++) {
		struct side *side = &h.sides[s];

		*side = (struct side){ .start = starts[below(4)],
				       .clock = below(NR_EPSILON_NS + 1),
				       .ids = ids[s] };
		open_ring(side);
		open_shard(side);
		h.ptr[s] = &side->shard;
	}
	check(!nr_merge_init(&h.merge, h.ptr, h.n_shards));
}

static void open_history(uint64_t number, bool faulty, bool brief)
{
	static const uint64_t ticks[] = { 2, 5, 20, 100, 1000 };
	static struct written all[MAX_RECORDS];
	static struct window windows[MAX_WINDOWS];
	static uint32_t out[MAX_RECORDS];

	memset(&h, 0, sizeof(h));
	h.number = number;
	h.seed.state = number * 2 + faulty;
	h.faulty = faulty;
	h.brief = brief;
	h.now = once_in(8) ? 0 : seed_next(&h.seed) >> 2;
	h.now += faulty ? 20 * NR_EPSILON_NS : 0;
	h.tick = ticks[below(5)];
	h.n_shards = 1 + below(brief ? SHORT_SIDES : once_in(20) ? MAX_SHARDS : 8);
	h.n_cpus = h.n_shards + below(brief			   ? 3
				      : MAX_CPUS - h.n_shards > 16 ? 16
								   : MAX_CPUS - h.n_shards);
	h.all = all;
	h.out = out;
	h.windows = windows;
	open_sides();
	for (uint32_t c = 0; c < h.n_cpus; c++)
		h.cpus[c] =
			(struct cpu){ .shard = c % h.n_shards, .clock = below(NR_EPSILON_NS + 1) };
}

static void close_history(void)
{
	nr_merge_destroy(&h.merge);
	for (uint32_t s = 0; s < h.n_shards && !h.brief; s++) {
		nr_shard_destroy(&h.sides[s].shard);
		fake_ring_close(&h.sides[s].fake);
	}
}

static void run_history(void)
{
	uint64_t steps = h.brief ? 20 + below(100) : 1000 + below(60000);
	uint64_t crash_in = below(4) ? 0 : h.brief ? 60 : 15000;

	while (steps--) {
		h.now += once_in(1000) ? below(200 * h.tick) : below(h.tick);
		switch (below(16)) {
		case 0:
		case 1:
			step_consumer(&h.sides[below(h.n_shards)]);
			break;
		case 2:
		case 3:
			step_merge();
			break;
		default:
			step_cpu(&h.cpus[below(h.n_cpus)]);
		}
		if (crash_in && !h.faulty && once_in(crash_in))
			crash();
	}
}

static void end_history(void)
{
	for (uint32_t c = 0; c < h.n_cpus; c++) {
		if (h.cpus[c].step == RESERVED)
			stamp(&h.cpus[c]);
		if (h.cpus[c].step == STAMPED)
			finish(&h.cpus[c]);
	}
	for (uint32_t s = 0; s < h.n_shards; s++) {
		struct side *side = &h.sides[s];

		for (int i = 0; i < 3; i++) {
			side->time = NR_TIME_END;
			pass(side);
		}
		check(nr_shard_watermark(&side->shard) == NR_TIME_END);
	}
	/* One time more than needed: then the room of discarded records behind the last one is
	 * released. */
	for (int i = 0; i < 2; i++) {
		do
			step_merge();
		while (h.w != NR_TIME_END || h.in_window);
	}
}

/* ---- the oracle ---- */

static int compare(const void *x, const void *y)
{
	const struct written *a = &h.all[*(const uint32_t *)x], *b = &h.all[*(const uint32_t *)y];

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	if (a->shard != b->shard)
		return a->shard < b->shard ? -1 : 1;
	return a->pos < b->pos ? -1 : a->pos > b->pos;
}

/* Collects all submitted ids in order of time and returns their number. */
static uint32_t make_oracle(uint32_t *ids)
{
	uint32_t n = 0;

	for (uint32_t id = 0; id < h.n_all; id++) {
		if (h.all[id].submitted)
			ids[n++] = id;
	}
	qsort(ids, n, sizeof(*ids), compare);
	return n;
}

/* In each window, nothing above W was emitted and nothing below it was held back (I4). */
static void check_windows(const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < h.n_windows; i++) {
		const struct window *win = &h.windows[i];

		check(win->out <= n);
		if (win->out)
			check(h.all[ids[win->out - 1]].ts < win->w || win->w == NR_TIME_END);
		if (win->out < n)
			check(h.all[ids[win->out]].ts >= win->w);
	}
}

static int compare_ids(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* Each id occurs once: in exact order or, with late records, in any order. */
static void check_output(void)
{
	uint32_t *ids = malloc((h.n_all + 1) * sizeof(*ids));
	uint32_t n = make_oracle(ids);

	check(h.n_out == n);
	check(h.committed == n);
	if (h.faulty) {
		qsort(ids, n, sizeof(*ids), compare_ids);
		qsort(h.out, n, sizeof(*ids), compare_ids);
	} else {
		check_windows(ids, n);
	}
	check(!memcmp(ids, h.out, n * sizeof(*ids)));
	free(ids);
}

static void check_counters(void)
{
	uint64_t late = 0;

	for (uint32_t s = 0; s < h.n_shards; s++) {
		const struct side *side = &h.sides[s];

		check(fake_ring_consumed(&side->fake) == fake_ring_produced(&side->fake));
		check(side->shard.walked == fake_ring_produced(&side->fake));
		late += side->shard.late;
		if (h.crashed)
			continue; /* the old shards' counts are gone with them */
		check(side->shard.records == side->submitted);
		check(side->shard.accepted == side->submitted);
		check(side->shard.discarded == side->discarded);
	}
	check(late == h.late);
	check(h.faulty || !late);
}

static void one_history(uint64_t number, bool faulty, bool brief)
{
	open_history(number, faulty, brief);
	run_history();
	end_history();
	check_output();
	check_counters();
	sum.records += h.n_all;
	sum.late += h.late;
	sum.windows += h.n_windows;
	close_history();
}

static void print_sum(const char *name, uint64_t rounds)
{
	printf("%s: %llu histories, %llu records, %llu windows, ring full %llu times, "
	       "%llu crashes, %llu late\n",
	       name, (unsigned long long)rounds, (unsigned long long)sum.records,
	       (unsigned long long)sum.windows, (unsigned long long)sum.full,
	       (unsigned long long)sum.crashes, (unsigned long long)sum.late);
}

static void run_histories(const char *name, bool faulty, uint64_t rounds)
{
	uint64_t first = seed_first(name);

	memset(&sum, 0, sizeof(sum));
	rounds = seed_env("NR_ROUNDS", rounds);
	for (uint64_t i = 0; i < rounds; i++)
		one_history(first + i, faulty, false);
	print_sum(name, rounds);
}

static void test_exact(void **state)
{
	(void)state;
	run_histories("order/exact", false, 400);
}

static void test_faulty(void **state)
{
	(void)state;
	run_histories("order/faulty", true, 150);
	if (!getenv("NR_ROUNDS"))
		assert_true(sum.late > 1000);
}

static void open_brief(void)
{
	for (int s = 0; s < SHORT_SIDES; s++) {
		struct nr_ring ring;

		fake_ring_open(&brief[s].fake, 4096, 0);
		fake_ring_map(&brief[s].fake, &ring);
		assert_int_equal(nr_shard_init(&brief[s].shard, &ring, MAX_CPUS), 0);
	}
}

static void close_brief(void)
{
	for (int s = 0; s < SHORT_SIDES; s++) {
		nr_shard_destroy(&brief[s].shard);
		fake_ring_close(&brief[s].fake);
	}
}

/* Rare cases of long histories occur here in every order. The first faulty step is at most a
 * hundred steps back. */
static void test_short(void **state)
{
	uint64_t first = seed_first("order/short"), rounds = seed_env("NR_ROUNDS", NR_SHORT);

	(void)state;
	memset(&sum, 0, sizeof(sum));
	open_brief();
	for (uint64_t i = first; i < first + rounds; i++)
		one_history(i, i % 4 == 0, true);
	close_brief();
	print_sum("order/short", rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_faulty),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
