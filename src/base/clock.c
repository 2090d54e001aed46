// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/types.h>
#include "clock.h"

_Atomic(int64_t) nr_clock_offset;

void nr_clock_narrow(struct nr_clock_bracket *b, uint64_t before, uint64_t host, uint64_t after)
{
	int64_t low = host - after - NR_EPSILON_NS, high = host - before + NR_EPSILON_NS;

	b->low = low > b->low ? low : b->low;
	b->high = high < b->high ? high : b->high;
}

static bool contains(const struct nr_clock_bracket *b, int64_t offset)
{
	return b->low <= offset && offset <= b->high;
}

int64_t nr_clock_choose(const struct nr_clock_bracket *b, const int64_t *reported)
{
	if (reported && contains(b, *reported))
		return *reported;
	return contains(b, 0) ? 0 : b->low;
}
