/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring report diff: which distributions changed between two traces. */
#include "report_diff.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "filter.h"
#include "help.h"
#include "report/diff.h"
#include "reports.h"
#include "trace_status.h"

struct args {
	const char *dirs[2];
	const char *kind;	/* NULL: all */
	struct reports reports; /* only how many rows to show */
	bool json;
	struct window window;
	struct filter filter;
};

/* One of the two traces. */
struct side {
	const char *dir;
	struct nr_trace *trace;
	struct window window;
	struct filter filter;
	int error; /* of reading */
};

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j' },
	{ .name = "number", .key = 'n', .arg = "N" },
	FILTER_OPTIONS,
	WINDOW_OPTION_FROM,
	WINDOW_OPTION_TO,
	{ 0 },
};

static void parse_arg(struct args *args, const char *arg, struct argp_state *state)
{
	if (state->arg_num < 2)
		args->dirs[state->arg_num] = arg;
	else if (state->arg_num > 2)
		argp_error(state, "too many arguments: give two traces and at most one KIND");
	else if (diff_knows(arg))
		args->kind = arg;
	else {
		cli_error("\"%s\" is not a kind that can be compared: use one of %s", arg,
			  diff_kinds());
		exit(CLI_USAGE);
	}
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	if (filter_option(&args->filter, key, arg))
		return 0;
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
		parse_arg(args, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!args->dirs[1])
			argp_error(state, "give two traces, A and B");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "A B [KIND]",
	.doc = help_report_diff_txt,
};

static int open_side(struct side *side)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = cli_log };

	if (nr_trace_open(&side->trace, side->dir, &opts))
		return CLI_FAILED;
	return window_open(&side->window, side->trace, side->dir)
		       ?: filter_open(&side->filter, side->trace);
}

/* The part of the trace that is compared. */
static struct diff_trace part(const struct side *side)
{
	const struct window *w = &side->window;
	struct diff_trace t = { .types = nr_trace_types(side->trace) };

	if (nr_trace_span(side->trace, &t.begin, &t.end))
		return t; /* there are no events; nr_trace_next says what is wrong */
	t.begin = w->begin > t.begin ? w->begin : t.begin;
	t.end = w->end < t.end ? w->end : t.end;
	return t;
}

static void read_side(struct diff *d, unsigned i, struct side *side)
{
	struct nr_event ev;

	while ((side->error = window_next(&side->window, side->trace, &ev)) > 0)
		diff_event(d, i, &ev, filter_matches(&side->filter, &ev));
}

static int print(const struct diff *d, const struct args *args)
{
	json_t *o;

	errno = 0;
	if (args->json) {
		o = diff_json(d);
		json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(o);
	} else {
		diff_print(d, stdout, args->reports.worst);
	}
	if (!fflush(stdout) && !ferror(stdout))
		return CLI_DONE;
	cli_error("cannot write the report: %s", strerror(errno));
	return CLI_FAILED;
}

static int tell(const struct side *side)
{
	return trace_status_tell(side->trace, side->error, side->dir,
				 !window_is_whole(&side->window))
		       ? CLI_FAILED
		       : CLI_DONE;
}

static int compare_sides(struct side *sides, const struct args *args)
{
	const struct diff_trace traces[2] = { part(&sides[0]), part(&sides[1]) };
	struct diff d;
	int ret;

	if (diff_open(&d, traces, args->kind)) {
		cli_error(
			"%s and %s have no events in common that can be compared%s%s: record both "
			"with the same -e",
			sides[0].dir, sides[1].dir, args->kind ? " for " : "", args->kind ?: "");
		return CLI_FAILED;
	}
	for (unsigned i = 0; i < 2; i++)
		read_side(&d, i, &sides[i]);
	diff_compare(&d);
	ret = print(&d, args);
	diff_close(&d);
	for (unsigned i = 0; i < 2; i++)
		ret = tell(&sides[i]) ?: ret;
	return ret;
}

int cmd_report_diff(int argc, char **argv)
{
	static char title[] = "numaring report diff";
	struct args args = { .reports.worst = REPORTS_WORST };
	struct side sides[2];
	int ret = CLI_DONE;

	argv[0] = title;
	cli_parse(&argp, argc, argv, 0, &args);
	for (unsigned i = 0; i < 2; i++)
		sides[i] = (struct side){ .dir = args.dirs[i],
					  .window = args.window,
					  .filter = args.filter };
	for (unsigned i = 0; i < 2 && !ret; i++)
		ret = open_side(&sides[i]);
	ret = ret ?: compare_sides(sides, &args);
	for (unsigned i = 0; i < 2; i++) {
		filter_close(&sides[i].filter);
		nr_trace_close(sides[i].trace);
	}
	return ret;
}
