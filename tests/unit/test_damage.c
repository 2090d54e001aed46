// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whatever happens to a stream: with skip_damaged the reader returns the events of exactly those packets
 * that are whole, tells each damage, and counts what is missing. A repaired copy has the same events, and
 * a gap mark in the place of each damage. */
#include "stream_help.h"

#include <errno.h>
#include <sys/stat.h>
#include "base/trace_files.h"
#include "packet/frame.h"
#include "packet/gap.h"

static struct seed seed;

static int setup(void **state)
{
	seed.state = seed_first("damage");
	return make_type(state);
}

/* ---- what a reader says ---- */

struct heard {
	struct nr_damage list[64];
	char files[64][64];
	unsigned n;
};

static void hear_damage(void *ctx, const struct nr_damage *d)
{
	struct heard *h = ctx;

	assert_int_equal(d->sz, sizeof(*d));
	assert_true(d->what[0] && d->what[strlen(d->what) - 1] != '.');
	assert_true(h->n < 64);
	h->list[h->n] = *d;
	snprintf(h->files[h->n++], sizeof(h->files[0]), "%s", d->file);
}

/* What a reader finds in a damaged trace. */
struct found {
	struct heard heard;
	uint64_t *numbers; /* of the events */
	uint64_t n;
	int ret, end;
	struct nr_account account;
	struct nr_packet_info packet;
};

static struct found read_damaged(const char *dir, bool skip)
{
	struct found f = { .account.sz = sizeof(f.account) };
	const struct nr_trace_opts opts = {
		.sz = sizeof(opts),
		.log = hear,
		.skip_damaged = skip,
		.damage = hear_damage,
		.damage_ctx = &f.heard,
	};
	struct nr_trace *trace = NULL;
	struct nr_event ev;

	said[0] = 0;
	assert_int_equal(nr_trace_open(&trace, dir, &opts), 0);
	while ((f.ret = nr_trace_next(trace, &ev)) > 0) {
		if (!(f.n & (f.n - 1)))
			f.numbers = realloc(f.numbers, 2 * (f.n + 1) * sizeof(*f.numbers));
		f.numbers[f.n++] = number_of(&ev);
	}
	assert_int_equal(nr_trace_next(trace, &ev), f.ret);
	f.end = nr_trace_end(trace, &f.account);
	if (nr_trace_packet(trace))
		f.packet = *nr_trace_packet(trace);
	nr_trace_close(trace);
	return f;
}

static void free_found(struct found *f)
{
	free(f->numbers);
}

/* ---- damage ---- */

static const char *path_of(const struct made *made, const struct written *w)
{
	return in_scratch("%s/%s", strrchr(made->dir, '/') + 1, stream_of(&made->shape, w->chunk));
}

/* Changes a bit of a packet. Some bits of a zstd frame mean nothing, so there it is the label. */
static void flip(const struct made *made, const struct written *w)
{
	int fd = open(path_of(made, w), O_RDWR | O_CLOEXEC);
	uint64_t bytes = made->shape.compressed ? sizeof(struct nr_label) : w->bytes;
	uint64_t at = w->offset + seed_below(&seed, bytes);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1 << seed_below(&seed, 8);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Wipes it out, and may leave the first bytes: head or label. */
static void wipe(const struct made *made, const struct written *w)
{
	int fd = open(path_of(made, w), O_WRONLY | O_CLOEXEC);
	uint64_t keep = seed_below(&seed, 3)	 ? 0
			: made->shape.compressed ? sizeof(struct nr_label)
						 : HEAD;
	uint64_t bytes = keep < w->bytes ? w->bytes - keep : w->bytes;
	uint8_t *zeros = calloc(1, bytes);

	assert_int_equal(pwrite(fd, zeros, bytes, w->offset + w->bytes - bytes), bytes);
	free(zeros);
	close(fd);
}

/* Takes a packet out of the file. */
static void cut_out(struct made *made, size_t i)
{
	const struct written *w = &made->packets[i];
	const char *path = path_of(made, w);
	uint64_t bytes = w->bytes, offset = w->offset, chunk = w->chunk;
	size_t size;
	char *data = load_file(path, &size);

	memmove(data + offset, data + offset + bytes, size - offset - bytes);
	save_file(path, data, size - bytes);
	free(data);
	for (i++; i < made->n && made->packets[i].chunk == chunk; i++)
		made->packets[i].offset -= bytes;
}

/* Is it one that has a number of its own, and maybe events? */
static bool is_ordinary(const struct made *made, size_t i)
{
	const struct nr_packet_head *h = &made->packets[i].head;

	return !nr_is_end_mark(h) && !nr_is_gap_mark(h) &&
	       (made->packets[i].offset || !made->packets[i].chunk);
}

/* Damages some packets, and notes which. A copy of a packet in the payload of the next one is as good as
 * the packet, so if there are copies, only one packet is damaged. */
static void damage(struct made *made, bool *damaged)
{
	unsigned n = made->shape.copies ? 1 : 1 + seed_below(&seed, 4);

	for (unsigned k = 0; k < n; k++) {
		size_t i = seed_below(&seed, made->n);

		if (damaged[i])
			continue;
		damaged[i] = true;
		switch (seed_below(&seed, 3)) {
		case 0:
			flip(made, &made->packets[i]);
			break;
		case 1:
			wipe(made, &made->packets[i]);
			break;
		default:
			cut_out(made, i);
		}
	}
}

/* ---- expectations ---- */

static void expect_events(const struct made *made, const bool *damaged, const struct found *f)
{
	uint64_t at = 0;

	for (size_t i = 0; i < made->n; i++)
		for (unsigned k = 0; !damaged[i] && k < made->packets[i].head.events; k++, at++) {
			if (at >= f->n)
				fail_msg("event %lu is missing", made->packets[i].first + k);
			assert_int_equal(f->numbers[at], made->packets[i].first + k);
		}
	assert_int_equal(at, f->n);
}

static uint64_t sum_of_packets(const struct heard *h)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < h->n; i++)
		sum += h->list[i].packets;
	return sum;
}

/* Packets that are missing, unless nobody can know. */
static void expect_counts(const struct made *made, const bool *damaged, const struct found *f)
{
	uint64_t packets = 0, events = 0, last = made->n - 1;
	/* Without the opening packet of the oldest chunk, nobody knows which number is the first. */
	bool known = !damaged[0] || !made->packets[0].chunk;

	if (f->end) /* the end mark is gone */
		return;
	for (size_t i = 0; i < made->n; i++) {
		packets += damaged[i] && is_ordinary(made, i);
		events += damaged[i] ? made->packets[i].head.events : 0;
		/* A damaged gap mark: the packets that it stood for count as damaged, too. */
		known &= !damaged[i] || is_ordinary(made, i);
	}
	assert_false(damaged[last]);
	if (!known)
		return;
	assert_int_equal(f->packet.damaged_packets, packets);
	assert_int_equal(sum_of_packets(&f->heard), packets);
	assert_int_equal(f->account.earlier, made->earlier);
	assert_in_range(f->packet.missed_events + f->n, 0, f->account.written - made->earlier);
	if (f->packet.missed_events + f->n < f->account.written - made->earlier)
		assert_true(events > 0);
}

static void expect_first(const struct found *all, const char *dir)
{
	struct found f = read_damaged(dir, false);

	if (!all->heard.n) {
		assert_int_equal(f.ret, 0);
	} else {
		assert_int_equal(f.ret, -EBADMSG);
		assert_int_equal(f.heard.n, 1);
		assert_string_equal(f.heard.files[0], all->heard.files[0]);
		assert_int_equal(f.heard.list[0].offset, all->heard.list[0].offset);
		assert_int_equal(f.heard.list[0].size, all->heard.list[0].size);
		assert_int_equal(f.heard.list[0].packets, all->heard.list[0].packets);
		assert_true(f.n <= all->n);
		if (f.n)
			assert_memory_equal(f.numbers, all->numbers, f.n * sizeof(*f.numbers));
	}
	free_found(&f);
}

/* babeltrace2 takes the repaired trace, and has the same number of events. */
static void expect_babeltrace(const struct made *made, const char *dir, const struct found *f)
{
	char command[1200], line[64];
	FILE *p;

	if (!have_babeltrace() || made->shape.compressed || made->shape.copies || f->n > 10000)
		return;
	snprintf(command, sizeof(command), "babeltrace2 --clock-cycles '%s' 2>/dev/null | wc -l",
		 dir);
	p = popen(command, "re");
	assert_non_null(fgets(line, sizeof(line), p));
	pclose(p);
	assert_int_equal(strtoull(line, NULL, 10), f->n);
}

static void expect_repaired(const struct made *made, const struct found *f, const char *dir)
{
	struct found r = read_damaged(dir, false);

	if (r.heard.n)
		fail_msg("the repaired trace: %s at byte %lu of %s", r.heard.list[0].what,
			 r.heard.list[0].offset, r.heard.files[0]);
	assert_int_equal(r.ret, 0);
	assert_int_equal(r.end, 0);
	assert_int_equal(r.n, f->n);
	if (f->n)
		assert_memory_equal(r.numbers, f->numbers, f->n * sizeof(*f->numbers));
	assert_int_equal(r.packet.missed_events, f->packet.missed_events);
	if (!f->end) {
		assert_int_equal(r.account.written, f->account.written);
		assert_int_equal(r.account.repaired, f->account.repaired);
	}
	expect_babeltrace(made, dir, &r);
	free_found(&r);
}

static void repair(const struct made *made, const struct found *f)
{
	struct nr_repair_opts opts = {
		.sz = sizeof(opts), .log = hear, .copy = in_scratch("new"), .skip_damaged = true
	};
	struct nr_repair result = { .sz = sizeof(result) };
	int err;

	remove_tree(opts.copy);
	err = nr_trace_repair(made->dir, &opts, &result);
	if (err)
		fail_msg("repair: %s", said);
	assert_int_equal(result.needed, f->heard.n > 0 || f->end);
	assert_int_equal(result.events, f->n);
	if (!result.needed)
		return;
	expect_repaired(made, f, opts.copy);
	remove_tree(in_scratch("new"));
	opts.copy = NULL;
	err = nr_trace_repair(made->dir, &opts, &result);
	if (err && err != -ENOTEMPTY) /* a chunk without a whole packet */
		fail_msg("repair in place: %s", said);
	if (!err)
		expect_repaired(made, f, made->dir);
}

static void test_random(void **state)
{
	unsigned rounds = seed_env("NR_ROUNDS", 40);

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		struct made made = make_trace("t", random_shape(&seed), &seed);
		bool *damaged = calloc(made.n, sizeof(*damaged));
		struct found f;

		damage(&made, damaged);
		f = read_damaged(made.dir, true);
		assert_int_equal(f.ret, 0);
		expect_events(&made, damaged, &f);
		expect_counts(&made, damaged, &f);
		expect_first(&f, made.dir);
		if (f.n)
			repair(&made, &f);
		free_found(&f);
		free(damaged);
		free_made(&made);
	}
}

/* A chunk that is gone is damage as if all its packets were. */
static void test_chunk(void **state)
{
	const struct shape shape = { .packets = 200, .events = 10, .chunks = 6 };
	struct made made = make_trace("t", shape, &seed);
	uint64_t packets = 0;
	bool *damaged;
	struct found f;

	(void)state;
	while (made.packets[made.n - 1].chunk < 2) {
		free_made(&made);
		made = make_trace("t", shape, &seed);
	}
	damaged = calloc(made.n, sizeof(*damaged));
	for (size_t i = 0; i < made.n; i++)
		damaged[i] = made.packets[i].chunk == 1;
	remove_tree(in_scratch("t/000001"));
	f = read_damaged(made.dir, true);
	assert_int_equal(f.heard.n, 1);
	assert_string_equal(f.heard.files[0], "000002/stream");
	assert_int_equal(f.heard.list[0].offset, 0);
	assert_int_equal(f.heard.list[0].size, 0);
	expect_events(&made, damaged, &f);
	for (size_t i = 0; i < made.n; i++)
		packets += damaged[i] && is_ordinary(&made, i);
	assert_int_equal(f.packet.damaged_packets, packets);
	assert_int_equal(f.heard.list[0].packets, packets);
	expect_first(&f, made.dir);
	repair(&made, &f);
	free_found(&f);
	free(damaged);
	free_made(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_chunk),
	};

	return cmocka_run_group_tests_name("damage", tests, setup, free_type);
}
