// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a sweep's file and summarizes its runs. */
#include <math.h>
#include "sweep.h"

const struct metric sweep_metrics[N_METRICS] = {
	{ "ring_bytes", "memory_bytes", "rings", "rings MiB", 1.0 / (1 << 20), 2 },
	{ "user_bytes", "memory_bytes", "user", "user MiB", 1.0 / (1 << 20), 2 },
	{ "events_per_sec", NULL, "events_per_sec", "delivered M/s", 1e-6, 3 },
	{ "attempts_per_sec", NULL, "attempts_per_sec", "tried M/s", 1e-6, 3 },
	{ "reached_share", NULL, "reached_share", "reached %", 100, 0 },
	{ "lost_share", NULL, "lost_share", "lost %", 100, 1 },
	{ "turns_share", NULL, "turns_share", "turns %", 100, 1 },
	{ "cost_mean_ns", "cost_ns", "mean", "cost mean ns", 1, 0 },
	{ "floor_ns", "cost_ns", "floor", "floor ns", 1, 0 },
	{ "above_floor_ns", "cost_ns", "above_floor", "above floor ns", 1, 0 },
	{ "cost_p50_ns", "cost_ns", "p50", "cost p50 ns", 1, 0 },
	{ "cost_p99_ns", "cost_ns", "p99", "cost p99 ns", 1, 0 },
	{ "cost_max_ns", "cost_ns", "max", "cost max us", 1e-3, 0 },
	{ "consumers_s_per_million", "cpu_s_per_million", "consumers", "consumers ns", 1e3, 0 },
	{ "merge_s_per_million", "cpu_s_per_million", "merge", "merge ns", 1e3, 0 },
	{ "packers_s_per_million", "cpu_s_per_million", "packers", "packers ns", 1e3, 0 },
	{ "outputs_s_per_million", "cpu_s_per_million", "outputs", "outputs ns", 1e3, 0 },
	{ "cpu_s_per_million", "cpu_s_per_million", "total", "all threads ns", 1e3, 0 },
	{ "system_s_per_million", "cpu_s_per_million", "system", "of it kernel ns", 1e3, 0 },
	{ "trace_bytes_per_event", NULL, "trace_bytes_per_event", "trace B", 1, 1 },
	{ "latency_p50_ms", "latency_ms", "p50", "latency p50 ms", 1, 1 },
	{ "latency_p99_ms", "latency_ms", "p99", "latency p99 ms", 1, 1 },
	{ "lag_max_ms", NULL, "lag_max_ms", "lag max ms", 1, 1 },
	{ "elsewhere_share", NULL, "elsewhere_share", "CPU elsewhere %", 100, 0 },
};

struct sweep_file sweep_read(const char *path)
{
	struct sweep_file f = { .runs = json_array() };
	json_t *rows = jsonl_read(path), *row;

	if (!rows)
		exit(BENCH_FAILED);
	for_each_row (row, rows) {
		const char *kind = row_word(row, "kind");

		if (!strcmp(kind, "host") && !f.host)
			f.host = json_incref(row);
		else if (!strcmp(kind, "run"))
			json_array_append(f.runs, row);
		f.medians += !strcmp(kind, "median");
	}
	json_decref(rows);
	if (!f.host)
		errx(BENCH_FAILED, "%s does not begin with a host, so it is not a sweep", path);
	return f;
}

unsigned sweep_invalid(const json_t *runs)
{
	const json_t *row;
	unsigned n = 0;

	for_each_row (row, runs)
		n += !json_is_true(json_object_get(row, "valid"));
	return n;
}

/* ---- medians ---- */

json_t *metric_of(const json_t *row, const struct metric *m)
{
	json_t *v = json_object_get(m->object ? json_object_get(row, m->object) : row, m->key);

	return json_is_true(json_object_get(row, "valid")) && json_is_number(v) ? v : NULL;
}

/* runs are those of one configuration. */
static json_t *median_of(const json_t *runs, const struct metric *m)
{
	double *values = bench_alloc(json_array_size(runs), sizeof(*values));
	json_t *sum = json_null(), *all = json_array();
	const json_t *row;
	struct spread3 s;
	unsigned n = 0;

	for_each_row (row, runs) {
		json_t *v = metric_of(row, m);

		if (!v)
			continue;
		values[n++] = json_number_value(v);
		json_array_append(all, v);
	}
	s = quartiles(values, n);
	if (n)
		sum = json_pack("{s:f, s:f, s:f, s:i, s:O, s:i}", "median", s.median, "q1", s.q1,
				"q3", s.q3, "n", (int)s.n, "runs", all, "groups",
				two_groups(values, n) ? 2 : 1);
	json_decref(all);
	free(values);
	return sum;
}

/* Adds how many runs are valid, why one was not, and what they have in common. */
static void add_runs(json_t *sum, const json_t *runs)
{
	static const char *const same[] = { "producer_cpus", "consumer_cpu", "rings",
					    "file_system" };
	unsigned n = json_array_size(runs), invalid = sweep_invalid(runs);
	const json_t *row;

	for_each_row (row, runs) {
		json_t *reason = json_object_get(row, "reason");

		if (json_is_string(reason))
			json_object_set(sum, "reason", reason);
		for (unsigned k = 0; k < sizeof(same) / sizeof(same[0]); k++)
			if (json_object_get(row, same[k]))
				json_object_set(sum, same[k], json_object_get(row, same[k]));
	}
	json_object_set_new(sum, "runs", json_integer(n));
	json_object_set_new(sum, "valid_runs", json_integer(n - invalid));
	json_object_set_new(sum, "valid", json_boolean(!invalid));
}

/* Returns an array for each configuration, with its runs. */
static json_t *by_config(const json_t *runs)
{
	json_t *groups = json_array(), *row, *group;

	for_each_row (row, runs) {
		const json_t *config = json_object_get(row, "config");

		for_each_row (group, groups)
			if (json_equal(json_object_get(json_array_get(group, 0), "config"), config))
				break;
		if (!group) {
			group = json_array();
			json_array_append_new(groups, group);
		}
		json_array_append(group, row);
	}
	return groups;
}

json_t *sweep_medians(const json_t *runs)
{
	json_t *medians = json_array(), *groups = by_config(runs), *group;

	for_each_row (group, groups) {
		json_t *sum = json_pack("{s:s}", "kind", "median");

		add_runs(sum, group);
		for (unsigned k = 0; k < N_METRICS; k++)
			json_object_set_new(sum, sweep_metrics[k].name,
					    median_of(group, &sweep_metrics[k]));
		/* The values of the configuration stand beside what came of it. */
		json_object_update_missing(sum,
					   json_object_get(json_array_get(group, 0), "config"));
		json_array_append_new(medians, sum);
	}
	json_decref(groups);
	return medians;
}

double sweep_elsewhere(const json_t *medians)
{
	const json_t *sum;
	double most = 0;

	for_each_row (sum, medians)
		most = fmax(most, row_median(sum, "elsewhere_share"));
	return most;
}

const struct metric *sweep_metric(const char *name)
{
	for (unsigned k = 0; k < N_METRICS; k++)
		if (!strcmp(sweep_metrics[k].name, name))
			return &sweep_metrics[k];
	return NULL;
}
