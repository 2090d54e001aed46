// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A user of the installed package, in C: makes a plan for another machine. Needs no rights. */
#include <numaring/numaring.h>
#include <stdio.h>

#if NR_VERSION < 100
#error "older than 0.1.0"
#endif

int main(void)
{
	const struct nr_topology_opts opts = { .sz = sizeof(opts),
					       .synthetic = "pack:2 [numa] core:4 pu:2" };
	struct nr_topology *topology = NULL;
	struct nr_plan *plan = NULL;
	int err = nr_topology_open(&topology, &opts);

	if (!err)
		err = nr_plan_make(&plan, topology, NULL);
	if (!err)
		printf("%u shards, the last on node %d\n", plan->n_shards,
		       nr_plan_shard_at(plan, plan->n_shards - 1)->node);
	nr_plan_free(plan);
	nr_topology_free(topology);
	nr_collector_close(NULL);
	return err || nr_version() != NR_VERSION;
}
