/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of this directory. CPUs and nodes are indexes into the tables below; a name
 * with "os" is the operating system's number. */
#ifndef NR_TOPOLOGY_INTERNAL_H
#define NR_TOPOLOGY_INTERNAL_H

#include <hwloc.h>
#include <numaring/plan.h>
#include "base/log.h"

/* No kernel has a larger CPU number; in a list it is a typing error. */
#define TOPO_MAX_CPU 65535u

/* A CPU and the objects that contain it. Two CPUs share a core if the pointers are equal. No object
 * is NULL: where hwloc knows none, it is the next smaller one. */
struct topo_cpu {
	unsigned os;
	unsigned node;
	hwloc_obj_t pu;
	hwloc_obj_t core;
	hwloc_obj_t cluster; /* cores that share at least an L2, inside the last-level cache */
	hwloc_obj_t llc;     /* L3, else L2, else core; may span nodes: see topo_same_llc() */
	hwloc_obj_t package; /* else the machine */
};

struct topo_node {
	int os; /* -1: the description has only its CPUs */
	bool has_memory;
	unsigned n_cpus;
	unsigned first_cpu; /* if n_cpus */
	unsigned memory;    /* the node itself, or the nearest one with memory */
	hwloc_obj_t parent; /* smallest object around it that has CPUs */
};

struct nr_topology {
	hwloc_topology_t hw;
	bool this_host;
	unsigned n_cpus;
	struct topo_cpu *cpus; /* in hwloc's logical order */
	unsigned cpu_end;      /* highest CPU number + 1 */
	unsigned possible_end; /* the same, including CPUs that may come online */
	int *cpu_index;	       /* [cpu_end], CPU number -> index or -1 */
	unsigned n_nodes;
	struct topo_node *nodes;
	unsigned *dist;		 /* [n_nodes * n_nodes], 10 is local as in the SLIT */
	hwloc_bitmap_t affinity; /* CPUs of this process's affinity mask */
	hwloc_bitmap_t allowed;	 /* CPUs of its cpuset, to which it may move */
};

/* Parses a kernel CPU list, "0-3,8", strictly. -EINVAL: it is none, and set is undefined. */
int topo_parse_cpus(const char *list, hwloc_bitmap_t set);

int topo_find_nodes(struct nr_topology *topo);
unsigned topo_dist(const struct nr_topology *topo, unsigned from, unsigned to);

/* Returns how many levels above the innermost one a and b have an ancestor in common: smaller is
 * nearer. */
unsigned topo_height(const struct nr_topology *topo, hwloc_obj_t a, hwloc_obj_t b);

/* Is node a nearer to node from than node b? */
bool topo_nearer(const struct nr_topology *topo, unsigned from, unsigned a, unsigned b);

/* Returns the node with memory that is nearest to the writers, of which node n has weight[n]. */
unsigned topo_memory_for(const struct nr_topology *topo, const unsigned *weight);

/* A cache that spans nodes (sub-NUMA clusters) counts as one cache for each node, as the node's
 * memory is nearer. */
static inline bool topo_same_llc(const struct topo_cpu *a, const struct topo_cpu *b)
{
	return a->llc == b->llc && a->node == b->node;
}

/* Writes the shard of every CPU to shard_of. Shards are numbered from 0 in the order of the CPUs.
 */
int topo_apply_policy(const struct nr_topology *topo, const char *policy, unsigned *shard_of,
		      unsigned *n_shards, const struct nr_logger *log);

#endif
