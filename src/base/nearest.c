// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include "nearest.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned nr_nearest_distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][NR_NEAREST_LONGEST + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t k = 0; k <= m; k++)
		above[k] = k;
	for (size_t i = 1; i <= n; i++) {
		unsigned *oldest = before;

		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			unsigned differs = !same(a[i - 1], b[k - 1]);

			row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + differs);
			if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]))
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

	if (!n || n > NR_NEAREST_LONGEST || m > NR_NEAREST_LONGEST)
		return;
	d = nr_nearest_distance(search->wanted, n, name, m);
	if (d > (n > m ? n : m) / 3) {
		if (n < 3 || !strstr(name, search->wanted))
			return;
		d += NR_NEAREST_LONGEST; /* a name that differs little is better */
	}
	if (d < search->distance) {
		search->distance = d;
		search->best = name;
	}
}
