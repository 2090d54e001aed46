// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench versus: what a record costs with the library of another version and with this
 * one's, in turns. This program makes every run, so nothing else differs. */
#include <dlfcn.h>
#include <libgen.h>
#include <math.h>
#include <unistd.h>
#include "sweep.h"

#define MAX_RUNS 99

enum side { BEFORE, AFTER, RATIO };

struct versus {
	const char *build[2]; /* directories of the libraries */
	const char *directory;
	uint64_t runs;
	double seconds;
	unsigned n_cpus;
	json_t *rows[2]; /* of one comparison */
	bool failed;	 /* a run of any */
};

static const char shown[] = "events_per_sec lost_share consumers_s_per_million merge_s_per_million "
			    "packers_s_per_million outputs_s_per_million cpu_s_per_million "
			    "system_s_per_million trace_bytes_per_event elsewhere_share";

/* Of threads that have a CPU each: the merge, and a stream with packers enough. */
static const struct metric limits[] = {
	{ NULL, NULL, "merge_limit", "merge thread, at most M/s", 1, 1 },
	{ NULL, NULL, "stream_limit", "stream, at most M/s", 1, 1 },
};

static void add_limits(json_t *row)
{
	const json_t *cpu = json_object_get(row, "cpu_s_per_million");
	double merge = row_number(cpu, "merge"), output = row_number(cpu, "outputs");

	if (!(merge > 0))
		return;
	json_object_set_new(row, "merge_limit", json_real(1 / merge));
	json_object_set_new(row, "stream_limit", json_real(1 / fmax(merge, output)));
}

static void run_once(struct versus *v, enum side side, const struct config *cfg)
{
	json_t *row;

	setenv("LD_LIBRARY_PATH", v->build[side], 1);
	row = child_run(cfg);
	add_limits(row);
	if (!json_is_true(json_object_get(row, "valid"))) {
		printf("  FAILED, and left out: a run of %s: %s\n",
		       side == BEFORE ? "before" : "after", row_word(row, "reason"));
		v->failed = true;
	}
	json_array_append_new(v->rows[side], row);
}

/* ---- figures ---- */

static void print_range(double *values, unsigned n, int digits)
{
	double median = quartiles(values, n).median;
	char range[64];

	snprintf(range, sizeof(range), "%.*f [%.*f, %.*f]", digits, median, digits, values[0],
		 digits, values[n - 1]);
	printf(" %24s", range);
}

/* A ratio is that of the two runs of a turn. */
static void print_figure(const struct versus *v, const struct metric *m)
{
	double values[3][MAX_RUNS];
	unsigned n = 0;

	for (unsigned i = 0; i < v->runs; i++) {
		const json_t *before = metric_of(json_array_get(v->rows[BEFORE], i), m);
		const json_t *after = metric_of(json_array_get(v->rows[AFTER], i), m);

		if (!before || !after)
			continue;
		values[BEFORE][n] = m->scale * json_number_value(before);
		values[AFTER][n] = m->scale * json_number_value(after);
		values[RATIO][n] = values[AFTER][n] / values[BEFORE][n];
		n++;
	}
	if (!n)
		return;
	printf("  %-25s", m->head);
	print_range(values[BEFORE], n, m->digits + 1);
	print_range(values[AFTER], n, m->digits + 1);
	if (values[BEFORE][0] > 0)
		print_range(values[RATIO], n, 2);
	putchar('\n');
}

/* after: how that version delivers; before: to a plain trace. */
static void compare(struct versus *v, const char *transport, uint64_t size, enum delivery after)
{
	struct config cfg = { .producers = v->n_cpus,
			      .placement = "fill",
			      .size = size,
			      .burst = 1,
			      .peak = 1,
			      .memory = floor_power((size_t)v->n_cpus << 25),
			      .seconds = v->seconds,
			      .directory = v->directory };

	strcpy(cfg.transport, transport);
	printf("\n--transport %s --size %" PRIu64 " --delivery trace%s\n", transport, size,
	       after == TO_ZSTD ? "; after: zstd" : "");
	v->rows[BEFORE] = json_array();
	v->rows[AFTER] = json_array();
	for (unsigned i = 0; i < 2 * v->runs; i++) {
		enum side side = (i + i / 2) % 2; /* A B B A */

		cfg.delivery = side == AFTER ? after : TO_TRACE;
		run_once(v, side, &cfg);
	}
	printf("  %-25s %24s %24s %24s\n", "", "before", "after", "ratio");
	for (unsigned k = 0; k < N_METRICS; k++)
		if (strstr(shown, sweep_metrics[k].name))
			print_figure(v, &sweep_metrics[k]);
	for (unsigned k = 0; k < 2; k++)
		print_figure(v, &limits[k]);
	json_decref(v->rows[BEFORE]);
	json_decref(v->rows[AFTER]);
}

/* ---- the command ---- */

#define AT(field) .offset = offsetof(struct versus, field)

static const struct opt options[] = {
	{ "before", 0, "DIR", "directory of the other version's library: its build directory",
	  OPTION_TEXT, AT(build[BEFORE]) },
	{ "after", 0, "DIR", "directory of the later one's library (default: the one in use)",
	  OPTION_TEXT, AT(build[AFTER]) },
	{ "runs", 0, "N", "runs of each, 1 to 99 (default: 5)", OPTION_COUNT, AT(runs),
	  .number = { 1, MAX_RUNS } },
	{ "duration", 'd', "SECONDS", "seconds that each measures (default: 1)", OPTION_SECONDS,
	  AT(seconds), .number = { 10 } },
	{ "directory", 0, "DIR", "directory of the traces (default: the current one)", OPTION_TEXT,
	  AT(directory) },
};

/* The loader would silently take this program's own library instead. */
static void check_build(const char *dir)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/libnumaring.so.0", dir ? dir : "--before DIR");
	if (access(path, R_OK))
		err(BENCH_USAGE, "%s", path);
}

int cmd_versus(int argc, char **argv)
{
	Dl_info used;
	struct versus v = { .directory = ".", .runs = 5, .seconds = 1 };
	const struct command_line line = {
		.doc = "Compare what a record costs with two versions of the library, in turns.\v"
		       "All CPUs produce, flat out. Exit status: 1 if a run failed, or was not "
		       "complete and in order.\n\n"
		       "Example:\n"
		       "  numaring-bench versus --before old/build --runs 9",
		OPTIONS(options),
		.base = &v,
	};

	if (!dladdr(nr_version_string(), &used))
		errx(BENCH_FAILED, "cannot find libnumaring: use --after DIR");
	v.build[AFTER] = dirname(strdup(used.dli_fname));
	options_parse(&line, argc, argv);
	check_build(v.build[BEFORE]);
	check_build(v.build[AFTER]);
	host_check();
	v.n_cpus = nr_topology_cpus(bench_topology(), NULL, 0);
	printf("before: %s\nafter: %s\n%" PRIu64 " runs of each, in turns; median [least, most]\n",
	       v.build[BEFORE], v.build[AFTER], v.runs);
	compare(&v, "cpu", 0, TO_TRACE);
	compare(&v, "cpu", 0, TO_ZSTD);
	compare(&v, "cpu", 64, TO_TRACE);
	compare(&v, "shards/8", 64, TO_ZSTD);
	return v.failed ? BENCH_FAILED : BENCH_DONE;
}
