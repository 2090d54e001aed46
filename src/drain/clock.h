/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The clock that BPF stamps records with, and the barrier between reading it and reading a
 * position. */
#ifndef NR_CLOCK_H
#define NR_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t nr_clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* No load below is done before the clock was read (I2). On x86-64 lfence waits for the rdtsc before
 * it; on arm64 isb does for the counter register. */
static inline void nr_clock_barrier(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif
