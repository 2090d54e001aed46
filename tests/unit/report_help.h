/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stories: made-up events, and what a report says about them.
 *
 *	struct story *s = story_new();
 *	story_type(s, "block_complete", "device:t16 op:e(READ,WRITE) bytes:u32 latency_ns:u64");
 *	story_begin(s, "io", begin);
 *	story_event(s, ts, cpu, "block_complete", "vda", 1LL, 4096LL, 5000LL);
 *	story_end(s, ts);
 */
#ifndef NR_TESTS_REPORT_HELP_H
#define NR_TESTS_REPORT_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "report/report.h"

struct story;

struct story *story_new(void);
void story_free(struct story *s);

/* An event type: fields NAME:KIND with the kinds u8, u16, u32, u64, s32, s64, tN (text of N bytes),
 * aN (N integers of 64 bits, of which events give the first), wN (the same of 32 bits) and e(NAME,...) (an enum of 32 bits, from
 * 0). */
void story_type(struct story *s, const char *name, const char *fields);
/* After all types. Fails the test if the report does not take them. */
void story_begin(struct story *s, const char *report, uint64_t begin);
/* The same of a recording with a filter. */
void story_begin_filtered(struct story *s, const char *report, uint64_t begin, const char *filter);
/* Instead: the events go to fn. */
void story_tell(struct story *s, void (*fn)(void *ctx, const struct nr_event *ev), void *ctx);
const struct nr_types *story_types(const struct story *s);
/* One argument for each field, in order: const char * for a text, else long long. */
void story_event(struct story *s, uint64_t ts, unsigned cpu, const char *type, ...);
/* The same, but it does not pass the filter. */
void story_filtered(struct story *s, uint64_t ts, unsigned cpu, const char *type, ...);
/* An event of size bytes, at most those of its type. */
void story_bytes(struct story *s, uint64_t ts, unsigned cpu, const char *type, const void *bytes,
		 uint32_t size);
/* The CPU lost n records. */
void story_lose(struct story *s, unsigned cpu, unsigned n);
/* The CPU had lost n records before the begin. */
void story_lost_before(struct story *s, unsigned cpu, unsigned n);
void story_end(struct story *s, uint64_t ts);

/* What the report says, valid until story_free. */
const char *story_text(struct story *s);
/* A value of the JSON: "worst.0.duration_ns". */
json_t *story_json(struct story *s, const char *path);
int64_t story_number(struct story *s, const char *path);
const char *story_string(struct story *s, const char *path);

#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("\"%s\" is not in: %s", part, text);                              \
	} while (0)

#endif
