/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which CPU writes into which ring, and which CPUs drain it.
 *
 * Open a topology (this host, an hwloc XML file or an hwloc synthetic description), make a plan
 * from it by a policy, read the plan. A plan is a pure function of topology and options (I9): it
 * pins no thread and binds no memory.
 *
 *	struct nr_topology *topo;
 *	struct nr_plan *plan;
 *	nr_topology_open(&topo, NULL);
 *	nr_plan_make(&plan, topo, NULL);
 *	for (unsigned s = 0; s < plan->n_shards; s++)
 *		printf("shard %u on node %d\n", s, nr_plan_shard_at(plan, s)->node);
 *	nr_plan_free(plan);
 *	nr_topology_free(topo);
 *
 * Conventions of all headers: functions return 0 or a negative errno; *out is untouched on failure;
 * free functions take NULL; CPU and node numbers are the operating system's. Within a soname,
 * structs only grow, and only at their end: option structs, whose sz says which fields the caller
 * knows, and structs that the library allocates (docs/api.md, What may grow). Nothing in this file
 * is bound to a thread, but only one thread at a time may use an object.
 */
#ifndef NUMARING_PLAN_H
#define NUMARING_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <numaring/log.h>
#include <numaring/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_topology;

struct nr_topology_opts {
	size_t sz;	       /* sizeof(struct nr_topology_opts) */
	const char *synthetic; /* hwloc synthetic description, "pack:4 [numa] l3:2 core:8 pu:2" */
	const char *xml; /* path of an hwloc XML file (lstopo file.xml); at most one of the two */
	nr_log_fn log;	 /* may be NULL */
	void *log_ctx;
};

/* opts NULL: this host. -EINVAL: both are given, the description is invalid, or hwloc's environment
 * variables describe another machine; -ENOENT, -EACCES...: the file's error. */
NR_API int nr_topology_open(struct nr_topology **out, const struct nr_topology_opts *opts);
NR_API void nr_topology_free(struct nr_topology *topo);

/* Is the topology that of the machine we run on, so that threads can be bound to it? */
NR_API bool nr_topology_is_this_host(const struct nr_topology *topo);

/* How far apart two CPUs are: the innermost object that they share. */
enum nr_distance {
	NR_SAME_CPU,
	NR_SAME_CORE, /* SMT siblings */
	NR_SAME_LLC,  /* last-level cache */
	NR_SAME_NODE, /* NUMA node */
	NR_SAME_PACKAGE,
	NR_OTHER_PACKAGE,
};
NR_API enum nr_distance nr_topology_distance(const struct nr_topology *topo, unsigned cpu_a,
					     unsigned cpu_b);

/* Writes up to max CPUs of the topology to cpus, which may be NULL if max is 0, and returns how
 * many there are. They are in hwloc's logical order, in which neighbours in caches are neighbours.
 */
NR_API unsigned nr_topology_cpus(const struct nr_topology *topo, unsigned *cpus, unsigned max);

/* Returns the length of a table indexed by CPU number: on this host the highest number of a
 * possible CPU + 1, so that it has room for CPUs that come online later; else the topology's
 * highest CPU number + 1. */
NR_API unsigned nr_topology_possible_cpus(const struct nr_topology *topo);

/* Returns the CPU's NUMA node, or the nearest one with memory if its own has none; -1 if unknown.
 */
NR_API int nr_topology_cpu_node(const struct nr_topology *topo, unsigned cpu);

/* How a shard takes its records (docs/architecture.md). */
enum nr_transport {
	NR_TRANSPORT_DEFAULT, /* rings */
	NR_TRANSPORT_RING,    /* a BPF ring buffer that the CPUs of the shard share */
	/* A lane for each CPU of the shard, which needs no lock. Its memory is the ring's; a record
	 * must fit into a block of it, which is in nr_shard_stats (numaring.h). */
	NR_TRANSPORT_LANE,
};

struct nr_plan_opts {
	size_t sz;
	/* "single": one ring; "package", "node" (or "numa"), "llc", "cpu": one ring each;
	 * "node/K": K rings per node, 1 <= K, cut along caches. NULL: "node". */
	const char *policy;
	/* Bytes of each ring; rounded up to a power of two, at least a page, at most 1 GiB. 0: 2
	 * MiB for each CPU of the shard, at least 4 MiB, at most 64 MiB; with lanes, 64 MiB, or 16
	 * MiB if the shard is one CPU. */
	size_t ring_bytes;
	/* CPUs that the consumer threads may use, as a kernel CPU list ("0-3,8"). NULL: those of
	 * the process's affinity mask. If a shard's node has none of them, it uses the nearest node
	 * that has some. */
	const char *consumer_cpus;
	/* Length of the CPU table; 0: nr_topology_possible_cpus. */
	unsigned n_cpus;
	nr_log_fn log; /* may be NULL */
	void *log_ctx;
	enum nr_transport transport; /* sets the default of ring_bytes */
};

struct nr_plan_shard {
	int node;	  /* node that holds the ring; -1: the machine has no node numbers */
	bool node_is_own; /* false: the CPUs' own node has no memory for us; node is the nearest */
	unsigned n_cpus;  /* CPUs that write into the ring */
	const unsigned *cpus; /* [n_cpus], ascending */
	unsigned n_consumer_cpus;
	const unsigned *consumer_cpus; /* [n_consumer_cpus], ascending: where the consumer runs */
	size_t ring_bytes;	       /* a power of two, a multiple of the page size */
	const unsigned *nearest;       /* [n_shards - 1], the other shards, nearest first */
};

/* Read-only for callers. */
struct nr_plan {
	const char *policy; /* as given, "node" if nothing was */
	unsigned n_cpus;
	const int *cpu_shard; /* [n_cpus], -1: no such CPU in the topology */
	unsigned n_nodes;     /* highest node number + 1 */
	/* [n_nodes], shard for a CPU of this node that was offline when the topology was opened:
	 * the node's first shard, or the nearest node's if it has none. Never -1. */
	const int *node_shard;
	unsigned n_shards;		    /* >= 1 */
	size_t shard_stride;		    /* bytes from one shard to the next */
	const struct nr_plan_shard *shards; /* [n_shards]: use nr_plan_shard_at */
	const uint32_t *cpu_node;	    /* [n_cpus]: use nr_plan_nodes */
};

/* Returns shard i, which is below plan->n_shards. */
static inline const struct nr_plan_shard *nr_plan_shard_at(const struct nr_plan *plan, unsigned i)
{
	return (const struct nr_plan_shard *)((const char *)plan->shards + i * plan->shard_stride);
}

/* opts NULL: all defaults. -EINVAL: the policy, a size or the CPU list is invalid; -ENODEV: no CPU
 * can run the consumers. */
NR_API int nr_plan_make(struct nr_plan **out, const struct nr_topology *topo,
			const struct nr_plan_opts *opts);
NR_API void nr_plan_free(struct nr_plan *plan);

/* The NUMA node of each CPU of the table, with memory or without; UINT32_MAX: unknown. */
NR_API const uint32_t *nr_plan_nodes(const struct nr_plan *plan, unsigned *n_cpus);

/* Writes cpus to buf as a kernel CPU list ("0-3,8"), cut with "..." if it does not fit. Returns
 * buf. */
NR_API char *nr_cpu_list(char *buf, size_t size, const unsigned *cpus, unsigned n);

#ifdef __cplusplus
}
#endif
#endif
