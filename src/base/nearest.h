/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds the known name that was probably meant by an unknown one. */
#ifndef NR_NEAREST_H
#define NR_NEAREST_H

#include <stdint.h>

struct nr_nearest {
	const char *wanted;
	const char *best; /* NULL: nothing so far resembles it */
	unsigned distance;
};

/* wanted must outlive the search; names up to 127 characters are compared. */
struct nr_nearest nr_nearest_begin(const char *wanted);
/* Considers a name, which must outlive the search if it is the best. A name resembles the wanted
 * one if they differ in at most a third of the characters, or if it contains it. */
void nr_nearest_try(struct nr_nearest *search, const char *name);

#endif
