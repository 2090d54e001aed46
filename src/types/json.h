/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lines of JSON have in common. */
#ifndef NR_JSON_H
#define NR_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Text that grows as by snprintf: what does not fit is counted, not written. */
struct nr_text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) void nr_text_add(struct nr_text *text, const char *fmt, ...);

/* The members time and ts, with a comma after each. ts: CLOCK_MONOTONIC ns. */
void nr_json_time(struct nr_text *text, uint64_t ts, int64_t clock_offset);
/* A member whose value is a string where a double may not hold it. */
void nr_json_u64(struct nr_text *text, const char *name, uint64_t v);

#endif
