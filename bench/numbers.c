// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <math.h>
#include "bench.h"

/* Least value of a bucket, also of the one after the last. */
static double lower_bound(unsigned bucket)
{
	unsigned octave = bucket / 8;

	if (octave < 1)
		return bucket;
	return (double)(8 + bucket % 8) * (double)(1ull << (octave - 1));
}

static double middle(unsigned bucket)
{
	return bucket < 8 ? bucket : (lower_bound(bucket) + lower_bound(bucket + 1)) / 2;
}

double histogram_quantile(const __u64 *bucket, double q)
{
	uint64_t total = 0, below = 0;

	for (unsigned i = 0; i < BENCH_BUCKETS; i++)
		total += bucket[i];
	for (unsigned i = 0; i < BENCH_BUCKETS; i++) {
		below += bucket[i];
		if (total && below >= q * total)
			return middle(i);
	}
	return 0;
}

double histogram_max(const __u64 *bucket)
{
	for (unsigned i = BENCH_BUCKETS; i-- > 0;)
		if (bucket[i])
			return middle(i);
	return 0;
}

int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Interpolates between the two values next to the place. */
static double at(const double *sorted, unsigned n, double share)
{
	double place = share * (n - 1);
	unsigned below = place;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

struct spread3 quartiles(double *values, unsigned n)
{
	if (!n)
		return (struct spread3){ 0 };
	qsort(values, n, sizeof(*values), compare_doubles);
	return (struct spread3){ at(values, n, 0.25), at(values, n, 0.5), at(values, n, 0.75), n };
}

#define GAP_LEAST  1.25
#define GAP_SPREAD 1.5

unsigned two_groups(const double *sorted, unsigned n)
{
	double widest = 1, within;
	unsigned cut = 0;

	for (unsigned i = 2; i + 2 <= n && sorted[0] > 0; i++) {
		if (sorted[i] / sorted[i - 1] > widest) {
			widest = sorted[i] / sorted[i - 1];
			cut = i;
		}
	}
	if (!cut)
		return 0;
	within = fmax(sorted[cut - 1] / sorted[0], sorted[n - 1] / sorted[cut]);
	return widest >= GAP_LEAST && log(widest) > GAP_SPREAD * log(within) ? cut : 0;
}

/* Normal approximation of Mann and Whitney's count; from five runs each on it is not above the exact
 * one. 0: too few for 99 %. */
static size_t rank_of_99(double n, double m)
{
	return floor(fmax(0, n * m / 2 - 2.576 * sqrt(n * m * (n + m + 1) / 12)));
}

/* That an interval from the least ratio to the greatest has it. */
static unsigned confidence_of_all(unsigned n, unsigned m)
{
	double ways = 1;

	for (unsigned i = 1; i <= n; i++)
		ways *= (double)(m + i) / i;
	return fmin(99, 100 * (1 - 2 / ways));
}

struct ratio ratio_of(double *a, unsigned n, double *b, unsigned m)
{
	struct spread3 x = quartiles(a, n), y = quartiles(b, m);
	struct ratio ratio = { 0 };
	size_t pairs = (size_t)n * m, rank;
	double *all;

	if (n < 3 || m < 3 || !(a[0] > 0 && b[0] > 0))
		return ratio;
	all = bench_alloc(pairs, sizeof(*all));
	for (size_t i = 0; i < pairs; i++)
		all[i] = a[i / m] / b[i % m];
	qsort(all, pairs, sizeof(*all), compare_doubles);
	rank = rank_of_99(n, m);
	ratio.confidence = rank ? 99 : confidence_of_all(n, m);
	ratio.middle = x.median / y.median;
	ratio.low = all[rank ? rank - 1 : 0];
	ratio.high = all[pairs - (rank ? rank : 1)];
	free(all);
	return ratio;
}
