// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Direct writes: whatever is written how, and whatever fails, the file is what was appended. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/file.h"
#include "disk_help.h"
#include "output/direct.h"
#include "output/heads.h"
#include "packet/head.h"
#include "seed.h"
#include "trace_help.h"

#define MOST	   (24u << 20)
#define PACKET_MAX (3u << 20)

static uint64_t first_seed;

struct file {
	struct nr_direct direct;
	int fd;
	uint8_t *what; /* [MOST] what was appended, and random bytes after it */
	uint64_t size;
	unsigned directly;
};

static void open_file(struct file *f, struct seed *s)
{
	*f = (struct file){ .what = aligned_alloc(NR_BLOCK, MOST) };
	for (size_t i = 0; i < MOST; i += 8) {
		uint64_t random = seed_next(s);

		memcpy(f->what + i, &random, 8);
	}
	f->fd = open(in_scratch("file"), O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(f->fd >= 0);
	nr_direct_init(&f->direct, f->fd);
}

static void close_file(struct file *f)
{
	close(f->fd);
	free(f->what);
}

static void expect_content(const struct file *f)
{
	uint8_t *data = malloc(f->size + 1);

	assert_int_equal(nr_read_at(f->fd, data, f->size + 1, 0), f->size);
	assert_memory_equal(data, f->what, f->size);
	free(data);
}

/* Small, any, up to the next block, or of whole blocks. */
static uint64_t some_size(struct seed *s, uint64_t off)
{
	switch (seed_below(s, 4)) {
	case 0:
		return 1 + seed_below(s, 300);
	case 1:
		return 1 + seed_below(s, PACKET_MAX);
	case 2:
		return NR_BLOCK - off % NR_BLOCK;
	default:
		return NR_BLOCK * (1 + seed_below(s, PACKET_MAX / NR_BLOCK));
	}
}

static int append(struct file *f, uint64_t size)
{
	const uint8_t *data = f->what + f->size;

	f->direct.until = 0; /* however slow this disk is */
	if (!nr_direct_suits(&f->direct, data, size, f->size))
		return nr_write_all(f->fd, data, size, f->size);
	f->directly++;
	return nr_direct_write(&f->direct, f->fd, data, size, f->size, UINT64_MAX);
}

/* Some writes fail, and are cut off again, as the stream does. */
static void one_file(struct seed *s)
{
	struct file f;

	open_file(&f, s);
	while (f.size < MOST - PACKET_MAX) {
		uint64_t size = some_size(s, f.size);
		bool fails = seed_once_in(s, 4);
		int err;

		disk.limit = fails ? f.size + 1 + seed_below(s, size) : 0;
		disk.err = EIO;
		err = append(&f, size);
		disk = (struct disk){};
		if (err) {
			assert_true(fails && (err == -EIO || err == -EINVAL));
			assert_int_equal(ftruncate(f.fd, f.size), 0);
			f.direct.off &= err != -EINVAL; /* of the half-written block */
			continue;
		}
		f.size += size;
		if (seed_once_in(s, 8))
			expect_content(&f);
	}
	expect_content(&f);
	if (!f.directly)
		print_message("note: this file system has no direct writes\n");
	close_file(&f);
}

static void test_content(void **state)
{
	struct seed s = { first_seed };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		one_file(&s);
}

/* Writes what came in so many ms. Was it written directly? */
static bool write_one(struct file *f, unsigned span_ms)
{
	bool suits = nr_direct_suits(&f->direct, f->what, NR_PADDED_FROM, 0);

	if (suits)
		assert_int_equal(nr_direct_write(&f->direct, f->fd, f->what, NR_PADDED_FROM, 0,
						 span_ms * 1000000ull),
				 0);
	return suits;
}

/* A disk that does not keep up gets other writes for a while, and for longer if it fails again. */
static void test_rest(void **state)
{
	struct seed s = { first_seed };
	uint64_t rest;
	struct file f;

	(void)state;
	open_file(&f, &s);
	if (f.direct.off) {
		print_message("note: this file system has no direct writes\n");
		close_file(&f);
		return;
	}
	assert_true(write_one(&f, 3600000));
	assert_true(write_one(&f, 0));
	assert_false(write_one(&f, 0));
	rest = f.direct.rest;
	f.direct.until -= rest; /* it is over */
	assert_true(write_one(&f, 0));
	assert_int_equal(f.direct.rest, 2 * rest);
	f.direct.until -= 5 * rest; /* for some time */
	assert_true(write_one(&f, 0));
	assert_int_equal(f.direct.rest, rest);
	close_file(&f);
}

/* Only whole blocks go to the disk, and only many. */
static void test_suits(void **state)
{
	static _Alignas(NR_BLOCK) uint8_t data[NR_BLOCK];
	struct nr_direct d = {};

	(void)state;
	assert_true(nr_direct_suits(&d, data, NR_PADDED_FROM, NR_BLOCK));
	assert_false(nr_direct_suits(&d, data, NR_PADDED_FROM - NR_BLOCK, NR_BLOCK));
	assert_false(nr_direct_suits(&d, data, NR_PADDED_FROM + 8, NR_BLOCK));
	assert_false(nr_direct_suits(&d, data + 8, NR_PADDED_FROM, NR_BLOCK));
	assert_false(nr_direct_suits(&d, data, NR_PADDED_FROM, NR_BLOCK + 88));
	d.off = true;
	assert_false(nr_direct_suits(&d, data, NR_PADDED_FROM, NR_BLOCK));
}

/* The heads of the first and the latest packets are known, at any number of packets. */
static void test_heads(void **state)
{
	struct nr_heads *h = calloc(1, sizeof(*h));

	(void)state;
	for (uint64_t n = 1; n < 4 * NR_HEADS; n++) {
		struct nr_packet_head head = { .seq = n - 1 };
		uint64_t seen = 0;

		nr_heads_add(h, &head, (n - 1) * 1000);
		for (uint64_t i = 0; i < n; i = nr_heads_next(h, i), seen++) {
			head.seq = i;
			assert_int_equal(nr_heads_get(h, i)->off, i * 1000);
			assert_true(nr_heads_match(nr_heads_get(h, i), &head));
		}
		assert_int_equal(seen, n < 2 * NR_HEADS ? n : 2 * NR_HEADS);
	}
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_suits),
		cmocka_unit_test(test_heads),
	};

	first_seed = seed_first("direct");
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
