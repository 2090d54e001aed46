/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Machines as matrices of distances. */
#include "../bench.h"
#include "model.h"

int machine_index(const struct machine *m, unsigned os)
{
	for (unsigned i = 0; i < m->n_cpus; i++)
		if (m->os[i] == os)
			return i;
	return -1;
}

bool machine_alike(const struct machine *a, const struct machine *b)
{
	return !memcmp(a->pairs, b->pairs, sizeof(a->pairs)); /* those of a CPU and itself, too */
}

static struct machine *machine_new(unsigned n)
{
	struct machine *m = bench_alloc(1, sizeof(*m) + n * sizeof(m->os[0]) + (size_t)n * n);

	m->n_cpus = n;
	m->distance = (uint8_t *)(m->os + n);
	for (unsigned i = 0; i < n; i++)
		m->os[i] = i;
	return m;
}

static void set_distance(struct machine *m, unsigned a, unsigned b, enum nr_distance d)
{
	m->distance[(size_t)a * m->n_cpus + b] = d;
	m->pairs[d]++;
}

static enum nr_distance regular_distance(const struct layout *l, unsigned a, unsigned b)
{
	unsigned n_cores = l->packages * l->cores;
	unsigned ca = a % n_cores, cb = b % n_cores;
	unsigned in_a = ca % l->cores, in_b = cb % l->cores;

	if (a == b)
		return NR_SAME_CPU;
	if (ca == cb)
		return NR_SAME_CORE;
	if (ca / l->cores != cb / l->cores)
		return NR_OTHER_PACKAGE;
	if (in_a / l->llc == in_b / l->llc)
		return NR_SAME_LLC;
	return in_a / l->node == in_b / l->node ? NR_SAME_NODE : NR_SAME_PACKAGE;
}

struct machine *machine_regular(const struct layout *l)
{
	unsigned n = l->packages * l->cores * l->smt;
	struct machine *m = machine_new(n);

	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++)
			set_distance(m, a, b, regular_distance(l, a, b));
	return m;
}

/* Number of each CPU's core within its package, in the topology's order. */
static void rank_cores(const struct nr_topology *topo, const unsigned *cpus, unsigned n,
		       unsigned *rank)
{
	for (unsigned i = 0; i < n; i++) {
		enum nr_distance d =
			i ? nr_topology_distance(topo, cpus[i - 1], cpus[i]) : NR_OTHER_PACKAGE;

		rank[i] = d == NR_OTHER_PACKAGE ? 0 : rank[i - 1] + (d != NR_SAME_CORE);
	}
}

static bool apart(unsigned group, unsigned a, unsigned b)
{
	return group && a / group != b / group;
}

struct machine *machine_from_topology(const struct nr_topology *topo, struct hidden hidden)
{
	unsigned n = nr_topology_cpus(topo, NULL, 0);
	unsigned *rank = bench_alloc(n, sizeof(*rank));
	struct machine *m = machine_new(n);

	m->homed = hidden.homed;
	nr_topology_cpus(topo, m->os, n);
	rank_cores(topo, m->os, n, rank);
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			enum nr_distance d = nr_topology_distance(topo, m->os[a], m->os[b]);

			if (d == NR_SAME_LLC && apart(hidden.llc, rank[a], rank[b]))
				d = NR_SAME_NODE;
			if (d == NR_SAME_NODE && apart(hidden.node, rank[a], rank[b]))
				d = NR_SAME_PACKAGE;
			set_distance(m, a, b, d);
		}
	free(rank);
	return m;
}
