/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sorts a run and compares with qsort. The index is qsort's last key, which makes qsort stable. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "drain/sort.h"
#include "seed.h"

#define MAX 3000

static struct nr_entry entries[MAX], expected[MAX], tmp[MAX];
static uint32_t first; /* pos of the first entry */

/* Positions increase with the index, as in a ring, from any start. */
static uint32_t index_of(const struct nr_entry *e)
{
	return ((uint32_t)e->pos - first) & ((1u << 29) - 1);
}

static int compare(const void *x, const void *y)
{
	const struct nr_entry *a = x, *b = y;

	if (a->ts != b->ts)
		return a->ts < b->ts ? -1 : 1;
	return index_of(a) < index_of(b) ? -1 : index_of(a) > index_of(b);
}

static void check(size_t n, uint32_t first_pos)
{
	first = first_pos / 8;
	for (size_t i = 0; i < n; i++)
		entries[i].pos = first + i * 3;
	memcpy(expected, entries, n * sizeof(*entries));
	qsort(expected, n, sizeof(*expected), compare);
	nr_sort(entries, tmp, n);
	if (memcmp(entries, expected, n * sizeof(*entries)))
		fail_msg("%zu entries from position %u are not in order", n, first_pos);
}

static void test_shapes(void **state)
{
	static const uint32_t firsts[] = { 0, 0xffffff00u, 0x7fffff00u };

	(void)state;
	for (size_t n = 0; n <= 130; n++) {
		for (int k = 0; k < 3; k++) {
			for (size_t i = 0; i < n; i++)
				entries[i].ts = 1000 + i;
			check(n, firsts[k]);
			for (size_t i = 0; i < n; i++)
				entries[i].ts = 1000 - i;
			check(n, firsts[k]);
			for (size_t i = 0; i < n; i++)
				entries[i].ts = 7;
			check(n, firsts[k]);
			for (size_t i = 0; i < n; i++)
				entries[i].ts = i % 2 ? UINT64_MAX - i / 50 : i / 50;
			check(n, firsts[k]);
		}
	}
}

/* All orders of six entries with ties. */
static void test_small_exhaustive(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 4096; code++) {
		for (int i = 0; i < 6; i++)
			entries[i].ts = code >> (2 * i) & 3;
		check(6, 0xffffffd0u);
	}
}

/* As in real rings: in order except for a few entries. */
static void test_few_out_of_place(void **state)
{
	struct seed seed = { seed_first("sort/few") };

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t n = 1 + seed_below(&seed, MAX);
		uint64_t now = seed_next(&seed) >> 8;

		for (size_t i = 0; i < n; i++) {
			now += seed_below(&seed, 4);
			entries[i].ts =
				now - (seed_once_in(&seed, 200) ? seed_below(&seed, 1000) : 0);
		}
		check(n, seed_next(&seed));
	}
}

static void test_random(void **state)
{
	struct seed seed = { seed_first("sort/random") };

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t n = seed_below(&seed, seed_once_in(&seed, 10) ? MAX : 100);
		unsigned shift = seed_below(&seed, 64);

		for (size_t i = 0; i < n; i++)
			entries[i].ts = seed_next(&seed) >> shift;
		check(n, seed_next(&seed));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_small_exhaustive),
		cmocka_unit_test(test_few_out_of_place),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
