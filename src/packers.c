// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How many threads make packets. */
#include <stdlib.h>
#include "collector.h"

/* More packers would wait for the merge, which takes longer to order a record than four packers to
 * copy it and compute its checksum. */
#define NODES_MAX 4u

/* To compress a record as well takes about four times as long as without. */
#define WITH_FRAMES 4u

/* The nodes that hold rings, NODES_MAX at most. */
static unsigned count_nodes(const struct nr_plan *plan)
{
	int nodes[NODES_MAX];
	unsigned n = 0, known;

	for (unsigned i = 0; i < plan->n_shards && n < NODES_MAX; i++) {
		int node = nr_plan_shard_at(plan, i)->node;

		for (known = 0; known < n && nodes[known] != node; known++)
			;
		nodes[n] = node;
		n += known == n;
	}
	return n;
}

/* The CPUs that consumers may use: those of this process, or the user's choice. */
static unsigned count_cpus(const struct nr_plan *plan)
{
	bool *seen = calloc(plan->n_cpus, sizeof(*seen));
	unsigned n = 0;

	for (unsigned i = 0; seen && i < plan->n_shards; i++) {
		const struct nr_plan_shard *s = nr_plan_shard_at(plan, i);

		for (unsigned k = 0; k < s->n_consumer_cpus; k++) {
			unsigned cpu = s->consumer_cpus[k];

			n += cpu < plan->n_cpus && !seen[cpu];
			if (cpu < plan->n_cpus)
				seen[cpu] = true;
		}
	}
	free(seen);
	return n;
}

unsigned nr_packers_by_plan(const struct nr_plan *plan, bool frames)
{
	unsigned n = count_nodes(plan) * (frames ? WITH_FRAMES : 1), most = count_cpus(plan) / 4;

	n = n < most ? n : most;
	return n ? n : 1;
}
