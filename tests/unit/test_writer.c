// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The recorder's directory: on a failing disk, and over existing files. */
#include "writer_help.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "disk_help.h"

static void test_short_writes(void **state)
{
	struct nr_trace *trace;

	(void)state;
	disk.most = 7;
	disk.interrupts = 3;
	open_trace("short", (struct writer_opts){ .start = 1000 });
	for (unsigned i = 0; i < 100; i++)
		append_point(2000 + i, i);
	disk.interrupts = 3;
	commit(3000, 0);
	memset(&disk, 0, sizeof(disk));
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 100; i++)
		expect_point(trace, 2000 + i, i);
	expect_end(trace);
	expect_silent_babeltrace(100);
	drop_trace();
}

/* The file's packets from `*at` on; moves it to the first that has events. */
static struct nr_packet_head next_with_events(FILE *f, uint64_t *at)
{
	struct nr_packet_head head;

	for (;; *at += head.packet_bits / 8) {
		assert_int_equal(fseek(f, *at, SEEK_SET), 0);
		assert_int_equal(fread(&head, sizeof(head), 1, f), 1);
		if (head.events)
			return head;
	}
}

/* Large packets begin at a block of the disk and have whole blocks; small ones take no more than they
 * need. The first large one behind a gap mark is not moved. */
static void test_blocks(void **state)
{
	static const unsigned events[] = { 11000, 3, 11001, 12000, 1, 2, 11003, 11004, 11005 };
	const unsigned gap = 7; /* before this one */
	unsigned ts = 2000, all = 0;
	struct nr_trace *trace;
	uint64_t at = 0;
	FILE *f;

	(void)state;
	open_trace("blocks", (struct writer_opts){ .start = 1000, .packet_bytes = 16 << 20 });
	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (i == gap)
			writer_miss(writer, 5, 50);
		for (unsigned k = 0; k < events[i]; k++)
			append_point(ts++, k);
		commit(ts, 0);
		all += events[i];
	}
	close_trace();
	f = fopen(in_scratch("blocks/stream"), "re");
	for (unsigned i = 0; i < sizeof(events) / sizeof(*events); i++) {
		struct nr_packet_head head = next_with_events(f, &at);
		bool large = events[i] >= 11000;

		assert_int_equal(head.events, events[i]);
		assert_int_equal(head.packet_bits / 8 % NR_BLOCK == 0, large);
		if (large && i != gap)
			assert_int_equal(at % NR_BLOCK, 0);
		at += head.packet_bits / 8;
	}
	fclose(f);
	trace = read_trace();
	for (unsigned i = 0; i < all; i++) {
		struct nr_event ev;

		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.ts, 2000 + i);
	}
	assert_int_equal(nr_trace_packet(trace)->missed_packets, 5);
	expect_end(trace);
	if (have_babeltrace()) {
		struct babble b = babeltrace(dir, "--clock-cycles");

		assert_int_equal(b.status, 0);
		assert_non_null(strstr(b.err, "discarded 5 packets between"));
		babble_free(&b);
	}
	drop_trace();
}

/* I5: data that commit reported as written is whole in the file; other data is written later. */
static void test_disk_full(void **state)
{
	static const int errs[] = { ENOSPC, EIO, EDQUOT, EFBIG };
	struct nr_trace *trace;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		open_trace("full", (struct writer_opts){ .start = 1000 });
		append_point(1500, 1);
		commit(2000, 0);
		append_point(2500, 2);
		append_point(2501, 3);
		disk.limit = writer_bytes(writer) + 100;
		disk.err = errs[i];
		assert_int_equal(writer_commit(writer, 3000, 9), -errs[i]);
		assert_non_null(strstr(said, "full/stream"));
		assert_non_null(strstr(said, strerror(errs[i])));
		stat(in_scratch("full/stream"), &st);
		assert_int_equal(writer_bytes(writer), st.st_size);
		trace = read_trace();
		expect_point(trace, 1500, 1);
		expect_end(trace);
		expect_silent_babeltrace(1);

		append_point(2502, 4); /* goes on while the disk is full */
		disk.limit = 0;
		commit(3100, 0);
		close_trace();
		trace = read_trace();
		expect_point(trace, 1500, 1);
		expect_point(trace, 2500, 2);
		expect_point(trace, 2501, 3);
		expect_point(trace, 2502, 4);
		expect_end(trace);
		expect_silent_babeltrace(4);
		drop_trace();
	}
}

/* The same with the kernel's own error: a file size limit, reached in the middle of a packet. */
static void test_file_limit(void **state)
{
	struct rlimit old, limit;
	struct nr_trace *trace;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_trace("limit", (struct writer_opts){ .start = 1000 });
	append_point(1500, 1);
	commit(2000, 0);
	for (unsigned i = 0; i < 100; i++)
		append_point(2500 + i, 2);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ writer_bytes(writer) + 1000, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(writer_commit(writer, 3000, 0), -EFBIG);
	trace = read_trace();
	expect_point(trace, 1500, 1);
	expect_end(trace);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	commit(3000, 0);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	for (unsigned i = 0; i < 100; i++)
		expect_point(trace, 2500 + i, 2);
	expect_end(trace);
	expect_silent_babeltrace(101);
	drop_trace();
}

/* A trace that could not be started leaves no files behind. */
static void test_full_at_open(void **state)
{
	struct writer_opts opts = { .log = hear };
	struct writer *w = NULL;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("begun"));
	for (disk.limit = 1; disk.limit < 6000; disk.limit += 80) {
		disk.err = ENOSPC;
		if (!writer_open(&w, dir, types, &opts))
			break;
		assert_null(w);
		assert_int_equal(access(dir, F_OK), -1);
	}
	assert_true(disk.limit > 1000);
	disk.limit = 0;
	writer_close(w);
	drop_trace();
}

/* The first packet's error is reported. */
static void test_first_packet_fails(void **state)
{
	struct writer_opts opts = { .log = hear };
	struct writer *w = NULL;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("first"));
	disk.refused = 88;
	disk.err = EIO;
	assert_int_equal(writer_open(&w, dir, types, &opts), -EIO);
	disk.refused = 0;
	assert_non_null(strstr(said, "first/stream"));
	assert_non_null(strstr(said, strerror(EIO)));
	assert_int_equal(access(dir, F_OK), -1);
	drop_trace();
}
/* ---- directories ---- */

static int open_again(bool force)
{
	struct writer_opts opts = { .force = force, .log = hear };
	struct writer *w = NULL;
	int err;

	said[0] = 0;
	err = writer_open(&w, dir, types, &opts);
	assert_int_equal(!w, !!err);
	assert_int_equal(!said[0], !err);
	writer_close(w);
	return err;
}

/* A trace is replaced once the new trace is sure to stay, and never while somebody records it. */
static void test_replacing(void **state)
{
	const struct writer_opts opts = { .force = true, .log = hear };
	struct writer *old = NULL, *new = NULL;
	char *before, *after;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("replaced"));
	assert_int_equal(writer_open(&old, dir, types, &opts), 0);
	assert_int_equal(open_again(true), -EBUSY);
	assert_non_null(strstr(said, "is being recorded into"));
	assert_int_equal(writer_close(old), 0);
	before = load_file(in_scratch("replaced/metadata"), NULL);

	assert_int_equal(writer_open(&new, dir, types, &opts), 0);
	writer_discard(new);
	after = load_file(in_scratch("replaced/metadata"), NULL);
	assert_string_equal(before, after);
	assert_int_equal(try_open(), 0);
	free(after);

	assert_int_equal(writer_open(&new, dir, types, &opts), 0);
	writer_keep(new);
	assert_int_equal(access(in_scratch("replaced/.old-stream"), F_OK), -1);
	assert_int_equal(writer_close(new), 0);
	after = load_file(in_scratch("replaced/metadata"), NULL);
	assert_string_not_equal(before, after);
	free(after);
	free(before);
	drop_trace();
}

static void test_directories(void **state)
{
	struct stat st;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("made"));
	assert_int_equal(open_again(false), 0);
	assert_int_equal(open_again(false), -EEXIST);
	assert_non_null(strstr(said, "already holds a trace"));
	assert_int_equal(open_again(true), 0);
	assert_int_equal(try_open(), 0);

	save_file(in_scratch("made/notes.txt"), "x", 1); /* a trace and something else */
	assert_int_equal(open_again(false), -ENOTEMPTY);
	assert_int_equal(open_again(true), -ENOTEMPTY);
	assert_non_null(strstr(said, "notes.txt"));
	assert_int_equal(access(in_scratch("made/notes.txt"), F_OK), 0);
	assert_int_equal(access(in_scratch("made/stream"), F_OK), 0);
	drop_trace();

	types = make_types();
	dir = strdup(in_scratch("empty"));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(open_again(false), 0);
	stat(dir, &st);
	assert_int_equal(st.st_mode & 07777, 0700);
	save_file(in_scratch("empty/metadata"), "/* CTF 1.8 */\ntrace {};\n", 24);
	assert_int_equal(open_again(true), -ENOTEMPTY); /* another user's trace */
	drop_trace();

	types = make_types();
	dir = strdup(in_scratch("file"));
	save_file(dir, "x", 1);
	assert_int_equal(open_again(true), -ENOTDIR);
	free((char *)dir);
	dir = strdup(in_scratch("no/such/parent"));
	assert_int_equal(open_again(false), -ENOENT);
	drop_trace();
}

/* Files are replaced, not written through links. */
static void test_link_is_replaced(void **state)
{
	char *text;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("links"));
	assert_int_equal(open_again(false), 0);
	save_file(in_scratch("precious"), "precious", 8);
	unlink(in_scratch("links/stream"));
	assert_int_equal(symlink(in_scratch("precious"), in_scratch("links/stream")), 0);
	assert_int_equal(open_again(true), 0);
	text = load_file(in_scratch("precious"), NULL);
	assert_string_equal(text, "precious");
	free(text);
	drop_trace();
}

/* The text of the filter comes back, on one line. A trace without a filter has none, whatever a type
 * or field is called. */
static void test_filter(void **state)
{
	static const char *const given[] = {
		NULL, "x == 1", "comm == \"a\\\\b;\" &&\n\tx == 1", "", "};\n  filter = \"no\";",
	};
	static const char *const back[] = {
		NULL, "x == 1", "comm == \"a\\\\b;\" &&  x == 1", "", "};   filter = \"no\";",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(given) / sizeof(*given); i++) {
		struct nr_trace *trace;

		open_trace("filter", (struct writer_opts){ .start = 1000, .filter = given[i] });
		append_point(2000, 1);
		commit(3000, 0);
		close_trace();
		trace = read_trace();
		if (back[i])
			assert_string_equal(nr_trace_filter(trace), back[i]);
		else
			assert_null(nr_trace_filter(trace));
		expect_point(trace, 2000, 1);
		expect_end(trace);
		expect_silent_babeltrace(1);
		drop_trace();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_writes),	 cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_disk_full),	 cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_full_at_open),	 cmocka_unit_test(test_first_packet_fails),
		cmocka_unit_test(test_directories),	 cmocka_unit_test(test_replacing),
		cmocka_unit_test(test_link_is_replaced), cmocka_unit_test(test_filter),
	};

	return exit_status(cmocka_run_group_tests_name("writer", tests, make_btf, free_btf));
}
