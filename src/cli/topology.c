/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring topology: shows the plan for this machine or for a described one. */
#include <argp.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/plan.h>
#include "cli.h"
#include "help.h"

enum {
	OPT_SYNTHETIC = 256,
	OPT_XML,
	OPT_JSON,
};

struct args {
	struct nr_topology_opts topology;
	struct nr_plan_opts plan;
	bool json;
};

static const struct argp_option options[] = {
	{ .name = "synthetic", .key = OPT_SYNTHETIC, .arg = "STRING" },
	{ .name = "xml", .key = OPT_XML, .arg = "FILE" },
	{ .name = "json", .key = OPT_JSON },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->plan;
		return 0;
	case OPT_SYNTHETIC:
		args->topology.synthetic = arg;
		return 0;
	case OPT_XML:
		args->topology.xml = arg;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &cli_plan_argp }, { 0 } },
	.doc = help_topology_txt,
};

/* Table -------------------------------------------------------------------------------------- */

/* Each CPU takes at most 6 bytes: "65535,". */
static char *new_cpu_list(const unsigned *cpus, unsigned n)
{
	size_t size = (size_t)n * 6 + 4;
	char *buf = malloc(size);

	return buf ? nr_cpu_list(buf, size, cpus, n) : NULL;
}

struct row {
	char shard[16], node[16], ring[24];
	char *cpus, *consumers;
};

static const struct {
	const char *shard, *node, *cpus, *ring, *consumers;
} heads = { "SHARD", "NODE", "CPUS", "RING", "CONSUMER CPUS" };

static int fill_row(struct row *row, const struct nr_plan *plan, unsigned i)
{
	const struct nr_plan_shard *s = nr_plan_shard_at(plan, i);

	snprintf(row->shard, sizeof(row->shard), "%u", i);
	snprintf(row->node, sizeof(row->node), "%d%s", s->node, s->node_is_own ? "" : "*");
	cli_format_size(row->ring, sizeof(row->ring), s->ring_bytes);
	row->cpus = new_cpu_list(s->cpus, s->n_cpus);
	row->consumers = new_cpu_list(s->consumer_cpus, s->n_consumer_cpus);
	return row->cpus && row->consumers ? 0 : -1;
}

static void print_rows(const struct row *rows, unsigned n)
{
	size_t cpus = strlen(heads.cpus);
	unsigned i;

	for (i = 0; i < n; i++)
		if (strlen(rows[i].cpus) > cpus)
			cpus = strlen(rows[i].cpus);
	printf("%5s  %-5s  %-*s  %5s  %s\n", heads.shard, heads.node, (int)cpus, heads.cpus,
	       heads.ring, heads.consumers);
	for (i = 0; i < n; i++)
		printf("%5s  %-5s  %-*s  %5s  %s\n", rows[i].shard, rows[i].node, (int)cpus,
		       rows[i].cpus, rows[i].ring, rows[i].consumers);
}

static void print_notes(const struct nr_plan *plan)
{
	unsigned i;

	for (i = 0; i < plan->n_shards; i++)
		if (!nr_plan_shard_at(plan, i)->node_is_own) {
			puts("* the CPUs' own node has no memory that this process may use; this "
			     "is the nearest node that has");
			return;
		}
}

static int print_table(const struct nr_plan *plan)
{
	struct row *rows = calloc(plan->n_shards, sizeof(*rows));
	unsigned i, n = rows ? plan->n_shards : 0;
	int ret = CLI_FAILED;

	for (i = 0; i < n; i++)
		if (fill_row(&rows[i], plan, i))
			goto out;
	if (n) {
		print_rows(rows, n);
		print_notes(plan);
		ret = CLI_DONE;
	}
out:
	for (i = 0; i < n; i++) {
		free(rows[i].cpus);
		free(rows[i].consumers);
	}
	free(rows);
	return ret;
}

/* JSON --------------------------------------------------------------------------------------- */

static json_t *json_list(const unsigned *v, unsigned n)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_integer(v[i]));
	return list;
}

static json_t *json_table(const int *v, unsigned n)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_integer(v[i]));
	return list;
}

static json_t *json_shard(const struct nr_plan *plan, unsigned i)
{
	const struct nr_plan_shard *s = nr_plan_shard_at(plan, i);

	return json_pack("{s:i, s:i, s:b, s:I, s:o, s:o, s:o}", "shard", (int)i, "node", s->node,
			 "node_is_own", (int)s->node_is_own, "ring_bytes",
			 (json_int_t)s->ring_bytes, "cpus", json_list(s->cpus, s->n_cpus),
			 "consumer_cpus", json_list(s->consumer_cpus, s->n_consumer_cpus),
			 "nearest", json_list(s->nearest, plan->n_shards - 1));
}

static int print_json(const struct nr_plan *plan, bool this_host)
{
	json_t *shards = json_array(), *root;
	unsigned i;
	int ret = CLI_FAILED;

	for (i = 0; i < plan->n_shards; i++)
		json_array_append_new(shards, json_shard(plan, i));
	root = json_pack("{s:s, s:b, s:o, s:o, s:o}", "policy", plan->policy, "this_host",
			 (int)this_host, "cpu_shard", json_table(plan->cpu_shard, plan->n_cpus),
			 "node_shard", json_table(plan->node_shard, plan->n_nodes), "shards",
			 shards);
	if (root && !json_dumpf(root, stdout, JSON_COMPACT)) {
		putchar('\n');
		ret = CLI_DONE;
	}
	json_decref(root);
	return ret;
}

int cmd_topology(int argc, char **argv)
{
	struct args args = {
		.topology = { .sz = sizeof(args.topology), .log = cli_log },
		.plan = { .sz = sizeof(args.plan), .log = cli_log },
	};
	struct nr_topology *topo = NULL;
	struct nr_plan *plan = NULL;
	int ret = CLI_FAILED;

	cli_parse(&argp, argc, argv, 0, &args);
	if (nr_topology_open(&topo, &args.topology) || nr_plan_make(&plan, topo, &args.plan))
		goto out;
	ret = args.json ? print_json(plan, nr_topology_is_this_host(topo)) : print_table(plan);
	if (fflush(stdout) || ferror(stdout) || ret) {
		cli_error("cannot write the plan");
		ret = CLI_FAILED;
	}
out:
	nr_plan_free(plan);
	nr_topology_free(topo);
	return ret;
}
