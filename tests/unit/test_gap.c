// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Gap marks: what an optional trace missed is counted, placed, and cannot be forged by accident. */
#include "writer_help.h"

#include <errno.h>
#include "packet/gap.h"

#define HEAD sizeof(struct nr_packet_head)

/* ---- bytes ---- */

static void test_bytes(void **state)
{
	static const struct nr_gap given = { 3, 1ull << 40, 100, 200, true };
	const struct nr_packet_head before = {
		.uuid = "sixteen bytes ..",
		.begin = 20,
		.end = 90,
		.content_bits = 9999,
		.packet_bits = 10048,
		.seq = 4,
		.lost = 5,
		.watermark = 95,
		.events = 6,
		.crc = 7,
	};
	struct {
		struct nr_gap_packet mark;
		uint64_t more; /* of a later version */
	} packet;
	const struct nr_packet_head *h = &packet.mark.head;
	struct nr_gap gap;

	(void)state;
	nr_gap_fill(&packet.mark, &before, &given);
	assert_true(nr_is_gap_mark(h));
	assert_false(nr_is_end_mark(h));
	assert_memory_equal(h->uuid, before.uuid, 16);
	assert_int_equal(h->begin, 100);
	assert_int_equal(h->end, 100);
	assert_int_equal(h->seq, 4);
	assert_int_equal(h->lost, 5);
	assert_int_equal(h->watermark, 95);
	assert_int_equal(h->crc, nr_packet_crc((void *)&packet.mark, sizeof(packet.mark)));
	assert_int_equal(nr_gap_read(&gap, (void *)&packet, sizeof(packet.mark)), 0);
	assert_int_equal(gap.packets, 3);
	assert_int_equal(gap.events, 1ull << 40);
	assert_true(gap.damaged);
	for (size_t n = HEAD; n < sizeof(packet.mark); n++)
		assert_int_equal(nr_gap_read(&gap, (void *)&packet, n), -EBADMSG);
	packet.mark.size += 8;
	assert_int_equal(nr_gap_read(&gap, (void *)&packet, sizeof(packet.mark)), -EBADMSG);
	assert_int_equal(nr_gap_read(&gap, (void *)&packet, sizeof(packet)), 0);
	packet.mark.size -= 16;
	assert_int_equal(nr_gap_read(&gap, (void *)&packet, sizeof(packet)), -EBADMSG);
	packet.mark.size += 8;
	packet.mark.packets = 0;
	assert_int_equal(nr_gap_read(&gap, (void *)&packet, sizeof(packet)), -EBADMSG);
}

/* Up to the next block, whatever comes before it. Nothing is missing there. */
static void test_align(void **state)
{
	const struct nr_packet_head before = { .end = 90, .content_bits = 8000, .events = 6 };
	_Alignas(8) uint8_t packet[2 * NR_BLOCK];
	struct nr_gap_packet *mark = (void *)packet;
	struct nr_gap gap;

	(void)state;
	for (uint64_t off = 8; off < 3 * NR_BLOCK; off += 8) {
		size_t size = nr_gap_align_size(off);

		assert_int_equal((off + size) % NR_BLOCK, 0);
		assert_in_range(size, sizeof(*mark), sizeof(packet));
		nr_gap_align(packet, size, &before);
		assert_true(nr_is_gap_mark(&mark->head));
		assert_int_equal(mark->head.crc, nr_packet_crc(packet, size));
		assert_int_equal(nr_gap_read(&gap, packet, size), 0);
		assert_int_equal(gap.packets, 0);
	}
	mark->events = 1;
	assert_int_equal(nr_gap_read(&gap, packet, sizeof(packet)), -EBADMSG);
	mark->events = 0;
	mark->packets = 1;
	assert_int_equal(nr_gap_read(&gap, packet, sizeof(packet)), -EBADMSG);
}

/* ---- traces ---- */

/* Packets 0, 1, a gap for 2 to 4, packet 5, a gap for 6. */
static void write_gaps(bool end)
{
	const struct nr_account account = { .end = 4000, .written = 77 };

	open_trace("gap", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	commit(2000, 0);
	assert_int_equal(writer_miss(writer, 3, 70), 0);
	append_point(2500, 2);
	commit(3000, 0);
	assert_int_equal(writer_miss(writer, 1, 5), 0);
	if (end)
		assert_int_equal(writer_finish(writer, &account), 0);
	close_trace();
}

static void expect_whole(struct nr_trace *trace, bool repaired)
{
	struct nr_account account = { .sz = sizeof(account) };
	const struct nr_packet_info *p;
	struct nr_event ev;

	expect_point(trace, 1500, 1);
	assert_int_equal(nr_trace_packet(trace)->missed_packets, 0);
	expect_point(trace, 2500, 2);
	p = nr_trace_packet(trace);
	assert_int_equal(p->seq, 5);
	assert_int_equal(p->missed_packets, 3);
	assert_int_equal(p->missed_events, 70);
	assert_int_equal(nr_trace_next(trace, &ev), 0);
	p = nr_trace_packet(trace);
	assert_int_equal(p->seq, 7);
	assert_int_equal(p->missed_packets, 4);
	assert_int_equal(p->missed_events, 75);
	assert_int_equal(nr_trace_end(trace, &account), 0);
	assert_int_equal(account.repaired, repaired);
	assert_int_equal(account.written, 77);
	nr_trace_close(trace);
}

/* How reading ends, and how many events come before. */
static int read_to_end(unsigned *events)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	int ret = nr_trace_open(&trace, dir, &opts);

	said[0] = 0;
	*events = 0;
	while (!ret && (ret = nr_trace_next(trace, &ev)) > 0) {
		++*events;
		ret = 0;
	}
	nr_trace_close(trace);
	return ret;
}

static void test_read(void **state)
{
	struct babble b;

	(void)state;
	write_gaps(true);
	expect_whole(read_trace(), false);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-cycles");
		assert_int_equal(b.status, 0);
		assert_non_null(strstr(b.err, "discarded 3 packets between [00:00:00.000001500] "
					      "and [00:00:00.000002500]"));
		assert_non_null(strstr(b.err, "discarded 1 packet between [00:00:00.000002500] "
					      "and [00:00:00.000004000]"));
		assert_null(strstr(b.err, "discarded 1 event"));
		babble_free(&b);
	}
	drop_trace();
}

/* ---- marks that are wrong ---- */

#define FIRST_MARK (HEAD + HEAD + 24) /* behind packets 0 and 1 */

struct stream {
	uint8_t *data;
	size_t size;
};

static struct stream load(void)
{
	struct stream s;

	s.data = (uint8_t *)load_file(in_scratch("gap/stream"), &s.size);
	assert_true(nr_is_gap_mark((void *)(s.data + FIRST_MARK)));
	return s;
}

/* With the checksum right, and the rest as it is. */
static void save_forged(const struct stream *s)
{
	struct nr_packet_head *h = (void *)(s->data + FIRST_MARK);

	h->crc = nr_packet_crc(s->data + FIRST_MARK, sizeof(struct nr_gap_packet));
	save_file(in_scratch("gap/stream"), s->data, s->size);
}

static void expect_refused(const struct stream *s, unsigned events, const char *why)
{
	unsigned n;

	save_forged(s);
	assert_int_equal(read_to_end(&n), -EBADMSG);
	assert_int_equal(n, events);
	if (!strstr(said, why))
		fail_msg("says %s", said);
}

static void test_forged(void **state)
{
	struct stream s;
	struct nr_gap_packet *mark, good;

	(void)state;
	write_gaps(true);
	s = load();
	mark = (void *)(s.data + FIRST_MARK);
	good = *mark;
	for (int d = -1; d <= 1; d += 2) {
		mark->packets += d;
		expect_refused(&s, 1, "missing or duplicated");
		*mark = good;
		mark->head.seq += d;
		expect_refused(&s, 1, "missing or duplicated");
		*mark = good;
	}
	mark->packets = 0;
	expect_refused(&s, 1, "invalid gap mark");
	*mark = good;
	mark->size = UINT32_MAX;
	expect_refused(&s, 1, "invalid gap mark");
	*mark = good;
	mark->head.begin = mark->head.end = 1499;
	expect_refused(&s, 1, "goes back in time");
	*mark = good;
	mark->head.content_bits += 64;
	expect_refused(&s, 1, "invalid sizes");
	*mark = good;
	memmove(s.data + FIRST_MARK, s.data + FIRST_MARK + sizeof(good),
		s.size - FIRST_MARK - sizeof(good)); /* no mark, but the gap */
	save_file(in_scratch("gap/stream"), s.data, s.size - sizeof(good));
	assert_int_equal(read_to_end(&(unsigned){ 0 }), -EBADMSG);
	assert_non_null(strstr(said, "missing or duplicated"));
	free(s.data);
	drop_trace();
}

/* A mark has a packet before it, or there is none that it stands behind. */
static void test_forged_first(void **state)
{
	struct stream s;
	struct nr_gap_packet *mark;

	(void)state;
	write_gaps(true);
	s = load();
	mark = (void *)(s.data + FIRST_MARK);
	mark->head.seq = UINT64_MAX;
	mark->packets = 5;
	mark->head.crc = 0;
	mark->head.crc = nr_packet_crc((void *)mark, sizeof(*mark));
	save_file(in_scratch("gap/stream"), s.data + FIRST_MARK, s.size - FIRST_MARK);
	assert_int_equal(read_to_end(&(unsigned){ 0 }), -EBADMSG);
	assert_non_null(strstr(said, "invalid gap mark"));
	free(s.data);
	drop_trace();
}

static void test_every_byte(void **state)
{
	struct stream s;
	unsigned n;

	(void)state;
	write_gaps(true);
	s = load();
	for (size_t i = 0; i < sizeof(struct nr_gap_packet); i++) {
		s.data[FIRST_MARK + i] ^= 1 << i % 8;
		save_file(in_scratch("gap/stream"), s.data, s.size);
		s.data[FIRST_MARK + i] ^= 1 << i % 8;
		assert_int_equal(read_to_end(&n), -EBADMSG);
		assert_int_equal(n, 1);
	}
	free(s.data);
	drop_trace();
}

/* ---- repair ---- */

static void test_repair(void **state)
{
	struct nr_repair_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_repair found = { .sz = sizeof(found) };

	(void)state;
	write_gaps(false);
	assert_int_equal(nr_trace_repair(dir, &opts, &found), 0);
	assert_true(found.needed);
	assert_int_equal(found.events, 2);
	assert_int_equal(found.left_out, 0);
	expect_whole(read_trace(), true);
	drop_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_align),
		cmocka_unit_test(test_read),	     cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_first), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_repair),
	};

	return exit_status(cmocka_run_group_tests_name("gap", tests, make_btf, free_btf));
}
