// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "duration.h"

#include <inttypes.h>
#include <stdio.h>

struct duration_text duration(uint64_t ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" } };
	struct duration_text t;
	unsigned u = 0, digits;
	double v;

	if (ns < 1000) {
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " ns", ns);
		return t;
	}
	while (u < 2 && ns / units[u].ns >= 999.5) /* which would print as 1000 */
		u++;
	v = ns / units[u].ns;
	digits = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
	snprintf(t.s, sizeof(t.s), "%.*f %s", digits, v, units[u].name);
	return t;
}
