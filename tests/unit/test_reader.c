// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Damaged traces: the reader names the damage and never shows it as something else. */
#include "writer_help.h"

#include <errno.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include "packet/head.h"

static void make_small(void)
{
	union {
		struct tail tail;
		uint8_t bytes[20];
	} u = { .tail = { .when = 1, .data_len = 5 } };
	struct point p = { 8, 9 };

	open_trace("small", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	append(1600, ID_TAIL, &u, 20);
	commit(2000, 0);
	assert_int_equal(append_late(2200, 1400, ID_POINT, &p, sizeof(p)), 0);
	append(2300, 999, "raw", 3);
	commit(3000, 2);
	close_trace();
}

/* The result of reading a trace: the text of all events, and how it ended. */
struct reading {
	char text[2000];
	int end;
};

static void read_all(struct reading *r)
{
	struct nr_trace_opts opts = { .sz = sizeof(opts), .log = hear };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	said[0] = 0;
	r->end = nr_trace_open(&trace, dir, &opts);
	if (r->end)
		return;
	while ((r->end = nr_trace_next(trace, &ev)) > 0 && n < 1500) {
		const char *name = nr_types_name(nr_trace_types(trace), ev.rec->id);

		n += sprintf(r->text + n, "%llu %llu %u %u %s ", (unsigned long long)ev.ts,
			     (unsigned long long)ev.rec->ts, ev.rec->cpu, ev.size, name ?: "-");
		if (nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_TEXT, r->text + n, 200) >
		    0)
			n += strlen(r->text + n);
		n += sprintf(r->text + n, "\n");
	}
	assert_int_equal(nr_trace_next(trace, &ev), r->end); /* every later call returns the same */
	nr_trace_close(trace);
}

static size_t whole_packets(const uint8_t *stream, size_t size)
{
	struct nr_packet_head h;
	size_t pos = 0;

	while (pos + sizeof(h) <= size) {
		memcpy(&h, stream + pos, sizeof(h));
		if (pos + h.packet_bits / 8 > size)
			break;
		pos += h.packet_bits / 8;
	}
	return pos;
}

static void poke(const char *path, size_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void test_every_byte(void **state)
{
	static const char *const files[] = { "stream", "metadata", ".btf" };
	struct reading good, bad;

	(void)state;
	make_small();
	read_all(&good);
	assert_int_equal(good.end, 0);
	for (unsigned f = 0; f < 3; f++) {
		const char *path = strdup(in_scratch("small/%s", files[f]));
		size_t size;
		char *data = load_file(path, &size);

		for (size_t i = 0; i < size; i++) {
			poke(path, i, data[i] ^ 1 << i % 8);
			read_all(&bad);
			poke(path, i, data[i]);
			if (bad.end != -EBADMSG && bad.end != -EPROTO)
				fail_msg("byte %zu of %s: ended with %d", i, files[f], bad.end);
			if (strncmp(bad.text, good.text, strlen(bad.text)))
				fail_msg("byte %zu of %s: shows %s", i, files[f], bad.text);
			if (!said[0])
				fail_msg("byte %zu of %s: no word about it", i, files[f]);
		}
		free(data);
		free((char *)path);
	}
	read_all(&bad);
	assert_string_equal(good.text, bad.text);
	drop_trace();
}

static void test_cut_off(void **state)
{
	struct reading good, cut;
	size_t size, whole;
	char *data;

	(void)state;
	make_small();
	read_all(&good);
	data = load_file(in_scratch("small/stream"), &size);
	for (size_t n = 0; n < size; n++) {
		save_file(in_scratch("small/stream"), data, n);
		whole = whole_packets((uint8_t *)data, n);
		read_all(&cut);
		/* An empty stream is damaged too, because every stream has a first packet. */
		assert_int_equal(cut.end, n && n == whole ? 0 : -EBADMSG);
		if (cut.end)
			assert_non_null(strstr(said, "is cut off"));
		assert_int_equal(strncmp(cut.text, good.text, strlen(cut.text)), 0);
		if (n >= whole_packets((uint8_t *)data, 250) && whole > 88)
			assert_non_null(strstr(cut.text, "1600"));
	}
	free(data);
	drop_trace();
}

/* Packets with right checksums and wrong values are refused or harmless, never read out of bounds
 * (ASan checks). */
static void test_lies(void **state)
{
	size_t size, start;
	struct nr_packet_head h;
	struct reading r;
	uint8_t *data;

	(void)state;
	make_small();
	data = (uint8_t *)load_file(in_scratch("small/stream"), &size);
	memcpy(&h, data, sizeof(h));
	start = h.packet_bits / 8;
	memcpy(&h, data + start, sizeof(h));
	for (size_t i = 0; i < h.packet_bits / 8; i++)
		for (unsigned v = 0; v < 3; v++) {
			struct nr_packet_head *p = (void *)(data + start);
			uint8_t was = data[start + i];

			data[start + i] = v == 0 ? 0 : v == 1 ? 0xff : was ^ 0x10;
			p->crc = 0;
			p->crc = libdeflate_crc32(0, data + start, h.packet_bits / 8);
			save_file(in_scratch("small/stream"), data, size);
			read_all(&r);
			assert_true(r.end == 0 || r.end == -EBADMSG);
			data[start + i] = was;
		}
	free(data);
	drop_trace();
}

static void test_swapped_packets(void **state)
{
	struct reading r;
	size_t size, first;
	struct nr_packet_head h;
	char *data;

	(void)state;
	make_small();
	data = load_file(in_scratch("small/stream"), &size);
	memcpy(&h, data, sizeof(h));
	first = h.packet_bits / 8;
	save_file(in_scratch("small/stream"), data + first, size - first); /* one file is missing */
	read_all(&r);
	assert_int_equal(r.end, -EBADMSG);
	assert_non_null(strstr(said, "missing or duplicated"));
	assert_string_equal(r.text, "");
	free(data);
	drop_trace();
}

/* babeltrace2 reads the trace without .btf. */
static void expect_loss_of_two(void)
{
	struct babble b;

	if (!have_babeltrace())
		return;
	b = babeltrace(dir, "--clock-cycles");
	assert_int_equal(b.status, 0);
	assert_non_null(strstr(b.out, "numaring:raw: "));
	assert_non_null(strstr(b.err, "discarded 2 events"));
	babble_free(&b);
}

static void replace_in(const char *path, const char *from, const char *to)
{
	size_t size;
	char *text = load_file(path, &size), *at = strstr(text, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	save_file(path, text, size);
	free(text);
}

static void test_not_ours(void **state)
{
	struct nr_trace *trace = NULL;

	(void)state;
	make_small();
	unlink(in_scratch("small/.btf"));
	assert_int_equal(try_open(), -ENOENT);
	assert_non_null(strstr(said, ".btf is missing: copy the whole directory, or read it with "
				     "babeltrace2"));
	expect_loss_of_two();
	replace_in(in_scratch("small/metadata"), "tracer_major = 1", "tracer_major = 2");
	assert_int_equal(try_open(), -EPROTO);
	assert_non_null(strstr(said, "version"));
	replace_in(in_scratch("small/metadata"), "numaring trace", "someones trace");
	assert_int_equal(try_open(), -EPROTO);
	unlink(in_scratch("small/metadata"));
	assert_int_equal(try_open(), -ENOENT);
	drop_trace();
	assert_int_equal(nr_trace_open(&trace, in_scratch("nowhere"), NULL), -ENOENT);
	assert_int_equal(nr_trace_open(&trace, "/dev/null", NULL), -ENOTDIR);
	assert_null(trace);
	nr_trace_close(NULL);
	nr_types_free(NULL);
	assert_int_equal(writer_close(NULL), 0);
}

static void test_not_regular(void **state)
{
	(void)state;
	make_small();
	unlink(in_scratch("small/stream"));
	assert_int_equal(mkfifo(in_scratch("small/stream"), 0600), 0); /* the open must not block */
	assert_int_equal(try_open(), -EBADMSG);
	assert_non_null(strstr(said, "not a regular file"));
	drop_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_lies),	   cmocka_unit_test(test_swapped_packets),
		cmocka_unit_test(test_not_ours),   cmocka_unit_test(test_not_regular),
	};

	return exit_status(cmocka_run_group_tests_name("reader", tests, make_btf, free_btf));
}
