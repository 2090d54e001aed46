/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring stat: counts the events of a trace and checks their order. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/numaring.h>
#include "cli.h"
#include "gaps.h"
#include "trace_status.h"
#include "lines.h"
#include "losses.h"
#include "misfits.h"

#define NR_IDS	(UINT16_MAX + 1)
#define NR_CPUS (UINT16_MAX + 1)

struct args {
	const char *dir;
	bool json;
};

struct counts {
	uint64_t events, unordered, late, lost, packets;
	uint64_t first, latest; /* the least and the greatest time, ns, CLOCK_MONOTONIC */
	uint64_t last;		/* time of the previous event */
	uint64_t watermark;
	uint64_t raw;	    /* of unknown type */
	uint64_t misplaced; /* losses counted by the wrong packet */
	struct gaps gaps;
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
	.doc = "Count the events of a trace by type and CPU, count the losses, and check the "
	       "order.\v"
	       "Exit status: 1 if the trace is damaged, if its events are not in order, if a "
	       "packet counts losses that happened elsewhere (misplaced), if the trace has no end "
	       "mark and is not being recorded, or if its end mark reports an error, records not "
	       "written or records unaccounted for. Otherwise 0, also for a repaired trace, or "
	       "if an optional output fell behind and the trace has gaps.",
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

/* Ids with the same name are one type, counted under the first of these ids. */
static int merge_same_name(void *ctx, uint16_t id, const char *name)
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

/* Counts the events up to the end or to a damaged place. */
static int count_events(struct nr_trace *trace, struct counts *n, struct losses *losses)
{
	struct nr_event ev;
	int err;

	while ((err = nr_trace_next(trace, &ev)) > 0) {
		count_event(n, &ev);
		if (losses_event(losses, &ev, nr_trace_packet(trace)) ||
		    gaps_packet(&n->gaps, nr_trace_packet(trace)))
			return -ENOMEM;
	}
	n->misplaced = losses_misplaced(losses, nr_trace_packet(trace));
	return err;
}

static int count(struct nr_trace *trace, struct counts *n)
{
	struct sums sums = { nr_trace_types(trace), n };
	struct losses losses;
	const struct nr_packet_info *packet;
	int err = losses_open(&losses);

	if (!err)
		err = count_events(trace, n, &losses);
	losses_close(&losses);
	nr_types_each(sums.types, merge_same_name, &sums);
	count_raw(sums.types, n);
	packet = nr_trace_packet(trace);
	if (packet) {
		err = gaps_packet(&n->gaps, packet) ?: err;
		n->packets = packet->seq + 1 - packet->missed_packets;
		n->lost = packet->lost;
		n->watermark = packet->watermark == UINT64_MAX ? packet->end : packet->watermark;
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

static void print_completeness(const struct trace_status *s)
{
	char text[512];

	if (trace_status_is_complete(s))
		puts("complete");
	else
		printf("%s: %s\n",
		       trace_status_is_unknown(s) ? "not known to be complete" : "not complete",
		       trace_status_text(s, text, sizeof(text)));
}

static struct misfits misfits_of(const struct nr_account *a, const struct nr_types *types)
{
	return (struct misfits){ types, a->misfits, a->n_misfits, a->misfit_stride };
}

static void print_text(const struct nr_trace *trace, struct counts *n, const struct trace_status *s)
{
	printf("%" PRIu64 " event%s in %.3f s, %" PRIu64 " packet%s\n"
	       "%" PRIu64 " lost (%" PRIu64 " misplaced), %" PRIu64 " late, %" PRIu64
	       " unordered\n",
	       n->events, cli_plural(n->events), seconds(n), n->packets, cli_plural(n->packets),
	       n->lost, n->misplaced, n->late, n->unordered);
	print_completeness(s);
	gaps_print(stdout, &n->gaps, nr_trace_clock_offset(trace));
	nr_types_each(nr_trace_types(trace), text_type, n);
	if (n->raw)
		printf("  %-24s %12" PRIu64 "\n", LINES_RAW, n->raw);
	if (!s->end_error) {
		const struct misfits misfits = misfits_of(&s->account, nr_trace_types(trace));

		misfits_print(stdout, &misfits);
	}
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

/* As in all our JSON: a number that a double cannot hold is a string. */
static json_t *json_u64(uint64_t v)
{
	return v > 1ull << 53 ? json_sprintf("%" PRIu64, v) : json_integer(v);
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

static json_t *json_causes(const struct nr_account *a)
{
	json_t *o = json_object();
	char key[32];

	for (unsigned k = 0; k < a->n_lost; k++) {
		const char *name = nr_loss_name(k);

		snprintf(key, sizeof(key), "cause_%u", k); /* of a newer recorder */
		json_object_set_new(o, name ? name : key, json_integer(a->lost[k]));
	}
	return o;
}

/* A repaired trace has lost most of it. */
static json_t *json_account(const struct nr_account *a, const struct nr_types *types)
{
	const struct misfits misfits = misfits_of(a, types);
	json_t *o = json_pack("{s:o, s:b, s:I, s:I, s:I}", "time", json_u64(a->end), "repaired",
			      a->repaired, "written", (json_int_t)a->written, "late",
			      (json_int_t)a->late, "lost", (json_int_t)a->lost_total);
	const struct {
		const char *key;
		uint64_t n;
	} rest[] = {
		{ "reserved", a->reserved },	   { "discarded", a->discarded },
		{ "malformed", a->malformed },	   { "unwritten", a->unwritten },
		{ "unaccounted", a->unaccounted },
	};

	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		json_object_set_new(o, rest[i].key,
				    a->repaired ? json_null() : json_integer(rest[i].n));
	json_object_set_new(o, "lost_by_cause", a->repaired ? json_null() : json_causes(a));
	json_object_set_new(o, "misfits", a->repaired ? json_null() : misfits_json(&misfits));
	json_object_set_new(o, "error", a->error ? json_string(strerror(-a->error)) : json_null());
	return o;
}

static json_t *json_gaps(const struct gaps *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n; i++) {
		const struct gap *gap = &g->list[i];
		json_t *o = json_pack("{s:o, s:o, s:I, s:I}", "begin", json_u64(gap->begin), "end",
				      json_u64(gap->end), "packets", (json_int_t)gap->packets,
				      "events", (json_int_t)gap->events);

		json_array_append_new(list, o);
	}
	return list;
}

/* "why" is the reason why "complete" is not true. */
static void add_status(json_t *o, const struct trace_status *s, const struct nr_types *types)
{
	bool complete = trace_status_is_complete(s);
	char text[512];

	json_object_set_new(o, "complete",
			    trace_status_is_unknown(s) ? json_null() : json_boolean(complete));
	json_object_set_new(o, "why",
			    complete ? json_null()
				     : json_string(trace_status_text(s, text, sizeof(text))));
	json_object_set_new(o, "end",
			    s->end_error ? json_null() : json_account(&s->account, types));
}

static void print_json(const struct nr_trace *trace, const struct counts *n,
		       const struct trace_status *s)
{
	struct json_types types = { n, json_object() };
	json_t *o;

	nr_types_each(nr_trace_types(trace), add_type, &types);
	if (n->raw)
		json_object_set_new(types.object, LINES_RAW, json_integer(n->raw));
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:b, s:o, s:o}", "events",
		      (json_int_t)n->events, "unordered", (json_int_t)n->unordered, "lost",
		      (json_int_t)n->lost, "misplaced", (json_int_t)n->misplaced, "late",
		      (json_int_t)n->late, "packets", (json_int_t)n->packets, "duration_s",
		      seconds(n), "watermark", json_u64(n->watermark), "damaged",
		      s->read_error != 0, "types", types.object, "cpus", json_cpus(n));
	json_object_set_new(o, "missed_packets", json_integer(n->gaps.packets));
	json_object_set_new(o, "missed_events", json_integer(n->gaps.events));
	json_object_set_new(o, "gaps", json_gaps(&n->gaps));
	add_status(o, s, nr_trace_types(trace));
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
	struct trace_status s;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (nr_trace_open(&trace, args.dir, &opts))
		return CLI_FAILED;
	s = trace_status_of(trace, count(trace, &counts));
	if (args.json)
		print_json(trace, &counts, &s);
	else
		print_text(trace, &counts, &s);
	suggest_repair(trace, s.read_error, args.dir);
	gaps_close(&counts.gaps);
	nr_trace_close(trace);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the counts: %s", strerror(errno));
		return CLI_FAILED;
	}
	return trace_status_is_bad(&s) || counts.unordered || counts.misplaced ? CLI_FAILED
									       : CLI_DONE;
}
