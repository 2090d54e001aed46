/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the known name that was probably meant by an unknown one. */
#ifndef NR_NEAREST_H
#define NR_NEAREST_H

#include <stddef.h>

#define NR_NEAREST_LONGEST 127 /* characters of a name */

struct nr_nearest {
	const char *wanted;
	const char *best; /* NULL: nothing so far resembles it */
	unsigned distance;
};

/* The least number of characters to insert, remove, replace or swap (neighbours) that makes a of b.
 * Letters of the other case are equal. The lengths n and m are at most NR_NEAREST_LONGEST. */
unsigned nr_nearest_distance(const char *a, size_t n, const char *b, size_t m);

/* wanted must outlive the search; longer names than NR_NEAREST_LONGEST are not compared. */
struct nr_nearest nr_nearest_begin(const char *wanted);
/* Considers a name, which must outlive the search if it is the best. A name resembles the wanted
 * one if they differ in at most a third of the characters, or if it contains it. */
void nr_nearest_try(struct nr_nearest *search, const char *name);

#endif
