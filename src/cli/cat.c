/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring cat: prints the events of a trace as text or JSON lines. */
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
#include "help.h"
#include "trace_status.h"
#include "lines.h"

struct args {
	const char *dir;
	struct lines_opts lines;
	bool have_time;
	uint64_t limit;
	bool symbols; /* in JSON, too */
	struct window window;
	struct filter filter;
};

enum { OPT_SYMBOLS = 256, OPT_TIME };

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' },
	{ .name = "number", .key = 'n', .arg = "N" },
	{ .name = "time", .key = OPT_TIME, .arg = "local|utc|since|delta" },
	FILTER_OPTIONS,
	{ .name = "symbols", .key = OPT_SYMBOLS },
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ 0 },
};

static enum columns_time parse_time(const char *arg)
{
	const char *const names[] = { "local", "utc", "since", "delta" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arg, names[i]))
			return COLUMNS_LOCAL + i;
	cli_refuse(arg, "a way to show times: use local, utc, since or delta");
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'j':
		args->lines.format = LINES_JSON;
		return 0;
	case OPT_SYMBOLS:
		args->symbols = true;
		return 0;
	case 'n':
		args->limit = cli_parse_events(arg);
		return 0;
	case OPT_TIME:
		args->have_time = true;
		args->lines.text.time = parse_time(arg);
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
	.doc = help_cat_txt,
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

	cli_parse(&argp, argc, argv, 0, &args);
	if (args.have_time && args.lines.format != LINES_TEXT) {
		cli_error("--time and --json exclude each other: JSON lines have both the time and "
			  "ts");
		return CLI_USAGE;
	}
	args.lines.text.colour = wants_colour();
	ret = open_trace(&trace, &args);
	return ret ?: print_trace(trace, &args, stdout);
}
