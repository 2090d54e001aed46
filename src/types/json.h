/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON lines: nr_types_json_line (numaring/event.h), and its parts, which gaps need too. */
#ifndef NR_TYPES_JSON_H
#define NR_TYPES_JSON_H

#include <stddef.h>
#include <stdint.h>

/* A buffer of size bytes with a string, which ends with 0. len: of the whole string, also of what
 * did not fit. */
struct nr_text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) void nr_text_add(struct nr_text *text, const char *fmt, ...);

#define NR_TIME_TEXT 64
/* A time as JSON lines have it, "2026-11-29T08:00:00.000000001Z", and its length. ts: CLOCK_MONOTONIC
 * ns; clock_offset: ns from it to CLOCK_REALTIME. */
size_t nr_time_text(char buf[NR_TIME_TEXT], uint64_t ts, int64_t clock_offset);
/* Adds the members time and ts, each with a comma after it. */
void nr_json_time(struct nr_text *text, uint64_t ts, int64_t clock_offset);
/* Adds a member. Above 2^53, where a double is not exact, its value is a string. */
void nr_json_u64(struct nr_text *text, const char *name, uint64_t v);

#endif
