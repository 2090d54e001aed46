// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A trace in chunks: the packets are those of a flat trace, whatever begins a chunk, and a recorder
 * that is killed at any step leaves whole chunks. */
#include "trace_help.h"
#include "types_help.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/frame.h"
#include "packet/gap.h"
#include "seed.h"
#include "step_help.h"

#define HEAD	    sizeof(struct nr_packet_head)
#define MAX_PACKETS 1000

static struct nr_types *types;
static const __u8 uuid[16] = "the same uuid...";

/* ---- the packets of a stream ---- */

struct packets {
	uint8_t *bytes[MAX_PACKETS];
	size_t size[MAX_PACKETS];
	unsigned n;
	size_t file; /* bytes on the disk, without a seek table */
	size_t largest;
};

static const struct nr_packet_head *head_of(const struct packets *p, unsigned i)
{
	return (const void *)p->bytes[i];
}

static void add_packet(struct packets *p, const uint8_t *bytes, size_t size)
{
	assert_true(p->n < MAX_PACKETS);
	p->bytes[p->n] = malloc(size);
	memcpy(p->bytes[p->n], bytes, size);
	p->size[p->n++] = size;
}

/* Reads a label and its frame. Returns their bytes; 0: there is a seek table. */
static size_t read_frame(struct packets *p, const char *at, size_t left)
{
	struct nr_label label;
	uint8_t *plain;
	size_t size;

	if (left < sizeof(label))
		return 0;
	memcpy(&label, at, sizeof(label));
	if (!nr_label_is_valid(&label))
		return 0;
	size = nr_label_packet_size(&label);
	plain = malloc(size);
	assert_int_equal(
		nr_frame_read(plain, size, (const uint8_t *)at + sizeof(label), label.frame_size),
		0);
	add_packet(p, plain, size);
	free(plain);
	return sizeof(label) + label.frame_size;
}

static size_t read_plain(struct packets *p, const char *at)
{
	struct nr_packet_head head;

	memcpy(&head, at, sizeof(head));
	assert_int_equal(head.magic, NR_CTF_MAGIC);
	add_packet(p, (const uint8_t *)at, head.packet_bits / 8);
	return head.packet_bits / 8;
}

static struct packets read_packets(const char *where)
{
	struct packets p = {};
	size_t size, step = 1, at = 0;
	char *plain = load_file(in_scratch("%s/stream", where), &size), *text = plain;

	text = text ?: load_file(in_scratch("%s/stream.zst", where), &size);
	assert_non_null(text);
	while (at < size && step) {
		step = plain ? read_plain(&p, text + at) : read_frame(&p, text + at, size - at);
		p.largest = step > p.largest ? step : p.largest;
		at += step;
	}
	p.file = at;
	assert_true(at <= size);
	free(text);
	return p;
}

static void free_packets(struct packets *p)
{
	while (p->n)
		free(p->bytes[--p->n]);
}

static struct nr_account account_of(const struct packets *p)
{
	struct nr_account account;
	struct nr_end end;

	assert_true(nr_is_end_mark(head_of(p, p->n - 1)));
	assert_int_equal(nr_end_read(&end, p->bytes[p->n - 1], p->size[p->n - 1]), 0);
	account = end.account;
	nr_end_free(&end);
	return account;
}

/* Events of packets and gap marks. */
static uint64_t count_events(const struct packets *p, bool gaps)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->n; i++) {
		struct nr_gap gap = {};

		if (nr_is_gap_mark(head_of(p, i)))
			assert_int_equal(nr_gap_read(&gap, p->bytes[i], p->size[i]), 0);
		sum += head_of(p, i)->events + (gaps ? gap.events : 0);
	}
	return sum;
}

/* ---- writing ---- */

/* A flat trace and a series get the same. */
struct both {
	struct writer *flat, *series;
	struct nr_output_opts opts;
	uint64_t ts, lost, events, gaps, seq;
	unsigned rotations;
};

static void open_both(struct both *b)
{
	struct writer_opts opts = { .start = 1000, .log = hear, .uuid = uuid };

	b->ts = 1000;
	said[0] = 0;
	assert_int_equal(writer_open(&b->flat, in_scratch("flat"), types, &opts), 0);
	opts.trace = &b->opts;
	assert_int_equal(writer_open(&b->series, in_scratch("series"), types, &opts), 0);
	writer_keep(b->flat);
	writer_keep(b->series);
}

static void add_events(struct writer *w, uint64_t ts, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct nr_record rec = { .ts = ts + i, .id = ID_POINT };
		const struct point point = { ts + i, -1 };
		const struct nr_event ev = { &rec, &point, sizeof(point), 0, ts + i };

		assert_int_equal(writer_append(w, &ev, 1), 0);
	}
}

static void commit(struct both *b, unsigned n, unsigned pause)
{
	struct writer *const writers[] = { b->flat, b->series };

	b->ts += pause;
	for (unsigned i = 0; i < 2; i++) {
		if (!writers[i])
			continue;
		add_events(writers[i], b->ts, n);
		assert_int_equal(writer_commit(writers[i], b->ts + n, b->lost), 0);
	}
	b->ts += n + 1;
	b->events += n;
}

static void miss(struct both *b, unsigned packets, unsigned events)
{
	assert_int_equal(writer_miss(b->flat, packets, events), 0);
	assert_int_equal(writer_miss(b->series, packets, events), 0);
	b->gaps += events;
}

static void rotate(struct both *b)
{
	assert_int_equal(writer_rotate(b->series), 0);
	b->rotations++;
}

static void finish_both(struct both *b)
{
	const struct nr_account account = {
		.end = b->ts + 1,
		.written = b->events + b->gaps,
		.lost_total = b->lost,
	};

	if (b->flat)
		assert_int_equal(writer_finish(b->flat, &account), 0);
	assert_int_equal(writer_finish(b->series, &account), 0);
}

static void close_both(struct both *b)
{
	writer_close(b->flat);
	writer_close(b->series);
	remove_tree(in_scratch("flat"));
	remove_tree(in_scratch("series"));
}

/* ---- the same packets ---- */

static bool is_series(void)
{
	return !access(in_scratch("series/000000"), F_OK);
}

/* No chunk begins for an empty packet, behind a gap mark, or for one with the time of the packet
 * before it, as the writer makes them: a full chunk takes these as well. */
static uint64_t most_bytes(const struct packets *p, uint64_t rotate_bytes)
{
	uint64_t most = rotate_bytes + p->largest;

	for (unsigned i = 0; i < p->n; i++)
		most += nr_is_gap_mark(head_of(p, i)) ? p->largest + 300
			: head_of(p, i)->events	      ? 0
						      : 300;
	return most;
}

/* What a chunk says of itself. */
static void check_chunk(const struct both *b, const struct packets *p, unsigned number, bool last,
			uint64_t earlier, const struct nr_packet_head *before)
{
	const struct nr_packet_head *first = head_of(p, 0), *mark = head_of(p, p->n - 1);
	const struct nr_account account = account_of(p);
	uint64_t events = count_events(p, true), next;

	assert_int_equal(account.chunk, number);
	assert_int_equal(account.earlier, earlier);
	assert_int_equal(account.written, earlier + events);
	assert_int_equal(account.rotated, !last);
	assert_int_equal(account.lost_total, head_of(p, p->n - 2)->lost);
	if (!last) {
		assert_int_equal(mark->seq, head_of(p, p->n - 2)->seq);
		assert_int_equal(mark->end, head_of(p, p->n - 2)->end);
		assert_true(events > 0);
	}
	if (!last && b->opts.rotate_bytes)
		assert_true(p->file <= most_bytes(p, b->opts.rotate_bytes));
	if (!number)
		return;
	assert_int_equal(first->events, 0);
	assert_int_equal(first->packet_bits, HEAD * 8);
	assert_int_equal(first->seq, before->seq);
	assert_int_equal(first->lost, before->lost);
	assert_int_equal(first->watermark, before->watermark);
	assert_int_equal(first->begin, first->end);
	next = head_of(p, 1)->begin;
	assert_int_equal(first->begin, next > before->end ? next - 1 : before->end);
}

/* The packets of the series, without what begins and ends its chunks, are those of the flat one. */
static unsigned compare_traces(const struct both *b)
{
	struct packets flat = read_packets("flat");
	struct nr_packet_head before = {};
	uint64_t earlier = 0;
	unsigned chunk = 0, at = 0;
	bool last = false;

	for (; !last; chunk++) {
		char where[64];
		struct packets p;

		snprintf(where, sizeof(where), "series/%06u", chunk + 1);
		last = !is_series() || access(in_scratch("%s", where), F_OK);
		snprintf(where, sizeof(where), is_series() ? "series/%06u" : "series", chunk);
		p = read_packets(where);
		check_chunk(b, &p, chunk, last, earlier, &before);
		for (unsigned i = !!chunk; i < p.n - 1; i++, at++) {
			assert_true(at < flat.n - 1);
			assert_int_equal(p.size[i], flat.size[at]);
			assert_memory_equal(p.bytes[i], flat.bytes[at], p.size[i]);
		}
		earlier += count_events(&p, true);
		before = *head_of(&p, p.n - 2);
		if (last)
			assert_int_equal(head_of(&p, p.n - 1)->seq,
					 head_of(&flat, flat.n - 1)->seq);
		free_packets(&p);
	}
	assert_int_equal(at, flat.n - 1);
	assert_int_equal(earlier, b->events + b->gaps);
	free_packets(&flat);
	return chunk;
}

static void do_something(struct both *b, struct seed *seed)
{
	if (seed_once_in(seed, 12))
		rotate(b);
	b->lost += seed_once_in(seed, 5) ? seed_below(seed, 10) : 0;
	if (seed_once_in(seed, 10))
		miss(b, 1 + seed_below(seed, 3), seed_below(seed, 50));
	commit(b, seed_once_in(seed, 8) ? 0 : seed_below(seed, 60),
	       1 + (seed_once_in(seed, 10) ? 1000 : 0));
}

static void test_random(void **state)
{
	struct seed seed = { seed_first("chunks") };
	unsigned chunks = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct both b = { .opts = { .sz = sizeof(b.opts) } };

		if (!seed_once_in(&seed, 4))
			b.opts.rotate_bytes = 100 + seed_below(&seed, 8000);
		if (seed_once_in(&seed, 3))
			b.opts.rotate_ns = 1 + seed_below(&seed, 1000);
		if (seed_once_in(&seed, 3))
			b.opts.compress = "zstd:1";
		open_both(&b);
		for (unsigned k = seed_below(&seed, 80); k; k--)
			do_something(&b, &seed);
		finish_both(&b);
		assert_string_equal(said, "");
		chunks += compare_traces(&b);
		close_both(&b);
	}
	printf("%u chunks\n", chunks);
	assert_true(chunks > 300);
}

/* Nobody gets an empty chunk, except for the final account. */
static void test_now(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts) } };

	(void)state;
	open_both(&b);
	rotate(&b); /* nothing was written yet: it stays flat */
	assert_false(is_series());
	commit(&b, 0, 1);
	rotate(&b);
	assert_false(is_series());
	commit(&b, 3, 1);
	rotate(&b);
	assert_true(is_series());
	assert_int_equal(access(in_scratch("series/stream"), F_OK), -1);
	assert_int_equal(access(in_scratch("series/metadata"), F_OK), -1);
	rotate(&b);
	rotate(&b);
	assert_int_equal(access(in_scratch("series/000001"), F_OK), -1);
	commit(&b, 3, 1);
	rotate(&b);
	finish_both(&b);
	assert_int_equal(compare_traces(&b), 3);
	assert_int_equal(writer_output(b.series)->chunks, 3);
	close_both(&b);
}

/* A flat trace stays flat where it cannot become a series, and loses nothing. */
static void test_no_links(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts) } };

	(void)state;
	open_both(&b);
	commit(&b, 3, 1);
	steps.no_links = true;
	rotate(&b);
	assert_non_null(strstr(said, "cannot move the trace"));
	assert_false(is_series());
	commit(&b, 3, 1);
	steps.no_links = false;
	rotate(&b);
	commit(&b, 3, 1);
	finish_both(&b);
	assert_int_equal(compare_traces(&b), 2);
	close_both(&b);
}

/* ---- limits ---- */

static uint64_t disk_usage; /* bytes in files */

static int add_size(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	disk_usage += flag == FTW_F && strcmp(path + ftw->base, NR_FILE_LOCK) ? st->st_size : 0;
	return 0;
}

static uint64_t usage_of_series(void)
{
	disk_usage = 0;
	assert_int_equal(nftw(in_scratch("series"), add_size, 16, FTW_PHYS), 0);
	return disk_usage;
}

static unsigned count_chunks(unsigned most, uint64_t *events)
{
	unsigned n = 0;

	*events = 0;
	for (unsigned i = 0; i < most; i++) {
		char where[64];
		struct packets p;

		snprintf(where, sizeof(where), "series/%06u", i);
		if (access(in_scratch("%s", where), F_OK))
			continue;
		p = read_packets(where);
		*events += count_events(&p, false);
		free_packets(&p);
		n++;
	}
	return n;
}

static void check_dropped(const struct both *b)
{
	const struct nr_output *o = writer_output(b->series);
	uint64_t events;

	assert_int_equal(count_chunks(o->chunks, &events), o->chunks - o->dropped_chunks);
	assert_int_equal(events + o->dropped_events, b->events);
	assert_true(o->dropped_chunks > 10);
}

static void test_keep_bytes(void **state)
{
	struct seed seed = { seed_first("chunks, keep bytes") };
	struct both b = {
		.opts = { .sz = sizeof(b.opts), .rotate_bytes = 4000, .keep_bytes = 40000 }
	};

	(void)state;
	for (unsigned compress = 0; compress < 2; compress++) {
		b = (struct both){ .opts = b.opts };
		b.opts.compress = compress ? "zstd" : NULL;
		open_both(&b);
		for (unsigned i = 0; i < 600; i++) {
			commit(&b, seed_below(&seed, 60), 1);
			assert_true(usage_of_series() <= b.opts.keep_bytes);
		}
		finish_both(&b);
		check_dropped(&b);
		close_both(&b);
	}
}

static void test_keep_chunks(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts), .rotate_bytes = 1, .keep_chunks = 4 } };
	uint64_t events;

	(void)state;
	open_both(&b);
	for (unsigned i = 1; i < 30; i++) {
		commit(&b, 5, 1);
		assert_int_equal(count_chunks(i, &events), i < 4 ? i : 4);
	}
	finish_both(&b);
	check_dropped(&b);
	close_both(&b);
}

/* An operator removes closed chunks, and puts notes beside a stream. */
static void test_removed_by_others(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts), .rotate_bytes = 1, .keep_chunks = 4 } };

	(void)state;
	open_both(&b);
	for (unsigned i = 0; i < 30; i++) {
		commit(&b, 5, 1);
		if (i == 5)
			remove_tree(in_scratch("series/000004"));
		if (i == 8)
			save_file(in_scratch("series/000007/notes"), "mine", 4);
	}
	finish_both(&b);
	assert_string_equal(said, "");
	assert_int_equal(access(in_scratch("series/000007/notes"), F_OK), 0);
	assert_int_equal(access(in_scratch("series/000007/stream"), F_OK), -1);
	assert_int_equal(writer_output(b.series)->chunks, 30);
	assert_int_equal(writer_output(b.series)->dropped_chunks, 25);
	close_both(&b);
}

/* The log says what stays. */
static void test_cannot_be_removed(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts), .rotate_bytes = 1, .keep_chunks = 4 } };

	(void)state;
	open_both(&b);
	for (unsigned i = 0; i < 10; i++) {
		steps.stuck = i == 5 ? "stream" : NULL;
		commit(&b, 5, 1);
	}
	finish_both(&b);
	assert_non_null(strstr(said, "cannot remove "));
	assert_non_null(strstr(said, "series/000001: Operation not permitted"));
	assert_int_equal(access(in_scratch("series/000001/stream"), F_OK), 0);
	assert_int_equal(access(in_scratch("series/000002"), F_OK), -1);
	assert_int_equal(writer_output(b.series)->dropped_chunks, 5);
	close_both(&b);
}

/* The newest chunk is checked like a flat trace. */
static void test_newest_removed(void **state)
{
	struct both b = { .opts = { .sz = sizeof(b.opts), .rotate_bytes = 2000 } };
	const struct nr_account account = {};

	(void)state;
	open_both(&b);
	for (unsigned i = 0; i < 30; i++)
		commit(&b, 10, 1);
	remove_tree(in_scratch("series/%06u", (unsigned)writer_output(b.series)->chunks - 1));
	add_events(b.series, b.ts + 1, 1);
	assert_int_equal(writer_commit(b.series, b.ts + 2, 0), -ESTALE);
	assert_non_null(strstr(said, "another program changed the trace"));
	assert_int_equal(writer_finish(b.series, &account), -ESTALE);
	close_both(&b);
}

static void hear_damage(void *ctx, const struct nr_damage *damage)
{
	(void)damage;
	++*(unsigned *)ctx;
}

static unsigned count_damage(const char *path)
{
	unsigned n = 0;
	const struct nr_trace_opts reader = {
		.sz = sizeof(reader), .log = hear, .damage = hear_damage, .damage_ctx = &n
	};
	struct nr_trace *trace = NULL;
	struct nr_event ev;

	assert_int_equal(nr_trace_open(&trace, path, &reader), 0);
	while (nr_trace_next(trace, &ev) > 0)
		;
	nr_trace_close(trace);
	return n;
}

/* Records with a disk that is full once. Returns the bytes before compression. */
static uint64_t record_on_full(unsigned full_in)
{
	struct both b = {
		.opts = {
			.sz = sizeof(b.opts),
			.compress = "zstd",
			.rotate_bytes = 1,
			.on_full = NR_ON_FULL_DROP_OLDEST,
		},
	};
	struct writer_opts opts = { .start = 1000, .log = hear, .uuid = uuid, .trace = &b.opts };
	uint64_t bytes;

	b.ts = 1000;
	assert_int_equal(writer_open(&b.series, in_scratch("series"), types, &opts), 0);
	for (unsigned i = 0; i < 8; i++) {
		commit(&b, 5, 2);
		steps.full_in = i == 4 ? full_in : steps.full_in;
	}
	finish_both(&b);
	steps.full_in = 0;
	assert_int_equal(count_damage(in_scratch("series")), 0);
	bytes = writer_output(b.series)->plain_bytes;
	close_both(&b);
	return bytes;
}

/* A chunk that could not begin leaves nothing. */
static void test_full_once(void **state)
{
	uint64_t bytes = record_on_full(0);

	(void)state;
	for (unsigned i = 1; i < 16; i++)
		assert_int_equal(record_on_full(i), bytes);
}

/* ---- killed at any step ---- */

static struct both *killed;
static uint64_t safe; /* events that were written before the current call */
static unsigned looks;

static void copy_series(void)
{
	char command[1200];

	snprintf(command, sizeof(command), "rm -rf '%s/copy' && cp -a '%s' '%s/copy'", scratch,
		 in_scratch("series"), scratch);
	assert_int_equal(system(command), 0);
}

/* Both readers find all that was safe, in whole chunks. */
static void look_at_remains(void)
{
	const struct nr_trace_opts reader = { .sz = sizeof(reader), .log = hear };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	uint64_t n = 0;
	int ret;

	copy_series();
	looks++;
	ret = nr_trace_open(&trace, in_scratch("copy"), &reader);
	if (ret)
		fail_msg("step %u: %s", steps.n, said);
	while ((ret = nr_trace_next(trace, &ev)) > 0)
		n++;
	nr_trace_close(trace);
	if (ret || n < safe || n > killed->events + 60)
		fail_msg("step %u: %u events read, %u are safe; error %d: %s", steps.n, (unsigned)n,
			 (unsigned)safe, ret, said);
	if (!killed->opts.compress && have_babeltrace()) {
		struct babble b = babeltrace(in_scratch("copy"), "--clock-cycles");
		unsigned lines = 0;

		for (const char *p = b.out; *p; p++)
			lines += *p == '\n';
		assert_string_equal(b.err, "");
		assert_int_equal(b.status, 0);
		assert_int_equal(lines, n);
		babble_free(&b);
	}
}

static void record_in_steps(struct both *b)
{
	struct writer_opts opts = { .start = 1000, .log = hear, .uuid = uuid, .trace = &b->opts };

	b->ts = 1000;
	killed = b;
	safe = 0;
	said[0] = 0;
	assert_int_equal(writer_open(&b->series, in_scratch("series"), types, &opts), 0);
	steps.after = look_at_remains;
	for (unsigned i = 0; i < 6; i++) {
		commit(b, 40, 2);
		safe = b->events;
		if (i == 2)
			rotate(b);
	}
	finish_both(b);
	steps.after = NULL;
	assert_string_equal(said, "");
	close_both(b);
}

static void test_killed(void **state)
{
	static const struct nr_output_opts how[] = {
		{ .sz = sizeof(*how) }, /* flat at first */
		{ .sz = sizeof(*how), .rotate_bytes = 2500 },
		{ .sz = sizeof(*how), .compress = "zstd" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(how) / sizeof(*how); i++) {
		struct both b = { .opts = how[i] };

		record_in_steps(&b);
	}
	printf("looked %u times\n", looks);
	assert_true(looks > 50);
}

static int setup(void **state)
{
	int err = make_btf(state);

	types = err ? NULL : make_types();
	return err;
}

static int teardown(void **state)
{
	nr_types_free(types);
	return free_btf(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_no_links),
		cmocka_unit_test(test_keep_bytes),
		cmocka_unit_test(test_keep_chunks),
		cmocka_unit_test(test_removed_by_others),
		cmocka_unit_test(test_cannot_be_removed),
		cmocka_unit_test(test_newest_removed),
		cmocka_unit_test(test_full_once),
		cmocka_unit_test(test_killed),
	};

	return exit_status(cmocka_run_group_tests(tests, setup, teardown));
}
