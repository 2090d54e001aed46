// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a trace of any form gives every event once and in order, and moving the reader to a time leads
 * to the same event as reading up to it. */
#include "stream_help.h"

#include <errno.h>
#include "packet/gap.h"

#define ROUNDS 10

static struct seed seed;

static int setup(void **state)
{
	seed.state = seed_first("search");
	return make_type(state);
}

static struct nr_trace *open_made(const struct made *made)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;

	said[0] = 0;
	assert_int_equal(nr_trace_open(&trace, made->dir, &opts), 0);
	return trace;
}

/* All events from number on, then the end. */
static void expect_rest(struct nr_trace *trace, const struct made *made, uint64_t number)
{
	struct nr_account account = { .sz = sizeof(account) };
	struct nr_event ev;
	int ret;

	for (; (ret = nr_trace_next(trace, &ev)) > 0; number++) {
		assert_int_equal(number_of(&ev), number);
		assert_int_equal(ev.ts, made->times[number]);
	}
	assert_int_equal(ret, 0);
	assert_int_equal(number, made->events);
	assert_string_equal(said, "");
	assert_int_equal(nr_trace_end(trace, &account), 0);
	assert_false(account.rotated);
}

static void expect_account(struct nr_trace *trace, const struct made *made)
{
	const struct nr_packet_info *p = nr_trace_packet(trace);
	struct nr_account account = { .sz = sizeof(account) };

	assert_int_equal(nr_trace_end(trace, &account), 0);
	assert_int_equal(account.earlier, made->earlier);
	assert_int_equal(account.written - account.earlier,
			 made->events - made->first + p->missed_events);
	assert_int_equal(p->damaged_packets, 0);
	assert_int_equal(account.chunk, made->packets[made->n - 1].chunk);
	assert_int_equal(p->chunk, account.chunk);
}

static void test_whole(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made = make_trace("t", random_shape(&seed), &seed);
		struct nr_trace *trace = open_made(&made);

		expect_rest(trace, &made, made.first);
		expect_account(trace, &made);
		nr_trace_close(trace);
		free_made(&made);
	}
}

/* ---- times ---- */

static uint64_t first_not_before(const struct made *made, uint64_t ns)
{
	uint64_t i = made->first;

	while (i < made->events && made->times[i] < ns)
		i++;
	return i;
}

/* nr_trace_packet is the last one that ends before the time. */
static void expect_packet_before(struct nr_trace *trace, const struct made *made, uint64_t ns)
{
	const struct nr_packet_info *p = nr_trace_packet(trace);
	const struct written *before = NULL;

	for (size_t i = 0; i < made->n && made->packets[i].head.end < ns; i++)
		before = &made->packets[i];
	if (!before) {
		assert_null(p);
		return;
	}
	assert_non_null(p);
	assert_int_equal(p->missed_packets, 0);
	/* The next chunk may begin at this time, or 1 ns earlier. */
	assert_true(p->end < ns);
	assert_int_equal(p->lost, before->head.lost);
}

static uint64_t random_time(const struct made *made)
{
	uint64_t last = made->packets[made->n - 1].head.end;

	switch (seed_below(&seed, 5)) {
	case 0:
		return seed_below(&seed, 3) ? last + seed_below(&seed, 3) - 1 : UINT64_MAX;
	case 1:
		return made->packets[seed_below(&seed, made->n)].head.begin;
	case 2:
		return made->packets[seed_below(&seed, made->n)].head.end;
	case 3:
		return made->events ? made->times[seed_below(&seed, made->events)] : 0;
	default:
		return seed_below(&seed, last + 10);
	}
}

static void test_seek(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made = make_trace("t", random_shape(&seed), &seed);
		struct nr_trace *trace = open_made(&made);

		for (unsigned i = 0; i < 30; i++) {
			uint64_t ns = random_time(&made), number = first_not_before(&made, ns);
			struct nr_event ev;

			assert_int_equal(nr_trace_seek(trace, ns), 0);
			expect_packet_before(trace, &made, ns);
			if (seed_once_in(&seed, 4)) {
				expect_rest(trace, &made, number);
			} else if (number < made.events) {
				assert_int_equal(nr_trace_next(trace, &ev), 1);
				assert_int_equal(number_of(&ev), number);
			}
		}
		nr_trace_close(trace);
		free_made(&made);
	}
}

static void test_span(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made = make_trace("t", random_shape(&seed), &seed);
		struct nr_trace *trace = open_made(&made);
		uint64_t begin, end;

		assert_int_equal(nr_trace_span(trace, &begin, &end), 0);
		assert_int_equal(begin, made.packets[0].head.begin);
		assert_int_equal(end, made.packets[made.n - 1].head.end);
		expect_rest(trace, &made, made.first); /* the reader was not moved */
		nr_trace_close(trace);
		free_made(&made);
	}
}

/* ---- chunks ---- */

/* A chunk alone is a trace. */
static void test_alone(void **state)
{
	struct shape shape = { .packets = 60, .events = 20, .chunks = 5 };
	struct made made = make_trace("t", shape, &seed), chunk = made;
	char path[600];

	(void)state;
	chunk.dir = path;
	for (size_t i = 0, next; i < made.n; i = next) {
		struct nr_account account = { .sz = sizeof(account) };
		struct nr_trace *trace;
		struct nr_event ev;
		uint64_t number = made.packets[i].first;

		snprintf(path, sizeof(path), "%s/%06u", made.dir, (unsigned)made.packets[i].chunk);
		for (next = i; next < made.n && made.packets[next].chunk == made.packets[i].chunk;)
			next++;
		trace = open_made(&chunk);
		while (nr_trace_next(trace, &ev) > 0)
			assert_int_equal(number_of(&ev), number++);
		assert_string_equal(said, "");
		assert_int_equal(number, next < made.n ? made.packets[next].first : made.events);
		assert_int_equal(nr_trace_end(trace, &account), 0);
		assert_int_equal(account.rotated, next < made.n);
		assert_int_equal(account.chunk, made.packets[i].chunk);
		assert_int_equal(account.written, number);
		assert_int_equal(account.earlier, made.packets[i].first);
		nr_trace_close(trace);
	}
	free_made(&made);
}

static const char *chunk_path(const struct made *made, uint64_t chunk)
{
	return in_scratch("%s/%06u", strrchr(made->dir, '/') + 1, (unsigned)chunk);
}

/* The recorder removes the oldest chunks while they are read. */
static void test_vanishing(void **state)
{
	struct shape shape = { .packets = 100, .events = 20, .chunks = 6 };
	struct made made = make_trace("t", shape, &seed);
	struct nr_trace *trace = open_made(&made);
	uint64_t last = made.packets[made.n - 1].chunk, number = 0, skipped;
	struct nr_event ev;
	size_t i = 0;

	(void)state;
	while (last < 3) {
		nr_trace_close(trace);
		free_made(&made);
		made = make_trace("t", shape, &seed);
		trace = open_made(&made);
		last = made.packets[made.n - 1].chunk;
	}
	for (unsigned c = 0; c < 3; c++)
		remove_tree(chunk_path(&made, c));
	while (made.packets[i].chunk < 1)
		i++;
	skipped = made.packets[i].first;
	while (number < skipped && nr_trace_next(trace, &ev) > 0)
		assert_int_equal(number_of(&ev), number++);
	assert_string_equal(said, "");
	while (made.packets[i].chunk < 3)
		i++;
	while (nr_trace_next(trace, &ev) > 0) {
		if (number == skipped)
			number = made.packets[i].first;
		assert_int_equal(number_of(&ev), number++);
	}
	assert_int_equal(number, made.events);
	assert_non_null(
		strstr(said, "chunks 000001 to 000002 were removed while the trace was read"));
	assert_true(nr_trace_packet(trace)->missed_packets > 0);
	nr_trace_close(trace);
	free_made(&made);
}

/* A trace that goes on in another chunk while it is read, as if a recorder wrote it. */
static void test_growing(void **state)
{
	struct shape shape = { .packets = 100, .events = 20, .chunks = 6 };
	struct made made = make_trace("t", shape, &seed);
	uint64_t chunks = made.packets[made.n - 1].chunk + 1, number = 0;
	struct nr_account account = { .sz = sizeof(account) };
	struct nr_trace *trace;
	struct nr_event ev;

	(void)state;
	for (uint64_t c = 1; c < chunks; c++)
		assert_int_equal(rename(chunk_path(&made, c), in_scratch("later-%u", (unsigned)c)),
				 0);
	trace = open_made(&made);
	for (uint64_t c = 0; c < chunks; c++) {
		if (c)
			assert_int_equal(
				rename(in_scratch("later-%u", (unsigned)c), chunk_path(&made, c)),
				0);
		while (nr_trace_next(trace, &ev) > 0)
			assert_int_equal(number_of(&ev), number++);
		assert_int_equal(nr_trace_end(trace, &account), 0);
		assert_int_equal(account.rotated, c < chunks - 1);
		assert_int_equal(account.written, number);
	}
	assert_int_equal(number, made.events);
	assert_string_equal(said, "");
	nr_trace_close(trace);
	free_made(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	  cmocka_unit_test(test_seek),
		cmocka_unit_test(test_span),	  cmocka_unit_test(test_alone),
		cmocka_unit_test(test_vanishing), cmocka_unit_test(test_growing),
	};

	return cmocka_run_group_tests_name("search", tests, setup, free_type);
}
