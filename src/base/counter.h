/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters for statistics. One thread writes them, others read them at any time. They order nothing
 * and need no locked instruction. */
#ifndef NR_COUNTER_H
#define NR_COUNTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline uint64_t nr_counter_get(const _Atomic(uint64_t) *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void nr_counter_set(_Atomic(uint64_t) *counter, uint64_t n)
{
	atomic_store_explicit(counter, n, memory_order_relaxed);
}

static inline void nr_counter_add(_Atomic(uint64_t) *counter, uint64_t n)
{
	nr_counter_set(counter, nr_counter_get(counter) + n);
}

/* Raises the counter to n. False: it is not below n. */
static inline bool nr_counter_max(_Atomic(uint64_t) *counter, uint64_t n)
{
	if (n <= nr_counter_get(counter))
		return false;
	nr_counter_set(counter, n);
	return true;
}

#endif
