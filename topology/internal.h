/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this folder share. CPUs and nodes are indexes into the tables below, unless a
 * name says "os". */
#ifndef NR_TOPOLOGY_INTERNAL_H
#define NR_TOPOLOGY_INTERNAL_H

#include <hwloc.h>
#include <numaring/plan.h>
#include "base/log.h"

/* No kernel has more; a larger number in a list is a slip of the keyboard. */
#define TOPO_MAX_CPU 65535u

/* A CPU and the objects it lies in. Two CPUs are in the same core if the pointers are equal. None
 * of the objects is NULL: what hwloc does not tell of is the next smaller thing. */
struct topo_cpu {
	unsigned os;
	unsigned node;
	hwloc_obj_t pu;
	hwloc_obj_t core;
	hwloc_obj_t cluster; /* cores that share an L2 or more, inside the last-level cache */
	hwloc_obj_t llc;     /* L3, else L2, else core; may span nodes, see topo_same_llc() */
	hwloc_obj_t package; /* or the machine */
};

struct topo_node {
	int os; /* -1: a node of which the description has only the CPUs */
	bool has_memory;
	unsigned n_cpus;
	unsigned first_cpu; /* if n_cpus */
	unsigned memory;    /* the node itself, or the nearest that has memory */
	hwloc_obj_t home;   /* smallest object around it that has CPUs */
};

struct nr_topology {
	hwloc_topology_t hw;
	bool this_host;
	unsigned n_cpus;
	struct topo_cpu *cpus; /* in hwloc's logical order */
	unsigned cpu_end;      /* highest CPU number + 1 */
	unsigned possible_end; /* the same of those that may come online */
	int *cpu_index;	       /* [cpu_end], CPU number -> index or -1 */
	unsigned n_nodes;
	struct topo_node *nodes;
	unsigned *dist;	       /* [n_nodes * n_nodes], 10 is local as in the SLIT */
	hwloc_bitmap_t usual;  /* CPUs this process runs on if nobody says otherwise */
	hwloc_bitmap_t usable; /* CPUs it may move to: those of its cpuset */
};

/* Strict reader of kernel CPU lists: "0-3,8". -EINVAL, set is then undefined. */
int topo_parse_cpus(const char *list, hwloc_bitmap_t set);

int topo_find_nodes(struct nr_topology *topo);
unsigned topo_dist(const struct nr_topology *topo, unsigned from, unsigned to);

/* How many levels above the innermost two objects meet: smaller is nearer. */
unsigned topo_height(const struct nr_topology *topo, hwloc_obj_t a, hwloc_obj_t b);

/* Is node a nearer to node from than b is? */
bool topo_nearer(const struct nr_topology *topo, unsigned from, unsigned a, unsigned b);

/* Node with memory that is nearest to all of weight[node] writers. */
unsigned topo_memory_for(const struct nr_topology *topo, const unsigned *weight);

/* A cache that spans nodes (sub-NUMA clusters) counts once per node: memory is nearer than that. */
static inline bool topo_same_llc(const struct topo_cpu *a, const struct topo_cpu *b)
{
	return a->llc == b->llc && a->node == b->node;
}

/* Shard number of every CPU by a policy, counted from 0 in the order of the CPUs. */
int topo_apply_policy(const struct nr_topology *topo, const char *policy, unsigned *shard_of,
		      unsigned *n_shards, const struct nr_logger *log);

#endif
