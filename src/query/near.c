// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/nearest.h"
#include "query.h"

#define MAX_NAME (sizeof(((struct nr_near *)NULL)->name) - 1)
_Static_assert(MAX_NAME <= NR_NEAREST_LONGEST, "names are compared");

void nr_near_begin(struct nr_near *near, const char *want, size_t len)
{
	*near = (struct nr_near){ .want = want, .len = len, .distance = 1 + (len / 3 ?: len > 1) };
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
	d = is_part(near, name, len) ? 0 : nr_nearest_distance(near->want, near->len, name, len);
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
