/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring cat and numaring export: print the events of a trace as text, JSON lines or CSV. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <numaring/trace.h>
#include "cli.h"
#include "filter.h"
#include "trace_status.h"
#include "lines.h"
#include "outfile.h"

struct args {
	bool exports; /* the command is export */
	const char *dir;
	const char *output; /* NULL or "-": stdout */
	struct lines_opts lines;
	bool have_time, have_format;
	struct outfile_opts outfile;
	gid_t group;
	uint64_t limit;
	bool symbols; /* in JSON, too */
	struct window window;
	struct filter filter;
};

enum { OPT_FORMAT = 256, OPT_FORCE, OPT_GROUP, OPT_SYMBOLS, OPT_TIME };

static const struct argp_option cat_options[] = {
	{ "json", 'j', NULL, 0, "print JSON lines", 0 },
	{ "number", 'n', "N", 0, "stop after N events", 0 },
	{ "time", OPT_TIME, "local|utc|since|delta", 0,
	  "show the time of day (default), the date and time in UTC, or the seconds since the "
	  "first "
	  "event shown or since the one before",
	  0 },
	FILTER_OPTIONS,
	{ "symbols", OPT_SYMBOLS, NULL, 0, "with --json, add the names of the addresses in stacks",
	  0 },
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ 0 },
};

static const struct argp_option export_options[] = {
	{ "format", OPT_FORMAT, "jsonl|csv", 0,
	  "write JSON lines, or one CSV table with the columns of all types; --to jsonl and --to "
	  "csv mean the same",
	  0 },
	FILTER_OPTIONS,
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ "output", 'o', "FILE", 0, "write to FILE (default: standard output)", 0 },
	{ "number", 'n', "N", 0, "stop after N events", 0 },
	{ "force", OPT_FORCE, NULL, 0, "replace an existing file", 0 },
	{ "group", OPT_GROUP, "GROUP", 0,
	  "let this group (name or number) read FILE (default: only the owner)", 0 },
	{ 0 },
};

static uint64_t parse_number(const char *arg)
{
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (end == arg || *end || *arg == '-' || errno)
		cli_refuse(arg, "a number of events");
	return n;
}

static bool is_format(const char *arg)
{
	return !strcmp(arg, "jsonl") || !strcmp(arg, "csv");
}

static enum columns_time parse_time(const char *arg)
{
	const char *const names[] = { "local", "utc", "since", "delta" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arg, names[i]))
			return COLUMNS_LOCAL + i;
	cli_refuse(arg, "a way to show times: use local, utc, since or delta");
}

static void parse_format(struct args *args, const char *arg)
{
	if (!is_format(arg))
		cli_refuse(arg, "a format: use jsonl or csv");
	args->have_format = true;
	args->lines.format = *arg == 'c' ? LINES_CSV : LINES_JSON;
}

/* For both commands. */
static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	/* "export --to csv" is older than times are. */
	if (key == WINDOW_TO && args->exports && is_format(arg))
		key = OPT_FORMAT;
	cli_refuse_repeated(args->exports ? export_options : cat_options, key, arg);
	switch (key) {
	case 'j':
		args->lines.format = LINES_JSON;
		return 0;
	case OPT_SYMBOLS:
		args->symbols = true;
		return 0;
	case 'n':
		args->limit = parse_number(arg);
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case OPT_TIME:
		args->have_time = true;
		args->lines.text.time = parse_time(arg);
		return 0;
	case OPT_FORMAT:
		parse_format(args, arg);
		return 0;
	case WINDOW_FROM:
	case WINDOW_TO:
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

#define NOTES                                                                                      \
	WINDOW_TIMES                                                                               \
	"Exit status: 1 if the trace is damaged, or has no end mark and is not being recorded; "   \
	"all readable events are printed first. 1 also if no part of the trace is between --from " \
	"and --to. If --to or -n stops before the end of the trace, its end is not checked."

static const struct argp cat_argp = {
	.options = cat_options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = "Print the events of a trace in order of time.\v" NOTES,
};

static const struct argp export_argp = {
	.options = export_options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = "Write the events of a trace in another format.\v" NOTES,
};

static int print_events(struct lines *l, struct nr_trace *trace, const struct args *args)
{
	struct nr_event ev;
	int err = 0;

	for (uint64_t i = 0; !err && i < args->limit; i++) {
		err = filter_next(&args->filter, &args->window, trace, &ev);
		if (err <= 0)
			return err;
		err = lines_event(l, &ev);
	}
	if (err && !ferror(l->out))
		cli_error("cannot print an event: %s", strerror(-err));
	return err;
}

static void close_trace(struct nr_trace *trace, struct args *args)
{
	filter_close(&args->filter);
	nr_trace_close(trace);
}

/* Opens the trace at the begin of the window, and the filter. Returns CLI_DONE or another exit status. */
static int open_trace(struct nr_trace **trace, struct args *args)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };
	int ret;

	if (nr_trace_open(trace, args->dir, &opts))
		return CLI_FAILED;
	ret = window_open(&args->window, *trace, args->dir) ?: filter_open(&args->filter, *trace);
	if (ret)
		close_trace(*trace, args);
	return ret;
}

/* Prints all events to out and closes the trace. The library reports its own errors, so only write
 * errors are reported here. */
static int print_trace(struct nr_trace *trace, struct args *args, FILE *out)
{
	const struct nr_symbols_opts opts = { .sz = sizeof(opts), .log = cli_log };
	struct nr_symbols *symbols = NULL;
	struct lines lines = {};
	int err = lines_open(&lines, out, &args->lines, nr_trace_types(trace),
			     nr_trace_clock_offset(trace));

	if (!err && (args->symbols || args->lines.format == LINES_TEXT))
		err = nr_symbols_open(&symbols, args->dir, &opts);
	lines.symbols = symbols;
	if (!err)
		err = print_events(&lines, trace, args);
	if (fflush(out) || ferror(out)) {
		err = -errno;
		cli_error("cannot write the events: %s", strerror(errno));
	} else {
		err = trace_status_tell(trace, err, args->dir, !window_is_whole(&args->window));
	}
	lines_close(&lines);
	nr_symbols_close(symbols);
	close_trace(trace, args);
	return err ? CLI_FAILED : CLI_DONE;
}

/* https://no-color.org */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

int cmd_cat(int argc, char **argv)
{
	struct args args = { .limit = UINT64_MAX, .lines.format = LINES_TEXT };
	struct nr_trace *trace;
	int ret;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&cat_argp, argc, argv, 0, NULL, &args);
	if (args.have_time && args.lines.format != LINES_TEXT) {
		cli_error("--time and --json exclude each other: JSON lines have both the time and "
			  "ts");
		return CLI_USAGE;
	}
	args.lines.text.colour = wants_colour();
	ret = open_trace(&trace, &args);
	return ret ?: print_trace(trace, &args, stdout);
}

int cmd_export(int argc, char **argv)
{
	struct args args = { .limit = UINT64_MAX, .exports = true };
	struct nr_trace *trace;
	struct outfile out = {};
	int ret, err;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&export_argp, argc, argv, 0, NULL, &args);
	if (!args.have_format) {
		cli_error("--format is required: jsonl or csv");
		return CLI_USAGE;
	}
	if (cli_is_in_trace("-o", args.output, args.dir))
		return CLI_USAGE;
	ret = open_trace(&trace, &args);
	if (ret)
		return ret;
	if (outfile_open(&out, args.output, &args.outfile) || outfile_commit(&out)) {
		outfile_close(&out);
		close_trace(trace, &args);
		return CLI_FAILED;
	}
	ret = print_trace(trace, &args, out.file);
	err = outfile_close(&out);
	if (err && err != -ESTALE && !ret)
		cli_error("cannot write %s: %s", args.output, strerror(-err));
	if (err)
		ret = CLI_FAILED;
	return ret;
}
