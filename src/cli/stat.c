/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring stat: counts the events of a trace and checks their order. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "counts.h"
#include "help.h"
#include "lines.h"
#include "misfits.h"
#include "trace_json.h"
#include "trace_status.h"

struct args {
	const char *dir;
	bool json;
	struct window window;
	struct filter filter;
};

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' }, FILTER_OPTIONS, WINDOW_OPTION_FROM, WINDOW_OPTION_TO, { 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case WINDOW_FROM:
	case WINDOW_TO:
		window_option(&args->window, key, arg);
		return 0;
	default:
		return filter_option(&args->filter, key, arg)
			       ? 0
			       : cli_parse_dir(key, arg, state, &args->dir);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = help_stat_txt,
};

static int text_type(void *ctx, uint16_t id, const char *name)
{
	const struct counts *n = ctx;

	if (n->by_type[id])
		printf("  %-24s %12" PRIu64 "\n", name, n->by_type[id]);
	return 0;
}

static void print_misfits(const struct nr_account *a, const struct nr_types *types)
{
	const struct misfits misfits = { types, a->misfits, a->n_misfits, a->misfit_stride };

	misfits_print(stdout, &misfits);
}

static void print_window(const struct window *w, int64_t offset)
{
	uint64_t length = window_length(w);
	uint64_t begin = w->begin > w->first ? w->begin : w->first;
	char from[40], to[40];

	printf("window: %.3f s of %.3f s, from %s to %s\n", length / 1e9,
	       (w->last - w->first) / 1e9, lines_utc(from, sizeof(from), begin, offset),
	       lines_utc(to, sizeof(to), begin + length, offset));
}

/* The trace holds a part of what happened. */
static void print_filter(const struct nr_trace *trace, const struct trace_status *s)
{
	char *filter = nr_trace_filter(trace) ? cli_escape(nr_trace_filter(trace)) : NULL;
	bool known = !s->end_error && !s->account.repaired && !s->account.rotated && !s->partial;

	if (!filter)
		return;
	printf("recorded with the filter: %s\n", filter);
	if (known && s->account.filtered)
		printf("%" PRIu64 " event%s left out of the stream by it\n", s->account.filtered,
		       cli_plural(s->account.filtered));
	free(filter);
}

static void print_matching(const struct filter *f, const struct window *w)
{
	char *text = f->text ? cli_escape(f->text) : NULL;

	if (text)
		printf("matching: %s (losses and packets are those of the whole %s)\n", text,
		       window_is_given(w) ? "window" : "trace");
	free(text);
}

static void print_text(const struct nr_trace *trace, const struct args *args, struct counts *n,
		       const struct trace_status *s)
{
	int64_t offset = nr_trace_clock_offset(trace);

	printf("%" PRIu64 " event%s in %.3f s, %" PRIu64 " packet%s\n"
	       "%" PRIu64 " lost (%" PRIu64 " misplaced), %" PRIu64 " late, %" PRIu64
	       " unordered\n",
	       n->events, cli_plural(n->events), counts_seconds(n), n->packets,
	       cli_plural(n->packets), n->lost, n->misplaced, n->late, n->unordered);
	if (window_is_given(&args->window))
		print_window(&args->window, offset);
	print_matching(&args->filter, &args->window);
	print_filter(trace, s);
	if (!s->partial || !trace_status_is_unknown(s))
		trace_status_print(stdout, s);
	gaps_print(stdout, &n->gaps, offset);
	nr_types_each(nr_trace_types(trace), text_type, n);
	if (n->raw)
		printf("  %-24s %12" PRIu64 "\n", LINES_RAW, n->raw);
	if (!s->end_error)
		print_misfits(&s->account, nr_trace_types(trace));
	for (unsigned cpu = 0; cpu < COUNTS_CPUS; cpu++)
		if (n->by_cpu[cpu])
			printf("  cpu %-20u %12" PRIu64 "\n", cpu, n->by_cpu[cpu]);
}

static void print_json(const struct nr_trace *trace, const struct args *args,
		       const struct counts *n, const struct trace_status *s)
{
	json_t *o = trace_json(trace, n, &args->window, s);
	char *text = args->filter.text ? cli_escape(args->filter.text) : NULL;

	json_object_set_new(o, "matching", text ? json_string(text) : json_null());
	free(text);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* Returns the exit status. */
static int stat_window(struct nr_trace *trace, struct args *args)
{
	static struct counts counts;
	int err = counts_read(&counts, trace, &args->window, &args->filter);
	struct trace_status s = trace_status_of(trace, err, args->dir);

	s.removed_chunks = counts.first_chunk;
	s.partial = !window_is_whole(&args->window);
	if (args->json)
		print_json(trace, args, &counts, &s);
	else
		print_text(trace, args, &counts, &s);
	suggest_repair(trace, s.read_error, args->dir);
	counts_close(&counts);
	if (fflush(stdout) || ferror(stdout)) {
		cli_error("cannot write the counts: %s", strerror(errno));
		return CLI_FAILED;
	}
	return trace_status_is_bad(&s) || counts.unordered || counts.misplaced ? CLI_FAILED
									       : CLI_DONE;
}

int cmd_stat(int argc, char **argv)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct args args = {};
	struct nr_trace *trace = NULL;
	int ret;

	cli_parse(&argp, argc, argv, 0, &args);
	if (nr_trace_open(&trace, args.dir, &opts))
		return CLI_FAILED;
	ret = window_open(&args.window, trace, args.dir)
		      ?: filter_open(&args.filter, trace) ?: stat_window(trace, &args);
	filter_close(&args.filter);
	nr_trace_close(trace);
	return ret;
}
