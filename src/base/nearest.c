// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include "nearest.h"

#define LONGEST 127

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The least number of characters to insert, remove, replace or swap (neighbours) that makes a of b.
 */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][LONGEST + 1], *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t k = 0; k <= m; k++)
		above[k] = k;
	for (size_t i = 1; i <= n; i++) {
		unsigned *oldest = before;

		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			unsigned differs = tolower(a[i - 1]) != tolower(b[k - 1]);

			row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + differs);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[m];
}

struct nr_nearest nr_nearest_begin(const char *wanted)
{
	return (struct nr_nearest){ .wanted = wanted, .distance = UINT_MAX };
}

void nr_nearest_try(struct nr_nearest *search, const char *name)
{
	size_t n = strlen(search->wanted), m = strlen(name);
	unsigned d;

	if (!n || n > LONGEST || m > LONGEST)
		return;
	d = distance(search->wanted, n, name, m);
	if (d > (n > m ? n : m) / 3) {
		if (n < 3 || !strstr(name, search->wanted))
			return;
		d += LONGEST; /* a name that differs little is better */
	}
	if (d < search->distance) {
		search->distance = d;
		search->best = name;
	}
}
