/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reproducible random numbers: every property test prints its seed, and NR_SEED repeats it. */
#ifndef SEED_H
#define SEED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct seed {
	uint64_t state;
};

static inline uint64_t seed_next(struct seed *s)
{
	uint64_t z = s->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint64_t seed_below(struct seed *s, uint64_t n)
{
	return seed_next(s) % n;
}

/* True once in n times. */
static inline bool seed_once_in(struct seed *s, uint64_t n)
{
	return seed_below(s, n) == 0;
}

static inline uint64_t seed_env(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

static inline uint64_t seed_first(const char *test)
{
	struct timespec now;
	uint64_t first;

	clock_gettime(CLOCK_REALTIME, &now);
	first = seed_env("NR_SEED", now.tv_sec * 1000000007ull + now.tv_nsec);
	printf("%s: NR_SEED=%llu\n", test, (unsigned long long)first);
	fflush(stdout);
	return first;
}

#endif
