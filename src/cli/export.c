/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring export: the events of a trace in the formats of other tools. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "export/csv.h"
#include "export/parquet.h"
#include "export/perfetto.h"
#include "export_lines.h"
#include "filter.h"
#include "help.h"
#include "outdir.h"
#include "outfile.h"
#include "progress.h"
#include "trace_status.h"

struct args {
	const struct export_format *format;
	const char *dir;
	const char *output; /* NULL or "-": stdout */
	struct outfile_opts outfile;
	gid_t group;
	uint64_t limit;
	struct window window;
	struct filter filter;
};

enum { OPT_FORMAT = 256, OPT_FORCE, OPT_GROUP };

static const struct argp_option options[] = {
	{ .name = "format", .key = OPT_FORMAT, .arg = "jsonl|csv|parquet|perfetto" },
	FILTER_OPTIONS,
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ .name = "output", .key = 'o', .arg = "FILE" },
	{ .name = "number", .key = 'n', .arg = "N" },
	{ .name = "force", .key = OPT_FORCE },
	{ .name = "group", .key = OPT_GROUP, .arg = "GROUP" },
	{ 0 },
};

static const struct export_format *const formats[] = { &export_jsonl, &export_table,
						       &export_parquet, &export_perfetto };

static const struct export_format *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	/* "export --to csv" is older than times are. */
	if (key == WINDOW_TO && find_format(arg))
		key = OPT_FORMAT;
	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'n':
		args->limit = cli_parse_events(arg);
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case OPT_FORMAT:
		args->format = find_format(arg);
		if (!args->format)
			cli_refuse(arg, "a format: use jsonl, csv, parquet or perfetto");
		return 0;
	case WINDOW_FROM:
	case WINDOW_TO:
		if (key == WINDOW_TO && isalpha((unsigned char)*arg))
			cli_refuse(arg,
				   "a format or a time: use jsonl, csv, parquet or perfetto, or a "
				   "time as in 12.5, 90s or -10s");
		window_option(&args->window, key, arg);
		return 0;
	case OPT_FORCE:
		args->outfile.force = true;
		return 0;
	case OPT_GROUP:
		args->group = cli_parse_group(arg);
		args->outfile.group = &args->group;
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
	.doc = help_export_txt,
};

/* An export that is under way. */
struct run {
	const struct args *args;
	struct nr_trace *trace;
	const struct export_format *format;
	void *state;
	struct export_sink *sink;
	struct nr_packet_info packet; /* the latest one */
	struct progress progress;
	bool unfinished;  /* stopped, or not written */
	const bool *told; /* the sink told its error; NULL: it never does */
};

/* Losses and gaps of a packet show when the next one begins. */
static int take_packet(struct run *run, const struct nr_packet_info *packet)
{
	const struct nr_packet_info last = run->packet;
	const struct export_missing missing = {
		.begin = last.end,
		.end = packet->end,
		.lost = packet->lost - last.lost,
		.missed = packet->missed_events - last.missed_events,
	};

	if (last.seq == packet->seq && last.offset == packet->offset)
		return 0;
	run->packet = *packet;
	if (!run->format->missing || (!missing.lost && !missing.missed))
		return 0;
	return run->format->missing(run->state, &missing);
}

/* Returns 0 or the error of reading; *failed is that of writing. */
static int copy_events(struct run *run, int *failed)
{
	const struct args *args = run->args;
	struct nr_event ev;
	int ret = 0;

	for (uint64_t n = 0; !*failed && n < args->limit && !progress_stopped();) {
		ret = window_next(&args->window, run->trace, &ev);
		if (ret <= 0)
			break;
		progress_event(&run->progress, ev.ts);
		if (!filter_matches(&args->filter, &ev))
			continue;
		*failed = take_packet(run, nr_trace_packet(run->trace))
				  ?: run->format->event(run->state, &ev);
		n++;
	}
	return ret < 0 ? ret : 0;
}

static void start_progress(struct run *run)
{
	const struct window *w = &run->args->window;
	uint64_t begin = 0, end = 0;

	nr_trace_span(run->trace, &begin, &end);
	progress_start(&run->progress, !run->sink->file || !isatty(fileno(run->sink->file)),
		       begin > w->begin ? begin : w->begin, end < w->end ? end : w->end);
}

/* Returns CLI_DONE or another exit status, after messages. */
static int write_events(struct run *run, const struct export_env *env)
{
	const struct nr_packet_info *before = nr_trace_packet(run->trace), *last;
	int err = 0, failed = run->format->open(&run->state, env, run->sink);

	if (before)
		run->packet = *before;
	start_progress(run);
	if (!failed)
		err = copy_events(run, &failed);
	last = nr_trace_packet(run->trace);
	if (!failed && last)
		failed = take_packet(run, last);
	if (!failed)
		failed = run->format->end(run->state);
	progress_end(&run->progress);
	if (run->sink->file && (fflush(run->sink->file) || ferror(run->sink->file)))
		failed = -errno;
	run->unfinished = failed || progress_stopped();
	if (failed && !progress_stopped() && (!run->told || !*run->told))
		cli_error("cannot write %s: %s", run->args->output ?: "standard output",
			  strerror(-failed));
	if (run->unfinished)
		return CLI_FAILED;
	return trace_status_tell(run->trace, err, run->args->dir,
				 !window_is_whole(&run->args->window))
		       ? CLI_FAILED
		       : CLI_DONE;
}

static bool is_stopped(void)
{
	return progress_stopped();
}

static int export_to(struct run *run, struct export_sink *sink)
{
	struct export_env env = {
		.types = nr_trace_types(run->trace),
		.clock_offset = nr_trace_clock_offset(run->trace),
		.stopped = is_stopped,
	};
	int ret;

	env.node_of_cpu = nr_trace_nodes(run->trace, &env.n_cpus);
	nr_symbols_open(&env.symbols, run->args->dir, NULL); /* without names if it fails */
	run->sink = sink;
	ret = write_events(run, &env);
	run->format->close(run->state);
	nr_symbols_close(env.symbols);
	return ret;
}

/* Opens the output, writes to it and closes it. Returns CLI_DONE or another exit status. */
static int write_to_file(struct run *run)
{
	const struct args *args = run->args;
	struct export_sink sink = {};
	struct outfile out = {};
	int ret, err;

	if (outfile_open(&out, args->output, &args->outfile))
		return CLI_FAILED;
	if (run->format->binary && isatty(fileno(out.file))) {
		cli_error("%s is not for a terminal: use -o FILE", run->format->name);
		outfile_close(&out);
		return CLI_USAGE;
	}
	if (out.created)
		progress_catch_signals();
	sink.file = out.file;
	ret = export_to(run, &sink);
	/* A file that it replaces stays until the new one is whole. */
	if (run->unfinished)
		outfile_remove(&out);
	else if (outfile_commit(&out))
		ret = CLI_FAILED;
	err = outfile_close(&out);
	if (err && err != -ESTALE && !ret)
		cli_error("cannot write %s: %s", args->output, strerror(-err));
	return err ? CLI_FAILED : ret;
}

static int write_to_directory(struct run *run)
{
	struct outdir out;
	int ret;

	progress_catch_signals();
	if (outdir_open(&out, run->args->output, &run->args->outfile))
		return CLI_FAILED;
	run->told = &out.told;
	ret = export_to(run, &out.sink);
	if (run->unfinished)
		outdir_remove(&out);
	return outdir_close(&out) ? CLI_FAILED : ret;
}

static int write_output(struct run *run)
{
	return run->format->directory ? write_to_directory(run) : write_to_file(run);
}

/* One table, or one for each type. Refuses an output that does not suit the format. */
static void choose_format(struct run *run)
{
	const struct args *args = run->args;
	bool directory = outdir_is_meant(args->output);

	run->format = args->format == &export_table && directory ? &export_csv : args->format;
	if (!run->format->directory || directory)
		return;
	cli_error("%s has a file for each event type: use -o DIR", run->format->name);
	exit(CLI_USAGE);
}

int cmd_export(int argc, char **argv)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct args args = { .limit = UINT64_MAX };
	struct run run = { .args = &args };
	int ret;

	cli_parse(&argp, argc, argv, 0, &args);
	if (!args.format) {
		cli_error("--format is required: jsonl, csv, parquet or perfetto");
		return CLI_USAGE;
	}
	choose_format(&run);
	if (cli_is_in_trace("-o", args.output, args.dir))
		return CLI_USAGE;
	if (nr_trace_open(&run.trace, args.dir, &opts))
		return CLI_FAILED;
	ret = window_open(&args.window, run.trace, args.dir) ?: filter_open(&args.filter, run.trace)
	      ?: write_output(&run);
	filter_close(&args.filter);
	nr_trace_close(run.trace);
	if (progress_stopped())
		raise(progress_stopped());
	return ret;
}
