// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "sort.h"

/* First index after from at which e does not ascend: the end of the stretch that starts at from. */
static size_t stretch_end(const struct nr_entry *e, size_t from, size_t n)
{
	size_t i = from + 1;

	while (i < n && !nr_entry_before(&e[i], &e[i - 1]))
		i++;
	return i < n ? i : n;
}

/* Merges e[a..b) and e[b..c): the first half moves to tmp, then both flow back into place. */
static void merge_neighbours(struct nr_entry *e, struct nr_entry *tmp, size_t a, size_t b, size_t c)
{
	size_t i = 0, j = b, out, left;

	/* What is below all of the second half stays where it is. */
	while (a < b && !nr_entry_before(&e[b], &e[a]))
		a++;
	left = b - a;
	memcpy(tmp, &e[a], left * sizeof(*e));
	for (out = a; i < left && j < c; out++)
		e[out] = nr_entry_before(&e[j], &tmp[i]) ? e[j++] : tmp[i++];
	memcpy(&e[out], &tmp[i], (left - i) * sizeof(*e));
}

size_t nr_sort(struct nr_entry *e, struct nr_entry *tmp, size_t n)
{
	size_t breaks = 0, merged = 1;

	for (size_t i = stretch_end(e, 0, n); i < n; i = stretch_end(e, i, n))
		breaks++;
	while (merged) {
		merged = 0;
		for (size_t a = 0; a < n;) {
			size_t b = stretch_end(e, a, n);
			size_t c = b < n ? stretch_end(e, b, n) : b;

			if (b < n) {
				merge_neighbours(e, tmp, a, b, c);
				merged++;
			}
			a = c;
		}
	}
	return breaks;
}
