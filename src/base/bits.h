/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NR_BITS_H
#define NR_BITS_H

#include <stddef.h>
#include <stdint.h>

#define NR_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Records and packets begin at multiples of 8 bytes. */
static inline uint64_t nr_round8(uint64_t v)
{
	return (v + 7) & ~7ull;
}

/* The smallest power of two that is not less than n; 1 for 0. */
static inline size_t nr_round_up_pow2(size_t n)
{
	size_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

#endif
