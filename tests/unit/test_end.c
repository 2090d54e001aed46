// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How a trace ends: the end mark and its account come back as written, and a trace without an end
 * mark never passes for a complete one. */
#include "end_help.h"

#include <errno.h>
#include "disk_help.h"
#include "packet/end.h"
#include "packet/packet.h"
#include "seed.h"

static struct seed seed;

static int setup(void **state)
{
	seed.state = seed_first("end");
	return make_number(state);
}

/* ---- the account ---- */

static void expect_account(const struct nr_account *a, const struct nr_account *b)
{
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->repaired, b->repaired);
	assert_int_equal(a->reserved, b->reserved);
	assert_int_equal(a->written, b->written);
	assert_int_equal(a->discarded, b->discarded);
	assert_int_equal(a->malformed, b->malformed);
	assert_int_equal(a->unwritten, b->unwritten);
	assert_int_equal(a->unaccounted, b->unaccounted);
	assert_int_equal(a->late, b->late);
	assert_int_equal(a->lost_total, b->lost_total);
	assert_int_equal(a->n_lost, b->n_lost);
	assert_int_equal(a->n_misfits, b->n_misfits);
	assert_int_equal(a->rotated, b->rotated);
	assert_int_equal(a->chunk, b->chunk);
	assert_int_equal(a->earlier, b->earlier);
	assert_int_equal(a->filtered, b->filtered);
	for (unsigned i = 0; i < a->n_lost; i++)
		assert_int_equal(a->lost[i], b->lost[i]);
	for (unsigned i = 0; i < a->n_misfits; i++) {
		assert_int_equal(a->misfits[i].id, b->misfits[i].id);
		assert_int_equal(a->misfits[i].longer, b->misfits[i].longer);
		assert_int_equal(a->misfits[i].shorter, b->misfits[i].shorter);
	}
}

/* What a chunk's end mark has in addition, in bytes that older readers skip. */
static void test_chunk(void **state)
{
	const __u8 uuid[16] = "sixteen bytes ..";

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct nr_account a = some_account();
		struct nr_end end = {};
		struct nr_packet_head h;
		uint8_t *packet;
		uint32_t head_size;
		size_t size;

		a.rotated = seed_next(&seed) & 1;
		a.chunk = seed_next(&seed);
		a.earlier = seed_next(&seed);
		a.filtered = seed_next(&seed);
		assert_int_equal(nr_end_packet(&packet, &size, uuid, 7, &a), 0);
		memcpy(&h, packet, HEAD);
		assert_true(nr_is_end_mark(&h));
		assert_int_equal(h.seq, 7);
		assert_int_equal(nr_end_read(&end, packet, size), 0);
		expect_account(&end.account, &a);
		nr_end_free(&end);

		/* A mark of format 1.3 does not have the last field, and one of 1.2 has none of
		 * these: its arrays are in their place. */
		head_size = sizeof(struct nr_end_head) - 8;
		memcpy(packet + HEAD, &head_size, sizeof(head_size));
		assert_int_equal(nr_end_read(&end, packet, size), 0);
		assert_int_equal(end.account.chunk, a.chunk);
		assert_int_equal(end.account.earlier, a.earlier);
		assert_int_equal(end.account.filtered, 0);
		assert_int_equal(end.account.lost[0], a.filtered);
		nr_end_free(&end);

		head_size = NR_END_HEAD_1_1;
		memcpy(packet + HEAD, &head_size, sizeof(head_size));
		assert_int_equal(nr_end_read(&end, packet, size), 0);
		assert_int_equal(end.account.written, a.written);
		assert_int_equal(end.account.chunk, 0);
		assert_int_equal(end.account.earlier, 0);
		assert_int_equal(end.account.lost[0], a.chunk);
		nr_end_free(&end);
		free(packet);
	}
}

static void test_any_account(void **state)
{
	uint64_t lost[20];
	struct nr_type_stats misfits[300];

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct nr_account a = {
			.end = 3000 + seed_next(&seed) / 2,
			.error = -(int)seed_below(&seed, 134),
			.reserved = seed_next(&seed),
			.written = seed_next(&seed),
			.discarded = seed_next(&seed),
			.malformed = seed_next(&seed),
			.unwritten = seed_next(&seed),
			.unaccounted = seed_next(&seed),
			.late = seed_next(&seed),
			.lost_total = PACKETS + seed_next(&seed) / 2,
			.filtered = seed_next(&seed),
			.n_lost = seed_below(&seed, 20),
			.n_misfits = seed_below(&seed, 300),
			.lost = lost,
			.misfits = misfits,
			.misfit_stride = sizeof(*misfits),
		};
		struct writer *w = write_packets();
		struct reading r;

		for (unsigned i = 0; i < a.n_lost; i++)
			lost[i] = seed_next(&seed);
		for (unsigned i = 0; i < a.n_misfits; i++)
			misfits[i] = (struct nr_type_stats){ seed_next(&seed), seed_next(&seed),
							     seed_next(&seed) };
		assert_int_equal(writer_finish(w, &a), 0);
		assert_int_equal(writer_close(w), 0);
		r = read_numbers("t");
		assert_int_equal(r.read, 0);
		assert_int_equal(r.end, 0);
		assert_int_equal(r.account.sz, sizeof(r.account));
		expect_account(&r.account, &a);
		assert_int_equal(nr_trace_packet(r.trace)->watermark, UINT64_MAX);
		assert_int_equal(nr_trace_packet(r.trace)->begin, a.end);
		assert_int_equal(nr_trace_packet(r.trace)->lost, a.lost_total);
		nr_trace_close(r.trace);
		if (!round)
			expect_babeltrace("t", 10);
		drop_traces();
	}
}

/* The end mark is no event for other readers, and they do not complain. Its watermark is
 * visible. */
static void test_babeltrace(void **state)
{
	struct nr_account a = some_account();
	char command[600];
	struct writer *w;
	struct babble b;

	(void)state;
	if (!have_babeltrace())
		return;
	w = open_writer();
	append_number(w, 0);
	assert_int_equal(writer_commit(w, 2001, 0), 0);
	a.lost_total = 0;
	assert_int_equal(writer_finish(w, &a), 0);
	assert_int_equal(writer_close(w), 0);
	b = babeltrace(in_scratch("t"), "--clock-cycles");
	assert_string_equal(b.err, "");
	assert_non_null(strstr(b.out, "x = 0"));
	assert_null(strchr(strchr(b.out, '\n') + 1, '\n'));
	babble_free(&b);
	snprintf(command, sizeof(command),
		 "babeltrace2 -c sink.text.details '%s' | tr -d , | "
		 "grep -q 'watermark: 18446744073709551615'",
		 in_scratch("t"));
	assert_int_equal(system(command), 0);
	drop_traces();
}

/* A caller with a shorter struct gets the fields that it knows; a caller without a size gets
 * nothing. */
static void test_sizes(void **state)
{
	struct nr_account a = { 0 };
	struct {
		struct nr_account account;
		uint64_t later;
	} grown = { .account.sz = sizeof(grown), .later = 7 };
	struct reading r;

	(void)state;
	write_trace();
	r = read_numbers("t");
	assert_int_equal(nr_trace_end(r.trace, &a), -EINVAL);
	assert_int_equal(nr_trace_end(r.trace, &grown.account), 0);
	assert_int_equal(grown.account.sz, sizeof(grown.account));
	assert_int_equal(grown.later, 7);
	nr_trace_close(r.trace);
	drop_traces();
}

/* The end mark's time is after that of all packets. */
static void test_time(void **state)
{
	struct writer *w = write_packets();
	struct nr_account a = some_account();
	struct reading r;

	(void)state;
	a.end = 5;
	assert_int_equal(writer_finish(w, &a), 0);
	assert_int_equal(writer_close(w), 0);
	r = read_numbers("t");
	assert_int_equal(r.end, 0);
	assert_int_equal(r.account.end, 2010);
	nr_trace_close(r.trace);
	expect_babeltrace("t", 10);
	drop_traces();
}

/* ---- traces without an end mark ---- */

static void test_no_mark(void **state)
{
	const struct nr_account account = some_account();
	struct writer *w = write_packets();
	int fd;

	(void)state;
	expect_reading("t", 10, 0, -EBUSY);
	/* A packet that the recorder is writing is not damage, unless the recorder is gone. */
	fd = open(in_scratch("t/stream"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "\xc1\x1f\xfc\xc1", 4), 4);
	close(fd);
	expect_reading("t", 10, 0, -EBUSY);
	assert_string_equal(said, "");
	assert_int_equal(writer_finish(w, &account), -ESTALE);
	assert_int_equal(writer_close(w), 0);
	expect_reading("t", 10, -EBADMSG, -ENODATA);
	assert_non_null(strstr(said, "is cut off"));
	drop_traces();

	w = write_packets();
	assert_int_equal(writer_close(w), 0);
	expect_reading("t", 10, 0, -ENODATA);
	drop_traces();
}

static void test_1_0(void **state)
{
	const struct nr_account account = some_account();
	struct writer *w = write_packets();

	(void)state;
	make_1_0();
	expect_reading("t", 10, 0, -EBUSY);
	/* It notices the changed metadata. */
	assert_int_equal(writer_finish(w, &account), -ESTALE);
	assert_int_equal(writer_close(w), 0);
	expect_reading("t", 10, 0, -EOPNOTSUPP);
	drop_traces();
}

static void test_behind_mark(void **state)
{
	int fd;

	(void)state;
	write_trace();
	fd = open(in_scratch("t/stream"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
	expect_reading("t", 10, -EBADMSG, -ENODATA);
	assert_non_null(strstr(said, "follows the end mark"));
	drop_traces();
}

/* ---- wrong end marks ---- */

static void save_sealed(const struct stream *s)
{
	uint32_t crc;

	crc = nr_packet_crc(s->data + s->mark, s->size - s->mark);
	memcpy(s->data + s->mark + offsetof(struct nr_packet_head, crc), &crc, sizeof(crc));
	save_file(in_scratch("t/stream"), s->data, s->size);
}

static void test_every_byte(void **state)
{
	struct stream s;

	(void)state;
	write_trace();
	s = load_stream();
	for (size_t i = s.mark; i < s.size; i++) {
		s.data[i] ^= 1 << i % 8;
		save_file(in_scratch("t/stream"), s.data, s.size);
		expect_reading("t", 10, -EBADMSG, -ENODATA);
		s.data[i] ^= 1 << i % 8;
	}
	free(s.data);
	drop_traces();
}

/* Right checksums, wrong values: the mark is refused, or the account lies within the packet (ASan
 * checks). */
static void test_lies(void **state)
{
	static const uint8_t values[] = { 0, 0xff, 0x7f, 0x80, 1 };
	struct stream s;

	(void)state;
	write_trace();
	s = load_stream();
	for (size_t i = s.mark + HEAD; i < s.size; i++)
		for (size_t v = 0; v < sizeof(values); v++) {
			struct reading r;
			uint8_t was = s.data[i];

			s.data[i] = values[v];
			save_sealed(&s);
			r = read_numbers("t");
			assert_true(r.read == 0 || r.read == -EBADMSG);
			assert_int_equal(r.end, r.read ? -ENODATA : 0);
			assert_int_equal(r.events, 10);
			for (unsigned k = 0; !r.read && k < r.account.n_lost; k++)
				seed.state ^= r.account.lost[k];
			nr_trace_close(r.trace);
			s.data[i] = was;
		}
	free(s.data);
	drop_traces();
}

/* A later minor version may append fields to the account, and arrays behind the existing ones. */
static void test_later_version(void **state)
{
	enum { MORE = 16 };
	struct stream s;
	struct nr_packet_head h;
	struct nr_end_head e;
	size_t arrays;
	struct nr_account want = some_account();
	struct reading r;

	(void)state;
	write_trace();
	s = load_stream();
	s.data = realloc(s.data, s.size + 2 * MORE);
	memcpy(&h, s.data + s.mark, HEAD);
	memcpy(&e, s.data + s.mark + HEAD, sizeof(e));
	arrays = s.mark + HEAD + e.size;
	memmove(s.data + arrays + MORE, s.data + arrays, s.size - arrays);
	memset(s.data + arrays, 0x55, MORE);
	memset(s.data + s.size + MORE, 0x66, MORE);
	s.size += 2 * MORE;
	e.size += MORE;
	h.packet_bits += 2 * MORE * 8;
	memcpy(s.data + s.mark, &h, HEAD);
	memcpy(s.data + s.mark + HEAD, &e, sizeof(e));
	save_sealed(&s);
	free(s.data);
	r = read_numbers("t");
	assert_int_equal(r.end, 0);
	expect_account(&r.account, &want);
	nr_trace_close(r.trace);
	expect_babeltrace("t", 10);
	drop_traces();
}

/* ---- a full disk ---- */

static void test_disk_full(void **state)
{
	struct nr_account a = some_account();
	struct reading r;

	(void)state;
	for (unsigned freed = 0; freed < 2; freed++) {
		struct writer *w = write_packets();

		append_number(w, 100);
		disk.limit = writer_bytes(w) + 100;
		assert_int_equal(writer_commit(w, 3000, PACKETS), -ENOSPC);
		a.error = -ENOSPC;
		a.unwritten = 1;
		said[0] = 0;
		if (freed)
			disk.limit = 0;
		assert_int_equal(writer_finish(w, &a), freed ? 0 : -ENOSPC);
		if (!freed)
			assert_non_null(strstr(said, "cannot write the end mark of "));
		disk.limit = 0;
		assert_int_equal(writer_close(w), 0);
		r = read_numbers("t");
		assert_int_equal(r.events, 10);
		assert_int_equal(r.read, 0);
		assert_int_equal(r.end, freed ? 0 : -ENODATA);
		if (freed)
			expect_account(&r.account, &a);
		nr_trace_close(r.trace);
		expect_babeltrace("t", 10);
		drop_traces();
	}
}

/* The writer can write a packet of the largest allowed size. */
static void test_largest_packet(void **state)
{
	struct nr_packet_pool pool;
	struct nr_packet *packet;

	(void)state;
	assert_int_equal(nr_packet_pool_init(&pool), 0);
	packet = nr_packet_get(&pool);
	assert_int_equal(nr_packet_grow(packet, NR_PACKET_MAX + 1), -EMSGSIZE);
	assert_int_equal(nr_packet_grow(packet, HEAD), 0);
	nr_packet_put(packet);
	nr_packet_pool_destroy(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunk),
		cmocka_unit_test(test_any_account),
		cmocka_unit_test(test_babeltrace),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_no_mark),
		cmocka_unit_test(test_1_0),
		cmocka_unit_test(test_behind_mark),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_largest_packet),
	};

	return exit_status(cmocka_run_group_tests_name("end", tests, setup, free_number));
}
