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

bool ranges_differ(struct range a, struct range b)
{
	return a.n >= 3 && b.n >= 3 && (a.low > b.high || a.high < b.low);
}
