/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Compares the plan of every policy on every machine of topology/hosts with golden files. After an
 * intended change run test_hosts --update, then read the diff.
 *
 * A line of a golden file: shard, node ("*": not its own), CPUs, ring size in MiB, consumer CPUs,
 * nearest shards.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <numaring/plan.h>

#ifndef HOSTS_DIR
#error "HOSTS_DIR and GOLDEN_DIR come from CMake"
#endif
#define MAX_HOSTS 64

static const char *const policies[] = { "single", "package", "node",  "llc",
					"cpu",	  "node/2",  "node/4" };
static bool update;

static void complain(void *ctx, enum nr_log_level level, const char *text)
{
	FILE *out = ctx;

	fprintf(out, "%s %s\n", level == NR_LOG_WARN ? "warning:" : "log:", text);
}

static void print_list(FILE *out, const char *what, const unsigned *v, unsigned n)
{
	char buf[128];

	fprintf(out, " %s %s", what, nr_cpu_list(buf, sizeof(buf), v, n));
}

static void print_plan(FILE *out, const struct nr_plan *plan)
{
	unsigned i;

	for (i = 0; i < plan->n_shards; i++) {
		const struct nr_plan_shard *s = &plan->shards[i];

		fprintf(out, "%u node %d%s", i, s->node, s->node_is_own ? "" : "*");
		print_list(out, "cpus", s->cpus, s->n_cpus);
		fprintf(out, " ring %zuM", s->ring_bytes >> 20);
		print_list(out, "consumer", s->consumer_cpus, s->n_consumer_cpus);
		if (plan->n_shards > 1)
			print_list(out, "nearest", s->nearest,
				   plan->n_shards < 9 ? plan->n_shards - 1 : 8);
		fputc('\n', out);
	}
	fputs("shard of node", out);
	for (i = 0; i < plan->n_nodes; i++)
		fprintf(out, " %d", plan->node_shard[i]);
	fputc('\n', out);
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		return NULL;
	n = getdelim(&text, &cap, '\0', f);
	fclose(f);
	return n < 0 ? (free(text), NULL) : text;
}

static struct nr_topology *open_host(const char *file)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts), .log = complain, .log_ctx = stderr };
	struct nr_topology *topo = NULL;
	char path[512], *text = NULL;

	snprintf(path, sizeof(path), "%s/%s", HOSTS_DIR, file);
	if (strstr(file, ".xml")) {
		opts.xml = path;
	} else {
		text = read_file(path);
		assert_non_null(text);
		text[strcspn(text, "\n")] = '\0';
		opts.synthetic = text;
	}
	if (nr_topology_open(&topo, &opts))
		fail_msg("cannot open %s", path);
	free(text);
	return topo;
}

static char *describe_host(const char *file)
{
	struct nr_topology *topo = open_host(file);
	char *text = NULL;
	size_t size = 0, i;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct nr_plan_opts opts = {
			.sz = sizeof(opts), .policy = policies[i], .log = complain, .log_ctx = out
		};
		struct nr_plan *plan = NULL;

		fprintf(out, "%s== %s\n", i ? "\n" : "", policies[i]);
		assert_int_equal(nr_plan_make(&plan, topo, &opts), 0);
		print_plan(out, plan);
		nr_plan_free(plan);
	}
	fclose(out);
	nr_topology_free(topo);
	return text;
}

static void show_difference(const char *host, const char *got, const char *want)
{
	unsigned line = 1;

	while (*got && *got == *want) {
		line += *got == '\n';
		got++;
		want++;
	}
	fail_msg(
		"%s: the plan differs from golden/plans/%s.txt at line %u; run test_hosts --update "
		"if that is intended",
		host, host, line);
}

static void test_host(void **state)
{
	const char *file = *state;
	char *got = describe_host(file), *want;
	char path[512], host[256];
	FILE *f;

	snprintf(host, sizeof(host), "%.*s", (int)strcspn(file, "."), file);
	snprintf(path, sizeof(path), "%s/%s.txt", GOLDEN_DIR, host);
	if (update) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(got, f) >= 0 && !fclose(f));
	}
	want = read_file(path);
	if (!want)
		fail_msg("no golden file %s; run test_hosts --update to write it", path);
	if (strcmp(got, want))
		show_difference(host, got, want);
	free(want);
	free(got);
}

static int is_host(const struct dirent *entry)
{
	const char *dot = strchr(entry->d_name, '.');

	return dot && (!strcmp(dot, ".xml") || !strcmp(dot, ".synthetic"));
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[MAX_HOSTS];
	struct dirent **hosts;
	int i, n, failed;

	update = argc > 1 && !strcmp(argv[1], "--update");
	n = scandir(HOSTS_DIR, &hosts, is_host, alphasort);
	if (n <= 0 || n > MAX_HOSTS) {
		fprintf(stderr, "%d hosts in %s\n", n, HOSTS_DIR);
		return 1;
	}
	for (i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ .name = hosts[i]->d_name,
						.test_func = test_host,
						.initial_state = hosts[i]->d_name };
	failed = _cmocka_run_group_tests("hosts", tests, n, NULL, NULL);
	for (i = 0; i < n; i++)
		free(hosts[i]);
	free(hosts);
	return failed;
}
