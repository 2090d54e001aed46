/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring report: the answers of src/report from the events of a trace. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "filter.h"
#include "report_diff.h"
#include "help.h"
#include "reports.h"
#include "trace_status.h"

struct args {
	struct reports reports;
	const char *dir;
	bool json;
	struct window window;
	struct filter filter;
	struct nr_symbols *symbols;
};

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' },
	{ .name = "number", .key = 'n', .arg = "N" },
	FILTER_OPTIONS,
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ 0 },
};

static error_t parse_arg(struct args *args, char *arg, struct argp_state *state)
{
	if (state->arg_num == 0)
		reports_add(&args->reports, arg);
	else if (state->arg_num == 1)
		args->dir = arg;
	else
		argp_error(state, "more than one DIR");
	return 0;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case 'n':
		reports_number(&args->reports, arg);
		return 0;
	case WINDOW_FROM:
	case WINDOW_TO:
		window_option(&args->window, key, arg);
		return 0;
	case ARGP_KEY_ARG:
		return parse_arg(args, arg, state);
	case ARGP_KEY_END:
		if (!args->dir) {
			cli_error(args->reports.n
					  ? "missing DIR: give a trace"
					  : "missing KIND and DIR: give a report and a trace");
			reports_list(stderr);
			exit(CLI_USAGE);
		}
		return 0;
	default:
		return filter_option(&args->filter, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "KIND[,KIND...] DIR\ndiff A B [KIND]",
	.doc = help_report_txt,
};

/* Losses and gaps of a packet show when the next one begins. */
static void take_packet(struct report_run *run, struct nr_packet_info *last,
			const struct nr_packet_info *packet)
{
	if (last->seq == packet->seq && last->offset == packet->offset)
		return;
	report_run_lost(run, last->lost - last->lost_before, last->end);
	if (packet->missed_packets != last->missed_packets)
		report_run_gap(run, last->end, packet->begin);
	report_run_before(run, packet->lost_before);
	*last = *packet;
}

static int read_events(struct report_run *run, struct nr_trace *trace, const struct args *args,
		       struct nr_packet_info *last)
{
	struct nr_event ev;
	int err;

	while ((err = window_next(&args->window, trace, &ev)) > 0) {
		take_packet(run, last, nr_trace_packet(trace));
		report_run_event(run, &ev, filter_matches(&args->filter, &ev));
	}
	return err;
}

/* Reads the trace to the end of the window. Returns 0 or the error of reading. */
static int read_trace(struct report_run *run, struct nr_trace *trace, const struct args *args)
{
	const struct nr_packet_info *before = nr_trace_packet(trace), *packet;
	struct nr_packet_info last = before ? *before : (struct nr_packet_info){};
	uint64_t end;
	int err;

	report_run_before(run, last.lost_before);
	err = read_events(run, trace, args, &last);
	packet = nr_trace_packet(trace);
	if (packet)
		take_packet(run, &last, packet);
	end = last.end < args->window.end ? last.end : args->window.end;
	report_run_end(run, end, last.lost - last.lost_before);
	return err;
}

static struct report_run *open_run(const struct args *args, struct nr_trace *trace)
{
	struct report_env env = {
		.types = nr_trace_types(trace),
		.clock_offset = nr_trace_clock_offset(trace),
		.begin = args->window.begin,
		.pids = args->filter.pids,
		.comm = args->filter.comm,
		.symbols = args->symbols,
		.filter = nr_trace_filter(trace),
	};
	uint64_t first, last;

	if (!nr_trace_span(trace, &first, &last) && first > env.begin)
		env.begin = first;
	env.node_of_cpu = nr_trace_nodes(trace, &env.n_cpus);
	return reports_open(&args->reports, &env);
}

static int report(struct nr_trace *trace, const struct args *args)
{
	struct report_run *run = open_run(args, trace);
	int err, failed;

	if (!run)
		return CLI_FAILED;
	err = read_trace(run, trace, args);
	failed = reports_print(run, stdout, args->json);
	report_run_close(run);
	if (failed) {
		cli_error("cannot write the report: %s", strerror(-failed));
		return CLI_FAILED;
	}
	return trace_status_tell(trace, err, args->dir, !window_is_whole(&args->window))
		       ? CLI_FAILED
		       : CLI_DONE;
}

int cmd_report(int argc, char **argv)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct args args = { .reports.worst = REPORTS_WORST };
	struct nr_trace *trace = NULL;
	int ret;

	if (argc > 1 && !strcmp(argv[1], "diff"))
		return cmd_report_diff(argc - 1, argv + 1);
	cli_parse(&argp, argc, argv, 0, &args);
	if (nr_trace_open(&trace, args.dir, &opts))
		return CLI_FAILED;
	nr_symbols_open(&args.symbols, args.dir, NULL); /* without names if it fails */
	ret = window_open(&args.window, trace, args.dir) ?: filter_open(&args.filter, trace)
	      ?: report(trace, &args);
	nr_symbols_close(args.symbols);
	filter_close(&args.filter);
	nr_trace_close(trace);
	return ret;
}
