/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NR_UTF8_H
#define NR_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Returns the bytes of the UTF-8 character at p and stores it in *out; 0 if it is not valid. n: bytes
 * that there are, at least 1. */
static inline size_t nr_utf8_char(const uint8_t *p, size_t n, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *p < 0x80	 ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;
	uint32_t c = len == 1 ? *p : *p & (0xff >> (len + 1));

	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return len;
}

#endif
