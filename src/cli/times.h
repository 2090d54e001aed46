/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times of a trace as times of the world. */
#ifndef NR_TIMES_H
#define NR_TIMES_H

#include <stdint.h>
#include <time.h>

#define TIMES_NSEC 1000000000ll

/* UTC of a time of a trace. Nanoseconds since the epoch in a single int64_t would overflow in 2262. */
static inline struct timespec times_utc(uint64_t ts, int64_t clock_offset)
{
	int64_t ns = clock_offset % TIMES_NSEC + (int64_t)(ts % TIMES_NSEC);
	int64_t carry = ns < 0 ? -1 : ns / TIMES_NSEC;

	return (struct timespec){
		.tv_sec = (int64_t)(ts / TIMES_NSEC) + clock_offset / TIMES_NSEC + carry,
		.tv_nsec = ns - carry * TIMES_NSEC,
	};
}

#endif
