/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A log-linear histogram of durations in ns, as HDR histograms are: 64 buckets for each power of
 * two, so a bucket is at most 1/64 of its values wide. Values below 128 ns are exact. A quantile is
 * the middle of the bucket that holds it: at most 1/128 (0.8 %) off. n, sum, min and max are exact.
 *
 * A zeroed struct is an empty histogram. Memory is only allocated for the powers of two that occur,
 * 512 bytes each.
 */
#ifndef NR_REPORT_HIST_H
#define NR_REPORT_HIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HIST_SUB_BITS 6
#define HIST_SUB      (1u << HIST_SUB_BITS)
#define HIST_GROUPS   (64 - HIST_SUB_BITS + 1)
#define HIST_ERROR    (1.0 / (2 * HIST_SUB)) /* relative, of a quantile */

struct hist {
	uint64_t n, sum, min, max;     /* min and max: 0 if n is 0 */
	uint64_t *counts[HIST_GROUPS]; /* [HIST_SUB] each; NULL: all 0 */
};

struct hist_bucket {
	unsigned index;
	uint64_t low, high; /* values low <= v <= high */
	uint64_t count;	    /* never 0 */
};

/* Exits if there is no memory. */
void hist_add(struct hist *h, uint64_t ns);
/* Adds all of from. */
void hist_merge(struct hist *h, const struct hist *from);
void hist_clear(struct hist *h);

/* The least value that is not smaller than so many thousandths of all values: 500 is the median,
 * 999 is p99.9, 1000 is max. 0 if the histogram is empty. */
uint64_t hist_quantile(const struct hist *h, unsigned permille);
/* Steps through the buckets with values, in order. Begin with a zeroed struct. */
bool hist_next(const struct hist *h, struct hist_bucket *b);

/*
 * Prints at most 12 rows of bounds, counts and bars, at most 79 columns wide: the row 20 us - 50 us
 * counts 20 us <= v < 50 us. A bucket that is in two rows counts for that of its middle. Bars are
 * blocks if utf8, else '#'. Prints nothing if the histogram is empty.
 */
void hist_print(const struct hist *h, FILE *out, bool utf8);
/* {"n", "sum_ns", "min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "relative_error",
 * "buckets": [[low_ns, high_ns, count], ...]}. */
json_t *hist_json(const struct hist *h);

#endif
