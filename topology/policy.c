/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policies: which CPUs share a ring. A policy maps each CPU to an object, a node or both; CPUs with
 * the same result share a shard. hwloc's logical order keeps the CPUs of every object together, so
 * a part of a node is a range of that order.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "base/bits.h"

static const char known_policies[] = "single, package, node (or numa), llc, cpu, node/K";

struct group {
	const void *object;
	unsigned node;
};

/* Returns the number of the group, and adds it if it is new. Neighbours are mostly in the same
 * group, so search from the end. */
static unsigned group_number(struct group *groups, unsigned *n, struct group g)
{
	unsigned i = *n;

	while (i--)
		if (groups[i].object == g.object && groups[i].node == g.node)
			return i;
	groups[*n] = g;
	return (*n)++;
}

static struct group by_single(const struct topo_cpu *cpu)
{
	(void)cpu;
	return (struct group){ 0 };
}

static struct group by_package(const struct topo_cpu *cpu)
{
	return (struct group){ .object = cpu->package };
}

static struct group by_node(const struct topo_cpu *cpu)
{
	return (struct group){ .node = cpu->node };
}

static struct group by_llc(const struct topo_cpu *cpu)
{
	return (struct group){ .object = cpu->llc, .node = cpu->node };
}

static struct group by_cpu(const struct topo_cpu *cpu)
{
	return (struct group){ .object = cpu->pu };
}

static const struct {
	const char *name;
	struct group (*group_of)(const struct topo_cpu *cpu);
} policies[] = {
	{ "single", by_single }, { "package", by_package }, { "node", by_node },
	{ "numa", by_node },	 { "llc", by_llc },	    { "cpu", by_cpu },
};

/* Cutting a node into K parts ------------------------------------------------------------------ */

enum level { LEVEL_LLC, LEVEL_CLUSTER, LEVEL_CORE };

/* A range of a node's CPUs inside one object. */
struct unit {
	unsigned first, n_cpus, n_cores;
	unsigned n_parts; /* it is cut into so many parts */
};

struct cut {
	const struct topo_cpu **cpus; /* of the node */
	unsigned *part;		      /* result, one per CPU of the node */
	unsigned next_part;
};

static hwloc_obj_t object_at(const struct topo_cpu *cpu, enum level level)
{
	return level == LEVEL_LLC ? cpu->llc : level == LEVEL_CLUSTER ? cpu->cluster : cpu->core;
}

static unsigned find_units(const struct cut *cut, unsigned first, unsigned count, enum level level,
			   struct unit *units)
{
	unsigned i, n = 0;

	for (i = first; i < first + count; i++) {
		const struct topo_cpu *cpu = cut->cpus[i];
		const struct topo_cpu *prev = i > first ? cut->cpus[i - 1] : NULL;

		if (!prev || object_at(prev, level) != object_at(cpu, level))
			units[n++] = (struct unit){ .first = i, .n_parts = 1 };
		units[n - 1].n_cpus++;
		units[n - 1].n_cores += !prev || prev->core != cpu->core;
	}
	return n;
}

static void assign_unit(struct cut *cut, const struct unit *unit)
{
	unsigned i;

	for (i = 0; i < unit->n_cpus; i++)
		cut->part[unit->first + i] = cut->next_part;
}

/* At least as many units as parts: each part gets whole units, as close as possible to its share of
 * the CPUs that are left. */
static void assign_units(struct cut *cut, const struct unit *units, unsigned n, unsigned n_cpus,
			 unsigned n_parts)
{
	unsigned u = 0, got;

	for (; n_parts; n_parts--, n_cpus -= got, cut->next_part++) {
		got = 0;
		do {
			assign_unit(cut, &units[u]);
			got += units[u++].n_cpus;
		} while (n - u >= n_parts && (2 * got + units[u].n_cpus) * n_parts <= 2 * n_cpus);
	}
}

/* Fewer units than parts: cut the units, those with the most cores per part first. */
static void distribute_parts(struct unit *units, unsigned n, unsigned n_parts)
{
	unsigned best, u;

	for (n_parts -= n; n_parts; n_parts--) {
		for (best = 0, u = 1; u < n; u++)
			if (units[u].n_cores * units[best].n_parts >
			    units[best].n_cores * units[u].n_parts)
				best = u;
		units[best].n_parts++;
	}
}

/* n_parts <= number of cores, so there are always enough cores. */
static int cut_range(struct cut *cut, unsigned first, unsigned n_cpus, unsigned n_parts,
		     enum level level)
{
	struct unit *units = calloc(n_cpus, sizeof(*units));
	unsigned n, u;
	int err = 0;

	if (!units)
		return -ENOMEM;
	n = find_units(cut, first, n_cpus, level, units);
	if (n >= n_parts) {
		assign_units(cut, units, n, n_cpus, n_parts);
		goto out;
	}
	distribute_parts(units, n, n_parts);
	for (u = 0; u < n && !err; u++)
		err = cut_range(cut, units[u].first, units[u].n_cpus, units[u].n_parts, level + 1);
out:
	free(units);
	return err;
}

static unsigned count_cores(const struct cut *cut, unsigned count)
{
	unsigned i, n = 0;

	for (i = 0; i < count; i++)
		n += !i || cut->cpus[i]->core != cut->cpus[i - 1]->core;
	return n;
}

static unsigned collect_node(const struct nr_topology *topo, unsigned node, struct cut *cut)
{
	unsigned i, n = 0;

	for (i = 0; i < topo->n_cpus; i++)
		if (topo->cpus[i].node == node)
			cut->cpus[n++] = &topo->cpus[i];
	return n;
}

static int cut_node(const struct nr_topology *topo, unsigned node, unsigned k, struct cut *cut,
		    unsigned *shard_of, const struct nr_logger *log)
{
	unsigned n = collect_node(topo, node, cut);
	unsigned cores = count_cores(cut, n);
	unsigned i;
	int err;

	if (!n)
		return 0;
	if (k > cores) {
		nr_log(log, NR_LOG_WARN, "node %d has %u core%s: %u shard%s there instead of %u",
		       topo->nodes[node].os, cores, cores > 1 ? "s" : "", cores,
		       cores > 1 ? "s" : "", k);
		k = cores;
	}
	err = cut_range(cut, 0, n, k, LEVEL_LLC);
	for (i = 0; i < n && !err; i++)
		shard_of[cut->cpus[i] - topo->cpus] = cut->part[i];
	return err;
}

/* Parts are numbered node by node, shards in the order of the CPUs, as in every other policy. */
static void renumber(const struct nr_topology *topo, unsigned *shard_of, struct group *groups,
		     unsigned *n_shards)
{
	unsigned i;

	for (i = 0; i < topo->n_cpus; i++)
		shard_of[i] = group_number(groups, n_shards, (struct group){ .node = shard_of[i] });
}

static int cut_nodes(const struct nr_topology *topo, unsigned k, unsigned *shard_of,
		     struct group *groups, unsigned *n_shards, const struct nr_logger *log)
{
	struct cut cut = { 0 };
	unsigned node;
	int err = -ENOMEM;

	cut.cpus = calloc(topo->n_cpus, sizeof(*cut.cpus));
	cut.part = calloc(topo->n_cpus, sizeof(*cut.part));
	if (!cut.cpus || !cut.part)
		goto out;
	err = 0;
	for (node = 0; node < topo->n_nodes && !err; node++)
		err = cut_node(topo, node, k, &cut, shard_of, log);
	if (!err)
		renumber(topo, shard_of, groups, n_shards);
out:
	free(cut.part);
	free(cut.cpus);
	return err;
}

/* Returns the K of "node/K", 0 if the policy is another one. */
static unsigned parse_parts(const char *policy)
{
	unsigned long k;
	char *end;

	if (strncmp(policy, "node/", 5) && strncmp(policy, "numa/", 5))
		return 0;
	policy += 5;
	if (!isdigit((unsigned char)*policy))
		return 0;
	errno = 0;
	k = strtoul(policy, &end, 10);
	return *end || errno || k > UINT_MAX ? 0 : k;
}

int topo_apply_policy(const struct nr_topology *topo, const char *policy, unsigned *shard_of,
		      unsigned *n_shards, const struct nr_logger *log)
{
	struct group *groups = calloc(topo->n_cpus, sizeof(*groups));
	unsigned k = parse_parts(policy), n = 0, i, p;
	int err = -ENOMEM;

	if (!groups)
		goto out;
	if (k) {
		err = cut_nodes(topo, k, shard_of, groups, &n, log);
		goto out;
	}
	err = -EINVAL;
	for (p = 0; p < NR_ARRAY_SIZE(policies); p++)
		if (!strcmp(policy, policies[p].name))
			break;
	if (p == NR_ARRAY_SIZE(policies)) {
		nr_log(log, NR_LOG_ERROR, "unknown policy \"%s\": use one of %s, with K >= 1",
		       policy, known_policies);
		goto out;
	}
	for (i = 0; i < topo->n_cpus; i++)
		shard_of[i] = group_number(groups, &n, policies[p].group_of(&topo->cpus[i]));
	err = 0;
out:
	if (!err)
		*n_shards = n;
	free(groups);
	return err;
}
