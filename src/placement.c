// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compares the places of a collector's memory and threads with the plan. */
#include <string.h>
#include <unistd.h>
#include "base/bits.h"
#include "collector.h"

/* Warns of rings that are not on their planned nodes. */
static void report_rings(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		const struct nr_placement *p = &c->placement[i];

		if (p->pages_on_node >= 0 && (size_t)p->pages_on_node < p->pages)
			nr_log(&c->log, NR_LOG_WARN,
			       "shard %u: only %zd of %zu pages are on node %d, whose memory may "
			       "be full",
			       i, p->pages_on_node, p->pages, c->plan->shards[i].node);
	}
}

void nr_placement_check_rings(struct nr_collector *c)
{
	size_t page = sysconf(_SC_PAGESIZE);

	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		const struct nr_shard *shard = &c->shards[i];
		int node = c->plan->shards[i].node;

		c->placement[i].pages = shard->size / page;
		c->placement[i].pages_on_node =
			node < 0 ? -1
				 : nr_host_pages_on_node(shard->data, shard->size / page, node,
							 NULL);
	}
	report_rings(c);
}

/* Finds the pages of a shard's index. The consumer touched them first, so they are on its node. */
static void check_index(struct nr_collector *c, unsigned i)
{
	const struct nr_shard *shard = &c->shards[i];
	const struct nr_plan_shard *plan = &c->plan->shards[i];
	const struct nr_entry *parts[] = { shard->queue, shard->run, shard->tmp };
	size_t pages = (shard->queue_mask + 1) * sizeof(*shard->queue) / sysconf(_SC_PAGESIZE);
	int node = nr_topology_cpu_node(c->topo, plan->consumer_cpus[0]);
	struct nr_placement *p = &c->placement[i];

	p->index_pages = 0;
	p->index_on_node = node < 0 ? -1 : 0;
	for (unsigned k = 0; k < NR_ARRAY_SIZE(parts) && p->index_on_node >= 0; k++) {
		size_t present = 0;
		long on_node = nr_host_pages_on_node(parts[k], pages, node, &present);

		p->index_pages += present;
		p->index_on_node = on_node < 0 ? -1 : p->index_on_node + on_node;
	}
}

/* Warns of consumers that did not run on their planned CPUs. */
void nr_placement_check_consumers(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		const struct nr_placement *p = &c->placement[i];
		int err = atomic_load(&c->consumers[i].pin_error);

		check_index(c, i);
		if (err)
			nr_log(&c->log, NR_LOG_WARN,
			       "could not pin consumer %u, so it ran on any CPU: %s", i,
			       strerror(-err));
		else if (p->index_on_node >= 0 && (size_t)p->index_on_node < p->index_pages)
			nr_log(&c->log, NR_LOG_WARN,
			       "consumer %u: only %zd of %zu pages of its index were on its node",
			       i, p->index_on_node, p->index_pages);
	}
}
