/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Machines as matrices of distances. */
#include "../bench.h"
#include "model.h"

void machine_free(struct machine *m)
{
	if (!m)
		return;
	free(m->os);
	free(m->distance);
	free(m);
}

int machine_index(const struct machine *m, unsigned os)
{
	for (unsigned i = 0; i < m->n_cpus; i++)
		if (m->os[i] == os)
			return i;
	return -1;
}

static void count_pairs(size_t pairs[N_LEVELS], const struct machine *m)
{
	memset(pairs, 0, N_LEVELS * sizeof(*pairs));
	for (size_t i = 0; i < (size_t)m->n_cpus * m->n_cpus; i++)
		pairs[m->distance[i]]++;
}

bool machine_alike(const struct machine *a, const struct machine *b)
{
	size_t x[N_LEVELS], y[N_LEVELS];

	count_pairs(x, a);
	count_pairs(y, b);
	return !memcmp(x, y, sizeof(x)); /* pairs of the same CPU count the CPUs */
}

unsigned machine_levels(const struct machine *m)
{
	size_t pairs[N_LEVELS];
	unsigned levels = 0;

	count_pairs(pairs, m);
	for (unsigned d = 0; d < N_LEVELS; d++)
		if (pairs[d])
			levels |= 1u << d;
	return levels;
}

static struct machine *machine_new(unsigned n_cpus)
{
	struct machine *m = bench_alloc(1, sizeof(*m));

	m->n_cpus = n_cpus;
	m->distance = bench_alloc((size_t)n_cpus * n_cpus, 1);
	m->os = bench_alloc(n_cpus, sizeof(*m->os));
	for (unsigned i = 0; i < n_cpus; i++)
		m->os[i] = i;
	return m;
}

static uint8_t regular_distance(const struct layout *l, unsigned a, unsigned b)
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
			m->distance[(size_t)a * n + b] = regular_distance(l, a, b);
	return m;
}

/* Number of each CPU's core within its package, in the topology's order. */
static void rank_cores(const struct nr_topology *topo, const unsigned *cpus, unsigned n,
		       unsigned *rank)
{
	for (unsigned i = 0; i < n; i++) {
		enum nr_distance d = NR_OTHER_PACKAGE;

		if (i)
			d = nr_topology_distance(topo, cpus[i - 1], cpus[i]);
		if (d == NR_OTHER_PACKAGE)
			rank[i] = 0;
		else
			rank[i] = rank[i - 1] + (d != NR_SAME_CORE);
	}
}

static bool apart(unsigned group, unsigned a, unsigned b)
{
	return group && a / group != b / group;
}

struct machine *machine_from_topology(const struct nr_topology *topo, unsigned hidden_llc,
				      unsigned hidden_node)
{
	unsigned n = nr_topology_cpus(topo, NULL, 0);
	unsigned *rank = bench_alloc(n, sizeof(*rank));
	struct machine *m = machine_new(n);

	nr_topology_cpus(topo, m->os, n);
	rank_cores(topo, m->os, n, rank);
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			enum nr_distance d = nr_topology_distance(topo, m->os[a], m->os[b]);

			if (d == NR_SAME_LLC && apart(hidden_llc, rank[a], rank[b]))
				d = NR_SAME_NODE;
			if (d == NR_SAME_NODE && apart(hidden_node, rank[a], rank[b]))
				d = NR_SAME_PACKAGE;
			m->distance[(size_t)a * n + b] = d;
		}
	free(rank);
	return m;
}
