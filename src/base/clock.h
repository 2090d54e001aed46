/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The clock that BPF stamps records with, and the barrier between reading it and reading a
 * position.
 *
 * BPF reads the host's CLOCK_MONOTONIC. A time namespace shifts that of a process, by a constant:
 * every time in the library is the host's (docs/order.md, C1).
 */
#ifndef NR_CLOCK_H
#define NR_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* As the time of a pass: there will be no more records, everything is complete. */
#define NR_TIME_END UINT64_MAX

/* What two readings of the clock on two CPUs may differ, and the step back that the kernel's
 * NMI-safe clock may make across an update of the timekeeper. */
#define NR_EPSILON_NS 1000u

/* The host's CLOCK_MONOTONIC less this process's, ns; 0 outside of a time namespace. Set whenever a
 * collector is opened, always to the same value while another one runs (src/timens.h). */
extern _Atomic(int64_t) nr_clock_offset;

/* CLOCK_MONOTONIC of this process, ns. */
static inline uint64_t nr_clock_local(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* CLOCK_MONOTONIC of the host, ns. */
static inline uint64_t nr_clock_now(void)
{
	return nr_clock_local() + atomic_load_explicit(&nr_clock_offset, memory_order_relaxed);
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

/* The offset lies between the two, ns. */
struct nr_clock_bracket {
	int64_t low, high;
};

/* Before anything is known. */
#define NR_CLOCK_ANY ((struct nr_clock_bracket){ INT64_MIN, INT64_MAX })

/* A program read `host` between two readings of ours, `before` and `after`. */
void nr_clock_narrow(struct nr_clock_bracket *b, uint64_t before, uint64_t host, uint64_t after);

/*
 * The offset. `told`: what the kernel says it is, NULL if it does not say; not believed if the
 * clock disagrees. Then 0 if that is possible, as outside of a time namespace, or else the least
 * that is possible: a watermark may be too low, but never too high.
 */
int64_t nr_clock_choose(const struct nr_clock_bracket *b, const int64_t *told);

#endif
