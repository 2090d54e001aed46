/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plans of every policy on machines of many shapes (I9), and properties of plans on random
 * machines. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_setaffinity */
#endif
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <numaring/plan.h>
#include "base/opts.h"

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

static char last_log[2048];

static void keep_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(last_log, sizeof(last_log), "%s", text);
}

static struct nr_topology *open_synthetic(const char *synthetic)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts), .synthetic = synthetic };
	struct nr_topology *topo = NULL;

	if (nr_topology_open(&topo, &opts))
		fail_msg("hwloc refuses \"%s\"", synthetic);
	assert_false(nr_topology_is_this_host(topo));
	return topo;
}

static struct nr_plan *make_with(const struct nr_topology *topo, struct nr_plan_opts opts)
{
	struct nr_plan *plan = NULL;

	opts.sz = sizeof(opts);
	opts.log = keep_log;
	last_log[0] = '\0';
	if (nr_plan_make(&plan, topo, &opts))
		fail_msg("no plan for %s: %s", opts.policy ? opts.policy : "default", last_log);
	return plan;
}

static struct nr_plan *make(const struct nr_topology *topo, const char *policy)
{
	return make_with(topo, (struct nr_plan_opts){ .policy = policy });
}

static const char *list(const unsigned *cpus, unsigned n)
{
	static char bufs[4][512];
	static unsigned next;

	return nr_cpu_list(bufs[next++ % 4], sizeof(bufs[0]), cpus, n);
}

static void assert_cpus(const struct nr_plan *plan, unsigned shard, const char *cpus)
{
	assert_true(shard < plan->n_shards);
	assert_string_equal(list(plan->shards[shard].cpus, plan->shards[shard].n_cpus), cpus);
}

static void assert_consumers(const struct nr_plan *plan, unsigned shard, const char *cpus)
{
	const struct nr_plan_shard *s = &plan->shards[shard];

	assert_string_equal(list(s->consumer_cpus, s->n_consumer_cpus), cpus);
}

/* Properties of every plan -------------------------------------------------------------------- */

static void check_partition(const struct nr_topology *topo, const struct nr_plan *plan)
{
	unsigned n = nr_topology_cpus(topo, NULL, 0), dealt = 0, mapped = 0, s, i;

	for (s = 0; s < plan->n_shards; s++) {
		const struct nr_plan_shard *shard = &plan->shards[s];

		assert_true(shard->n_cpus > 0);
		for (i = 0; i < shard->n_cpus; i++) {
			assert_true(shard->cpus[i] < plan->n_cpus);
			assert_int_equal(plan->cpu_shard[shard->cpus[i]], s);
			assert_true(!i || shard->cpus[i - 1] < shard->cpus[i]);
		}
		dealt += shard->n_cpus;
	}
	for (i = 0; i < plan->n_cpus; i++)
		mapped += plan->cpu_shard[i] >= 0;
	assert_int_equal(dealt, n);
	assert_int_equal(mapped, n);
}

static size_t expected_ring(unsigned n_cpus)
{
	size_t want = n_cpus * 2 * MIB, ring = 4 * MIB;

	while (ring < want && ring < 64 * MIB)
		ring *= 2;
	return ring;
}

static void check_nodes(const struct nr_plan *plan)
{
	unsigned n = 0;
	const uint32_t *nodes = nr_plan_nodes(plan, &n);

	assert_int_equal(n, plan->n_cpus);
	for (unsigned cpu = 0; cpu < n; cpu++) {
		assert_int_equal(nodes[cpu] == UINT32_MAX, plan->cpu_shard[cpu] < 0);
		assert_true(nodes[cpu] < plan->n_nodes || nodes[cpu] == UINT32_MAX);
	}
}

static void check_nearest(const struct nr_plan *plan, unsigned shard)
{
	bool *seen = calloc(plan->n_shards, sizeof(*seen));
	unsigned i;

	assert_non_null(seen);
	for (i = 0; i + 1 < plan->n_shards; i++) {
		unsigned other = plan->shards[shard].nearest[i];

		assert_true(other < plan->n_shards);
		assert_int_not_equal(other, shard);
		assert_false(seen[other]);
		seen[other] = true;
	}
	free(seen);
}

static bool in_list(const unsigned *v, unsigned n, unsigned x)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (v[i] == x)
			return true;
	return false;
}

static void check_consumers(const struct nr_topology *topo, const struct nr_plan_shard *s)
{
	unsigned i;

	assert_true(s->n_consumer_cpus > 0);
	for (i = 0; i < s->n_consumer_cpus; i++) {
		assert_true(!i || s->consumer_cpus[i - 1] < s->consumer_cpus[i]);
		assert_true(nr_topology_cpu_node(topo, s->consumer_cpus[i]) >= 0);
	}
	/* The only producer keeps its CPU alone if there is another CPU. */
	if (s->n_cpus == 1 && s->n_consumer_cpus > 1)
		assert_false(in_list(s->consumer_cpus, s->n_consumer_cpus, s->cpus[0]));
}

static void check_plan(const struct nr_topology *topo, const struct nr_plan *plan)
{
	unsigned i;

	assert_true(plan->n_shards >= 1);
	check_partition(topo, plan);
	check_nodes(plan);
	for (i = 0; i < plan->n_nodes; i++)
		assert_in_range(plan->node_shard[i], 0, plan->n_shards - 1);
	for (i = 0; i < plan->n_shards; i++) {
		assert_in_range(plan->shards[i].node, 0, plan->n_nodes - 1);
		assert_int_equal(plan->shards[i].ring_bytes, expected_ring(plan->shards[i].n_cpus));
		check_nearest(plan, i);
		check_consumers(topo, &plan->shards[i]);
	}
}

static bool same_list(const unsigned *a, const unsigned *b, unsigned n)
{
	return !n || !memcmp(a, b, n * sizeof(*a));
}

static void assert_same_plan(const struct nr_plan *a, const struct nr_plan *b)
{
	unsigned i;

	assert_int_equal(a->n_shards, b->n_shards);
	assert_int_equal(a->n_cpus, b->n_cpus);
	assert_int_equal(a->n_nodes, b->n_nodes);
	assert_memory_equal(a->cpu_shard, b->cpu_shard, a->n_cpus * sizeof(int));
	assert_memory_equal(a->node_shard, b->node_shard, a->n_nodes * sizeof(int));
	for (i = 0; i < a->n_shards; i++) {
		const struct nr_plan_shard *x = &a->shards[i], *y = &b->shards[i];

		assert_int_equal(x->node, y->node);
		assert_int_equal(x->node_is_own, y->node_is_own);
		assert_int_equal(x->ring_bytes, y->ring_bytes);
		assert_int_equal(x->n_cpus, y->n_cpus);
		assert_int_equal(x->n_consumer_cpus, y->n_consumer_cpus);
		assert_true(same_list(x->cpus, y->cpus, x->n_cpus));
		assert_true(same_list(x->consumer_cpus, y->consumer_cpus, x->n_consumer_cpus));
		assert_true(same_list(x->nearest, y->nearest, a->n_shards - 1));
	}
}

/* Policies on small machines --------------------------------------------------------------------
 */

static void expect(const char *synthetic, const char *policy, const char *want)
{
	struct nr_topology *topo = open_synthetic(synthetic);
	struct nr_plan *plan = make(topo, policy);
	char got[1024] = "";
	unsigned s;

	check_plan(topo, plan);
	for (s = 0; s < plan->n_shards; s++) {
		const struct nr_plan_shard *shard = &plan->shards[s];
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%d:%s", s ? " " : "", shard->node,
			 list(shard->cpus, shard->n_cpus));
		assert_true(shard->node_is_own);
	}
	assert_string_equal(got, want);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_one_node(void **state)
{
	static const char m[] = "pack:1 [numa] l3:2 l2:2 core:1 pu:2";

	(void)state;
	expect(m, "single", "0:0-7");
	expect(m, "package", "0:0-7");
	expect(m, "node", "0:0-7");
	expect(m, "llc", "0:0-3 0:4-7");
	expect(m, "cpu", "0:0 0:1 0:2 0:3 0:4 0:5 0:6 0:7");
	expect(m, "node/2", "0:0-3 0:4-7");
	expect(m, "node/3", "0:0-1 0:2-3 0:4-7");
	expect(m, "node/4", "0:0-1 0:2-3 0:4-5 0:6-7");
	expect("pack:1 [numa] core:1 pu:1", "cpu", "0:0");
}

static void test_two_nodes(void **state)
{
	static const char m[] = "pack:2 [numa] l3:1 core:3 pu:2(indexes=2*6:1*2)";

	(void)state;
	expect(m, "single", "0:0-11");
	expect(m, "package", "0:0-2,6-8 1:3-5,9-11");
	expect(m, "node", "0:0-2,6-8 1:3-5,9-11");
	expect(m, "numa", "0:0-2,6-8 1:3-5,9-11");
	expect(m, "llc", "0:0-2,6-8 1:3-5,9-11");
	expect(m, "node/1", "0:0-2,6-8 1:3-5,9-11");
	expect(m, "node/2", "0:0-1,6-7 0:2,8 1:3-4,9-10 1:5,11");
}

static void test_node_of_cpu(void **state)
{
	static const uint32_t want[] = { 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, UINT32_MAX };
	struct nr_topology *topo =
		open_synthetic("pack:2 [numa] l3:1 core:3 pu:2(indexes=2*6:1*2)");
	struct nr_plan *plan = make_with(topo, (struct nr_plan_opts){ .n_cpus = 13 });
	unsigned n;

	(void)state;
	assert_memory_equal(nr_plan_nodes(plan, &n), want, sizeof(want));
	assert_int_equal(n, 13);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_four_and_eight_nodes(void **state)
{
	(void)state;
	/* Sub-NUMA clusters under one L3: the cache counts once per node. */
	expect("pack:2 l3:1 group:2 [numa] core:2 pu:1", "llc", "0:0-1 1:2-3 2:4-5 3:6-7");
	expect("pack:2 l3:1 group:2 [numa] core:2 pu:1", "package", "0:0-3 2:4-7");
	expect("pack:2 l3:1 group:2 [numa] core:2 pu:1", "single", "0:0-7");
	expect("pack:8 [numa] core:1 pu:2", "node",
	       "0:0-1 1:2-3 2:4-5 3:6-7 4:8-9 5:10-11 6:12-13 7:14-15");
	/* A node that spans packages, and a machine without packages. */
	expect("[numa] pack:2 core:2 pu:1", "node", "0:0-3");
	expect("[numa] pack:2 core:2 pu:1", "package", "0:0-1 0:2-3");
	expect("numa:2 core:2 pu:1", "package", "0:0-3");
	expect("numa:2 core:2 pu:1", "node", "0:0-1 1:2-3");
}

static void test_llc_without_l3(void **state)
{
	(void)state;
	expect("[numa] pack:1 l2:2 core:2 pu:2", "llc", "0:0-3 0:4-7");
	expect("[numa] pack:1 core:2 pu:2", "llc", "0:0-1 0:2-3");
	expect("[numa] pack:1 core:2 l2:1 pu:2", "llc", "0:0-1 0:2-3");
	expect("[numa] pack:1 core:2 l2:2 pu:1", "llc", "0:0-1 0:2-3");
}

/* A node of a Kunpeng 920 has one L3 and clusters of 4 CPUs; parts follow the clusters. */
static void test_parts_follow_clusters(void **state)
{
	(void)state;
	expect("pack:1 [numa] l3:1 group:3 core:4 pu:1", "node/2", "0:0-7 0:8-11");
	expect("pack:1 [numa] l3:1 group:3 core:4 pu:1", "node/3", "0:0-3 0:4-7 0:8-11");
	expect("pack:1 [numa] l3:1 group:3 core:4 pu:1", "node/4", "0:0-1 0:2-3 0:4-7 0:8-11");
}

static void test_sparse_cpus(void **state)
{
	struct nr_topology *topo = open_synthetic(
		"pack:2 [numa(indexes=0,8)] core:2 pu:2(indexes=0,100,4,104,4095,8191,2048,1024)");
	struct nr_plan *plan = make(topo, "node");

	(void)state;
	check_plan(topo, plan);
	assert_int_equal(plan->n_cpus, 8192);
	assert_int_equal(plan->n_nodes, 9);
	assert_cpus(plan, 0, "0,4,100,104");
	assert_cpus(plan, 1, "1024,2048,4095,8191");
	assert_int_equal(plan->shards[1].node, 8);
	assert_int_equal(plan->node_shard[8], 1);
	assert_int_equal(nr_topology_cpu_node(topo, 8191), 8);
	assert_int_equal(nr_topology_cpu_node(topo, 8190), -1);
	assert_int_equal(nr_topology_cpu_node(topo, 100000), -1);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_many_cpus(void **state)
{
	static const char *const policies[] = {
		"single", "package", "node", "llc", "cpu", "node/5"
	};
	struct nr_topology *topo = open_synthetic("pack:8 [numa] l3:4 core:18 pu:2");
	unsigned i;

	(void)state;
	assert_int_equal(nr_topology_cpus(topo, NULL, 0), 1152);
	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct nr_plan *plan = make(topo, policies[i]);

		check_plan(topo, plan);
		nr_plan_free(plan);
	}
	nr_topology_free(topo);
}

static void test_clipped_parts(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:1 [numa] l3:1 core:3 pu:2");
	struct nr_plan *plan = make(topo, "node/4000000000");

	(void)state;
	assert_int_equal(plan->n_shards, 3);
	assert_non_null(strstr(last_log, "3 cores"));
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_distance(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:2 group:2 [numa] l3:2 core:2 pu:2");

	(void)state;
	assert_int_equal(nr_topology_distance(topo, 0, 0), NR_SAME_CPU);
	assert_int_equal(nr_topology_distance(topo, 0, 1), NR_SAME_CORE);
	assert_int_equal(nr_topology_distance(topo, 0, 2), NR_SAME_LLC);
	assert_int_equal(nr_topology_distance(topo, 0, 4), NR_SAME_NODE);
	assert_int_equal(nr_topology_distance(topo, 0, 8), NR_SAME_PACKAGE);
	assert_int_equal(nr_topology_distance(topo, 16, 0), NR_OTHER_PACKAGE);
	assert_int_equal(nr_topology_distance(topo, 0, 999), NR_OTHER_PACKAGE);
	nr_topology_free(topo);
}

static void test_cpu_order(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:1 [numa] core:2 pu:2(indexes=2*2:1*2)");
	unsigned cpus[4] = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(nr_topology_cpus(topo, cpus, 3), 4);
	assert_int_equal(cpus[0], 0);
	assert_int_equal(cpus[1], 2);
	assert_int_equal(cpus[2], 1);
	assert_int_equal(cpus[3], 9);
	nr_topology_free(topo);
}

static void test_nearest(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:2 [numa] l3:3 core:1 pu:1");
	struct nr_plan *plan = make(topo, "llc");

	(void)state;
	/* Own node first; ties take turns, so that neighbours differ. */
	assert_string_equal(list(plan->shards[0].nearest, 5), "1-5");
	assert_string_equal(list(plan->shards[1].nearest, 5), "2,0,3-5");
	assert_string_equal(list(plan->shards[4].nearest, 5), "5,3,0-2");
	nr_plan_free(plan);
	nr_topology_free(topo);
}

/* Options ------------------------------------------------------------------------------------ */

static void test_default_is_node(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:2 [numa] core:2 pu:1");
	struct nr_plan *plan = NULL;

	(void)state;
	assert_int_equal(nr_plan_make(&plan, topo, NULL), 0);
	assert_string_equal(plan->policy, "node");
	assert_int_equal(plan->n_shards, 2);
	nr_plan_free(plan);
	plan = make(topo, "numa");
	assert_string_equal(plan->policy, "numa");
	nr_plan_free(plan);
	nr_plan_free(NULL);
	nr_topology_free(topo);
	nr_topology_free(NULL);
}

static size_t ring_for(const struct nr_topology *topo, size_t bytes)
{
	struct nr_plan *plan = make_with(topo, (struct nr_plan_opts){ .ring_bytes = bytes });
	size_t got = plan->shards[0].ring_bytes;

	nr_plan_free(plan);
	return got;
}

/* Lanes have as much as the largest rings. */
static void test_lane_bytes(void **state)
{
	static const struct {
		const char *machine;
		size_t bytes;
	} cases[] = {
		{ "pack:1 [numa] core:1 pu:1", 16 * MIB },
		{ "pack:1 [numa] core:2 pu:1", 64 * MIB },
		{ "pack:1 [numa] core:5 pu:1", 64 * MIB },
		{ "pack:1 [numa] core:96 pu:1", 64 * MIB },
	};
	const struct nr_plan_opts opts = { .transport = NR_TRANSPORT_LANE };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nr_topology *topo = open_synthetic(cases[i].machine);
		struct nr_plan *plan = make_with(topo, opts);

		assert_int_equal(plan->shards[0].ring_bytes, cases[i].bytes);
		nr_plan_free(plan);
		nr_topology_free(topo);
	}
}

static void test_ring_bytes(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:1 [numa] core:5 pu:1");
	size_t page = sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(ring_for(topo, 0), 16 * MIB);
	assert_int_equal(ring_for(topo, page), page);
	assert_int_equal(ring_for(topo, page + 1), 2 * page);
	assert_int_equal(ring_for(topo, 3 * MIB), 4 * MIB);
	assert_int_equal(ring_for(topo, 1024 * MIB - 1), 1024 * MIB);
	assert_int_equal(ring_for(topo, 1024 * MIB), 1024 * MIB);
	nr_topology_free(topo);
}

static void test_table_length(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:1 [numa] core:5 pu:1");
	struct nr_plan *plan = make_with(topo, (struct nr_plan_opts){ .n_cpus = 100 });

	(void)state;
	check_plan(topo, plan);
	assert_int_equal(plan->n_cpus, 100);
	assert_int_equal(plan->cpu_shard[5], -1);
	assert_int_equal(plan->cpu_shard[99], -1);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_consumer_cpus(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:3 [numa] core:4 pu:1");
	struct nr_plan *plan =
		make_with(topo, (struct nr_plan_opts){ .consumer_cpus = "1-2,9,77" });

	(void)state;
	assert_non_null(strstr(last_log, "1 of the consumer CPUs"));
	assert_consumers(plan, 0, "1-2");
	/* Node 1 has none: without a distance between 0 and 2, the first one is taken. */
	assert_consumers(plan, 1, "1-2");
	assert_consumers(plan, 2, "9");
	nr_plan_free(plan);

	plan = make_with(topo, (struct nr_plan_opts){ .policy = "cpu", .consumer_cpus = "0-1,4" });
	assert_consumers(plan, 0, "1");
	assert_consumers(plan, 2, "0-1");
	/* The node has no other CPU for consumers than its own. */
	assert_consumers(plan, 4, "4");
	nr_plan_free(plan);
	nr_topology_free(topo);
}

/* A package with several nodes: the consumer runs on the ring's node. */
static void test_consumers_near_ring(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:2 group:2 [numa] core:2 pu:1");
	struct nr_plan *plan = make(topo, "package");

	(void)state;
	assert_consumers(plan, 0, "0-1");
	assert_consumers(plan, 1, "4-5");
	nr_plan_free(plan);
	plan = make(topo, "node/2");
	assert_consumers(plan, 1, "0");
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static const struct {
	struct nr_plan_opts opts;
	int err;
	const char *says;
} bad_plans[] = {
	{ { .policy = "socket" }, -EINVAL, "single, package, node (or numa), llc, cpu, node/K" },
	{ { .policy = "" }, -EINVAL, "unknown policy" },
	{ { .policy = "nodes" }, -EINVAL, "unknown policy" },
	{ { .policy = "node/" }, -EINVAL, "unknown policy" },
	{ { .policy = "node/0" }, -EINVAL, "with K >= 1" },
	{ { .policy = "node/-1" }, -EINVAL, "unknown policy" },
	{ { .policy = "node/2x" }, -EINVAL, "unknown policy" },
	{ { .policy = "node/99999999999999999999999" }, -EINVAL, "unknown policy" },
	{ { .policy = "llc/2" }, -EINVAL, "unknown policy" },
	{ { .ring_bytes = 1 }, -EINVAL, "(a page) to 1073741824 (1 GiB)" },
	{ { .ring_bytes = 1024 * 1024 * 1024 + 1ul }, -EINVAL, "1 GiB" },
	{ { .ring_bytes = SIZE_MAX }, -EINVAL, "1 GiB" },
	{ { .transport = NR_TRANSPORT_LANE + 1 }, -EINVAL, "invalid transport 3" },
	{ { .n_cpus = 3 }, -EINVAL, "too short" },
	{ { .n_cpus = UINT_MAX }, -EINVAL, "too long" },
	{ { .consumer_cpus = "" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "1-" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "3-1" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "1,,2" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "1," }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = " 1" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "all" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "0-4294967296" }, -EINVAL, "0-3,8" },
	{ { .consumer_cpus = "65536" }, -EINVAL, "up to 65535" },
	{ { .consumer_cpus = "4-65535" }, -ENODEV, "no CPU for the consumers" },
};

static void test_bad_plans(void **state)
{
	struct nr_topology *topo = open_synthetic("pack:2 [numa] core:2 pu:1");
	struct nr_plan *const untouched = (struct nr_plan *)&state;
	unsigned i;

	for (i = 0; i < sizeof(bad_plans) / sizeof(bad_plans[0]); i++) {
		struct nr_plan_opts opts = bad_plans[i].opts;
		struct nr_plan *plan = untouched;

		opts.sz = sizeof(opts);
		opts.log = keep_log;
		last_log[0] = '\0';
		assert_int_equal(nr_plan_make(&plan, topo, &opts), bad_plans[i].err);
		assert_ptr_equal(plan, untouched);
		if (!strstr(last_log, bad_plans[i].says))
			fail_msg("case %u says \"%s\"", i, last_log);
	}
	nr_topology_free(topo);
}

static void refuse_opts(const struct nr_topology *topo, const struct nr_plan_opts *opts,
			const char *says)
{
	struct nr_plan *plan = NULL;

	last_log[0] = '\0';
	assert_int_equal(nr_plan_make(&plan, topo, opts), -EINVAL);
	assert_null(plan);
	if (!strstr(last_log, says))
		fail_msg("says \"%s\"", last_log);
}

static void test_option_sizes(void **state)
{
	struct {
		struct nr_plan_opts opts;
		long later;
	} big = { .opts = { .policy = "cpu", .log = keep_log } };
	struct nr_topology *topo = open_synthetic("pack:1 [numa] core:2 pu:1");
	struct nr_plan *plan = NULL;

	(void)state;
	/* sz unset, or smaller than in any header; a newer caller, without and with a field set
	 * that we do not know. */
	refuse_opts(topo, &big.opts, "sz 0: set it to the struct's sizeof");
	big.opts.sz = offsetof(struct nr_plan_opts, policy) + 4;
	refuse_opts(topo, &big.opts, "set it to the struct's sizeof");
	big.opts.sz = sizeof(big);
	assert_int_equal(nr_plan_make(&plan, topo, &big.opts), 0);
	assert_string_equal(plan->policy, "cpu");
	nr_plan_free(plan);
	big.later = 1;
	refuse_opts(topo, &big.opts, "a newer libnumaring");
	nr_topology_free(topo);
}

/* A caller with an older, shorter struct: the fields that it lacks get their defaults. */
static void test_older_caller(void **state)
{
	struct nr_later_opts {
		struct nr_plan_opts now;
		long later;
	} copy = { .later = 7 };
	const struct nr_plan_opts older = { .sz = sizeof(older), .policy = "cpu" };

	(void)state;
	assert_int_equal(nr_copy_opts(&copy, sizeof(copy), offsetof(struct nr_plan_opts, log_ctx),
				      &older, "nr_later_opts", &(const struct nr_logger){}),
			 0);
	assert_string_equal(copy.now.policy, "cpu");
	assert_int_equal(copy.later, 0);
}

static void refuse_topology(const char *synthetic, const char *xml, int err)
{
	struct nr_topology_opts opts = {
		.sz = sizeof(opts), .synthetic = synthetic, .xml = xml, .log = keep_log
	};
	struct nr_topology *const untouched = (struct nr_topology *)&opts;
	struct nr_topology *topo = untouched;

	last_log[0] = '\0';
	assert_int_equal(nr_topology_open(&topo, &opts), err);
	assert_ptr_equal(topo, untouched);
	assert_true(last_log[0]);
}

static void test_bad_topologies(void **state)
{
	(void)state;
	refuse_topology("", NULL, -EINVAL);
	refuse_topology("bananas:3", NULL, -EINVAL);
	refuse_topology("pack:1 core:1 pu:1", "x.xml", -EINVAL);
	refuse_topology(NULL, "/nonexistent/x.xml", -ENOENT);
	refuse_topology(NULL, "/", -EISDIR);
	refuse_topology(NULL, "/dev/null", -EINVAL);
	refuse_topology(NULL, "/proc/self/status", -EINVAL);
}

static void test_cpu_list(void **state)
{
	static const unsigned cpus[] = { 0, 1, 2, 3, 8, 10, 11 };
	char buf[32];

	(void)state;
	assert_string_equal(nr_cpu_list(buf, sizeof(buf), cpus, 7), "0-3,8,10-11");
	assert_string_equal(nr_cpu_list(buf, sizeof(buf), cpus, 0), "");
	assert_string_equal(nr_cpu_list(buf, 12, cpus, 7), "0-3,8,10-11");
	assert_string_equal(nr_cpu_list(buf, 11, cpus, 7), "0-3,8,...");
	assert_string_equal(nr_cpu_list(buf, 8, cpus, 7), "0-3,...");
	assert_string_equal(nr_cpu_list(buf, 7, cpus, 7), "...");
	assert_string_equal(nr_cpu_list(buf, 2, cpus, 7), ".");
	assert_string_equal(nr_cpu_list(buf, 1, cpus, 7), "");
	buf[0] = 'x';
	nr_cpu_list(buf, 0, cpus, 7);
	assert_int_equal(buf[0], 'x');
}

/* This host ---------------------------------------------------------------------------------- */

static void test_this_host(void **state)
{
	struct nr_topology *topo = NULL;
	struct nr_plan *plan;

	(void)state;
	assert_int_equal(nr_topology_open(&topo, NULL), 0);
	assert_true(nr_topology_is_this_host(topo));
	assert_int_equal(nr_topology_cpus(topo, NULL, 0), sysconf(_SC_NPROCESSORS_ONLN));
	assert_in_range(nr_topology_possible_cpus(topo), sysconf(_SC_NPROCESSORS_CONF), 65536);
	plan = make(topo, "cpu");
	assert_int_equal(plan->n_cpus, nr_topology_possible_cpus(topo));
	check_plan(topo, plan);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

/* hwloc's environment variables describe another machine, for which no plan must be made. */
static void test_other_host_in_environment(void **state)
{
	struct nr_topology *topo = NULL;

	(void)state;
	setenv("HWLOC_SYNTHETIC", "pack:2 core:2 pu:1", 1);
	assert_int_equal(nr_topology_open(&topo, NULL), -EINVAL);
	assert_null(topo);
	unsetenv("HWLOC_SYNTHETIC");
}

/* taskset limits the CPUs of consumers, but not those of producers. */
static void test_affinity(void **state)
{
	struct nr_topology *topo = NULL;
	struct nr_plan *plan;
	cpu_set_t old, one;
	char cpu[16];
	int first = 0;

	(void)state;
	if (sched_getaffinity(0, sizeof(old), &old) || CPU_COUNT(&old) < 2) {
		print_message("skipped: one CPU only\n");
		skip();
	}
	while (!CPU_ISSET(first, &old))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(nr_topology_open(&topo, NULL), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(old), &old), 0);
	plan = make(topo, "single");
	check_plan(topo, plan);
	snprintf(cpu, sizeof(cpu), "%d", first);
	assert_consumers(plan, 0, cpu);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void temporary_file(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "%s/test_plan.XXXXXX", P_tmpdir);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
}

/* A description saved inside a cpuset of half the machine: producers run on the other half, too. In
 * a description the cpuset does not limit the consumers. */
static void test_disallowed_cpus(void **state)
{
	char xml[64];
	struct nr_topology_opts opts = { .sz = sizeof(opts), .xml = xml };
	struct nr_topology *topo = NULL;
	hwloc_bitmap_t half = hwloc_bitmap_alloc();
	hwloc_topology_t hw;
	struct nr_plan *plan;

	(void)state;
	temporary_file(xml, sizeof(xml));
	hwloc_bitmap_set_range(half, 0, 1);
	assert_int_equal(hwloc_topology_init(&hw), 0);
	assert_int_equal(hwloc_topology_set_flags(hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED), 0);
	assert_int_equal(hwloc_topology_set_synthetic(hw, "pack:2 [numa] core:2 pu:1"), 0);
	assert_int_equal(hwloc_topology_load(hw), 0);
	assert_int_equal(hwloc_topology_allow(hw, half, NULL, HWLOC_ALLOW_FLAG_CUSTOM), 0);
	assert_int_equal(hwloc_topology_export_xml(hw, xml, 0), 0);
	hwloc_topology_destroy(hw);
	hwloc_bitmap_free(half);

	assert_int_equal(nr_topology_open(&topo, &opts), 0);
	unlink(xml);
	plan = make(topo, "node");
	check_plan(topo, plan);
	assert_int_equal(plan->n_shards, 2);
	assert_cpus(plan, 1, "2-3");
	assert_consumers(plan, 1, "2-3");
	nr_plan_free(plan);
	nr_topology_free(topo);
}

/* Random machines ----------------------------------------------------------------------------- */

#define MAX_NODES 16
#define MAX_CPUS  (MAX_NODES * 3 * 2 * 6 * 2) /* the most that describe() makes */

/* A machine of random shape: nodes without memory, sparse numbers, random distances. */
struct machine {
	char text[16384], xml[64];
	unsigned n_nodes;
	int node_os[MAX_NODES];
	bool memory[MAX_NODES];
	unsigned own[MAX_NODES]; /* shard of policy "node" -> index of its CPUs' node */
	hwloc_uint64_t dist[MAX_NODES * MAX_NODES];
	struct nr_topology *topo;
};

static unsigned pick(unsigned from, unsigned to)
{
	return from + rand() % (to - from + 1);
}

static void add_text(struct machine *m, const char *fmt, unsigned v)
{
	size_t at = strlen(m->text);

	snprintf(m->text + at, sizeof(m->text) - at, fmt, v);
}

/* Ascending numbers with gaps, optionally shuffled. */
static void add_indexes(struct machine *m, unsigned n, unsigned gap, bool shuffle)
{
	unsigned v[MAX_CPUS], i, next = 0;

	for (i = 0; i < n; i++) {
		v[i] = next;
		next += pick(1, gap);
	}
	for (i = n; shuffle && i-- > 1;) {
		unsigned j = rand() % (i + 1), t = v[i];

		v[i] = v[j];
		v[j] = t;
	}
	add_text(m, "(indexes=%u", v[0]);
	for (i = 1; i < n; i++)
		add_text(m, ",%u", v[i]);
	add_text(m, ")", 0);
}

static void describe(struct machine *m)
{
	unsigned packs = pick(1, 4), groups = pick(1, 4), l3 = pick(0, 3), cores = pick(1, 6);
	unsigned threads = pick(1, 2), l2 = pick(0, 2);
	bool l3_above = l3 && pick(0, 3) == 0;

	m->text[0] = '\0';
	add_text(m, "pack:%u ", packs);
	if (l3_above)
		add_text(m, "l3:1 ", 0);
	add_text(m, "group:%u [numa", groups);
	add_indexes(m, packs * groups, 3, false);
	add_text(m, "] ", 0);
	if (l3 && !l3_above)
		add_text(m, "l3:%u ", l3);
	else
		l3 = 1;
	if (l2)
		add_text(m, "l2:%u ", l2);
	add_text(m, "core:%u ", cores);
	add_text(m, "pu:%u", threads);
	add_indexes(m, packs * groups * l3 * (l2 ? l2 : 1) * cores * threads, 4, pick(0, 1));
}

static void set_memory(struct machine *m, hwloc_topology_t hw, hwloc_obj_t *nodes)
{
	unsigned i, with = 0;

	m->n_nodes = hwloc_get_nbobjs_by_type(hw, HWLOC_OBJ_NUMANODE);
	assert_in_range(m->n_nodes, 1, MAX_NODES);
	for (i = 0; i < m->n_nodes; i++) {
		nodes[i] = hwloc_get_obj_by_type(hw, HWLOC_OBJ_NUMANODE, i);
		m->node_os[i] = nodes[i]->os_index;
		m->memory[i] = pick(0, 3) != 0;
		with += m->memory[i];
	}
	if (!with)
		m->memory[pick(0, m->n_nodes - 1)] = true;
	for (i = 0; i < m->n_nodes; i++)
		nodes[i]->attr->numanode.local_memory = m->memory[i] ? 1 << 30 : 0;
}

static void set_distances(struct machine *m, hwloc_topology_t hw, hwloc_obj_t *nodes)
{
	hwloc_distances_add_handle_t h;
	unsigned i, j, n = m->n_nodes;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			m->dist[i * n + j] = i == j ? 10 : pick(11, 14);
	h = hwloc_distances_add_create(
		hw, "NUMALatency",
		HWLOC_DISTANCES_KIND_FROM_USER | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0);
	assert_non_null(h);
	assert_int_equal(hwloc_distances_add_values(hw, h, n, nodes, m->dist, 0), 0);
	assert_int_equal(hwloc_distances_add_commit(hw, h, 0), 0);
}

static void build(struct machine *m)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts), .xml = m->xml };
	hwloc_obj_t nodes[MAX_NODES];
	hwloc_topology_t hw;

	describe(m);
	assert_int_equal(hwloc_topology_init(&hw), 0);
	if (hwloc_topology_set_synthetic(hw, m->text) || hwloc_topology_load(hw))
		fail_msg("hwloc refuses %s", m->text);
	set_memory(m, hw, nodes);
	if (m->n_nodes > 1)
		set_distances(m, hw, nodes);
	assert_int_equal(hwloc_topology_export_xml(hw, m->xml, 0), 0);
	hwloc_topology_destroy(hw);
	m->topo = NULL;
	assert_int_equal(nr_topology_open(&m->topo, &opts), 0);
}

static unsigned node_index(const struct machine *m, int os)
{
	unsigned i;

	for (i = 0; i < m->n_nodes; i++)
		if (m->node_os[i] == os)
			return i;
	fail_msg("no node %d", os);
	return 0;
}

/* One shard per node, in order; each node has the same number of CPUs. The ring is in the nearest
 * memory. Distances in the list of nearest shards never decrease. */
static void check_node_plan(struct machine *m, const struct nr_plan *plan)
{
	unsigned i, j, n = m->n_nodes;

	assert_int_equal(plan->n_shards, n);
	for (i = 0; i < n; i++)
		m->own[plan->node_shard[m->node_os[i]]] = i;
	for (i = 0; i < n; i++) {
		const struct nr_plan_shard *s = &plan->shards[i];
		const hwloc_uint64_t *dist = m->dist + m->own[i] * n;
		unsigned at = node_index(m, s->node);

		assert_true(m->memory[at]);
		assert_int_equal(s->node_is_own, m->memory[m->own[i]]);
		assert_true(!s->node_is_own || at == m->own[i]);
		assert_int_equal(nr_topology_cpu_node(m->topo, s->cpus[0]), s->node);
		for (j = 0; j < n && n > 1; j++)
			assert_true(!m->memory[j] || dist[at] <= dist[j]);
		for (j = 1; j + 1 < n; j++) {
			unsigned a = node_index(m, plan->shards[s->nearest[j - 1]].node);
			unsigned b = node_index(m, plan->shards[s->nearest[j]].node);

			assert_true(dist[a] <= dist[b]);
		}
	}
}

static unsigned count_units(const struct nr_topology *topo, const unsigned *cpus, unsigned count,
			    enum nr_distance within)
{
	unsigned i, j, n = 0;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			if (nr_topology_distance(topo, cpus[i], cpus[j]) <= within)
				break;
		n += j == i;
	}
	return n;
}

static unsigned count_shards(const struct nr_plan *plan, const unsigned *cpus, unsigned count)
{
	unsigned i, j, n = 0;

	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			if (plan->cpu_shard[cpus[i]] == plan->cpu_shard[cpus[j]])
				break;
		n += j == i;
	}
	return n;
}

/* True if no object of this kind is split between shards. */
static bool whole(const struct nr_topology *topo, const struct nr_plan *plan, const unsigned *cpus,
		  unsigned n, enum nr_distance within)
{
	unsigned i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (nr_topology_distance(topo, cpus[i], cpus[j]) <= within &&
			    plan->cpu_shard[cpus[i]] != plan->cpu_shard[cpus[j]])
				return false;
	return true;
}

static void check_parts(const struct machine *m, const struct nr_plan *nodes)
{
	unsigned k = pick(1, 9), i, llcs, cores;
	char policy[16];
	struct nr_plan *plan;

	snprintf(policy, sizeof(policy), "node/%u", k);
	plan = make(m->topo, policy);
	check_plan(m->topo, plan);
	for (i = 0; i < nodes->n_shards; i++) {
		const struct nr_plan_shard *s = &nodes->shards[i];

		llcs = count_units(m->topo, s->cpus, s->n_cpus, NR_SAME_LLC);
		cores = count_units(m->topo, s->cpus, s->n_cpus, NR_SAME_CORE);
		assert_int_equal(count_shards(plan, s->cpus, s->n_cpus), k < cores ? k : cores);
		assert_true(whole(m->topo, plan, s->cpus, s->n_cpus, NR_SAME_CORE));
		if (llcs >= k)
			assert_true(whole(m->topo, plan, s->cpus, s->n_cpus, NR_SAME_LLC));
	}
	nr_plan_free(plan);
}

static void check_llc(const struct machine *m, const struct nr_plan *nodes)
{
	struct nr_plan *plan = make(m->topo, "llc");
	unsigned i, want = 0;

	check_plan(m->topo, plan);
	for (i = 0; i < nodes->n_shards; i++) {
		const struct nr_plan_shard *s = &nodes->shards[i];

		want += count_units(m->topo, s->cpus, s->n_cpus, NR_SAME_LLC);
		assert_true(whole(m->topo, plan, s->cpus, s->n_cpus, NR_SAME_LLC));
	}
	assert_int_equal(plan->n_shards, want);
	nr_plan_free(plan);
}

/* True if all consumer CPUs are on one node and no allowed CPU is on a nearer one. */
static void check_consumer_node(const struct machine *m, const struct nr_plan *nodes,
				const struct nr_plan_shard *s, const unsigned *some, unsigned n)
{
	const hwloc_uint64_t *dist = m->dist + node_index(m, s->node) * m->n_nodes;
	int shard = nodes->cpu_shard[s->consumer_cpus[0]];
	unsigned i;

	for (i = 0; i < s->n_consumer_cpus; i++) {
		assert_true(in_list(some, n, s->consumer_cpus[i]));
		assert_int_equal(nodes->cpu_shard[s->consumer_cpus[i]], shard);
	}
	for (i = 0; i < n && m->n_nodes > 1; i++)
		assert_true(dist[m->own[shard]] <= dist[m->own[nodes->cpu_shard[some[i]]]]);
}

static void check_restricted(const struct machine *m, const struct nr_plan *nodes,
			     const char *policy)
{
	unsigned all[MAX_CPUS], some[MAX_CPUS + 1], n, count = 0, i;
	char text[8192];
	struct nr_plan *plan;

	n = nr_topology_cpus(m->topo, all, MAX_CPUS);
	some[count++] = all[pick(0, n - 1)];
	for (i = 0; i < n; i++)
		if (pick(0, 5) == 0)
			some[count++] = all[i];
	plan = make_with(m->topo,
			 (struct nr_plan_opts){
				 .policy = policy,
				 .consumer_cpus = nr_cpu_list(text, sizeof(text), some, count) });
	check_plan(m->topo, plan);
	for (i = 0; i < plan->n_shards; i++)
		check_consumer_node(m, nodes, &plan->shards[i], some, count);
	nr_plan_free(plan);
}

static void check_machine(struct machine *m)
{
	static const char *const policies[] = {
		"single", "package", "node", "llc", "cpu", "node/3"
	};
	struct nr_plan *nodes, *a, *b;
	unsigned i;

	build(m);
	nodes = make(m->topo, "node");
	check_node_plan(m, nodes);
	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		a = make(m->topo, policies[i]);
		b = make(m->topo, policies[i]);
		check_plan(m->topo, a);
		assert_same_plan(a, b);
		nr_plan_free(a);
		nr_plan_free(b);
		check_restricted(m, nodes, policies[i]);
	}
	check_parts(m, nodes);
	check_llc(m, nodes);
	nr_plan_free(nodes);
	nr_topology_free(m->topo);
}

static void test_random_machines(void **state)
{
	const char *given = getenv("NR_SEED");
	unsigned seed = given ? strtoul(given, NULL, 0) : (unsigned)(time(NULL) ^ getpid());
	static struct machine m;
	int i;

	(void)state;
	temporary_file(m.xml, sizeof(m.xml));
	print_message("NR_SEED=%u\n", seed);
	srand(seed);
	for (i = 0; i < 60; i++)
		check_machine(&m);
	unlink(m.xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_node),
		cmocka_unit_test(test_two_nodes),
		cmocka_unit_test(test_node_of_cpu),
		cmocka_unit_test(test_four_and_eight_nodes),
		cmocka_unit_test(test_llc_without_l3),
		cmocka_unit_test(test_parts_follow_clusters),
		cmocka_unit_test(test_sparse_cpus),
		cmocka_unit_test(test_many_cpus),
		cmocka_unit_test(test_clipped_parts),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_cpu_order),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_default_is_node),
		cmocka_unit_test(test_ring_bytes),
		cmocka_unit_test(test_lane_bytes),
		cmocka_unit_test(test_table_length),
		cmocka_unit_test(test_consumer_cpus),
		cmocka_unit_test(test_consumers_near_ring),
		cmocka_unit_test(test_bad_plans),
		cmocka_unit_test(test_option_sizes),
		cmocka_unit_test(test_older_caller),
		cmocka_unit_test(test_bad_topologies),
		cmocka_unit_test(test_cpu_list),
		cmocka_unit_test(test_this_host),
		cmocka_unit_test(test_other_host_in_environment),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_disallowed_cpus),
		cmocka_unit_test(test_random_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
