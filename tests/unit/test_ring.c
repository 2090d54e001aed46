/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a ring: steps from record to record, and memory that cannot be trusted. */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake_ring.h"
#include "seed.h"

#define PAGE 4096u

/* Positions at which rings start: 0, and shortly before the data or a counter wraps. */
static const uint64_t starts[] = { 0, PAGE - 64, 0xffffffc0ull, 0x7fffffffffffffc0ull, -64ull };

struct rig {
	struct fake_ring fake;
	struct nr_ring ring;
};

static void open_rig(struct rig *rig, uint64_t start)
{
	fake_ring_open(&rig->fake, PAGE, start);
	fake_ring_map(&rig->fake, &rig->ring);
}

static void close_rig(struct rig *rig)
{
	nr_ring_unmap(&rig->ring);
	fake_ring_close(&rig->fake);
}

static void test_empty(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	assert_int_equal(nr_ring_produced(&rig.ring), 0);
	assert_int_equal(nr_ring_consumed(&rig.ring), 0);
	close_rig(&rig);
}

/* Writes one record, reads it and releases its room. */
static void step_once(struct rig *rig, uint32_t length, uint8_t fill)
{
	uint64_t pos = nr_ring_consumed(&rig->ring), before = pos;
	uint8_t *payload = fake_ring_reserve(&rig->fake, length);
	struct nr_ring_slot slot = { 0 };

	assert_non_null(payload);
	memset(payload, fill, length);
	fake_ring_submit(payload);
	assert_int_equal(nr_ring_next(&rig->ring, &pos, nr_ring_produced(&rig->ring), &slot), 0);
	assert_int_equal(slot.length, length);
	assert_int_equal(slot.discarded, 0);
	assert_int_equal(pos - before, (length + 15) & ~7ull);
	assert_true(pos == nr_ring_produced(&rig->ring));
	for (uint32_t i = 0; i < length; i++)
		assert_int_equal(slot.payload[i], fill);
	nr_ring_release(&rig->ring, pos);
}

/* Many lengths at many offsets: a record that wraps has a contiguous payload. */
static void test_wrap(void **state)
{
	struct rig rig;

	(void)state;
	for (size_t k = 0; k < sizeof(starts) / sizeof(*starts); k++) {
		open_rig(&rig, starts[k]);
		for (uint32_t i = 0; i < 2000; i++)
			step_once(&rig, i * 37 % 600, i);
		close_rig(&rig);
	}
}

static void test_limits(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	step_once(&rig, 0, 0);
	step_once(&rig, PAGE - 16, 0x5a); /* the largest that fits: producers leave a byte free */
	assert_null(fake_ring_reserve(&rig.fake, PAGE - 8));
	close_rig(&rig);
}

static void test_full(void **state)
{
	unsigned n = 0;
	struct rig rig;

	(void)state;
	open_rig(&rig, -64ull);
	while (fake_ring_put(&rig.fake, n, 0, 0))
		n++;
	assert_int_equal(n, (PAGE - 1) / 24);
	nr_ring_release(&rig.ring, nr_ring_consumed(&rig.ring) + 24);
	assert_non_null(fake_ring_put(&rig.fake, n, 0, 0));
	assert_null(fake_ring_put(&rig.fake, n, 0, 0));
	close_rig(&rig);
}

static void test_busy(void **state)
{
	uint64_t pos;
	struct rig rig;
	void *rec;

	(void)state;
	for (size_t k = 0; k < sizeof(starts) / sizeof(*starts); k++) {
		struct nr_ring_slot slot = { .length = 77 };

		open_rig(&rig, starts[k]);
		pos = starts[k];
		rec = fake_ring_reserve(&rig.fake, 100);
		for (int i = 0; i < 3; i++)
			assert_int_equal(
				nr_ring_next(&rig.ring, &pos, nr_ring_produced(&rig.ring), &slot),
				-EAGAIN);
		assert_true(pos == starts[k]);
		assert_int_equal(slot.length, 77);
		fake_ring_discard(rec);
		assert_int_equal(nr_ring_next(&rig.ring, &pos, nr_ring_produced(&rig.ring), &slot),
				 0);
		assert_int_not_equal(slot.discarded, 0);
		assert_int_equal(slot.length, 100);
		assert_true(pos == starts[k] + 112);
		close_rig(&rig);
	}
}

/* A length beyond the produced data is an error and changes nothing. */
static void test_lies(void **state)
{
	static const uint32_t words[] = { 33, 40, 4000, PAGE, 2 * PAGE, 0x3fffffff, 0x7fffffff };

	(void)state;
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++) {
		struct nr_ring_slot slot = { .length = 77 };
		uint64_t pos = -64ull;
		struct rig rig;
		void *rec;

		open_rig(&rig, pos);
		rec = fake_ring_reserve(&rig.fake, 32);
		fake_ring_lie(rec, words[k]);
		assert_int_equal(nr_ring_next(&rig.ring, &pos, nr_ring_produced(&rig.ring), &slot),
				 -EBADMSG);
		assert_true(pos == -64ull);
		assert_int_equal(slot.length, 77);
		fake_ring_lie(rec, 32);
		assert_int_equal(nr_ring_next(&rig.ring, &pos, nr_ring_produced(&rig.ring), &slot),
				 0);
		close_rig(&rig);
	}
}

/* A ring of random bytes: every returned record lies inside the mapping. */
static void test_garbage(void **state)
{
	struct seed seed = { seed_first("ring/garbage") };
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	for (int round = 0; round < 20000; round++) {
		uint64_t start = seed_next(&seed) & ~7ull, pos = start, limit;
		struct nr_ring_slot slot;
		int err = 0;

		for (size_t i = 0; i < PAGE; i += 4) {
			uint32_t word = seed_next(&seed) >> seed_below(&seed, 33);

			if (round % 20 == 0 || seed_once_in(&seed, 50))
				memcpy(rig.ring.data + i, &word, 4);
		}
		limit = start + (seed_below(&seed, PAGE + 1) & ~7ull);
		while (!err && pos != limit) {
			err = nr_ring_next(&rig.ring, &pos, limit, &slot);
			if (err)
				break;
			assert_true(slot.payload >= rig.ring.data + NR_RING_HEADER);
			assert_true(slot.payload + slot.length <= rig.ring.data + 2 * PAGE);
			assert_true(pos - start <= limit - start);
		}
	}
	close_rig(&rig);
}

static int count_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int c, n = 0;

	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* The three parts are mapped from the offsets that the kernel uses. A file has the data only once.
 */
static void test_map(void **state)
{
	int fd = memfd_create("map", 0);
	uint64_t consumer = 8, producer = 56;
	struct nr_ring ring = {};
	int before;

	(void)state;
	assert_int_equal(ftruncate(fd, 2 * PAGE + 2 * PAGE), 0);
	assert_int_equal(pwrite(fd, &consumer, 8, 0), 8);
	assert_int_equal(pwrite(fd, &producer, 8, PAGE), 8);
	assert_int_equal(pwrite(fd, "data", 4, 2 * PAGE), 4);
	before = count_maps();
	assert_int_equal(nr_ring_map(&ring, fd, PAGE), 0);
	assert_int_equal(nr_ring_consumed(&ring), 8);
	assert_int_equal(nr_ring_produced(&ring), 56);
	assert_memory_equal(ring.data, "data", 4);
	nr_ring_release(&ring, 48);
	assert_int_equal(pread(fd, &consumer, 8, 0), 8);
	assert_int_equal(consumer, 48);
	nr_ring_unmap(&ring);
	assert_int_equal(count_maps(), before);
	nr_ring_unmap(&ring);
	close(fd);
}

static void test_map_fails(void **state)
{
	const struct nr_ring untouched = { .size = 123 };
	struct nr_ring ring = untouched;
	int fd = memfd_create("map", 0), before;

	(void)state;
	assert_int_equal(nr_ring_map(&ring, -1, PAGE), -EBADF);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	before = count_maps();
	assert_int_equal(nr_ring_map(&ring, fd, (size_t)1 << 60), -ENOMEM); /* the second mapping */
	assert_int_equal(count_maps(), before);
	assert_memory_equal(&ring, &untouched, sizeof(ring));
	close(fd);
}

/* A real ring of the kernel, if we may create one: both mappings of the data can be read. */
static void test_kernel_ring(void **state)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4 * PAGE };
	int fd = syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	struct nr_ring ring = {};
	unsigned sum = 0;

	(void)state;
	if (fd < 0) {
		print_message("cannot create a BPF ring here: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(nr_ring_map(&ring, fd, 4 * PAGE), 0);
	close(fd);
	assert_int_equal(nr_ring_produced(&ring), 0);
	assert_int_equal(nr_ring_consumed(&ring), 0);
	for (size_t i = 0; i < 2 * ring.size; i++)
		sum += ring.data[i];
	assert_int_equal(sum, 0);
	nr_ring_release(&ring, 0);
	nr_ring_unmap(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	  cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_full),
		cmocka_unit_test(test_busy),	  cmocka_unit_test(test_lies),
		cmocka_unit_test(test_garbage),	  cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_fails), cmocka_unit_test(test_kernel_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
