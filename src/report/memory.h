/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory for reports. A report without memory has no answer, so these exit. */
#ifndef NR_REPORT_MEMORY_H
#define NR_REPORT_MEMORY_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static inline void *memory_check(void *p)
{
	if (p)
		return p;
	fputs("numaring: out of memory\n", stderr);
	exit(1);
}

/* n elements of size bytes, all 0. */
static inline void *memory_new(size_t n, size_t size)
{
	return memory_check(calloc(n ? n : 1, size));
}

static inline void *memory_grow(void *p, size_t n, size_t size)
{
	return memory_check(reallocarray(p, n, size));
}

#endif
