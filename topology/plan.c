/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes a plan from shard numbers: on which node each ring is, how large it is, which CPUs drain
 * it, which other shards are near. It needs no system call, and the result is always the same (I9).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"
#include "base/bits.h"
#include "base/opts.h"

#define RING_MAX	 ((size_t)1 << 30)
#define RING_PER_CPU	 ((size_t)2 << 20)
#define RING_DEFAULT_MIN ((size_t)4 << 20)
#define RING_DEFAULT_MAX ((size_t)64 << 20)
/* No lock slows CPUs with lanes while their consumer or the disk stalls. */
#define LANES_DEFAULT	  RING_DEFAULT_MAX
#define LONE_LANE_DEFAULT ((size_t)16 << 20)

/* State of one nr_plan_make(). */
struct maker {
	const struct nr_topology *topo;
	struct nr_plan_opts opts;
	struct nr_logger log;
	unsigned *shard_of;	  /* [topo->n_cpus] */
	unsigned *weight;	  /* [topo->n_nodes], CPUs of the current shard on each node */
	unsigned *ring_node;	  /* [n_shards], node of the ring */
	unsigned *first_node;	  /* [n_shards], node of the shard's first CPU */
	hwloc_obj_t *first_pu;	  /* [n_shards] */
	hwloc_bitmap_t consumers; /* CPUs that consumers may use */
	unsigned n_shards;
	struct nr_plan_shard *shards;
	int *cpu_shard, *node_shard;
	uint32_t *cpu_node;
	struct nr_plan *plan;
};

static void *new_array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static int check_ring_bytes(const struct maker *m)
{
	size_t page = sysconf(_SC_PAGESIZE), want = m->opts.ring_bytes;

	if (!want || (want >= page && want <= RING_MAX))
		return 0;
	nr_log(&m->log, NR_LOG_ERROR,
	       "invalid ring size %zu: use %zu (a page) to %zu (1 GiB) bytes", want, page,
	       RING_MAX);
	return -EINVAL;
}

static int check_transport(const struct maker *m)
{
	if (m->opts.transport <= NR_TRANSPORT_LANE)
		return 0;
	nr_log(&m->log, NR_LOG_ERROR,
	       "invalid transport %d: use NR_TRANSPORT_RING or NR_TRANSPORT_LANE",
	       m->opts.transport);
	return -EINVAL;
}

static size_t ring_bytes(const struct maker *m, unsigned n_cpus)
{
	size_t bytes = m->opts.ring_bytes;

	if (!bytes && m->opts.transport == NR_TRANSPORT_LANE) {
		bytes = n_cpus > 1 ? LANES_DEFAULT : LONE_LANE_DEFAULT;
	} else if (!bytes) {
		bytes = n_cpus * RING_PER_CPU;
		if (bytes < RING_DEFAULT_MIN)
			bytes = RING_DEFAULT_MIN;
		if (bytes > RING_DEFAULT_MAX)
			bytes = RING_DEFAULT_MAX;
	}
	return nr_round_up_pow2(bytes);
}

static int check_table_length(struct maker *m)
{
	if (!m->opts.n_cpus)
		m->opts.n_cpus = m->topo->possible_end;
	if (m->opts.n_cpus > TOPO_MAX_CPU + 1) {
		nr_log(&m->log, NR_LOG_ERROR, "a table of %u CPUs is too long: use at most %u",
		       m->opts.n_cpus, TOPO_MAX_CPU + 1);
		return -EINVAL;
	}
	if (m->opts.n_cpus >= m->topo->cpu_end)
		return 0;
	nr_log(&m->log, NR_LOG_ERROR, "a table of %u CPUs is too short: use at least %u",
	       m->opts.n_cpus, m->topo->cpu_end);
	return -EINVAL;
}

/* Consumer CPUs ------------------------------------------------------------------------------ */

static int find_consumer_cpus(struct maker *m)
{
	const char *list = m->opts.consumer_cpus;
	int n_named, n_ignored, err;

	m->consumers = hwloc_bitmap_dup(m->topo->affinity);
	if (!m->consumers)
		return -ENOMEM;
	if (!list)
		return 0;
	err = topo_parse_cpus(list, m->consumers);
	if (err) {
		nr_log(&m->log, NR_LOG_ERROR,
		       "invalid list of consumer CPUs \"%s\": use one like 0-3,8, with numbers up "
		       "to %u",
		       list, TOPO_MAX_CPU);
		return err;
	}
	n_named = hwloc_bitmap_weight(m->consumers);
	if (hwloc_bitmap_and(m->consumers, m->consumers, m->topo->allowed))
		return -ENOMEM;
	n_ignored = n_named - hwloc_bitmap_weight(m->consumers);
	if (n_ignored)
		nr_log(&m->log, NR_LOG_WARN,
		       "ignoring %d of the consumer CPUs %s: offline, or outside this process's "
		       "cpuset",
		       n_ignored, list);
	return 0;
}

static bool may_consume(const struct maker *m, const struct topo_cpu *cpu, unsigned node)
{
	return cpu->node == node && hwloc_bitmap_isset(m->consumers, cpu->os);
}

/* Finds the node nearest to the ring that has CPUs for consumers. */
static int find_consumer_node(const struct maker *m, unsigned ring_node, unsigned *out)
{
	const struct nr_topology *topo = m->topo;
	bool found = false;
	unsigned i, best = 0;

	for (i = 0; i < topo->n_cpus; i++) {
		unsigned node = topo->cpus[i].node;

		if (!may_consume(m, &topo->cpus[i], node))
			continue;
		if (!found || (node != best && topo_nearer(topo, ring_node, node, best)))
			best = node;
		found = true;
	}
	if (!found) {
		nr_log(&m->log, NR_LOG_ERROR,
		       "no CPU for the consumers: %s%s contains no online CPU that this process "
		       "may use",
		       m->opts.consumer_cpus ? "the list " : "the affinity mask",
		       m->opts.consumer_cpus ? m->opts.consumer_cpus : "");
		return -ENODEV;
	}
	*out = best;
	return 0;
}

/*
 * A consumer may run on every CPU of its ring's node, under any policy: the ring, its index and the
 * packets are local there. It is not limited to the shard's cache: if the recorded load keeps all
 * CPUs of a cache busy, the consumer must find an idle CPU elsewhere on the node, or the ring
 * overruns. If there is room, the scheduler wakes it near the producer's cache anyway. A shard with
 * a single producer CPU does not use that CPU if the node has another one, because the consumer
 * would always take time from it.
 */
static int set_consumers(const struct maker *m, struct nr_plan_shard *s, unsigned ring_node)
{
	const struct nr_topology *topo = m->topo;
	unsigned os, node, others = 0, n = 0;
	int producer = s->n_cpus == 1 ? (int)s->cpus[0] : -1;
	unsigned *cpus;
	int err;

	err = find_consumer_node(m, ring_node, &node);
	if (err)
		return err;
	cpus = new_array(topo->nodes[node].n_cpus, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	for (os = 0; os < topo->cpu_end; os++) {
		int i = topo->cpu_index[os];

		if (i < 0 || !may_consume(m, &topo->cpus[i], node))
			continue;
		cpus[n++] = os;
		others += (int)os != producer;
	}
	s->consumer_cpus = cpus;
	s->n_consumer_cpus = n;
	if (!others || others == n)
		return 0;
	for (n = 0; (int)cpus[n] != producer; n++)
		;
	memmove(cpus + n, cpus + n + 1, (others - n) * sizeof(*cpus));
	s->n_consumer_cpus = others;
	return 0;
}

/* Shards ------------------------------------------------------------------------------------- */

static int make_tables(struct maker *m)
{
	const struct nr_topology *topo = m->topo;
	unsigned i, n = m->n_shards;

	m->shards = new_array(n, sizeof(*m->shards));
	m->ring_node = new_array(n, sizeof(*m->ring_node));
	m->first_node = new_array(n, sizeof(*m->first_node));
	m->first_pu = new_array(n, sizeof(*m->first_pu));
	m->weight = new_array(topo->n_nodes, sizeof(*m->weight));
	m->cpu_shard = new_array(m->opts.n_cpus, sizeof(*m->cpu_shard));
	m->cpu_node = new_array(m->opts.n_cpus, sizeof(*m->cpu_node));
	if (!m->shards || !m->ring_node || !m->first_node || !m->first_pu || !m->weight ||
	    !m->cpu_shard || !m->cpu_node)
		return -ENOMEM;
	for (i = 0; i < m->opts.n_cpus; i++) {
		int cpu = i < topo->cpu_end ? topo->cpu_index[i] : -1;

		m->cpu_shard[i] = cpu < 0 ? -1 : (int)m->shard_of[cpu];
		m->cpu_node[i] =
			cpu < 0 ? UINT32_MAX : (uint32_t)topo->nodes[topo->cpus[cpu].node].os;
	}
	return 0;
}

/* Goes through the CPU numbers in order, so that the lists ascend. */
static int list_cpus(struct maker *m)
{
	unsigned os, s;
	unsigned *cpus;

	for (os = 0; os < m->topo->cpu_end; os++)
		if (m->cpu_shard[os] >= 0)
			m->shards[m->cpu_shard[os]].n_cpus++;
	for (s = 0; s < m->n_shards; s++) {
		m->shards[s].cpus = new_array(m->shards[s].n_cpus, sizeof(unsigned));
		if (!m->shards[s].cpus)
			return -ENOMEM;
		m->shards[s].n_cpus = 0;
	}
	for (os = 0; os < m->topo->cpu_end; os++) {
		if (m->cpu_shard[os] < 0)
			continue;
		s = m->cpu_shard[os];
		cpus = (unsigned *)m->shards[s].cpus;
		cpus[m->shards[s].n_cpus++] = os;
	}
	return 0;
}

static void place_ring(struct maker *m, unsigned shard)
{
	const struct nr_topology *topo = m->topo;
	struct nr_plan_shard *s = &m->shards[shard];
	const struct topo_cpu *cpu = NULL;
	unsigned i, node;

	memset(m->weight, 0, topo->n_nodes * sizeof(*m->weight));
	for (i = s->n_cpus; i--;) {
		cpu = &topo->cpus[topo->cpu_index[s->cpus[i]]];
		m->weight[cpu->node]++;
	}
	m->first_node[shard] = cpu->node;
	m->first_pu[shard] = cpu->pu;
	node = topo_memory_for(topo, m->weight);
	m->ring_node[shard] = node;
	s->node = topo->nodes[node].os;
	s->node_is_own = m->weight[node] > 0;
	s->ring_bytes = ring_bytes(m, s->n_cpus);
}

struct neighbour {
	unsigned shard, dist, height, turn;
};

/* Equally near shards are listed in turn, beginning with the shard's successor: if all are full at
 * once, not all of them try shard 0 next. */
static int by_nearness(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->dist != y->dist)
		return x->dist < y->dist ? -1 : 1;
	if (x->height != y->height)
		return x->height < y->height ? -1 : 1;
	return x->turn < y->turn ? -1 : 1;
}

static int set_nearest(const struct maker *m, unsigned shard, struct neighbour *list)
{
	unsigned *nearest = new_array(m->n_shards - 1, sizeof(*nearest));
	unsigned i, other, n = 0;

	if (!nearest)
		return -ENOMEM;
	for (i = 1; i < m->n_shards; i++) {
		other = (shard + i) % m->n_shards;
		list[n++] = (struct neighbour){
			.shard = other,
			.dist = topo_dist(m->topo, m->first_node[shard], m->ring_node[other]),
			.height = topo_height(m->topo, m->first_pu[shard], m->first_pu[other]),
			.turn = i,
		};
	}
	qsort(list, n, sizeof(*list), by_nearness);
	for (i = 0; i < n; i++)
		nearest[i] = list[i].shard;
	m->shards[shard].nearest = nearest;
	return 0;
}

static int make_shards(struct maker *m)
{
	struct neighbour *list = new_array(m->n_shards, sizeof(*list));
	unsigned s;
	int err = -ENOMEM;

	if (!list)
		goto out;
	err = list_cpus(m);
	for (s = 0; s < m->n_shards && !err; s++) {
		place_ring(m, s);
		err = set_consumers(m, &m->shards[s], m->ring_node[s]);
	}
	for (s = 0; s < m->n_shards && !err; s++)
		err = set_nearest(m, s, list);
out:
	free(list);
	return err;
}

/* Nodes -------------------------------------------------------------------------------------- */

/* Returns the shard of the first CPU on the nearest node with CPUs. */
static unsigned shard_near(const struct maker *m, unsigned node)
{
	const struct nr_topology *topo = m->topo;
	unsigned i, best = 0;

	for (i = 1; i < topo->n_cpus; i++)
		if (topo->cpus[i].node != topo->cpus[best].node &&
		    topo_nearer(topo, node, topo->cpus[i].node, topo->cpus[best].node))
			best = i;
	return m->shard_of[best];
}

static int set_node_shards(struct maker *m)
{
	const struct nr_topology *topo = m->topo;
	unsigned i, n = 1;

	for (i = 0; i < topo->n_nodes; i++)
		if (topo->nodes[i].os >= (int)n)
			n = topo->nodes[i].os + 1;
	/* Numbers without a node get shard 0. */
	m->node_shard = new_array(n, sizeof(*m->node_shard));
	if (!m->node_shard)
		return -ENOMEM;
	for (i = 0; i < topo->n_nodes; i++)
		if (topo->nodes[i].os >= 0)
			m->node_shard[topo->nodes[i].os] = shard_near(m, i);
	m->plan->n_nodes = n;
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static int make(struct maker *m)
{
	const char *policy = m->opts.policy ? m->opts.policy : "node";
	int err;

	err = check_ring_bytes(m);
	if (!err)
		err = check_transport(m);
	if (!err)
		err = check_table_length(m);
	if (!err)
		err = topo_apply_policy(m->topo, policy, m->shard_of, &m->n_shards, &m->log);
	if (!err)
		err = find_consumer_cpus(m);
	if (!err)
		err = make_tables(m);
	if (!err)
		err = make_shards(m);
	if (!err)
		err = set_node_shards(m);
	if (err)
		return err;
	m->plan->policy = strdup(policy);
	return m->plan->policy ? 0 : -ENOMEM;
}

/* From here on the plan owns its tables, even if it is incomplete. */
static void fill_plan(struct maker *m)
{
	m->plan->n_cpus = m->opts.n_cpus;
	m->plan->cpu_shard = m->cpu_shard;
	m->plan->node_shard = m->node_shard;
	m->plan->cpu_node = m->cpu_node;
	m->plan->n_shards = m->shards ? m->n_shards : 0;
	m->plan->shard_stride = sizeof(*m->shards);
	m->plan->shards = m->shards;
}

int nr_plan_make(struct nr_plan **out, const struct nr_topology *topo,
		 const struct nr_plan_opts *opts)
{
	struct maker m = { .topo = topo };
	int err;

	err = NR_COPY_OPTS(nr_plan_opts, &m.opts, opts);
	if (err)
		goto out;
	m.log = (struct nr_logger){ m.opts.log, m.opts.log_ctx };
	err = -ENOMEM;
	m.plan = calloc(1, sizeof(*m.plan));
	m.shard_of = new_array(topo->n_cpus, sizeof(*m.shard_of));
	if (!m.plan || !m.shard_of)
		goto out;
	err = make(&m);
	fill_plan(&m);
	if (err)
		goto out;
	*out = m.plan;
	m.plan = NULL;
out:
	nr_plan_free(m.plan);
	hwloc_bitmap_free(m.consumers);
	free(m.shard_of);
	free(m.weight);
	free(m.ring_node);
	free(m.first_node);
	free(m.first_pu);
	return err;
}

const uint32_t *nr_plan_nodes(const struct nr_plan *plan, unsigned *n_cpus)
{
	*n_cpus = plan->n_cpus;
	return plan->cpu_node;
}

void nr_plan_free(struct nr_plan *plan)
{
	unsigned s;

	if (!plan)
		return;
	for (s = 0; s < plan->n_shards; s++) {
		free((void *)plan->shards[s].cpus);
		free((void *)plan->shards[s].consumer_cpus);
		free((void *)plan->shards[s].nearest);
	}
	free((void *)plan->shards);
	free((void *)plan->cpu_shard);
	free((void *)plan->node_shard);
	free((void *)plan->cpu_node);
	free((void *)plan->policy);
	free(plan);
}
