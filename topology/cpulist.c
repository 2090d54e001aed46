/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernel CPU lists, parsed and printed. hwloc's parser is too lenient: it takes "3-" as endless. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static int parse_number(const char **s, unsigned *out)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	errno = 0;
	v = strtoul(*s, &end, 10);
	if (errno || v > TOPO_MAX_CPU)
		return -EINVAL;
	*s = end;
	*out = v;
	return 0;
}

int topo_parse_cpus(const char *s, hwloc_bitmap_t set)
{
	unsigned first, last;

	hwloc_bitmap_zero(set);
	for (;; s++) {
		if (parse_number(&s, &first))
			return -EINVAL;
		last = first;
		if (*s == '-') {
			s++;
			if (parse_number(&s, &last) || last < first)
				return -EINVAL;
		}
		if (hwloc_bitmap_set_range(set, first, last))
			return -ENOMEM;
		if (!*s)
			return 0;
		if (*s != ',')
			return -EINVAL;
	}
}

static unsigned range_length(const unsigned *cpus, unsigned count)
{
	unsigned n = 1;

	while (n < count && cpus[n] == cpus[n - 1] + 1)
		n++;
	return n;
}

char *nr_cpu_list(char *buf, size_t size, const unsigned *cpus, unsigned count)
{
	size_t len = 0, cut = 0; /* cut: end of the last range that leaves room for ",..." */
	unsigned i, n;

	if (!size)
		return buf;
	buf[0] = '\0';
	for (i = 0; i < count; i += n) {
		char item[32];
		int add;

		n = range_length(cpus + i, count - i);
		add = snprintf(item, sizeof(item), n > 1 ? "%s%u-%u" : "%s%u", i ? "," : "",
			       cpus[i], cpus[i] + n - 1);
		if (len + add + 1 > size) {
			snprintf(buf + cut, size - cut, cut ? ",..." : "...");
			break;
		}
		memcpy(buf + len, item, add + 1);
		len += add;
		if (len + sizeof(",...") <= size)
			cut = len;
	}
	return buf;
}
