/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Did a distribution change between a and b? The tests, their formulas and their sources:
 * docs/answers.md, "report diff".
 */
#ifndef NR_REPORT_COMPARE_H
#define NR_REPORT_COMPARE_H

#include <stddef.h>
#include "hist.h"

/* With fewer values on one side, nothing is compared. */
#define COMPARE_MIN 20

struct comparison {
	/* Values as a whole, by Mann and Whitney's test: */
	double p;     /* two-sided; 1 if there are too few values */
	double delta; /* Cliff's: P(b > a) - P(b < a), -1 to 1 */
	/* b is so many times a, by Hodges and Lehmann, and its 95 % interval; 0 if p is 1 because
	 * there are too few values. */
	double ratio, low, high;
	/* Values above the 99th percentile of a and b together: */
	uint64_t tail_above;   /* ns */
	double tail_a, tail_b; /* their share of all values */
	double tail_p;	       /* two-sided; 1 if fewer than 5 are expected on one side */
};

struct comparison compare(const struct hist *a, const struct hist *b);

/* Replaces n p-values by those adjusted for their number, by Benjamini and Hochberg: among the rows
 * with an adjusted p below q, at most the share q is expected to be there by chance. */
void compare_adjust(double **p, size_t n);

#endif
