// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Rows by key: every key has its own, up to a limit; then the rest share one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "report/rows.h"
#include "seed.h"

struct row {
	struct key {
		uint64_t a, b;
	} key;
	uint64_t n;
};

static struct seed seed;

static struct rows rows_new(void)
{
	return (struct rows){ .size = sizeof(struct row), .key_size = sizeof(struct key) };
}

static uint64_t by_n(const void *row)
{
	return ((const struct row *)row)->n;
}

static void test_counts(void **state)
{
	struct rows r = rows_new();
	uint64_t counts[30][30] = {};
	unsigned keys = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct key key = { seed_below(&seed, 30), seed_below(&seed, 30) };
		struct row *row = rows_get(&r, &key);

		assert_true(row->key.a == key.a && row->key.b == key.b);
		assert_int_equal(row->n, counts[key.a][key.b]);
		keys += !row->n;
		row->n = ++counts[key.a][key.b];
	}
	assert_int_equal(r.n, keys);
	rows_sort(&r, by_n);
	for (unsigned i = 1; i < r.n; i++)
		assert_true(by_n(r.list[i - 1]) >= by_n(r.list[i]));
	rows_close(&r, NULL);
}

static void test_limit(void **state)
{
	struct rows r = rows_new();
	uint64_t sum = 0;

	(void)state;
	for (uint64_t i = 0; i < ROWS_MAX + 1000; i++) {
		struct key key = { i, seed.state };
		struct row *row = rows_get(&r, &key);

		assert_int_equal(row == r.shared, i >= ROWS_MAX);
		row->n++;
	}
	assert_int_equal(r.n, ROWS_MAX + 1);
	for (unsigned i = 0; i < r.n; i++)
		sum += by_n(r.list[i]);
	assert_int_equal(sum, ROWS_MAX + 1000);
	rows_close(&r, NULL);
}

static void add(void *to, const void *row)
{
	((struct row *)to)->n += ((const struct row *)row)->n;
}

/* The largest keys are kept, whenever they come; nothing is counted twice or not at all. */
static void test_fold(void **state)
{
	const struct key others = { UINT64_MAX, 7 };
	struct rows r = rows_new();
	const uint64_t n = 3 * ROWS_MAX;
	uint64_t sum = 0, given = 0;

	(void)state;
	r.others = &others;
	r.fold = add;
	r.rank = by_n;
	for (uint64_t i = 0; i < n; i++) {
		const bool large = i % 1000 == 999;
		const struct key key = { large ? 1000000 + i / 1000 % 50 : i, 0 };
		const struct row one = { .n = large ? 5 : 1 };

		add(rows_get(&r, &key), &one);
		given += one.n;
	}
	rows_sort(&r, by_n);
	assert_true(r.n <= ROWS_MAX + 1);
	for (unsigned i = 0; i < r.n; i++) {
		const struct row *row = r.list[i];

		assert_int_equal(i < 50, row->key.a >= 1000000 && row != r.shared);
		sum += row->n;
	}
	assert_int_equal(sum, given);
	assert_ptr_equal(r.list[r.n - 1], r.shared);
	assert_memory_equal(r.shared, &others, sizeof(others));
	rows_close(&r, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_fold),
	};

	seed.state = seed_first("rows");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
