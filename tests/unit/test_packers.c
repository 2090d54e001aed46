// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How many packers a plan gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "collector.h"

static void expect(const char *machine, const char *policy, const char *cpus, unsigned plain,
		   unsigned compressed)
{
	const struct nr_topology_opts topo_opts = { .sz = sizeof(topo_opts), .synthetic = machine };
	const struct nr_plan_opts plan_opts = { .sz = sizeof(plan_opts),
						.policy = policy,
						.consumer_cpus = cpus };
	struct nr_topology *topo = NULL;
	struct nr_plan *plan = NULL;

	assert_int_equal(nr_topology_open(&topo, &topo_opts), 0);
	assert_int_equal(nr_plan_make(&plan, topo, &plan_opts), 0);
	assert_int_equal(nr_packers_by_plan(plan, false), plain);
	assert_int_equal(nr_packers_by_plan(plan, true), compressed);
	nr_plan_free(plan);
	nr_topology_free(topo);
}

static void test_nodes(void **state)
{
	static const char four[] = "pack:4 [numa] l3:1 core:8 pu:2",
			  eight[] = "pack:8 [numa] core:16 pu:1";

	(void)state;
	expect("pack:1 [numa] core:64 pu:1", NULL, NULL, 1, 4);
	expect("pack:2 [numa] core:24 pu:2", NULL, NULL, 2, 8);
	expect(four, NULL, NULL, 4, 16);
	expect(eight, NULL, NULL, 4, 16);
	expect(four, "cpu", NULL, 4, 16);
	expect(four, "llc", NULL, 4, 16);
	expect(four, "single", NULL, 1, 4); /* one node has the ring */
}

static void test_few_cpus(void **state)
{
	(void)state;
	expect("pack:1 [numa] core:1 pu:1", NULL, NULL, 1, 1);
	expect("pack:1 [numa] core:2 pu:1", NULL, NULL, 1, 1);
	expect("pack:1 [numa] core:2 pu:1", "cpu", NULL, 1, 1);
	expect("pack:1 [numa] core:8 pu:1", NULL, NULL, 1, 2);
	expect("pack:2 [numa] core:4 pu:1", NULL, NULL, 2, 2);
	expect("pack:2 [numa] core:4 pu:1", "cpu", NULL, 2, 2);
	expect("pack:4 [numa] core:3 pu:1", NULL, NULL, 3, 3);
	expect("pack:4 [numa] core:16 pu:1", NULL, "0-3", 1, 1);
	expect("pack:4 [numa] core:16 pu:1", NULL, "0-7,63", 2, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_few_cpus),
	};

	return cmocka_run_group_tests_name("packers", tests, NULL, NULL);
}
