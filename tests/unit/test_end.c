// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How a trace ends: the mark and its account come back as they were written, a trace without one is
 * never taken for a whole one, and repair keeps exactly the whole packets.
 */
#include "trace_help.h"

#include <errno.h>
#include <sys/stat.h>
#include <libdeflate.h>
#include <bpf/btf.h>
#include "seed.h"
#include "base/bits.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/metadata.h"

#define HEAD	sizeof(struct nr_packet_head)
#define PACKETS 4 /* with events, in a trace as write_trace leaves it */

static struct seed seed;
static struct nr_types *types;

/* ---- a disk that is full ---- */

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t off);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off);

static off_t disk_limit; /* no file grows past it; 0: no limit */

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off)
{
	if (disk_limit && off >= disk_limit) {
		errno = ENOSPC;
		return -1;
	}
	if (disk_limit && off + (off_t)size > disk_limit)
		size = disk_limit - off;
	return __real_pwrite(fd, data, size, off);
}

/* ---- traces of one type, u32 ---- */

static int make_types(void **state)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0), id;

	if (!access("/dev/shm", W_OK)) /* repair waits for the disk, some hundred times here */
		setenv("TMPDIR", "/dev/shm", 0);
	if (make_scratch(state))
		return -1;
	id = btf__add_struct(btf, "number", 4);
	btf__add_field(btf, "x", u32, 0, 0);
	if (nr_types_new(&types, listen, NULL) || nr_types_add(types, 1, "number", btf, id))
		return -1;
	btf__free(btf);
	seed.state = seed_first("end");
	return 0;
}

static int free_types(void **state)
{
	nr_types_free(types);
	return remove_scratch(state);
}

static struct nr_writer *open_writer(void)
{
	const struct nr_writer_opts opts = { .start = 1000, .log = listen };
	struct nr_writer *w = NULL;

	said[0] = 0;
	assert_int_equal(nr_writer_open(&w, in_scratch("t"), types, &opts), 0);
	return w;
}

static void append(struct nr_writer *w, uint32_t x)
{
	const struct nr_record rec = { .ts = 2000 + x, .id = 1 };
	const struct nr_event ev = { &rec, &x, sizeof(x), 0, rec.ts };

	assert_int_equal(nr_writer_append(w, &ev, 1), 0);
}

/* PACKETS packets with 1, 2, ... events; packet i has lost i records by then. */
static struct nr_writer *write_packets(void)
{
	struct nr_writer *w = open_writer();
	uint32_t x = 0;

	for (unsigned i = 1; i <= PACKETS; i++) {
		for (unsigned n = 0; n < i; n++)
			append(w, x++);
		assert_int_equal(nr_writer_commit(w, 2000 + x, i), 0);
	}
	return w;
}

static const uint64_t some_lost[] = { 3, 0, 1, 0 };

static struct nr_account some_account(void)
{
	return (struct nr_account){
		.end = 9000,
		.reserved = 10,
		.written = 10,
		.lost_total = PACKETS,
		.n_lost = 4,
		.lost = some_lost,
	};
}

static void write_trace(void)
{
	struct nr_writer *w = write_packets();
	const struct nr_account account = some_account();

	assert_int_equal(nr_writer_finish(w, &account), 0);
	assert_int_equal(nr_writer_close(w), 0);
}

static void drop_trace(void)
{
	remove_tree(in_scratch("t"));
	remove_tree(in_scratch("new"));
}

/* ---- reading ---- */

struct reading {
	struct nr_trace *trace; /* arrays of account are its own */
	unsigned events;
	int read, end;
	struct nr_account account;
};

static struct reading read_trace(const char *name)
{
	const struct nr_trace_opts opts = { sizeof(opts), listen, NULL };
	struct reading r = { .account.sz = sizeof(r.account) };
	struct nr_event ev;

	said[0] = 0;
	assert_int_equal(nr_trace_open(&r.trace, in_scratch("%s", name), &opts), 0);
	assert_int_equal(nr_trace_end(r.trace, &r.account), -EAGAIN);
	while ((r.read = nr_trace_next(r.trace, &ev)) > 0) {
		uint32_t x;

		memcpy(&x, ev.data, sizeof(x));
		assert_int_equal(x, r.events++);
	}
	r.end = nr_trace_end(r.trace, &r.account);
	return r;
}

static void expect_reading(const char *name, unsigned events, int read, int end)
{
	struct reading r = read_trace(name);

	assert_int_equal(r.events, events);
	assert_int_equal(r.read, read);
	assert_int_equal(r.end, end);
	nr_trace_close(r.trace);
}

static void expect_babeltrace(const char *name, unsigned events)
{
	struct babble b;
	unsigned lines = 0;

	if (!have_babeltrace())
		return;
	b = babeltrace(in_scratch("%s", name), "--clock-cycles");
	for (const char *p = b.out; *p; p++)
		lines += *p == '\n';
	assert_int_equal(b.status, 0);
	assert_int_equal(lines, events);
	assert_null(strstr(b.err, "ERROR"));
	babble_free(&b);
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
	for (unsigned i = 0; i < a->n_lost; i++)
		assert_int_equal(a->lost[i], b->lost[i]);
	for (unsigned i = 0; i < a->n_misfits; i++) {
		assert_int_equal(a->misfits[i].id, b->misfits[i].id);
		assert_int_equal(a->misfits[i].longer, b->misfits[i].longer);
		assert_int_equal(a->misfits[i].shorter, b->misfits[i].shorter);
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
			.n_lost = seed_below(&seed, 20),
			.n_misfits = seed_below(&seed, 300),
			.lost = lost,
			.misfits = misfits,
			.misfit_stride = sizeof(*misfits),
		};
		struct nr_writer *w = write_packets();
		struct reading r;

		for (unsigned i = 0; i < a.n_lost; i++)
			lost[i] = seed_next(&seed);
		for (unsigned i = 0; i < a.n_misfits; i++)
			misfits[i] = (struct nr_type_stats){ seed_next(&seed), seed_next(&seed),
							     seed_next(&seed) };
		assert_int_equal(nr_writer_finish(w, &a), 0);
		assert_int_equal(nr_writer_close(w), 0);
		r = read_trace("t");
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
		drop_trace();
	}
}

/* The mark is no event for other readers and no reason to complain, but its watermark can be seen.
 */
static void test_babeltrace(void **state)
{
	struct nr_account a = some_account();
	struct nr_writer *w = open_writer();
	char command[600];
	struct babble b;

	(void)state;
	if (!have_babeltrace())
		return;
	append(w, 0);
	assert_int_equal(nr_writer_commit(w, 2001, 0), 0);
	a.lost_total = 0;
	assert_int_equal(nr_writer_finish(w, &a), 0);
	assert_int_equal(nr_writer_close(w), 0);
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
	drop_trace();
}

/* A caller built with a shorter struct gets what it knows; one that sets no size gets nothing. */
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
	r = read_trace("t");
	assert_int_equal(nr_trace_end(r.trace, &a), -EINVAL);
	assert_int_equal(nr_trace_end(r.trace, &grown.account), 0);
	assert_int_equal(grown.account.sz, sizeof(grown.account));
	assert_int_equal(grown.later, 7);
	nr_trace_close(r.trace);
	drop_trace();
}

/* The time of the mark never goes back. */
static void test_time(void **state)
{
	struct nr_writer *w = write_packets();
	struct nr_account a = some_account();
	struct reading r;

	(void)state;
	a.end = 5;
	assert_int_equal(nr_writer_finish(w, &a), 0);
	assert_int_equal(nr_writer_close(w), 0);
	r = read_trace("t");
	assert_int_equal(r.end, 0);
	assert_int_equal(r.account.end, 2009);
	nr_trace_close(r.trace);
	expect_babeltrace("t", 10);
	drop_trace();
}

/* ---- traces without a mark ---- */

static void test_no_mark(void **state)
{
	struct nr_writer *w = write_packets();
	int fd;

	(void)state;
	expect_reading("t", 10, 0, -EBUSY);
	/* What the recorder is about to write is no damage, until it is gone. */
	fd = open(in_scratch("t/stream"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "\xc1\x1f\xfc\xc1", 4), 4);
	close(fd);
	expect_reading("t", 10, 0, -EBUSY);
	assert_string_equal(said, "");
	assert_int_equal(nr_writer_close(w), -ESTALE);
	expect_reading("t", 10, -EBADMSG, -ENODATA);
	assert_non_null(strstr(said, "is cut off"));
	drop_trace();

	w = write_packets();
	assert_int_equal(nr_writer_close(w), 0);
	expect_reading("t", 10, 0, -ENODATA);
	drop_trace();
}

/* The metadata as a recorder of format 1.0 wrote it. */
static void make_1_0(void)
{
	size_t size, body;
	char *text = load_file(in_scratch("t/metadata"), &size);
	char *minor = strstr(text, "tracer_minor = 1"), *line = strstr(text, "/* crc32 0x");

	assert_non_null(minor);
	assert_non_null(line);
	minor[strlen("tracer_minor = ")] = '0';
	body = line - text;
	snprintf(line + strlen("/* crc32 0x"), 9, "%08x",
		 (uint32_t)libdeflate_crc32(0, text, body));
	line[strlen("/* crc32 0x") + 8] = ' ';
	save_file(in_scratch("t/metadata"), text, size);
	free(text);
}

static void test_1_0(void **state)
{
	struct nr_writer *w = write_packets();

	(void)state;
	make_1_0();
	expect_reading("t", 10, 0, -EBUSY);
	assert_int_equal(nr_writer_close(w), -ESTALE); /* it sees what we did to the metadata */
	expect_reading("t", 10, 0, -EOPNOTSUPP);
	drop_trace();
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
	drop_trace();
}

/* ---- marks that lie ---- */

/* The stream in memory, and where its mark is. */
struct stream {
	uint8_t *data;
	size_t size, mark;
};

static struct stream load_stream(void)
{
	struct stream s;
	struct nr_packet_head h;

	s.data = (uint8_t *)load_file(in_scratch("t/stream"), &s.size);
	for (s.mark = 0;; s.mark += h.packet_bits / 8) {
		memcpy(&h, s.data + s.mark, HEAD);
		if (nr_is_end_mark(&h))
			return s;
	}
}

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
	drop_trace();
}

/* Right checksums, wrong words: refused, or an account within the packet (ASan looks). */
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
			r = read_trace("t");
			assert_true(r.read == 0 || r.read == -EBADMSG);
			assert_int_equal(r.end, r.read ? -ENODATA : 0);
			assert_int_equal(r.events, 10);
			for (unsigned k = 0; !r.read && k < r.account.n_lost; k++)
				seed.state ^= r.account.lost[k];
			nr_trace_close(r.trace);
			s.data[i] = was;
		}
	free(s.data);
	drop_trace();
}

/* A later minor version may append fields to the account, and arrays behind the ones there are. */
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
	r = read_trace("t");
	assert_int_equal(r.end, 0);
	expect_account(&r.account, &want);
	nr_trace_close(r.trace);
	expect_babeltrace("t", 10);
	drop_trace();
}

/* ---- a disk that is full ---- */

static void test_disk_full(void **state)
{
	struct nr_account a = some_account();
	struct reading r;

	(void)state;
	for (unsigned freed = 0; freed < 2; freed++) {
		struct nr_writer *w = write_packets();

		append(w, 100);
		disk_limit = nr_writer_bytes(w) + 100;
		assert_int_equal(nr_writer_commit(w, 3000, PACKETS), -ENOSPC);
		a.error = -ENOSPC;
		a.unwritten = 1;
		said[0] = 0;
		if (freed)
			disk_limit = 0;
		assert_int_equal(nr_writer_finish(w, &a), freed ? 0 : -ENOSPC);
		if (!freed)
			assert_non_null(strstr(said, "cannot write the end mark of "));
		disk_limit = 0;
		assert_int_equal(nr_writer_close(w), 0);
		r = read_trace("t");
		assert_int_equal(r.events, 10);
		assert_int_equal(r.read, 0);
		assert_int_equal(r.end, freed ? 0 : -ENODATA);
		if (freed)
			expect_account(&r.account, &a);
		nr_trace_close(r.trace);
		expect_babeltrace("t", 10);
		drop_trace();
	}
}

/* The largest packet there can be is one that the writer makes. */
static void test_largest_packet(void **state)
{
	const struct nr_record rec = { .ts = 2000, .id = 999 };
	const struct nr_event ev = { &rec, "", 1u << 30, 0, rec.ts };
	struct nr_writer *w = open_writer();

	(void)state;
	assert_int_equal(nr_writer_append(w, &ev, 1), -EMSGSIZE);
	assert_non_null(strstr(said, "1 GiB"));
	append(w, 0);
	assert_int_equal(nr_writer_commit(w, 3000, 0), 0);
	assert_int_equal(nr_writer_close(w), 0);
	expect_reading("t", 1, 0, -ENODATA);
	drop_trace();
}

/* ---- repair ---- */

static int repair(const char *copy, struct nr_repair *found)
{
	const struct nr_repair_opts opts = { .sz = sizeof(opts),
					     .log = listen,
					     .copy = copy ? in_scratch("%s", copy) : NULL };

	*found = (struct nr_repair){ .sz = sizeof(*found) };
	return nr_trace_repair(in_scratch("t"), &opts, found);
}

/* Events and packets in the first bytes of the stream, and where the last whole packet ends. */
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
	struct reading r = read_trace(name);

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

/* A stream that ends anywhere: the copy has its whole packets, the original is untouched, and the
 * repair in place comes to the same. */
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
	assert_int_equal(repair("new", &found), 0); /* that has been repaired */
	assert_false(found.needed);
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	free(s.data);
	drop_trace();
}

static void test_repair_middle(void **state)
{
	struct stream s;
	struct nr_repair found;

	(void)state;
	write_trace();
	s = load_stream();
	for (size_t at = HEAD; at < s.size; at += 3) {
		/* The packet that the byte is in is no more: what is whole ends before it. */
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
	drop_trace();
}

static void test_repair_no_need(void **state)
{
	struct nr_repair found;
	struct nr_writer *w;

	(void)state;
	write_trace();
	assert_int_equal(repair("new", &found), 0);
	assert_false(found.needed);
	assert_int_equal(repair(NULL, &found), 0);
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	expect_reading("t", 10, 0, 0);
	drop_trace();

	w = write_packets();
	assert_int_equal(nr_writer_close(w), 0);
	make_1_0();
	assert_int_equal(repair(NULL, &found), 0);
	assert_false(found.needed);
	expect_reading("t", 10, 0, -EOPNOTSUPP);
	/* Its mark counts: it was written after the damage was seen. */
	assert_int_equal(truncate(in_scratch("t/stream"), 300), 0);
	assert_int_equal(repair(NULL, &found), 0);
	assert_true(found.needed);
	expect_reading("t", found.events, 0, 0);
	drop_trace();
}

static void test_repair_refused(void **state)
{
	struct nr_writer *w = write_packets();
	struct nr_repair found;

	(void)state;
	assert_int_equal(repair("new", &found), -EBUSY);
	assert_int_equal(repair(NULL, &found), -EBUSY);
	assert_non_null(strstr(said, "is being recorded"));
	assert_int_equal(nr_writer_close(w), 0);

	assert_int_equal(mkdir(in_scratch("new"), 0755), 0);
	assert_int_equal(repair("new", &found), -EEXIST);
	assert_non_null(strstr(said, "exists already"));
	assert_int_equal(rmdir(in_scratch("new")), 0); /* and nothing was put into it */

	/* A disk that gets full anywhere in it: nothing of the copy is left. */
	for (disk_limit = 1; repair("new", &found); disk_limit += 97) {
		assert_non_null(strstr(said, "No space left"));
		assert_int_equal(access(in_scratch("new"), F_OK), -1);
	}
	assert_true(disk_limit > 1000);
	disk_limit = 0;
	assert_int_equal(mode_of(in_scratch("new")), 0700);
	assert_int_equal(mode_of(in_scratch("new/stream")), 0600);
	assert_int_equal(mode_of(in_scratch("new/metadata")), 0600);
	assert_int_equal(mode_of(in_scratch("new/.btf")), 0600);
	remove_tree(in_scratch("new"));

	assert_int_equal(truncate(in_scratch("t/stream"), 50), 0);
	assert_int_equal(repair("new", &found), -ENODATA);
	assert_non_null(strstr(said, "nothing can be saved"));
	assert_int_equal(access(in_scratch("new"), F_OK), -1);
	drop_trace();
	assert_int_equal(repair("new", &found), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_account),    cmocka_unit_test(test_babeltrace),
		cmocka_unit_test(test_sizes),	       cmocka_unit_test(test_time),
		cmocka_unit_test(test_no_mark),	       cmocka_unit_test(test_1_0),
		cmocka_unit_test(test_behind_mark),    cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_lies),	       cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_disk_full),      cmocka_unit_test(test_largest_packet),
		cmocka_unit_test(test_repair_cut),     cmocka_unit_test(test_repair_middle),
		cmocka_unit_test(test_repair_no_need), cmocka_unit_test(test_repair_refused),
	};
	int failed = cmocka_run_group_tests_name("end", tests, make_types, free_types);

	if (failed)
		return 1;
	if (have_babeltrace())
		return 0;
	printf("babeltrace2 is not installed: only our own reader was tested\n");
	return SKIP;
}
