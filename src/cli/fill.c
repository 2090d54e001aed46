// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fill.h"

double fill_of_fullest(const struct nr_stats *stats)
{
	double most = 0;

	for (unsigned i = 0; i < stats->n_shards; i++) {
		const struct nr_shard_stats *s = nr_stats_shard(stats, i);
		double percent = s->ring_bytes ? 100.0 * s->fill / s->ring_bytes : 0;

		most = percent > most ? percent : most;
	}
	return most;
}
