/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds which node each CPU belongs to and how far apart nodes are.
 *
 * hwloc knows only nodes that have memory, and attaches a node without CPUs to the CPUs of another
 * node. On this host, libnuma knows what the kernel says: which nodes have no memory, and to which
 * of two nodes a CPU belongs. In a description, a CPU belongs to the smallest node around it, and
 * of equally small ones to the lowest number, because kernels number nodes with CPUs first.
 */
#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <stdlib.h>
#include "internal.h"

#define LOCAL	10 /* as in the ACPI SLIT */
#define REMOTE	20
#define NO_NODE UINT_MAX

unsigned topo_dist(const struct nr_topology *topo, unsigned from, unsigned to)
{
	return topo->dist[from * topo->n_nodes + to];
}

unsigned topo_height(const struct nr_topology *topo, hwloc_obj_t a, hwloc_obj_t b)
{
	hwloc_obj_t common = hwloc_get_common_ancestor_obj(topo->hw, a, b);

	return hwloc_topology_get_depth(topo->hw) - common->depth;
}

bool topo_nearer(const struct nr_topology *topo, unsigned from, unsigned a, unsigned b)
{
	hwloc_obj_t parent = topo->nodes[from].parent;
	unsigned da = topo_dist(topo, from, a), db = topo_dist(topo, from, b);

	if (da != db)
		return da < db;
	return topo_height(topo, parent, topo->nodes[a].parent) <
	       topo_height(topo, parent, topo->nodes[b].parent);
}

static bool has_own_memory(const struct nr_topology *topo, const unsigned *weight)
{
	unsigned i;

	for (i = 0; i < topo->n_nodes; i++)
		if (weight[i] && topo->nodes[i].has_memory)
			return true;
	return false;
}

static uint64_t cost(const struct nr_topology *topo, const unsigned *weight, unsigned to)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < topo->n_nodes; i++)
		sum += (uint64_t)weight[i] * topo_dist(topo, i, to);
	return sum;
}

/*
 * Is node a better than node b, equally distant, for a shard whose own nodes have no memory? One
 * that has CPUs is: the others are often memory that only user pages may use. Then the next in
 * hwloc's order is, so that two such shards do not both go to the first node.
 */
static bool preferred(const struct nr_topology *topo, unsigned a, unsigned b, unsigned from)
{
	const struct topo_node *n = topo->nodes;
	int at = n[from].first_cpu;

	if (!n[a].n_cpus || !n[b].n_cpus)
		return n[a].n_cpus;
	return abs((int)n[a].first_cpu - at) < abs((int)n[b].first_cpu - at);
}

static unsigned first_writer(const unsigned *weight)
{
	unsigned i = 0;

	while (!weight[i])
		i++;
	return i;
}

unsigned topo_memory_for(const struct nr_topology *topo, const unsigned *weight)
{
	bool own = has_own_memory(topo, weight);
	unsigned from = first_writer(weight);
	uint64_t best_cost = UINT64_MAX;
	unsigned i, best = 0;

	for (i = 0; i < topo->n_nodes; i++) {
		const struct topo_node *node = &topo->nodes[i];
		uint64_t c;

		if (!node->has_memory || (own && !weight[i]))
			continue;
		c = cost(topo, weight, i);
		if (c < best_cost || (c == best_cost && !own && preferred(topo, i, best, from))) {
			best = i;
			best_cost = c;
		}
	}
	return best;
}

static int by_os_number(const void *a, const void *b)
{
	const struct topo_node *x = a, *y = b;

	return x->os - y->os;
}

static hwloc_obj_t normal_ancestor(hwloc_obj_t obj)
{
	while (obj->depth < 0)
		obj = obj->parent;
	return obj;
}

/* Memory outside this process's cpuset does not count: the kernel would silently put its rings
 * elsewhere. In a description all memory counts. */
static bool may_use(const struct nr_topology *topo, hwloc_obj_t obj)
{
	return !topo->this_host ||
	       hwloc_bitmap_isset(hwloc_topology_get_allowed_nodeset(topo->hw), obj->os_index);
}

static void list_nodes(struct nr_topology *topo)
{
	hwloc_obj_t obj = NULL;

	while ((obj = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_NUMANODE, obj)))
		topo->nodes[topo->n_nodes++] = (struct topo_node){
			.os = obj->os_index,
			.has_memory = obj->attr->numanode.local_memory > 0 && may_use(topo, obj),
			.parent = normal_ancestor(obj),
		};
	qsort(topo->nodes, topo->n_nodes, sizeof(*topo->nodes), by_os_number);
}

static unsigned add_node(struct nr_topology *topo, int os, hwloc_obj_t parent)
{
	topo->nodes[topo->n_nodes] = (struct topo_node){ .os = os, .parent = parent };
	return topo->n_nodes++;
}

static unsigned find_or_add_node(struct nr_topology *topo, int os, hwloc_obj_t parent)
{
	unsigned i;

	for (i = 0; i < topo->n_nodes; i++)
		if (topo->nodes[i].os == os && (os >= 0 || topo->nodes[i].parent == parent))
			return i;
	return add_node(topo, os, parent);
}

/* The nodes are sorted, so the first of equally small ones has the lowest number. */
static unsigned smallest_node_around(const struct nr_topology *topo, unsigned cpu_os)
{
	unsigned i, best = NO_NODE;
	int weight = INT_MAX;

	for (i = 0; i < topo->n_nodes; i++) {
		hwloc_obj_t obj;
		int w;

		if (topo->nodes[i].os < 0)
			continue;
		obj = hwloc_get_numanode_obj_by_os_index(topo->hw, topo->nodes[i].os);
		if (!obj || !hwloc_bitmap_isset(obj->cpuset, cpu_os))
			continue;
		w = hwloc_bitmap_weight(obj->cpuset);
		if (w < weight) {
			best = i;
			weight = w;
		}
	}
	return best;
}

/* Returns the largest object around a CPU that no node with memory overlaps: the best guess at the
 * extent of an unknown node without memory. */
static hwloc_obj_t memoryless_parent(const struct nr_topology *topo, hwloc_obj_t obj)
{
	hwloc_obj_t node;

	for (; obj->parent; obj = obj->parent) {
		node = NULL;
		while ((node = hwloc_get_next_obj_by_type(topo->hw, HWLOC_OBJ_NUMANODE, node)))
			if (hwloc_bitmap_intersects(node->cpuset, obj->parent->cpuset))
				return obj;
	}
	return obj;
}

static unsigned node_of_cpu(struct nr_topology *topo, const struct topo_cpu *cpu, bool ask_kernel)
{
	int os = ask_kernel ? numa_node_of_cpu(cpu->os) : -1;
	unsigned node;

	if (os < 0) {
		node = smallest_node_around(topo, cpu->os);
		if (node != NO_NODE)
			return node;
	}
	return find_or_add_node(topo, os, memoryless_parent(topo, cpu->pu));
}

/* If a description gives no node a size, it says nothing about memory: all its nodes have some. */
static void assume_memory(struct nr_topology *topo)
{
	unsigned i;

	for (i = 0; i < topo->n_nodes; i++)
		if (topo->nodes[i].has_memory)
			return;
	for (i = 0; i < topo->n_nodes; i++)
		topo->nodes[i].has_memory = topo->nodes[i].os >= 0;
}

static unsigned guess_distance(const struct nr_topology *topo, unsigned a, unsigned b)
{
	if (a == b)
		return LOCAL;
	return REMOTE + topo_height(topo, topo->nodes[a].parent, topo->nodes[b].parent);
}

static unsigned known_distance(const struct nr_topology *topo, struct hwloc_distances_s *d,
			       unsigned a, unsigned b, bool ask_kernel)
{
	int os_a = topo->nodes[a].os, os_b = topo->nodes[b].os;
	hwloc_uint64_t v = 0, back;
	hwloc_obj_t x, y;

	if (os_a < 0 || os_b < 0)
		return 0;
	x = hwloc_get_numanode_obj_by_os_index(topo->hw, os_a);
	y = hwloc_get_numanode_obj_by_os_index(topo->hw, os_b);
	if (d && x && y && !hwloc_distances_obj_pair_values(d, x, y, &v, &back) && v)
		return v < USHRT_MAX ? v : USHRT_MAX;
	return ask_kernel && numa_distance(os_a, os_b) > 0 ? numa_distance(os_a, os_b) : 0;
}

static int find_distances(struct nr_topology *topo, bool ask_kernel)
{
	struct hwloc_distances_s *d = NULL;
	unsigned n = topo->n_nodes, count = 1, i, j, v;
	int err = -ENOMEM;

	topo->dist = malloc((size_t)n * n * sizeof(*topo->dist));
	if (!topo->dist)
		goto out;
	if (hwloc_distances_get_by_name(topo->hw, "NUMALatency", &count, &d, 0) || !count)
		d = NULL;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++) {
			v = known_distance(topo, d, i, j, ask_kernel);
			topo->dist[i * n + j] = v ? v : guess_distance(topo, i, j);
		}
	err = 0;
out:
	if (d)
		hwloc_distances_release(topo->hw, d);
	return err;
}

static int find_memory(struct nr_topology *topo)
{
	unsigned *weight = calloc(topo->n_nodes, sizeof(*weight));
	unsigned i;

	if (!weight)
		return -ENOMEM;
	for (i = 0; i < topo->n_nodes; i++) {
		weight[i] = 1;
		topo->nodes[i].memory = topo_memory_for(topo, weight);
		weight[i] = 0;
	}
	free(weight);
	return 0;
}

int topo_find_nodes(struct nr_topology *topo)
{
	bool ask_kernel = topo->this_host && numa_available() >= 0;
	int n = hwloc_get_nbobjs_by_type(topo->hw, HWLOC_OBJ_NUMANODE);
	unsigned i;
	int err;

	/* Each CPU adds at most one node. */
	topo->nodes = calloc((n > 0 ? n : 0) + topo->n_cpus, sizeof(*topo->nodes));
	if (!topo->nodes)
		return -ENOMEM;
	list_nodes(topo);
	for (i = 0; i < topo->n_cpus; i++) {
		struct topo_node *node;

		topo->cpus[i].node = node_of_cpu(topo, &topo->cpus[i], ask_kernel);
		node = &topo->nodes[topo->cpus[i].node];
		if (!node->n_cpus++)
			node->first_cpu = i;
	}
	assume_memory(topo);
	err = find_distances(topo, ask_kernel);
	return err ? err : find_memory(topo);
}
