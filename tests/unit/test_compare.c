// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Comparisons of distributions, against a permutation test and against what the values were made of. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "report/compare.h"
#include "seed.h"

static struct seed seed;

static double uniform(void)
{
	return (double)(seed_next(&seed) >> 11) / (1ull << 53);
}

static double normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

/* Durations around 50 us, as most are: their logarithm is normal. */
static uint64_t duration_of(double spread, double factor)
{
	return 50000 * factor * exp(spread * normal());
}

static void fill(struct hist *h, unsigned n, double spread, double factor)
{
	while (n--)
		hist_add(h, duration_of(spread, factor));
}

/* ---- the permutation test ---- */

#define MOST	     300
#define PERMUTATIONS 3000

/* Twice the rank of each value among all, from 2; equal values share one. */
static void ranks(int *rank, const uint64_t *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rank[i] = 1;
		for (unsigned j = 0; j < n; j++)
			rank[i] += (v[j] < v[i]) + (v[j] <= v[i]);
	}
}

/* How far the sum of the first ranks is from what is expected by chance. */
static int off(const int *rank, unsigned n_first, unsigned n)
{
	int sum = -(int)(n_first * (n + 1));

	for (unsigned i = 0; i < n_first; i++)
		sum += rank[i];
	return sum;
}

static void shuffle(int *v, unsigned n)
{
	for (unsigned i = n - 1; i > 0; i--) {
		unsigned j = seed_below(&seed, i + 1);
		int was = v[i];

		v[i] = v[j];
		v[j] = was;
	}
}

/* A result as far as the one seen counts half (mid-p), because the normal distribution has no steps. */
static double permutation_p(int *rank, unsigned n_first, unsigned n)
{
	int seen = abs(off(rank, n_first, n));
	unsigned twice = 0;

	for (unsigned i = 0; i < PERMUTATIONS; i++) {
		shuffle(rank, n);
		twice += abs(off(rank, n_first, n)) >= seen;
		twice += abs(off(rank, n_first, n)) > seen;
	}
	return seen ? twice / 2.0 / PERMUTATIONS : 1;
}

/* Below 128, where each value has a bucket of its own. With ties, two of three values are equal. */
static uint64_t value(bool ties, unsigned shift)
{
	if (ties)
		return seed_below(&seed, 3) ? 10 : 5 + shift + seed_below(&seed, 100);
	return 1 + 5 * shift + seed_below(&seed, 100);
}

static void test_permutation(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		unsigned n_a = 80 + seed_below(&seed, MOST - 80);
		unsigned n_b = 80 + seed_below(&seed, MOST - 80);
		struct hist a = {}, b = {};
		uint64_t v[2 * MOST];
		int rank[2 * MOST];
		struct comparison c;
		double p;

		for (unsigned i = 0; i < n_a + n_b; i++) {
			v[i] = value(round % 2, i < n_a ? 0 : round % 3);
			hist_add(i < n_a ? &a : &b, v[i]);
		}
		ranks(rank, v, n_a + n_b);
		c = compare(&a, &b);
		assert_float_equal(c.delta, -(double)off(rank, n_a, n_a + n_b) / (n_a * n_b), 1e-9);
		p = permutation_p(rank, n_a, n_a + n_b);
		if (fabs(c.p - p) > 0.01 + 4.5 * sqrt(p * (1 - p) / PERMUTATIONS))
			fail_msg("round %u: p = %f, by permutations %f", round, c.p, p);
		hist_clear(&a);
		hist_clear(&b);
	}
}

/* ---- what the values were made of ---- */

#define ROUNDS 400

struct rates {
	unsigned found, covered, tails;
};

/* Of ROUNDS pairs of samples: how many differ with p < 0.05, in how many the interval holds the
 * factor, and how many tails differ. */
static struct rates rates(unsigned n, double spread, double factor)
{
	struct rates r = {};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct hist a = {}, b = {};
		struct comparison c;

		fill(&a, n, spread, 1);
		fill(&b, n, spread, factor);
		c = compare(&a, &b);
		r.found += c.p < 0.05;
		r.covered += c.low <= factor && factor <= c.high;
		r.tails += c.tail_p < 0.05;
		assert_true(c.low <= c.ratio && c.ratio <= c.high);
		hist_clear(&a);
		hist_clear(&b);
	}
	return r;
}

/* 20 of 400 are expected; 6 standard deviations are 26. */
static void test_same(void **state)
{
	struct rates r = rates(1500, 1, 1);

	(void)state;
	assert_in_range(r.found, 1, 46);
	assert_in_range(r.tails, 0, 46);
	assert_in_range(r.covered, ROUNDS - 46, ROUNDS);
}

static void test_shifted(void **state)
{
	struct rates r = rates(3000, 1, 1.2);

	(void)state;
	assert_int_equal(r.found, ROUNDS);
	assert_in_range(r.covered, ROUNDS - 46, ROUNDS);
}

/* A constant has no variance within; the interval is as wide as a bucket. */
static void test_constant(void **state)
{
	struct hist a = {}, b = {};
	struct comparison c;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		hist_add(&a, 40000000);
		hist_add(&b, 48000000);
	}
	c = compare(&a, &b);
	assert_true(c.p < 1e-12);
	assert_float_equal(c.delta, 1, 0);
	assert_true(c.low < 1.2 && c.high > 1.2 && c.low > 1.16 && c.high < 1.24);
	c = compare(&a, &a);
	assert_float_equal(c.p, 1, 0);
	assert_float_equal(c.ratio, 1, 0.02);
	assert_float_equal(c.tail_p, 1, 0);
	hist_clear(&a);
	hist_clear(&b);
}

/* Only a few values become long: the test of the tail sees it. */
static void test_tail(void **state)
{
	struct hist a = {}, b = {};
	struct comparison c;

	(void)state;
	fill(&a, 9980, 0.1, 1);
	fill(&a, 20, 0.1, 1000);
	fill(&b, 9850, 0.1, 1);
	fill(&b, 150, 0.1, 1000);
	c = compare(&a, &b);
	assert_true(fabs(c.delta) < 0.1 && c.ratio < 1.05);
	assert_true(c.tail_p < 1e-9);
	assert_true(c.tail_b > 3 * c.tail_a);
	hist_clear(&a);
	hist_clear(&b);
}

static void test_few(void **state)
{
	struct hist a = {}, b = {};
	struct comparison c;

	(void)state;
	fill(&a, COMPARE_MIN - 1, 1, 1);
	fill(&b, 1000, 1, 100);
	c = compare(&a, &b);
	assert_float_equal(c.p, 1, 0);
	assert_float_equal(c.ratio, 0, 0);
	hist_clear(&a);
	hist_clear(&b);
}

/* ---- many comparisons ---- */

static unsigned rank_of(const double *p, unsigned n, unsigned i)
{
	unsigned rank = 0;

	for (unsigned j = 0; j < n; j++)
		rank += p[j] <= p[i];
	return rank;
}

/* By the definition: the least of p n / rank over all that are not smaller. */
static double adjusted(const double *p, unsigned n, unsigned i)
{
	double least = 1;

	for (unsigned j = 0; j < n; j++)
		if (p[j] >= p[i])
			least = fmin(least, p[j] * n / rank_of(p, n, j));
	return least;
}

static void test_adjust(void **state)
{
	double p[50], was[50], *list[50];

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		unsigned n = 1 + seed_below(&seed, 50);

		for (unsigned i = 0; i < n; i++) {
			was[i] = p[i] = round % 2 ? uniform() : seed_below(&seed, 5) / 5.0;
			list[i] = &p[i];
		}
		compare_adjust(list, n);
		for (unsigned i = 0; i < n; i++)
			assert_float_equal(p[i], adjusted(was, n, i), 1e-12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permutation), cmocka_unit_test(test_same),
		cmocka_unit_test(test_shifted),	    cmocka_unit_test(test_constant),
		cmocka_unit_test(test_tail),	    cmocka_unit_test(test_few),
		cmocka_unit_test(test_adjust),
	};

	seed.state = seed_first("compare");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
