/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Durations for people. */
#ifndef NR_REPORT_DURATION_H
#define NR_REPORT_DURATION_H

#include <stddef.h>
#include <stdint.h>

struct duration_text {
	char s[16];
};

/* Three digits and a unit: "812 ns", "41.2 us", "40.0 ms", "1.50 s", "12345 s". */
struct duration_text duration(uint64_t ns);

#endif
