/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The clock with which BPF programs stamp records, and the barrier between reading it and reading a
 * position.
 *
 * BPF programs read the host's CLOCK_MONOTONIC. A time namespace shifts a process's clock by a
 * constant. Every time in the library is the host's (docs/order.md, C1).
 */
#ifndef NR_CLOCK_H
#define NR_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The time of a last pass: no more records will come, and everything is complete. */
#define NR_TIME_END UINT64_MAX

/* The most by which the clocks of two CPUs may differ, and by which the kernel's NMI-safe clock may
 * step back when the timekeeper is updated. */
#define NR_EPSILON_NS 1000u

/* The host's CLOCK_MONOTONIC minus this process's, ns; 0 outside a time namespace. It is set
 * whenever a collector is opened, and to the same value while another one is open
 * (src/kernel/timens.h). */
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

/* A time of the host's clock as this process's clock shows it: to wait until then. */
static inline struct timespec nr_clock_until(uint64_t time)
{
	uint64_t local = time - atomic_load_explicit(&nr_clock_offset, memory_order_relaxed);

	return (struct timespec){ local / 1000000000, local % 1000000000 };
}

/* No later load is executed before the clock was read (I2). On x86-64 lfence waits for the rdtsc
 * before it; on arm64 isb waits for the read of the counter register. */
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

/* The offset is in [low, high], ns. */
struct nr_clock_bracket {
	int64_t low, high;
};

/* Contains every offset. */
#define NR_CLOCK_ANY ((struct nr_clock_bracket){ INT64_MIN, INT64_MAX })

/* Narrows the bracket: a program read `host` between our readings `before` and `after`. */
void nr_clock_narrow(struct nr_clock_bracket *b, uint64_t before, uint64_t host, uint64_t after);

/*
 * Returns the offset: the one that the kernel reported if it is in the bracket (`reported` is NULL
 * if it reported none), else 0 if that is in the bracket, as outside a time namespace, else the
 * lowest: a watermark may be too low, but never too high.
 */
int64_t nr_clock_choose(const struct nr_clock_bracket *b, const int64_t *reported);

#endif
