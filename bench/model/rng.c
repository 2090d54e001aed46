/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* splitmix64: small, the same on every machine, good enough for queues. */
#include <math.h>

#include "model.h"

static uint64_t next(struct nr_model_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

double nr_model_rand(struct nr_model_rng *rng)
{
	return (next(rng) >> 11) * 0x1p-53;
}

double nr_model_rand_exp(struct nr_model_rng *rng, double mean)
{
	return -mean * log1p(-nr_model_rand(rng));
}

void nr_model_shuffle(struct nr_model_rng *rng, unsigned *v, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned j = nr_model_rand(rng) * i;
		unsigned tmp = v[i - 1];

		v[i - 1] = v[j];
		v[j] = tmp;
	}
}
