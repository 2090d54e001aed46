// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets: events, losses and times come back unchanged through our own reader and through
 * babeltrace2. */
#include "place_help.h"
#include "writer_help.h"

#include <errno.h>
#include <sys/stat.h>

static const char *const sample_babble =
	"{ u8 = 255, i8 = -128, u16 = 65535, i16 = -32768, u32 = 4294967295, i32 = -2147483648, "
	"u64 = 18446744073709551615, i64 = -9223372036854775808, flag = 1, "
	"text = \"sh \\\"x\\\"\\t\\\\\", "
	"color = ( \"GREEN\", \"ALSO_GREEN\" : container = 5 ), "
	"big = ( \"HUGE\" : container = 18446744073709551615 ), f = 1.5, d = -0.1, "
	"ptr = 0xFFFF888000001000, u = [ [0] = 0x1, [1] = 0x2, [2] = 0x3, [3] = 0xFF ], "
	"b3 = 5, b5 = -16, b24 = 11259375, p = { x = 1, y = -2 }";

static void test_all_kinds(void **state)
{
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;
	char buf[2000];

	(void)state;
	open_trace("kinds", (struct writer_opts){ .start = 10 });
	append(11, ID_KINDS, &sample, sizeof(sample));
	commit(12, 0);
	close_trace();
	trace = read_trace();
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.size, sizeof(sample));
	assert_memory_equal(ev.data, &sample, sizeof(sample));
	assert_true(nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_TEXT, buf, 2000) > 0);
	assert_string_equal(buf, sample_text);
	expect_end(trace);
	expect_silent_babeltrace(1);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-cycles");
		if (!strstr(b.out, sample_babble) || !strstr(b.out, "{ cpu = 3, lost = 7 }") ||
		    !strstr(b.out, " kinds: "))
			fail_msg("babeltrace2 says %s", b.out);
		babble_free(&b);
	}
	drop_trace();
}

/* A struct without members is an event too, with or without room. */
static void test_no_fields(void **state)
{
	struct writer_opts opts = { .start = 10, .log = hear };
	const uint32_t room = 7;
	struct nr_trace *trace;
	struct nr_event ev;
	char buf[8] = "";
	int empty = btf__add_struct(btf, "empty", 0), many, holes, gap;

	(void)state;
	gap = btf__add_struct(btf, "gap", 4); /* only bit-fields without a name */
	many = array(empty, 3);
	holes = btf__add_struct(btf, "holes", 4);
	field("none", empty, 0);
	field("x", T.u32, 0);
	field("end", empty, 4);
	field("many", many, 4);
	types = make_types();
	assert_int_equal(nr_types_add(types, 20, "empty", btf, empty), 0);
	assert_int_equal(nr_types_add(types, 21, "gap", btf, gap), 0);
	assert_int_equal(nr_types_add(types, 22, "holes", btf, holes), 0);
	dir = strdup(in_scratch("no_fields"));
	assert_int_equal(writer_open(&writer, dir, types, &opts), 0);
	for (unsigned i = 0; i < 6; i++)
		append(11 + i, 20 + i % 3, &room, i % 3 ? 4 : 0);
	assert_int_equal(append_late(20, 15, 20, &room, 0), 0);
	append(21, 21, &room, 4);
	append(22, 22, &room, 4);
	append(23, 20, &room, 0); /* a packet without records at the end */
	commit(30, 0);
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.rec->id, 20 + i % 3);
		assert_int_equal(ev.size, i % 3 ? 4 : 0);
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_JSON, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "{\"x\":7}" : "{}");
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_CSV, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "7" : "");
		nr_types_csv_header(nr_trace_types(trace), ev.rec->id, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "x" : "");
	}
	expect_end(trace);
	expect_silent_babeltrace(10);
	drop_trace();
}

/* ---- packets ---- */

static void test_empty(void **state)
{
	struct nr_trace *trace;

	(void)state;
	open_trace("empty", (struct writer_opts){ .start = 1000 });
	close_trace();
	trace = read_trace();
	assert_null(nr_trace_packet(trace));
	expect_end(trace);
	expect_silent_babeltrace(0);
	drop_trace();
}

static void test_one(void **state)
{
	struct nr_trace *trace;
	const struct nr_packet_info *p;
	struct stat st;

	(void)state;
	open_trace("one", (struct writer_opts){ .start = 1000 });
	append_point(1500, 77);
	commit(2000, 0);
	stat(in_scratch("one/stream"), &st);
	assert_int_equal(writer_bytes(writer), st.st_size);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 77);
	p = nr_trace_packet(trace);
	assert_int_equal(p->offset, 88);
	assert_int_equal(p->size, 88 + 24);
	assert_int_equal(p->seq, 1);
	assert_int_equal(p->begin, 1500);
	assert_int_equal(p->end, 1500);
	assert_int_equal(p->watermark, 2000);
	assert_int_equal(p->lost, 0);
	expect_end(trace);
	expect_silent_babeltrace(1);
	drop_trace();
}

/* Losses lie between packets, also before the first and the last packet, and before an empty packet
 * at the very end. */
static void test_loss(void **state)
{
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;

	(void)state;
	open_trace("loss", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	commit(2000, 5);
	append_point(2500, 2);
	commit(3000, 5);
	append_point(3500, 3);
	commit(4000, 12);
	commit(5000, 14);
	close_trace();
	trace = read_trace();
	while (nr_trace_next(trace, &ev) > 0)
		;
	assert_int_equal(nr_trace_packet(trace)->lost, 14);
	assert_int_equal(nr_trace_packet(trace)->begin, 5000);
	assert_int_equal(nr_trace_packet(trace)->seq, 4);
	expect_end(trace);
	if (have_babeltrace()) {
		const char *at;

		b = babeltrace(dir, "--clock-cycles");
		at = strstr(b.err, "discarded 5 events between [00:00:00.000001000] and "
				   "[00:00:00.000001500]");
		assert_non_null(at);
		at = strstr(at, "discarded 7 events between [00:00:00.000002500] and "
				"[00:00:00.000003500]");
		assert_non_null(at);
		at = strstr(at, "discarded 2 events between [00:00:00.000003500] and "
				"[00:00:00.000005000]");
		assert_non_null(at);
		assert_null(strstr(at + 1, "WARNING"));
		babble_free(&b);
	}
	drop_trace();
}

static void test_late(void **state)
{
	struct point p = { 9, 8 };
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;

	(void)state;
	open_trace("late", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	assert_int_equal(append_late(1600, 1400, ID_POINT, &p, sizeof(p)), 0);
	commit(2000, 0);
	/* The writer guarantees the order of the file: it raises times that are too low. */
	assert_int_equal(append_late(1550, 1300, ID_POINT, &p, sizeof(p)), 0);
	commit(2100, 0);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, 1600);
	assert_int_equal(ev.rec->ts, 1400);
	assert_int_equal(ev.rec->id, ID_POINT);
	assert_int_equal(ev.flags, NR_EVENT_LATE);
	assert_int_equal(ev.size, sizeof(p));
	assert_memory_equal(ev.data, &p, sizeof(p));
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, 1600);
	assert_int_equal(ev.rec->ts, 1300);
	expect_end(trace);
	expect_silent_babeltrace(3);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-cycles");
		assert_non_null(strstr(b.out, "[00000000000000001600]"));
		assert_non_null(strstr(b.out, "point:late: "));
		assert_non_null(strstr(b.out, "{ late_ts = 1400 }, { x = 9, y = 8 }"));
		babble_free(&b);
	}
	drop_trace();
}

/* Records that do not fit their type are kept unchanged. */
static void test_raw(void **state)
{
	union {
		struct tail tail;
		uint8_t bytes[24];
	} u = { .tail = { .when = 5, .data_len = 3 } };
	struct nr_trace *trace;
	struct nr_event ev;

	(void)state;
	open_trace("raw", (struct writer_opts){ .start = 1000 });
	append(1001, 999, "unknown", 7);
	append(1002, ID_POINT, "shor", 4);
	append(1003, ID_TAIL, &u, 15);
	append(1004, ID_TAIL, &u, 9);
	append(1005, 0x7fff, "", 0);
	append(1006, 0xffff, "abc", 3);
	assert_int_equal(append_late(1007, 900, 999, "late", 4), 0);
	append(1008, ID_TAIL, &u, 24); /* too long: bytes beyond the fields are dropped */
	commit(2000, 0);
	close_trace();
	expect_silent_babeltrace(8);
	trace = read_trace();
	for (unsigned i = 0; i < 8; i++) {
		static const uint16_t id[] = { 999,    ID_POINT, ID_TAIL, ID_TAIL,
					       0x7fff, 0xffff,	 999,	  ID_TAIL };
		static const uint32_t size[] = { 7, 4, 15, 9, 0, 3, 4, 16 };

		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.ts, 1001 + i);
		assert_int_equal(ev.rec->ts, i == 6 ? 900 : 1001 + i);
		assert_int_equal(ev.rec->id, id[i]);
		assert_int_equal(ev.size, size[i]);
		assert_int_equal(ev.flags, i == 6 ? NR_EVENT_LATE : 0);
		assert_int_equal((uintptr_t)ev.data % 8, 0);
		if (id[i] == ID_TAIL)
			assert_memory_equal(ev.data, &u, size[i]);
	}
	expect_end(trace);
	drop_trace();
}

/* The last field of a packet may end inside its last 8 bytes, or inside a byte. */
static void test_content_end(void **state)
{
	union {
		struct tail tail;
		uint8_t bytes[64];
	} u = { 0 };
	int bits = btf__add_struct(btf, "bits", 16);
	struct nr_trace *trace;
	struct nr_event ev;

	(void)state;
	assert_int_equal(btf__add_field(btf, "a", T.u32, 0, 3), 0);
	open_trace("ends", (struct writer_opts){ .start = 1000 });
	writer_close(writer);
	assert_int_equal(nr_types_add(types, 2, "bits", btf, bits), 0);
	assert_int_equal(writer_open(&writer, dir, types,
				     &(struct writer_opts){ .start = 1000, .force = true }),
			 0);
	for (unsigned i = 0; i < 12; i++) {
		u.tail.data_len = i;
		append(2000 + i, ID_TAIL, &u, 10 + 2 * i);
		commit(2000 + i, 0);
		append(2000 + i, 2, &u, 16);
		commit(2000 + i, 0);
		append(2000 + i, ID_BYTE, &u, 1);
		commit(2000 + i, 0);
		append(2000 + i, 999, &u, i);
		commit(2000 + i, 0);
	}
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(nr_trace_next(trace, &ev), 1);
	expect_end(trace);
	expect_silent_babeltrace(48);
	drop_trace();
}

static void test_growth(void **state)
{
	struct nr_record recs[300];
	struct nr_event evs[300];
	struct point p = { 1, 2 };
	struct nr_trace *trace;

	(void)state;
	open_trace("growth", (struct writer_opts){ .start = 1000, .packet_bytes = 100 });
	assert_int_equal(writer_room(writer), 100);
	append_point(1001, 0);
	assert_int_equal(writer_room(writer), 76);
	for (unsigned i = 0; i < 300; i++) {
		recs[i] = (struct nr_record){ .ts = 2000 + i, .id = ID_POINT, .cpu = 3, .lost = 7 };
		evs[i] = (struct nr_event){ &recs[i], &p, sizeof(p), 0, 2000 + i };
	}
	assert_int_equal(writer_append(writer, evs, 300), 0);
	assert_int_equal(writer_room(writer), 0);
	commit(3000, 0);
	assert_int_equal(writer_room(writer), 100);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1001, 0);
	for (unsigned i = 0; i < 300; i++)
		expect_point(trace, 2000 + i, 1);
	expect_end(trace);
	expect_silent_babeltrace(301);
	drop_trace();
}

/* Only the merge knows which record is late: a packet whose times go back is a mistake. */
static void test_order(void **state)
{
	const struct nr_packet_format format = { .types = make_types() };
	uint64_t slots[3][SLOT_WORDS(sizeof(struct point))];
	const struct point p = { 1, 2 };
	struct nr_packet_pool pool;
	struct nr_packet *packet;

	(void)state;
	assert_int_equal(nr_packet_pool_init(&pool), 0);
	packet = nr_packet_get(&pool);
	assert_int_equal(nr_packet_room(packet, 3 * NR_PLACE_WORDS), 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct nr_record rec = { .ts = 1600, .id = ID_POINT };

		fill_slot(slots[i], &rec, &p, sizeof(p));
		add_place(packet, slots[i], i == 2, 1600);
	}
	packet->begin = packet->end = 1600;
	assert_int_equal(nr_packet_build(packet, &format, NULL), 0);
	packet->places[packet->n_places - 1] = 1599; /* the late one */
	assert_int_equal(nr_packet_build(packet, &format, NULL), -EINVAL);
	packet->n_places = packet->n_events = 2;
	assert_int_equal(nr_packet_build(packet, &format, NULL), 0);
	slots[1][1] = 1599;
	assert_int_equal(nr_packet_build(packet, &format, NULL), -EINVAL);
	packet->begin = 1601;
	packet->n_places = packet->n_events = 1;
	assert_int_equal(nr_packet_build(packet, &format, NULL), -EINVAL);
	nr_packet_put(packet);
	nr_packet_pool_destroy(&pool);
	nr_types_free((struct nr_types *)format.types);
}

/* Every length of a record, with something behind it in the ring: the packet has zeros there. */
static void test_padding(void **state)
{
	struct nr_types *lengths = make_types();
	const struct nr_packet_format format = { .types = lengths };
	uint64_t slot[SLOT_WORDS(40)], expected[SLOT_WORDS(40)];
	struct nr_packet_pool pool;
	struct nr_packet *p;

	(void)state;
	assert_int_equal(nr_packet_pool_init(&pool), 0);
	for (uint32_t size = 1; size <= 40; size++) {
		const struct nr_record rec = { .ts = 1000, .id = 100 + size, .cpu = 3 };
		int bytes = array(T.u8, size), type;
		uint8_t payload[40];
		char name[16];

		snprintf(name, sizeof(name), "bytes%u", size);
		memset(payload, 0xa0 + size, sizeof(payload));
		type = btf__add_struct(btf, name, size);
		field("bytes", bytes, 0);
		assert_int_equal(nr_types_add(lengths, rec.id, name, btf, type), 0);
		memset(slot, 0xff, sizeof(slot));
		fill_slot(slot, &rec, payload, size);
		memset(expected, 0, sizeof(expected));
		fill_slot(expected, &rec, payload, size);
		p = nr_packet_get(&pool);
		assert_int_equal(nr_packet_room(p, NR_PLACE_WORDS), 0);
		assert_int_equal(nr_packet_grow(p, 1000), 0);
		memset(p->bytes, 0xee, p->cap);
		add_place(p, slot, false, 0);
		assert_int_equal(nr_packet_build(p, &format, NULL), 0);
		assert_int_equal(p->size, 88 + 8 * (SLOT_WORDS(size) - 1));
		assert_memory_equal(p->bytes + 88, expected + 1, p->size - 88);
		nr_packet_put(p);
	}
	nr_packet_pool_destroy(&pool);
	nr_types_free(lengths);
}

/* A watermark that steps back does not move the packets' times back. */
static void test_watermark_back(void **state)
{
	struct nr_trace *trace;

	(void)state;
	open_trace("order", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	append_point(1500, 2);
	commit(2000, 0);
	commit(1000, 0);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	expect_point(trace, 1500, 2);
	expect_end(trace);
	expect_silent_babeltrace(2);
	drop_trace();
}

/* ---- the clock ---- */

static void expect_time(int64_t offset, uint64_t ts, const char *want)
{
	struct nr_trace *trace;
	struct babble b;

	open_trace("clock", (struct writer_opts){ .start = 0, .clock_offset = offset });
	append_point(ts, 1);
	commit(ts, 0);
	close_trace();
	trace = read_trace();
	assert_int_equal(nr_trace_clock_offset(trace), offset);
	nr_trace_close(trace);
	expect_silent_babeltrace(1);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-seconds");
		if (strncmp(b.out, want, strlen(want)))
			fail_msg("%s is not at the start of %s", want, b.out);
		babble_free(&b);
	}
	drop_trace();
}

static void test_clock(void **state)
{
	(void)state;
	expect_time(1700000000123456789, 5000000001, "[1700000005.123456790]");
	expect_time(0, 1, "[0.000000001]");
	expect_time(-1500000000, 2000000000, "[0.500000000]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_no_fields),
		cmocka_unit_test(test_empty),	  cmocka_unit_test(test_one),
		cmocka_unit_test(test_loss),	  cmocka_unit_test(test_late),
		cmocka_unit_test(test_raw),	  cmocka_unit_test(test_content_end),
		cmocka_unit_test(test_growth),	  cmocka_unit_test(test_order),
		cmocka_unit_test(test_padding),	  cmocka_unit_test(test_watermark_back),
		cmocka_unit_test(test_clock),
	};

	return exit_status(cmocka_run_group_tests_name("packet", tests, make_btf, free_btf));
}
