// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Y1 to Y3 whatever happens when: random outputs that dawdle and fail, packers, packets, queues. What
 * was handed out is what an output took and missed, and every packet comes back.
 */
#include "delivery_help.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#define PACKETS 150

struct round {
	struct rig *r;
	struct seed seed;
	struct seed of_output[MAX_OUTPUTS];
	uint64_t events[PACKETS + 1]; /* of a packet */
	uint64_t handed, handed_events;
};

/* Waits a little, or not: where threads meet is left to chance, nothing is concluded from it. */
static void dawdle(struct seed *seed)
{
	const struct timespec pause = { .tv_nsec = seed_below(seed, 100000) };

	if (seed_once_in(seed, 10))
		nanosleep(&pause, NULL);
	else if (seed_once_in(seed, 3))
		sched_yield();
}

static void dawdle_in_take(struct fake *f)
{
	dawdle(f->seed);
}

static void add_random(struct round *t)
{
	static const size_t queues[] = { 1, 100000, 400000, SIZE_MAX };
	struct seed *seed = &t->seed;
	bool optional = seed_once_in(seed, 2);
	struct fake *f = add_fake(t->r, optional, seed_once_in(seed, 2));

	t->of_output[f - t->r->out].state = seed_next(seed);
	f->seed = &t->of_output[f - t->r->out];
	f->output.wants_frames = f->output.wants_bytes && seed_once_in(seed, 3);
	f->in_take = dawdle_in_take;
	f->output.queue_bytes = queues[seed_below(seed, 4)];
	f->fail_at = seed_once_in(seed, 6) ? 1 + seed_below(seed, PACKETS) : 0;
	f->miss_error = seed_once_in(seed, 10) ? -ENOSPC : 0;
}

/* A mark that came back: every required output has taken all up to it (Y2). */
static void check_marks(struct round *t)
{
	struct rig *r = t->r;

	if (!new_mark(r))
		return;
	for (unsigned i = 0; i < r->n_out; i++)
		if (!r->out[i].output.optional)
			assert_true(stats_of(r, &r->out[i]).packets >= r->mark);
}

static void send_all(struct round *t)
{
	struct rig *r = t->r;

	while (r->sent < PACKETS && !nr_delivery_error(&r->d)) {
		unsigned n = seed_below(&t->seed, 40);

		t->events[r->sent + 1] = n;
		send_packet(r, n);
		check_marks(t);
		dawdle(&t->seed);
	}
}

/* After an error there may be packets that no packer made, and all behind them. */
static void count_handed(struct round *t)
{
	t->handed = t->r->sent;
	for (const struct nr_cut *cut = t->r->d.hand; cut; cut = cut->next)
		t->handed--;
	for (uint64_t seq = 1; seq <= t->handed; seq++)
		t->handed_events += t->events[seq];
}

static uint64_t sum(const struct round *t, uint64_t first, uint64_t n)
{
	uint64_t events = 0;

	for (uint64_t seq = first; seq < first + n; seq++)
		events += t->events[seq];
	return events;
}

/* In sequence, gaps where something is missing (Y1, Y3). Returns what it took and was told of. */
static uint64_t check_calls(const struct round *t, const struct fake *f, uint64_t *next)
{
	uint64_t events = 0;

	*next = 1;
	for (unsigned i = 0; i < f->n; i++) {
		const struct nr_gap *gap = &f->call[i].gap;
		bool last = i + 1 == f->n;

		if (!gap->packets) {
			expect_packet(f, i, *next);
			assert_true(last || *next != f->fail_at);
			events += *next == f->fail_at ? 0 : f->call[i].events;
			++*next;
			continue;
		}
		assert_true(f->output.optional && (last || !f->miss_error));
		expect_gap(f, i, *next, *next + gap->packets - 1);
		assert_int_equal(gap->events, sum(t, *next, gap->packets));
		events += f->miss_error ? 0 : gap->events;
		*next += gap->packets;
	}
	return events;
}

static void check_output(const struct round *t, struct fake *f)
{
	const struct nr_output_stats stats = stats_of(t->r, f);
	uint64_t next, written = check_calls(t, f, &next);

	assert_int_equal(f->ended, 1);
	assert_int_equal(f->account.written, written);
	assert_int_equal(f->account.written + f->account.unwritten, t->r->events);
	assert_int_equal(stats.queued, 0);
	if (!stats.error)
		assert_int_equal(next - 1, t->handed);
	if (f->output.optional || !stats.error) {
		assert_int_equal(stats.packets + stats.missed_packets, t->handed);
		assert_int_equal(stats.events + stats.missed_events, t->handed_events);
	}
	if (!f->output.optional) {
		assert_int_equal(stats.missed_packets, 0);
		assert_true(t->r->mark <= stats.packets);
	}
}

static void run(uint64_t first)
{
	struct round t = { .r = new_rig(), .seed = { first } };
	unsigned n_out = 1 + seed_below(&t.seed, MAX_OUTPUTS);
	int err, ended;

	while (n_out--)
		add_random(&t);
	bad_packet = seed_once_in(&t.seed, 10) ? 1 + seed_below(&t.seed, PACKETS) : 0;
	start_rig(t.r, 1 + seed_below(&t.seed, 4));
	send_all(&t);
	err = drain(t.r);
	assert_int_equal(err, nr_delivery_error(&t.r->d));
	ended = end_all(t.r);
	assert_true(err || !ended);
	check_marks(&t);
	count_handed(&t);
	for (unsigned i = 0; i < t.r->n_out; i++)
		check_output(&t, &t.r->out[i]);
	if (!err) {
		assert_int_equal(t.r->mark, PACKETS);
		assert_int_equal(nr_delivery_in_flight(&t.r->d), 0);
	}
	close_rig(t.r);
}

static void test_random(void **state)
{
	uint64_t first = seed_first("delivery/random"), rounds = seed_env("NR_ROUNDS", 200);

	(void)state;
	for (uint64_t i = 0; i < rounds; i++)
		run(first + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("delivery random", tests, make_btf, free_btf);
}
