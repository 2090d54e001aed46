// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Repair keeps exactly the whole packets of a trace. */
#include "end_help.h"

#include <errno.h>
#include <sys/stat.h>
#include "disk_help.h"

static int repair(const char *copy, struct nr_repair *found)
{
	const struct nr_repair_opts opts = { .sz = sizeof(opts),
					     .log = hear,
					     .copy = copy ? in_scratch("%s", copy) : NULL };

	*found = (struct nr_repair){ .sz = sizeof(*found) };
	return nr_trace_repair(in_scratch("t"), &opts, found);
}

/* Number of events and packets in the first bytes of the stream, and where the last whole packet
 * ends. */
struct whole {
	unsigned events, packets;
	size_t bytes;
};

static struct whole whole_in(const struct stream *s, size_t bytes)
{
	struct whole w = { 0 };
	struct nr_packet_head h;

	while (w.bytes + HEAD <= bytes) {
		memcpy(&h, s->data + w.bytes, HEAD);
		if (w.bytes + h.packet_bits / 8 > bytes)
			break;
		w.bytes += h.packet_bits / 8;
		w.packets++;
		w.events += h.events;
	}
	return w;
}

static void expect_repaired(const char *name, const struct whole *whole)
{
	struct reading r = read_numbers(name);

	assert_int_equal(r.read, 0);
	assert_int_equal(r.end, 0);
	assert_true(r.account.repaired);
	assert_int_equal(r.events, whole->events);
	assert_int_equal(r.account.written, whole->events);
	assert_int_equal(r.account.lost_total, whole->packets - 1);
	assert_int_equal(nr_trace_packet(r.trace)->seq, whole->packets);
	nr_trace_close(r.trace);
}

static void expect_same_file(const char *path, const void *data, size_t size)
{
	size_t n;
	char *text = load_file(path, &n);

	assert_int_equal(n, size);
	assert_memory_equal(text, data, size);
	free(text);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* A stream cut at any byte: the copy has its whole packets, the original is untouched, and a repair
 * in place has the same result. */
static void test_repair_cut(void **state)
{
	struct stream s;
	struct nr_repair found;

	(void)state;
	write_trace();
	s = load_stream();
	for (size_t n = HEAD; n < s.size; n += 3) { /* packets are multiples of 8 */
		struct whole whole = whole_in(&s, n);

		save_file(in_scratch("t/stream"), s.data, n);
		assert_int_equal(repair("new", &found), 0);
		assert_true(found.needed);
		assert_false(found.more);
		assert_int_equal(found.events, whole.events);
		assert_int_equal(found.packets, whole.packets);
		assert_int_equal(found.lost, whole.packets - 1);
		assert_int_equal(found.left_out, n - whole.bytes);
		expect_same_file(in_scratch("t/stream"), s.data, n);
		expect_repaired("new", &whole);
		if (n % 50 == 0)
			expect_babeltrace("new", whole.events);
		assert_int_equal(repair(NULL, &found), 0);
		expect_repaired("t", &whole);
		remove_tree(in_scratch("new"));
	}
	assert_int_equal(repair("new", &found), 0); /* of a repaired trace */
	assert_false(found.needed);
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	free(s.data);
	drop_traces();
}

static void test_repair_middle(void **state)
{
	struct stream s;
	struct nr_repair found;

	(void)state;
	write_trace();
	s = load_stream();
	for (size_t at = HEAD; at < s.size; at += 3) {
		/* A packet with a damaged byte is lost: the whole packets end before it. */
		struct whole whole = whole_in(&s, at);

		s.data[at] ^= 0x10;
		save_file(in_scratch("t/stream"), s.data, s.size);
		s.data[at] ^= 0x10;
		assert_int_equal(repair("new", &found), 0);
		assert_true(found.needed);
		assert_int_equal(found.more, whole.packets <= PACKETS);
		assert_int_equal(found.left_out, s.size - whole.bytes);
		expect_repaired("new", &whole);
		remove_tree(in_scratch("new"));
	}
	free(s.data);
	drop_traces();
}

static void test_repair_no_need(void **state)
{
	struct nr_repair found;
	struct writer *w;

	(void)state;
	write_trace();
	assert_int_equal(repair("new", &found), 0);
	assert_false(found.needed);
	assert_int_equal(repair(NULL, &found), 0);
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	expect_reading("t", 10, 0, 0);
	drop_traces();

	w = write_packets();
	assert_int_equal(writer_close(w), 0);
	make_1_0();
	assert_int_equal(repair(NULL, &found), 0);
	assert_false(found.needed);
	expect_reading("t", 10, 0, -EOPNOTSUPP);
	/* The end mark of repair counts, because repair wrote it after it noticed the damage. */
	assert_int_equal(truncate(in_scratch("t/stream"), 300), 0);
	assert_int_equal(repair(NULL, &found), 0);
	assert_true(found.needed);
	expect_reading("t", found.events, 0, 0);
	drop_traces();
}

static void test_repair_refused(void **state)
{
	struct writer *w = write_packets();
	struct nr_repair found;

	(void)state;
	assert_int_equal(repair("new", &found), -EBUSY);
	assert_int_equal(repair(NULL, &found), -EBUSY);
	assert_non_null(strstr(said, "is being recorded"));
	assert_int_equal(writer_close(w), 0);

	assert_int_equal(mkdir(in_scratch("new"), 0755), 0);
	assert_int_equal(repair("new", &found), -EEXIST);
	assert_non_null(strstr(said, "already exists"));
	assert_int_equal(rmdir(in_scratch("new")), 0); /* and nothing was added to it */

	/* A disk that gets full at any point: no part of the copy is left. */
	for (disk.limit = 1; repair("new", &found); disk.limit += 97) {
		assert_non_null(strstr(said, "No space left"));
		assert_int_equal(access(in_scratch("new"), F_OK), -1);
	}
	assert_true(disk.limit > 1000);
	disk.limit = 0;
	assert_int_equal(mode_of(in_scratch("new")), 0700);
	assert_int_equal(mode_of(in_scratch("new/stream")), 0600);
	assert_int_equal(mode_of(in_scratch("new/metadata")), 0600);
	assert_int_equal(mode_of(in_scratch("new/.btf")), 0600);
	remove_tree(in_scratch("new"));

	assert_int_equal(truncate(in_scratch("t/stream"), 50), 0);
	assert_int_equal(repair("new", &found), -ENODATA);
	assert_non_null(strstr(said, "nothing can be recovered"));
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	drop_traces();
	assert_int_equal(repair("new", &found), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repair_cut),
		cmocka_unit_test(test_repair_middle),
		cmocka_unit_test(test_repair_no_need),
		cmocka_unit_test(test_repair_refused),
	};

	return exit_status(cmocka_run_group_tests_name("repair", tests, make_number, free_number));
}
