// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the memory of shards with lanes is cut into blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel/maps.h"

#define KIB 1024ull
#define MIB (1024 * KIB)

static uint64_t block_bytes(uint32_t shift)
{
	return (uint64_t)NR_LANE_GRANULE << shift;
}

static uint32_t shift_of(struct nr_plan_shard *shards, unsigned n)
{
	const struct nr_plan plan = { .n_shards = n, .shards = shards };

	return nr_maps_block_shift(&plan);
}

/* Any number of CPUs in any ring size: no more memory than asked for, unless that is less than two
 * blocks a CPU. One lane can have half of it, and a slot can name each block. */
static void test_one_shard(void **state)
{
	(void)state;
	for (unsigned cpus = 1; cpus <= 1024; cpus++)
		for (uint64_t bytes = 4 * KIB; bytes <= 1024 * MIB; bytes *= 2) {
			struct nr_plan_shard s = { .n_cpus = cpus, .ring_bytes = bytes };
			uint32_t shift = shift_of(&s, 1), n = nr_maps_count_blocks(&s, shift);

			assert_true(block_bytes(shift) >= 4 * KIB);
			assert_true(n >= 2 * cpus);
			assert_true(n * block_bytes(shift) == bytes || n == 2 * cpus);
			assert_true(n / 2 <= NR_LANE_SLOTS || n == 2 * cpus);
			assert_true(n <= UINT16_MAX);
		}
}

/* Blocks have one size. The shard with the most CPUs decides. */
static void test_uneven_shards(void **state)
{
	struct nr_plan_shard s[] = { { .n_cpus = 1, .ring_bytes = 8 * MIB },
				     { .n_cpus = 32, .ring_bytes = 8 * MIB } };
	uint32_t shift = shift_of(s, 2);

	(void)state;
	assert_int_equal(block_bytes(shift), 16 * KIB);
	assert_int_equal(nr_maps_count_blocks(&s[0], shift), 512);
	assert_int_equal(nr_maps_count_blocks(&s[1], shift), 512);
	s[0].ring_bytes = 1 * MIB; /* 8 KiB blocks would be 128 for one CPU */
	shift = shift_of(s, 2);
	assert_int_equal(block_bytes(shift), 8 * KIB);
	assert_int_equal(nr_maps_count_blocks(&s[0], shift), 128);
	assert_int_equal(nr_maps_count_blocks(&s[1], shift), 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_shard),
		cmocka_unit_test(test_uneven_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
