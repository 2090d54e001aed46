// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A filter on the ordered stream: what outputs get is what matches, whatever the number of packers
 * (I12); packets that it leaves empty are not missed; and every event is counted. */
#include "delivery_help.h"

#include <alloca.h>
#include <errno.h>
#include <stdlib.h>
#include "output/trace.h"

static struct nr_query *query;
static bool tested[NR_LATE_ID];

static void set_filter(struct rig *r, const char *text)
{
	const struct nr_query_opts opts = { .sz = sizeof(opts), .log = hear };

	nr_query_free(query);
	query = NULL;
	if (!text)
		return;
	assert_int_equal(nr_query_new(&query, text, r->types, &opts), 0);
	nr_delivery_filter(&r->d, &(struct nr_filter){ query, tested, NR_LATE_ID });
}

static int drop_filter(void **state)
{
	(void)state;
	nr_query_free(query);
	query = NULL;
	memset(tested, 0, sizeof(tested));
	return 0;
}

/* ---- the same bytes, and the same events as a filter afterwards ---- */

#define STREAM_PACKETS 40
#define MOST	       16

static uint64_t slots[STREAM_PACKETS * MOST][SLOT_WORDS(540)];

static void add_varied(struct seed *seed, struct nr_packet *p, uint64_t *slot, uint64_t ts,
		       unsigned cpus)
{
	static const uint16_t ids[] = { ID_POINT, ID_POINT, ID_TAIL, 999 };
	uint16_t elements = seed_below(seed, 20);
	bool late = seed_once_in(seed, 6);
	const struct nr_record rec = { .ts = late ? ts - 50 : ts,
				       .id = ids[seed_below(seed, 4)],
				       .cpu = seed_below(seed, cpus) };
	struct tail *tail = alloca(sizeof(*tail) + 2 * elements);

	memset(tail, 0, sizeof(*tail) + 2 * elements);
	tail->when = seed_below(seed, 8);
	tail->data_len = elements;
	fill_slot(slot, &rec, tail, rec.id == ID_POINT ? sizeof(struct point) : 10u + 2 * elements);
	add_place(p, slot, late, ts);
}

/* Some packets have no event of the first CPUs, some of them tell of no loss. */
static void send_varied(struct rig *r, struct seed *seed)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < STREAM_PACKETS; i++) {
		unsigned n = 1 + seed_below(seed, MOST - 1), cpus = 1 + seed_below(seed, 4);
		struct nr_packet *p = make_packet(r, n);
		const struct nr_mark mark = { p->seq, 8 * p->seq };

		p->records = p->n_events = p->n_places = 0;
		for (unsigned k = 0; k < n; k++)
			add_varied(seed, p, slots[i * MOST + k], p->begin + k, cpus);
		lost += seed_once_in(seed, 5);
		p->lost = lost;
		p->late = UINT32_MAX; /* less what is left out; the end mark does not look at it */
		assert_int_equal(nr_delivery_send(&r->d, p, &mark), 0);
	}
	await_mark(r, r->sent);
}

struct written {
	char *stream;
	size_t size;
	uint64_t written, filtered, late_left_out;
};

/* Leaves the trace in DIR. */
static struct written write_stream(const char *dir, uint64_t first, const char *text,
				   unsigned packers)
{
	const struct nr_output_opts opts = { .sz = sizeof(opts) };
	struct nr_output *output = NULL;
	struct rig *r = new_rig();
	struct seed seed = { first };
	struct nr_account account = { .sz = sizeof(account), .lost_total = STREAM_PACKETS };
	struct written w = {};

	assert_int_equal(nr_trace_output_new(&output, in_scratch("%s", dir), &opts), 0);
	assert_int_equal(nr_delivery_add(&r->d, output), 0);
	set_filter(r, text);
	start_rig(r, packers);
	nr_delivery_keep(&r->d);
	send_varied(r, &seed);
	assert_int_equal(drain(r), 0);
	w.written = r->d.written;
	w.filtered = r->d.filtered;
	w.late_left_out = r->d.numbering.late_left_out;
	assert_int_equal(w.written + w.filtered, r->events);
	account.end = (r->sent + 1) * 1000;
	account.written = w.written;
	account.reserved = r->events;
	account.filtered = w.filtered;
	assert_int_equal(nr_delivery_end(&r->d, &account, 0), 0);
	w.stream = load_file(in_scratch("%s/stream", dir), &w.size);
	close_rig(r);
	return w;
}

static struct nr_trace *open_trace(const char *dir)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;

	assert_int_equal(nr_trace_open(&trace, in_scratch("%s", dir), &opts), 0);
	return trace;
}

/* The next event that matches, or any. */
static int next(struct nr_trace *trace, const struct nr_query *q, struct nr_event *ev)
{
	int ret;

	do
		ret = nr_trace_next(trace, ev);
	while (ret > 0 && q && !nr_query_matches(q, ev));
	return ret;
}

static void expect_same_events(const char *text)
{
	struct nr_trace *all = open_trace("all"), *some = open_trace("some");
	const struct nr_query_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_query *q = NULL;
	struct nr_event a, b;

	assert_int_equal(nr_query_new(&q, text, nr_trace_types(all), &opts), 0);
	while (next(all, q, &a) > 0) {
		assert_int_equal(next(some, NULL, &b), 1);
		assert_int_equal(a.ts, b.ts);
		assert_int_equal(a.flags, b.flags);
		assert_memory_equal(a.rec, b.rec, sizeof(*a.rec));
		assert_int_equal(a.size, b.size);
		assert_memory_equal(a.data, b.data, a.size);
	}
	assert_int_equal(next(some, NULL, &b), 0); /* and the packets are all there */
	assert_int_equal(nr_trace_packet(some)->lost, nr_trace_packet(all)->lost);
	nr_query_free(q);
	nr_trace_close(all);
	nr_trace_close(some);
}

static void test_same_events(void **state)
{
	static const char *const texts[] = { "cpu == 3",     "cpu in [0-1]", "when == 5",
					     "point.x != 5", "cpu == 9",     "cpu != 9" };
	uint64_t first = seed_first("filter");

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++, first++) {
		struct written all = write_stream("all", first, NULL, 1), one;

		assert_int_equal(all.filtered, 0);
		one = write_stream("some", first, texts[i], 1);
		expect_same_events(texts[i]);
		for (unsigned packers = 2; packers <= 8; packers *= 2) {
			struct written w;

			remove_tree(in_scratch("some"));
			w = write_stream("some", first, texts[i], packers);
			assert_int_equal(w.size, one.size);
			assert_memory_equal(w.stream, one.stream, w.size);
			assert_int_equal(w.filtered, one.filtered);
			assert_int_equal(w.late_left_out, one.late_left_out);
			free(w.stream);
		}
		free(one.stream);
		free(all.stream);
		remove_tree(in_scratch("all"));
		remove_tree(in_scratch("some"));
	}
}

/* ---- packets that are left empty ---- */

/* The first of its n events are of CPU 1. */
static struct nr_packet *packet_of(struct rig *r, unsigned n, unsigned of_cpu_1, uint64_t lost)
{
	struct nr_packet *p = make_packet(r, n);

	for (unsigned i = 0; i < of_cpu_1; i++)
		((struct nr_record *)nr_place_record(p->places[i]))->cpu = 1;
	p->lost = lost;
	return p;
}

static void send(struct rig *r, struct nr_packet *p)
{
	const struct nr_mark mark = { p->seq, 8 * p->seq };

	assert_int_equal(nr_delivery_send(&r->d, p, &mark), 0);
}

static void expect_call(const struct fake *f, unsigned i, uint64_t seq, uint64_t events)
{
	expect_packet(f, i, seq);
	assert_int_equal(f->call[i].events, events);
}

static void empty_packets(bool wants_bytes, unsigned outputs)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, wants_bytes);

	for (unsigned i = 1; i < outputs; i++)
		add_fake(r, false, wants_bytes);
	set_filter(r, "cpu == 1");
	start_rig(r, 2);
	send(r, packet_of(r, 3, 2, 0));
	send(r, packet_of(r, 3, 0, 0)); /* nothing to tell */
	send(r, packet_of(r, 2, 0, 7)); /* a loss */
	send(r, packet_of(r, 2, 0, 7));
	send(r, packet_of(r, 1, 1, 7));
	send(r, packet_of(r, 0, 0, 7)); /* was empty before, as the last packet is */
	await_mark(r, 6);
	assert_int_equal(r->d.written, 3);
	assert_int_equal(r->d.filtered, 8);
	assert_int_equal(drain(r), 0);
	assert_int_equal(f->n, 4);
	expect_call(f, 0, 1, 2);
	expect_call(f, 1, 2, 0);
	expect_call(f, 2, 3, 1);
	expect_call(f, 3, 4, 0);
	end_all(r);
	close_rig(r);
}

static void test_empty_packets(void **state)
{
	(void)state;
	empty_packets(true, 1);
	empty_packets(false, 1); /* direct */
	empty_packets(false, 2);
}

/* An empty packet has one time, so no reader takes it for a stretch with events. */
static void test_times(void **state)
{
	struct rig *r = new_rig();
	struct nr_packet *p = packet_of(r, 4, 1, 0), *empty = packet_of(r, 4, 0, 0);
	struct nr_left_out out;

	(void)state;
	set_filter(r, "cpu == 1");
	out = nr_filter_packet(&r->d.filter, p);
	assert_int_equal(out.events, 3);
	assert_int_equal(p->n_events, 1);
	assert_int_equal(p->n_places, 1);
	assert_int_equal(p->records, sizeof(struct nr_record) + sizeof(struct point));
	assert_int_equal(p->begin, 1000);
	assert_int_equal(p->end, 1999);
	out = nr_filter_packet(&r->d.filter, empty);
	assert_int_equal(out.events, 4);
	assert_int_equal(empty->n_events, 0);
	assert_int_equal(empty->records, 0);
	assert_int_equal(empty->begin, 2999);
	assert_int_equal(empty->end, 2999);
	nr_packet_put(p);
	nr_packet_put(empty);
	close_rig(r);
}

/* ---- what BPF programs have tested ---- */

static void test_tested(void **state)
{
	struct rig *r = new_rig();
	struct nr_packet *p = packet_of(r, 4, 1, 0);

	(void)state;
	set_filter(r, "cpu == 1");
	tested[ID_POINT] = true;
	assert_int_equal(nr_filter_packet(&r->d.filter, p).events, 0);
	tested[ID_POINT] = false;
	assert_int_equal(nr_filter_packet(&r->d.filter, p).events, 3);
	nr_packet_put(p);
	close_rig(r);
}

/* ---- errors ---- */

/* A packet that cannot be built, while others wait for their numbers. */
static void test_error(void **state)
{
	struct rig *r = new_rig();
	struct fake *f = add_fake(r, false, true);

	(void)state;
	set_filter(r, "cpu == 1");
	bad_packet = 2;
	start_rig(r, 4);
	for (unsigned i = 0; i < 20; i++)
		send(r, packet_of(r, 3, 1, 0));
	await_error(r);
	bad_packet = 0;
	assert_int_equal(drain(r), -EINVAL);
	assert_true(f->n <= 1);
	end_all(r);
	close_rig(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_same_events, drop_filter),
		cmocka_unit_test_teardown(test_empty_packets, drop_filter),
		cmocka_unit_test_teardown(test_times, drop_filter),
		cmocka_unit_test_teardown(test_tested, drop_filter),
		cmocka_unit_test_teardown(test_error, drop_filter),
	};

	return exit_status(cmocka_run_group_tests_name("filter", tests, make_btf, free_btf));
}
