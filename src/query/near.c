// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include "query.h"

#define MAX_NAME (sizeof(((struct nr_near *)NULL)->name) - 1)

void nr_near_begin(struct nr_near *near, const char *want, size_t len)
{
	*near = (struct nr_near){ .want = want, .len = len, .distance = 1 + (len / 3 ?: len > 1) };
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The insertions, deletions, replacements and swaps of neighbours that make a of b. Letters of the
 * other case are equal. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][MAX_NAME + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = least(last[j - 1] + (x != y), least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[m];
}

/* "duration" and "x" are as good as near to "duration_ns" and "pos.x". */
static bool is_part(const struct nr_near *near, const char *name, size_t len)
{
	const char *end = name + len - near->len;

	if (near->len >= len)
		return false;
	return (near->len >= 3 && !memcmp(near->want, name, near->len)) ||
	       (end[-1] == '.' && !memcmp(near->want, end, near->len));
}

void nr_near_try(struct nr_near *near, const char *name)
{
	size_t len = strlen(name);
	unsigned d;

	if (len > MAX_NAME || near->len > MAX_NAME)
		return;
	d = is_part(near, name, len) ? 0 : distance(near->want, near->len, name, len);
	if (d >= near->distance)
		return;
	near->distance = d;
	memcpy(near->name, name, len + 1);
}

const char *nr_near_hint(const struct nr_near *near, const char *otherwise, char *buf, size_t size)
{
	if (*near->name)
		snprintf(buf, size, ": did you mean %s?", near->name);
	else
		snprintf(buf, size, "%s", otherwise);
	return buf;
}
