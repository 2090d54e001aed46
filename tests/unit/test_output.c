// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Functions as outputs: what they get of packets and of gaps. */
#include "delivery_help.h"

#include <errno.h>
#include "base/clock.h"
#include "base/counter.h"
#include "output/batch.h"

static const struct nr_output_opts required = { .sz = sizeof(required) };
static const struct nr_output_opts optional = { .sz = sizeof(optional), .optional = true };

/* An output that no delivery calls. */
static struct rig *adopt(struct nr_output *o)
{
	struct rig *r = new_rig();

	add_fake(r, true, true); /* somebody wants bytes */
	begin_rig(r);
	o->recording = &r->d.recording;
	return r;
}

/* As an optional output finds it. */
static struct nr_packet *make_built(struct rig *r, unsigned n_events)
{
	struct nr_packet *p = make_packet(r, n_events);

	assert_int_equal(nr_packet_build(p, &r->d.recording.format, NULL), 0);
	memset(p->places, 0xff, p->n_places * sizeof(*p->places)); /* the rings have moved on */
	return p;
}

static int take(struct rig *r, struct nr_output *o, unsigned n_events)
{
	struct nr_packet *p = make_built(r, n_events);
	int err = o->ops->take(o, p);

	nr_packet_put(p);
	return err;
}

static int miss(struct nr_output *o, uint64_t packets, uint64_t events)
{
	const struct nr_gap gap = {
		.packets = packets,
		.events = events,
		.begin = 1000,
		.end = 2999,
	};

	return o->ops->miss(o, &gap);
}

/* ---- names ---- */

static int no_lines(void *ctx, const char *text, size_t size)
{
	(void)ctx, (void)text, (void)size;
	return 0;
}

static void check_name(const char *name, const char *expected)
{
	char copied[16] = "";
	const struct nr_output_opts opts = { .sz = sizeof(opts), .name = name ? copied : NULL };
	struct nr_output *o;

	if (name)
		strcpy(copied, name);
	assert_int_equal(nr_lines_output_new(&o, no_lines, NULL, &opts), 0);
	copied[0] = '?';
	assert_string_equal(o->name, expected);
	o->ops->destroy(o);
}

static void test_name(void **state)
{
	(void)state;
	check_name(NULL, "json lines");
	check_name("alerts", "alerts");
}

/* ---- a function that gets batches ---- */

struct batches {
	struct nr_output *output;
	struct batch {
		unsigned n;
		uint64_t missed;
	} batch[16];
	unsigned calls, wrong, stuck;
	uint64_t returned; /* when it returned last; 0: in another packet */
	int error;
};

static int on_batch(void *ctx, const struct nr_batch *batch)
{
	struct batches *b = ctx;

	assert_true(b->calls < 16);
	b->batch[b->calls++] = (struct batch){ batch->n, batch->missed };
	nr_batch_for_each (ev, batch) {
		struct point p;

		memcpy(&p, ev->data, sizeof(p));
		b->wrong += ev->rec->id != ID_POINT || p.x != 4 || p.y != 5;
	}
	b->stuck += nr_counter_get(&b->output->since) < b->returned;
	b->returned = nr_clock_now();
	return b->error;
}

static void expect_batch(const struct batches *b, unsigned i, unsigned n, uint64_t missed)
{
	assert_true(i < b->calls);
	assert_int_equal(b->batch[i].n, n);
	assert_int_equal(b->batch[i].missed, missed);
}

/* Alone it is called by whoever sends, from the rings, and counts what does not fit its type. */
static void test_batch_direct(void **state)
{
	struct rig *r = new_rig();
	struct batches b = { 0 };
	struct nr_packet *p;

	(void)state;
	assert_int_equal(nr_batch_output_new(&b.output, on_batch, &b, &required), 0);
	assert_int_equal(nr_delivery_add(&r->d, b.output), 0);
	start_rig(r, 4);
	assert_int_equal(r->d.n_packers, 0);
	p = make_packet(r, 2500);
	*(uint32_t *)nr_place_header(p->places[2000]) += 92; /* as far as anybody knows */
	assert_int_equal(nr_delivery_send(&r->d, p, &(struct nr_mark){ 1, 8 }), 0);
	assert_int_equal(b.calls, 4);
	expect_batch(&b, 0, NR_OUTPUT_EVENTS, 0);
	expect_batch(&b, 1, NR_OUTPUT_EVENTS, 0);
	expect_batch(&b, 2, 2500 - 2 * NR_OUTPUT_EVENTS, 0);
	expect_batch(&b, 3, 0, 0);
	assert_int_equal(b.wrong, 0);
	assert_int_equal(b.stuck, 0); /* each call is progress */
	assert_true(new_mark(r));
	assert_int_equal(nr_counter_get(&r->misfits.by_id[ID_POINT].longer), 1);
	assert_int_equal(r->d.feeds[0].events, 2500);
	assert_int_equal(drain(r), 0);
	assert_int_equal(end_all(r), 0);
	assert_int_equal(b.calls, 4);
	close_rig(r);
}

static void test_batch_missed(void **state)
{
	const struct nr_account account = { 0 };
	struct batches b = { 0 };
	struct nr_output *o;
	struct rig *r;

	(void)state;
	assert_int_equal(nr_batch_output_new(&o, on_batch, &b, &optional), 0);
	b.output = o;
	assert_true(o->wants_bytes); /* the rings may have moved on */
	r = adopt(o);
	assert_int_equal(miss(o, 3, 70), 0);
	assert_int_equal(b.calls, 0);
	assert_int_equal(take(r, o, 1500), 0);
	expect_batch(&b, 0, NR_OUTPUT_EVENTS, 70);
	expect_batch(&b, 1, 1500 - NR_OUTPUT_EVENTS, 0);
	expect_batch(&b, 2, 0, 0);
	assert_int_equal(miss(o, 1, 5), 0);
	assert_int_equal(take(r, o, 0), 0);
	expect_batch(&b, 3, 0, 5);
	assert_int_equal(miss(o, 1, 6), 0);
	assert_int_equal(o->ops->end(o, &account), 0);
	expect_batch(&b, 4, 0, 6);
	assert_int_equal(b.calls, 5);
	assert_int_equal(b.wrong, 0);
	o->ops->destroy(o);
	close_rig(r);
}

static void test_batch_errors(void **state)
{
	struct batches b = { 0 };
	struct nr_output *o;
	struct rig *r;

	(void)state;
	assert_int_equal(nr_batch_output_new(&o, on_batch, &b, &optional), 0);
	b.output = o;
	r = adopt(o);
	b.error = -EPIPE;
	assert_int_equal(take(r, o, 1500), -EPIPE);
	assert_int_equal(b.calls, 1);
	b.error = 7;
	assert_int_equal(take(r, o, 1500), -EINVAL);
	assert_non_null(strstr(said, "\"batch\" returned 7: return 0 or a negative errno"));
	assert_int_equal(b.calls, 2);
	o->ops->destroy(o);
	close_rig(r);
}

/* ---- a function that gets JSON lines ---- */

struct text {
	char text[1 << 20];
	size_t size;
	unsigned calls, split;
	int error;
};

static int on_lines(void *ctx, const char *text, size_t size)
{
	struct text *t = ctx;

	assert_true(t->size + size < sizeof(t->text));
	memcpy(t->text + t->size, text, size);
	t->size += size;
	t->text[t->size] = 0;
	t->calls++;
	t->split += text[size - 1] != '\n';
	return t->error;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void expect_text(struct text *t, const char *text)
{
	assert_string_equal(t->text, text);
	t->text[t->size = 0] = 0;
}

static void test_lines(void **state)
{
	static struct text t;
	struct nr_output *o;
	struct rig *r;

	(void)state;
	assert_int_equal(nr_lines_output_new(&o, on_lines, &t, &optional), 0);
	r = adopt(o);
	assert_int_equal(take(r, o, 1), 0);
	expect_text(&t, "{\"time\":\"1970-01-01T00:00:00.000001000Z\",\"ts\":1000,\"cpu\":3,"
			"\"event\":\"point\",\"lost\":0,\"fields\":{\"x\":4,\"y\":5}}\n");
	assert_int_equal(miss(o, 3, 70), 0);
	expect_text(&t, "{\"time\":\"1970-01-01T00:00:00.000002999Z\",\"ts\":2999,"
			"\"event\":\"numaring:gap\",\"fields\":{\"packets\":3,\"events\":70}}\n");
	assert_int_equal(miss(o, 1, UINT64_MAX), 0);
	assert_non_null(strstr(t.text, "\"packets\":1,\"events\":\"18446744073709551615\"}}\n"));
	expect_text(&t, t.text);
	t.calls = 0;
	assert_int_equal(take(r, o, 2000), 0);
	assert_int_equal(count_lines(t.text), 2000);
	assert_true(t.calls > 10);
	assert_int_equal(t.split, 0);
	o->ops->destroy(o);
	close_rig(r);
}

static void test_lines_error(void **state)
{
	static struct text t;
	struct nr_output *o;
	struct rig *r;

	(void)state;
	assert_int_equal(nr_lines_output_new(&o, on_lines, &t, &optional), 0);
	r = adopt(o);
	t.error = -EPIPE;
	assert_int_equal(take(r, o, 2000), -EPIPE);
	assert_int_equal(t.calls, 1);
	assert_int_equal(miss(o, 1, 1), -EPIPE);
	assert_int_equal(nr_counter_get(&o->bytes), 0);
	o->ops->destroy(o);
	close_rig(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),	     cmocka_unit_test(test_batch_direct),
		cmocka_unit_test(test_batch_missed), cmocka_unit_test(test_batch_errors),
		cmocka_unit_test(test_lines),	     cmocka_unit_test(test_lines_error),
	};

	return cmocka_run_group_tests_name("output", tests, make_btf, free_btf);
}
