/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* splitmix64: small, the same on every machine, good enough for queues. */
#include <math.h>

#include "model.h"

static uint64_t next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

double rng_uniform(struct rng *rng)
{
	return (next(rng) >> 11) * 0x1p-53;
}

double rng_exp(struct rng *rng, double mean)
{
	return -mean * log1p(-rng_uniform(rng));
}

void rng_shuffle(struct rng *rng, unsigned *v, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned j = rng_uniform(rng) * i;
		unsigned tmp = v[i - 1];

		v[i - 1] = v[j];
		v[j] = tmp;
	}
}
