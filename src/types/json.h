/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parts of JSON lines. */
#ifndef NR_JSON_H
#define NR_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Text that is appended to. Bytes that do not fit are counted, not written. */
struct nr_text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) void nr_text_add(struct nr_text *text, const char *fmt, ...);

/* The members time and ts, with a comma after each. ts: CLOCK_MONOTONIC ns. */
void nr_json_time(struct nr_text *text, uint64_t ts, int64_t clock_offset);
/* A member. Its value is a string above 2^53, where a double may not hold it. */
void nr_json_u64(struct nr_text *text, const char *name, uint64_t v);

#endif
