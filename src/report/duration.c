// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "duration.h"

#include <string.h>

/* Writes v with that many of its digits behind a point, then the unit. */
static void write_text(char *to, uint64_t v, unsigned decimals, const char *unit)
{
	char text[32], *at = text + sizeof(text);

	for (unsigned i = 0; i < decimals; i++, v /= 10)
		*--at = '0' + v % 10;
	if (decimals)
		*--at = '.';
	do
		*--at = '0' + v % 10;
	while (v /= 10);
	memcpy(to, at, text + sizeof(text) - at);
	to += text + sizeof(text) - at;
	*to++ = ' ';
	strcpy(to, unit);
}

/* Without floating point: cat prints millions of them. */
struct duration_text duration(uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 1000, "us" }, { 1000000, "ms" }, { 1000000000, "s" } };
	struct duration_text t;
	uint64_t unit;
	unsigned u = 0;

	if (ns < 1000) {
		write_text(t.s, ns, 0, "ns");
		return t;
	}
	while (u < 2 && ns >= units[u].ns * 1000 - units[u].ns / 2) /* would print as 1000 */
		u++;
	unit = units[u].ns;
	for (unsigned decimals = 2, part = 100; decimals; decimals--, part /= 10)
		if (ns / unit < 100 && (ns + unit / part / 2) / (unit / part) < 1000) {
			write_text(t.s, (ns + unit / part / 2) / (unit / part), decimals,
				   units[u].name);
			return t;
		}
	write_text(t.s, ns / unit + (ns % unit >= unit / 2), 0, units[u].name);
	return t;
}
