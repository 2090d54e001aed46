// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The offset to the host's clock, from readings of both clocks and from the kernel's report. */
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "drain/shard.h"
#include "seed.h"

#define TIMES 200000

static struct seed seed;

/* An offset that a namespace may have: none, a few ns, or up to 146 years in either direction. */
static int64_t any_offset(void)
{
	int64_t most = 1ll << seed_below(&seed, 61);

	return seed_once_in(&seed, 4) ? 0 : (int64_t)seed_below(&seed, 2 * most) - most;
}

/* Up to a second; mostly some hundred ns. */
static uint64_t any_pause(void)
{
	return seed_below(&seed, seed_once_in(&seed, 10) ? 1000000000 : 500);
}

/* The most by which two readings of one clock may differ. */
static int64_t any_error(void)
{
	return (int64_t)seed_below(&seed, 2 * NR_EPSILON_NS + 1) - NR_EPSILON_NS;
}

static struct nr_clock_bracket read_clocks(int64_t offset)
{
	struct nr_clock_bracket b = NR_CLOCK_ANY;
	uint64_t local = seed_below(&seed, 1ull << seed_below(&seed, 62)); /* also near its zero */

	for (unsigned i = seed_below(&seed, 5); i < 5; i++) {
		uint64_t before = local, read = before + any_pause();

		local = read + any_pause();
		nr_clock_narrow(&b, before, read + offset + any_error(), local);
	}
	return b;
}

static void test_offset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TIMES; i++) {
		int64_t offset = any_offset(), wrong, chosen;
		struct nr_clock_bracket b = read_clocks(offset);

		assert_true(b.low <= offset && offset <= b.high);
		assert_int_equal(nr_clock_choose(&b, &offset), offset);
		/* The kernel reports no offset, or one that the clock refutes. */
		chosen = nr_clock_choose(&b, NULL);
		assert_int_equal(chosen, b.low <= 0 && 0 <= b.high ? 0 : b.low);
		assert_true(chosen <= offset || !chosen);
		wrong = seed_once_in(&seed, 2) ? b.low - 1 : b.high + 1;
		assert_int_equal(nr_clock_choose(&b, &wrong), chosen);
	}
}

/* Every reading narrows the bracket. */
static void test_narrow(void **state)
{
	struct nr_clock_bracket b = NR_CLOCK_ANY;

	(void)state;
	nr_clock_narrow(&b, 1000000, 5000000, 1500000);
	assert_int_equal(b.low, 3500000 - NR_EPSILON_NS);
	assert_int_equal(b.high, 4000000 + NR_EPSILON_NS);
	nr_clock_narrow(&b, 2000000, 5900000, 2100000);
	assert_int_equal(b.low, 3800000 - NR_EPSILON_NS);
	assert_int_equal(b.high, 3900000 + NR_EPSILON_NS);
	nr_clock_narrow(&b, 3000000, 6900000, 4000000);
	assert_int_equal(b.low, 3800000 - NR_EPSILON_NS);
	assert_int_equal(b.high, 3900000 + NR_EPSILON_NS);
}

/* The offset shifts every time that the library reads, even if the namespace's clock is near 0. */
static void test_now(void **state)
{
	static const int64_t offsets[] = { 1, -1, 500000000000, -500000000000, INT64_MAX / 4 };

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		uint64_t before = nr_clock_local(), now;

		atomic_store(&nr_clock_offset, offsets[i]);
		now = nr_clock_now();
		assert_true((int64_t)(now - offsets[i] - before) >= 0);
		assert_true((int64_t)(now - offsets[i] - nr_clock_local()) <= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_now),
	};

	seed.state = seed_first("clock");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
