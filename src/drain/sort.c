// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "sort.h"

/* End of the ascending run that starts at from. */
static size_t run_end(const struct nr_entry *e, size_t from, size_t n)
{
	size_t i = from + 1;

	while (i < n && !nr_entry_before(&e[i], &e[i - 1]))
		i++;
	return i < n ? i : n;
}

/* Merges the runs e[a..b) and e[b..c): moves the first to tmp, then merges both into e. */
static void merge_runs(struct nr_entry *e, struct nr_entry *tmp, size_t a, size_t b, size_t c)
{
	size_t i = 0, j = b, out, left;

	/* Entries before the whole second run are in place already. */
	while (a < b && !nr_entry_before(&e[b], &e[a]))
		a++;
	left = b - a;
	memcpy(tmp, &e[a], left * sizeof(*e));
	for (out = a; i < left && j < c; out++)
		e[out] = nr_entry_before(&e[j], &tmp[i]) ? e[j++] : tmp[i++];
	memcpy(&e[out], &tmp[i], (left - i) * sizeof(*e));
}

void nr_sort(struct nr_entry *e, struct nr_entry *tmp, size_t n)
{
	size_t merged = 1;

	while (merged) {
		merged = 0;
		for (size_t a = 0; a < n;) {
			size_t b = run_end(e, a, n);
			size_t c = b < n ? run_end(e, b, n) : b;

			if (b < n) {
				merge_runs(e, tmp, a, b, c);
				merged++;
			}
			a = c;
		}
	}
}
