// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which pairs contain a loss: against a look at every loss for every pair. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "report/loss.h"
#include "report/pairs.h"
#include "seed.h"

#define MAX_CPUS  8
#define MAX_PAIRS 20000
#define BEGIN	  1000000000ull

static struct seed seed;

struct lost {
	uint64_t begin, end;
};

struct world {
	struct loss loss;
	struct pairs pairs;
	unsigned n_cpus;
	uint64_t now, last[MAX_CPUS], all_lost;
	uint32_t lost[MAX_CPUS];
	struct lost *losses; /* all that there were */
	unsigned n_losses;
	struct pair *made; /* all pairs, and of these: */
	unsigned n_made;
	bool *counted; /* by index in made */
	unsigned next; /* pairs are counted or left out in order */
};

/* The pair after all that were left out before it. */
static void count(void *ctx, struct pair *pair)
{
	struct world *w = ctx;

	while (memcmp(&w->made[w->next], pair, sizeof(*pair)))
		assert_true(++w->next < w->n_made);
	w->counted[w->next++] = true;
}

static void open_world(struct world *w)
{
	*w = (struct world){ .n_cpus = 1 + seed_below(&seed, MAX_CPUS), .now = BEGIN };
	loss_open(&w->loss, BEGIN);
	w->pairs = (struct pairs){
		.loss = &w->loss,
		.size = sizeof(struct pair),
		.fn = count,
		.ctx = w,
	};
	w->losses = calloc(MAX_PAIRS, sizeof(*w->losses));
	w->made = calloc(MAX_PAIRS, sizeof(*w->made));
	w->counted = calloc(MAX_PAIRS, sizeof(*w->counted));
	for (unsigned i = 0; i < MAX_CPUS; i++)
		w->last[i] = BEGIN;
}

static void close_world(struct world *w)
{
	pairs_close(&w->pairs);
	loss_close(&w->loss);
	free(w->losses);
	free(w->made);
	free(w->counted);
}

static void lose(struct world *w, uint64_t begin, uint64_t end)
{
	w->losses[w->n_losses++] = (struct lost){ begin, end };
	pairs_lost(&w->pairs, begin, end);
}

/* A record of a CPU, maybe after a loss. */
static void event(struct world *w, unsigned cpu, bool loses)
{
	struct nr_record rec = { .ts = w->now, .cpu = cpu };
	struct nr_event ev = { .rec = &rec, .ts = w->now };
	uint64_t since;

	if (loses) {
		w->lost[cpu] += 1 + seed_below(&seed, 3);
		w->all_lost++;
	}
	rec.lost = w->lost[cpu];
	assert_int_equal(loss_event(&w->loss, &ev, &since), loses);
	if (loses) {
		assert_int_equal(since, w->last[cpu]);
		lose(w, since, w->now);
	}
	w->last[cpu] = w->now;
}

static void pair(struct world *w, uint64_t longest)
{
	uint64_t age = seed_below(&seed, longest);
	struct pair p = { .begin = w->now - (age < w->now - BEGIN ? age : w->now - BEGIN),
			  .end = w->now };

	w->made[w->n_made++] = p;
	pairs_add(&w->pairs, &p);
}

static bool is_hit(const struct world *w, const struct pair *p)
{
	for (unsigned i = 0; i < w->n_losses; i++)
		if (w->losses[i].begin < p->end && w->losses[i].end > p->begin)
			return true;
	return false;
}

/* Returns how many pairs were counted although they contain a loss. */
static unsigned judge(struct world *w)
{
	unsigned wrong = 0, n = 0;

	pairs_settle(&w->pairs, true);
	for (unsigned i = 0; i < w->n_made; i++) {
		bool hit = is_hit(w, &w->made[i]);

		if (!hit && !w->counted[i])
			fail_msg("pair %u is left out without a loss", i);
		wrong += hit && w->counted[i];
		n += w->counted[i];
	}
	assert_int_equal(w->pairs.counted, n);
	assert_int_equal(w->pairs.left_out, w->n_made - n);
	return wrong;
}

/* Time goes on; every CPU that waited for too long writes first. */
static void pass_time(struct world *w, uint64_t step, uint64_t silence)
{
	w->now += seed_below(&seed, step);
	for (unsigned i = 0; i < w->n_cpus; i++)
		if (w->last[i] + silence < w->now)
			event(w, i, seed_once_in(&seed, 4));
}

/* If silence is allowed, the first CPU hardly ever writes. */
static unsigned choose_cpu(const struct world *w, uint64_t silence)
{
	unsigned cpu = seed_below(&seed, w->n_cpus);

	return cpu || silence < LOSS_HORIZON || seed_once_in(&seed, 2000) ? cpu : w->n_cpus - 1;
}

static void run(struct world *w, uint64_t silence)
{
	unsigned steps = 100 + seed_below(&seed, 6000);
	/* After a silence there are more losses than can be kept apart, unless they are rare. */
	uint64_t step = 1 + seed_below(&seed, 400000);
	uint64_t rare = (silence < LOSS_HORIZON ? 1 : 10) + seed_below(&seed, 300);
	uint64_t longest = 1 + seed_below(&seed, 50 * step);

	for (unsigned i = 0; i < steps; i++) {
		pass_time(w, step, silence);
		event(w, choose_cpu(w, silence), seed_once_in(&seed, rare));
		if (seed_once_in(&seed, 2))
			pair(w, longest);
		if (seed_once_in(&seed, 500)) { /* packets that are missing */
			uint64_t begin = w->now;

			w->now += seed_below(&seed, 5 * step);
			lose(w, begin, w->now);
		}
	}
}

/* If no CPU is silent for longer than the horizon, every pair is judged right. */
static void test_losses(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 150; round++) {
		struct world w;

		open_world(&w);
		run(&w, LOSS_HORIZON / 2);
		assert_int_equal(judge(&w), 0);
		close_world(&w);
	}
}

/* If one was, pairs may be counted that contain its loss, and then this is said. */
static void test_silence(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (unsigned round = 0; round < 150; round++) {
		struct world w;
		unsigned n;

		open_world(&w);
		run(&w, UINT64_MAX / 2);
		n = judge(&w);
		if (n)
			assert_true(w.pairs.late > 0);
		wrong += n;
		close_world(&w);
	}
	printf("%u pairs counted before their loss showed\n", wrong);
}

/* So many losses that they are no longer kept apart: nothing with a loss is counted. */
static void test_many_losses(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	w.n_cpus = 2;
	event(&w, 1, false); /* and then writes no more, so nothing is known */
	for (unsigned i = 0; i < 5000; i++) {
		w.now += 1000;
		event(&w, 0, i % 2);
		if (i % 7 == 0)
			pair(&w, 3000);
	}
	pairs_settle(&w.pairs, true);
	for (unsigned i = 0; i < w.n_made; i++)
		assert_false(is_hit(&w, &w.made[i]) && w.counted[i]);
	close_world(&w);
}

/* A record that interrupted another one may have the lower count. */
static void test_count_steps_back(void **state)
{
	static const uint32_t counts[] = { 5, 4, 5, 6, 3, 6, 7 };
	static const bool loses[] = { true, false, false, true, false, false, true };
	struct nr_record rec = { .ts = BEGIN, .cpu = 1 };
	struct nr_event ev = { .rec = &rec, .ts = BEGIN };
	struct loss loss;
	uint64_t since;

	(void)state;
	loss_open(&loss, BEGIN);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		rec.lost = counts[i];
		assert_int_equal(loss_event(&loss, &ev, &since), loses[i]);
	}
	assert_int_equal(loss_shown(&loss), 7);
	loss_close(&loss);
}

static void count_any(void *ctx, struct pair *pair)
{
	(void)pair;
	++*(uint64_t *)ctx;
}

/* More pairs than wait at most: the oldest are counted. */
static void test_many_pairs(void **state)
{
	struct loss loss;
	uint64_t n = 0;
	struct pairs p = { .loss = &loss, .size = sizeof(struct pair), .ctx = &n };
	struct nr_record rec = { .ts = BEGIN, .cpu = 1 };
	struct nr_event ev = { .rec = &rec, .ts = BEGIN };
	uint64_t since;

	(void)state;
	loss_open(&loss, BEGIN);
	p.fn = count_any;
	loss_event(&loss, &ev, &since); /* CPU 1 holds all up */
	rec.cpu = 0;
	for (uint64_t i = 1; i <= 600000; i++) {
		const struct pair pair = { .begin = BEGIN + i, .end = BEGIN + i };

		ev.ts = BEGIN + i;
		loss_event(&loss, &ev, &since);
		pairs_add(&p, &pair);
	}
	assert_true(p.n <= 1 << 18);
	assert_int_equal(p.counted + p.n, 600000);
	pairs_lost(&p, BEGIN + 1, BEGIN + 3);
	assert_int_equal(p.late, 1);
	pairs_settle(&p, true);
	assert_int_equal(p.counted, 600000);
	assert_int_equal(n, 600000);
	pairs_close(&p);
	loss_close(&loss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses),	    cmocka_unit_test(test_silence),
		cmocka_unit_test(test_many_losses), cmocka_unit_test(test_count_steps_back),
		cmocka_unit_test(test_many_pairs),
	};

	seed.state = seed_first("pairs");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
