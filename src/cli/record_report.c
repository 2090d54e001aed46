// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "record_report.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include "cli.h"

#define ASK_NS 500000000ull /* how often losses are counted */

/* ---- sources ---- */

static size_t name_length(const char *spec)
{
	return strcspn(spec, ":");
}

/* Of two specifications of one source, the one without arguments has all that the other has. */
static void add_source(struct record_report *r, const char *spec)
{
	size_t len = name_length(spec);

	for (unsigned i = 0; i < r->n_sources; i++) {
		char *known = r->sources[i];

		if (name_length(known) != len || strncmp(known, spec, len))
			continue;
		if (strcmp(known, spec))
			known[len] = 0;
		return;
	}
	if (r->n_sources < RECORD_REPORT_SOURCES)
		snprintf(r->sources[r->n_sources++], sizeof(*r->sources), "%s", spec);
}

static void add_sources(struct record_report *r, const char *specs)
{
	char copy[256], *rest = copy, *spec;

	snprintf(copy, sizeof(copy), "%s", specs);
	while ((spec = strsep(&rest, ",")))
		add_source(r, spec);
}

void record_report_sources(struct record_report *r, struct what *what)
{
	if (what->sources.n || what->objects.n)
		return;
	for (unsigned i = 0; i < r->kinds.n; i++)
		add_sources(r, r->kinds.list[i]->sources);
	for (unsigned i = 0; i < r->n_sources; i++)
		strings_add(&what->sources, r->sources[i]);
}

/* ---- events ---- */

/* The losses counted now are at least those before the event, so what is shown is not exceeded by
 * mistake. */
static void count_losses(struct record_report *r, uint64_t ts)
{
	struct nr_stats *stats;

	if (ts < r->asked + ASK_NS)
		return;
	r->asked = ts;
	stats = nr_collector_stats(r->collector);
	if (stats)
		report_run_lost(r->run, stats->lost_total, ts);
	nr_stats_free(stats);
}

static int take(void *ctx, const struct nr_batch *batch)
{
	struct record_report *r = ctx;

	nr_batch_for_each (ev, batch)
		report_run_event(r->run, ev, true);
	if (batch->n)
		count_losses(r, batch->events[batch->n - 1].ts);
	return 0;
}

int record_report_open(struct record_report *r, struct nr_collector *c, const char *filter)
{
	const struct nr_output_opts opts = { .sz = sizeof(opts), .name = "report" };
	struct report_env env = {
		.types = nr_collector_types(c),
		.clock_offset = nr_collector_clock_offset(c),
		.filter = filter,
	};
	int err;

	if (!r->kinds.n)
		return 0;
	err = nr_collector_symbols(c, &r->symbols);
	if (err)
		return err;
	env.symbols = r->symbols;
	env.node_of_cpu = nr_plan_nodes(nr_collector_plan(c), &env.n_cpus);
	r->collector = c;
	r->run = reports_open(&r->kinds, &env);
	err = r->run ? nr_collector_add_batch(c, take, r, &opts) : -ENOENT;
	return err < 0 ? err : 0;
}

/* ---- the end ---- */

/* The host's CLOCK_MONOTONIC, as in the events, ns. */
static uint64_t now(void)
{
	struct timespec t;
	int64_t offset = 0;

	nr_host_clock_offset(&offset);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec + offset;
}

void record_report_stop(struct record_report *r)
{
	if (r->run)
		r->end = now();
}

int record_report_print(struct record_report *r, const struct nr_stats *stats, FILE *out)
{
	report_run_begin(r->run, now() - stats->duration_ns);
	report_run_end(r->run, r->end, stats->lost_total);
	return reports_print(r->run, out, false);
}

void record_report_close(struct record_report *r)
{
	if (r->run)
		report_run_close(r->run);
	nr_symbols_close(r->symbols);
	r->run = NULL;
	r->symbols = NULL;
}
