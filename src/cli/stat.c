/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring stat: reads a whole trace, counts what is in it and checks its order. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/trace.h>
#include "cli.h"
#include "lines.h"
#include "losses.h"

#define NR_IDS	(UINT16_MAX + 1)
#define NR_CPUS (UINT16_MAX + 1)

struct args {
	const char *dir;
	bool json;
};

struct counts {
	uint64_t events, unordered, late, lost, packets;
	uint64_t first, latest; /* least and greatest time, ns, CLOCK_MONOTONIC */
	uint64_t last;		/* time of the event before */
	uint64_t watermark;
	uint64_t raw;	    /* of no known type */
	uint64_t misplaced; /* losses in another packet than where they happened */
	uint64_t by_type[NR_IDS], by_cpu[NR_CPUS];
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	default:
		return cli_parse_dir(key, arg, state, &args->dir);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = "Count the events of a trace by type and CPU, and the losses, and check that no "
	       "event comes before its predecessor.",
};

static void count_event(struct counts *n, const struct nr_event *ev)
{
	if (!n->events)
		n->first = n->latest = ev->ts;
	else if (ev->ts < n->last)
		n->unordered++;
	n->first = ev->ts < n->first ? ev->ts : n->first;
	n->latest = ev->ts > n->latest ? ev->ts : n->latest;
	n->last = ev->ts;
	n->events++;
	n->late += !!(ev->flags & NR_EVENT_LATE);
	n->by_type[ev->rec->id]++;
	n->by_cpu[ev->rec->cpu]++;
}

struct sums {
	const struct nr_types *types;
	struct counts *counts;
};

/* Several ids may have one name, which is counted as one type: under the first of them. */
static int add_twin(void *ctx, uint16_t id, const char *name)
{
	struct sums *s = ctx;
	int first = nr_types_id(s->types, name);

	if (first != id) {
		s->counts->by_type[first] += s->counts->by_type[id];
		s->counts->by_type[id] = 0;
	}
	return 0;
}

static void count_raw(const struct nr_types *types, struct counts *n)
{
	for (unsigned id = 0; id < NR_IDS; id++)
		if (n->by_type[id] && !nr_types_name(types, id))
			n->raw += n->by_type[id];
}

/* Counts events to the end, or to where the trace is damaged. */
static int count_events(struct nr_trace *trace, struct counts *n, struct losses *losses)
{
	struct nr_event ev;
	int err;

	while ((err = nr_trace_next(trace, &ev)) > 0) {
		count_event(n, &ev);
		if (losses_event(losses, &ev, nr_trace_packet(trace)))
			return -ENOMEM;
	}
	n->misplaced = losses_misplaced(losses, nr_trace_packet(trace));
	return err;
}

static int count(struct nr_trace *trace, struct counts *n)
{
	struct sums sums = { nr_trace_types(trace), n };
	struct losses losses;
	const struct nr_packet *packet;
	int err = losses_open(&losses);

	if (!err)
		err = count_events(trace, n, &losses);
	losses_close(&losses);
	nr_types_each(sums.types, add_twin, &sums);
	count_raw(sums.types, n);
	packet = nr_trace_packet(trace);
	if (packet) {
		n->packets = packet->seq + 1;
		n->lost = packet->lost;
		n->watermark = packet->watermark;
	}
	return err;
}

static double seconds(const struct counts *n)
{
	return (n->latest - n->first) / 1e9;
}

static int text_type(void *ctx, uint16_t id, const char *name)
{
	const struct counts *n = ctx;

	if (n->by_type[id])
		printf("  %-24s %12" PRIu64 "\n", name, n->by_type[id]);
	return 0;
}

static void print_text(const struct nr_trace *trace, struct counts *n)
{
	printf("%" PRIu64 " events in %.3f s, %" PRIu64 " packets\n"
	       "%" PRIu64 " lost (%" PRIu64 " misplaced), %" PRIu64 " late, %" PRIu64
	       " unordered\n",
	       n->events, seconds(n), n->packets, n->lost, n->misplaced, n->late, n->unordered);
	nr_types_each(nr_trace_types(trace), text_type, n);
	if (n->raw)
		printf("  %-24s %12" PRIu64 "\n", LINES_RAW, n->raw);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		if (n->by_cpu[cpu])
			printf("  cpu %-20u %12" PRIu64 "\n", cpu, n->by_cpu[cpu]);
}

struct json_types {
	const struct counts *counts;
	json_t *object;
};

static int add_type(void *ctx, uint16_t id, const char *name)
{
	struct json_types *t = ctx;

	if (!json_object_get(t->object, name))
		json_object_set_new(t->object, name, json_integer(t->counts->by_type[id]));
	return 0;
}

static json_t *json_cpus(const struct counts *n)
{
	json_t *cpus = json_object();
	char key[8];

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		if (!n->by_cpu[cpu])
			continue;
		snprintf(key, sizeof(key), "%u", cpu);
		json_object_set_new(cpus, key, json_integer(n->by_cpu[cpu]));
	}
	return cpus;
}

static void print_json(const struct nr_trace *trace, const struct counts *n, int err)
{
	struct json_types types = { n, json_object() };
	json_t *o;

	nr_types_each(nr_trace_types(trace), add_type, &types);
	if (n->raw)
		json_object_set_new(types.object, LINES_RAW, json_integer(n->raw));
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:b, s:o, s:o}", "events",
		      (json_int_t)n->events, "unordered", (json_int_t)n->unordered, "lost",
		      (json_int_t)n->lost, "misplaced", (json_int_t)n->misplaced, "late",
		      (json_int_t)n->late, "packets", (json_int_t)n->packets, "duration_s",
		      seconds(n), "watermark", (json_int_t)n->watermark, "damaged", err != 0,
		      "types", types.object, "cpus", json_cpus(n));
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

int cmd_stat(int argc, char **argv)
{
	static struct counts counts;
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct args args = {};
	struct nr_trace *trace = NULL;
	int err;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (nr_trace_open(&trace, args.dir, &opts))
		return CLI_FAILED;
	err = count(trace, &counts);
	if (args.json)
		print_json(trace, &counts, err);
	else
		print_text(trace, &counts);
	nr_trace_close(trace);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the counts: %s", strerror(errno));
		return CLI_FAILED;
	}
	return err || counts.unordered ? CLI_FAILED : CLI_DONE;
}
