// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Histograms against the sorted values: the stated error holds, and nothing is lost. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "report/duration.h"
#include "report/hist.h"
#include "seed.h"

#define VALUES 3000

static struct seed seed;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Values of one shape: any bits, few bits, one narrow range, two values, durations with a tail. */
static uint64_t value(unsigned shape)
{
	uint64_t v = seed_next(&seed);

	switch (shape) {
	case 0:
		return v >> seed_below(&seed, 64);
	case 1:
		return v % 300;
	case 2:
		return 40000000 + v % 1000000;
	case 3:
		return v & 1 ? 1000 : 5000000;
	default:
		return 20000 + v % 30000 + (seed_once_in(&seed, 100) ? v % 100000000 : 0);
	}
}

static void expect_quantile(const struct hist *h, const uint64_t *sorted, unsigned permille)
{
	uint64_t n = h->n, rank = (n * permille + 999) / 1000;
	uint64_t exact = sorted[rank ? rank - 1 : 0], got = hist_quantile(h, permille);
	uint64_t off = got > exact ? got - exact : exact - got;

	if (off > exact * HIST_ERROR)
		fail_msg("p%u of %" PRIu64 ": %" PRIu64 " is not %" PRIu64, permille, n, got,
			 exact);
}

static void expect_buckets(const struct hist *h, const uint64_t *sorted)
{
	struct hist_bucket b = {}, last = {};
	uint64_t i = 0;

	while (hist_next(h, &b)) {
		assert_true(!last.count || b.low > last.high);
		assert_true(b.high - b.low <= b.low / HIST_SUB);
		for (uint64_t end = i + b.count; i < end; i++)
			assert_true(sorted[i] >= b.low && sorted[i] <= b.high);
		last = b;
	}
	assert_int_equal(i, h->n);
}

/* The rows of the text count every value, and fit a terminal. */
static void expect_text(const struct hist *h, bool utf8)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	uint64_t sum = 0;
	unsigned rows = 0;

	hist_print(h, out, utf8);
	fclose(out);
	for (rest = text; (line = strsep(&rest, "\n")) && *line; rows++) {
		uint64_t n;
		unsigned columns = 0;

		assert_int_equal(sscanf(line, "%*f %*s - %*f %*s %" SCNu64, &n), 1);
		sum += n;
		for (const char *p = line; *p; p++)
			columns += (*p & 0xc0) != 0x80;
		assert_true(columns < 80);
		assert_true(utf8 || columns == strlen(line));
	}
	assert_true(rows <= 12);
	assert_int_equal(sum, h->n);
	free(text);
}

static void expect_json(const struct hist *h)
{
	json_t *o = hist_json(h), *b;
	uint64_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(o, "buckets"), i, b) sum +=
		json_integer_value(json_array_get(b, 2));
	assert_int_equal(sum, h->n);
	assert_int_equal(json_integer_value(json_object_get(o, "p50_ns")), hist_quantile(h, 500));
	json_decref(o);
}

static void expect_all(const struct hist *h, uint64_t *values, unsigned n)
{
	static const unsigned permille[] = { 0, 1, 250, 500, 900, 990, 999, 1000 };
	uint64_t sum = 0;

	qsort(values, n, sizeof(*values), compare);
	for (unsigned i = 0; i < n; i++)
		sum += values[i];
	assert_int_equal(h->n, n);
	assert_true(h->sum == sum);
	assert_true(h->min == values[0] && h->max == values[n - 1]);
	for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++)
		expect_quantile(h, values, permille[i]);
	expect_buckets(h, values);
	expect_text(h, false);
	expect_text(h, true);
	expect_json(h);
}

/* One histogram of all values, and one merged from two. */
static void test_values(void **state)
{
	static uint64_t values[VALUES];

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct hist all = {}, half[2] = {};
		unsigned n = 1 + seed_below(&seed, seed_once_in(&seed, 2) ? 20 : VALUES);

		for (unsigned i = 0; i < n; i++) {
			values[i] = value(round % 5);
			hist_add(&all, values[i]);
			hist_add(&half[seed_below(&seed, 2)], values[i]);
		}
		expect_all(&all, values, n);
		hist_merge(&half[0], &half[1]);
		expect_all(&half[0], values, n);
		hist_clear(&all);
		hist_clear(&half[0]);
		hist_clear(&half[1]);
	}
}

static void test_empty(void **state)
{
	struct hist h = {}, other = {};
	struct hist_bucket b = {};

	(void)state;
	hist_merge(&h, &other);
	assert_int_equal(hist_quantile(&h, 500), 0);
	assert_false(hist_next(&h, &b));
	expect_text(&h, false);
	expect_json(&h);
}

static void test_ends(void **state)
{
	struct hist h = {};
	uint64_t values[] = { 0, UINT64_MAX };

	(void)state;
	hist_add(&h, values[1]);
	hist_add(&h, values[0]);
	expect_all(&h, values, 2);
	hist_clear(&h);
}

static void test_print(void **state)
{
	static const char expected[] =
		"   1.00 us -  2.00 us         3  ####################################\n"
		"   2.00 us -  5.00 us         0\n"
		"   5.00 us -  10.0 us         0\n"
		"   10.0 us -  20.0 us         0\n"
		"   20.0 us -  50.0 us         1  ############\n";
	struct hist h = {};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		hist_add(&h, 1000 + i);
	hist_add(&h, 40000);
	hist_print(&h, out, false);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	hist_clear(&h);
}

static void test_duration(void **state)
{
	(void)state;
	assert_string_equal(duration(0).s, "0 ns");
	assert_string_equal(duration(999).s, "999 ns");
	assert_string_equal(duration(1000).s, "1.00 us");
	assert_string_equal(duration(9994).s, "9.99 us");
	assert_string_equal(duration(9996).s, "10.0 us");
	assert_string_equal(duration(99960).s, "100 us");
	assert_string_equal(duration(999499).s, "999 us");
	assert_string_equal(duration(999500).s, "1.00 ms");
	assert_string_equal(duration(40000000).s, "40.0 ms");
	assert_string_equal(duration(1500000000).s, "1.50 s");
	assert_string_equal(duration(12345000000000).s, "12345 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	 cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ends),	 cmocka_unit_test(test_print),
		cmocka_unit_test(test_duration),
	};

	seed.state = seed_first("hist");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
