// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "record_args.h"

enum {
	OPT_FAIL_ON_LOSS = 256,
	OPT_STATS_JSON,
	OPT_FORCE,
	OPT_FORMAT,
	OPT_GROUP,
	OPT_REQUIRED,
	OPT_PACKERS,
	OPT_REPORT,
	OPT_FOLLOW,
};

static const struct argp_option options[] = {
	{ "output", 'o', "PATH", 0,
	  "write a trace to this directory (default: numaring-YYYYmmdd-HHMMSS), or JSON lines to "
	  "this file or FIFO, or - for standard output; may be repeated: the first output is "
	  "required, the others are optional and miss events when they fall behind",
	  0 },
	{ "format", OPT_FORMAT, "ctf|jsonl", 0,
	  "the format of the next -o: a trace (ctf, the default), or JSON lines while recording",
	  0 },
	{ "required", OPT_REQUIRED, NULL, 0,
	  "make all outputs required: a slow one fills the rings, but none misses events", 0 },
	{ "report", OPT_REPORT, "KINDS", 0,
	  "print these reports at the end (see numaring report), separated by commas; records "
	  "their "
	  "sources unless -e is given, and keeps a trace only with -o",
	  0 },
	{ "duration", 'd', "TIME", 0,
	  "stop after this time: seconds, or a number with ms, s, m or h, as in 1.5, 500ms or 10m",
	  0 },
	{ "follow", OPT_FOLLOW, NULL, 0, "record only COMMAND and all that it starts", 0 },
	{ "packers", OPT_PACKERS, "N", 0,
	  "make packets with N threads (default: by the plan), which does not change their content",
	  1 },
	{ "fail-on-loss", OPT_FAIL_ON_LOSS, NULL, 0,
	  "exit 3 if an event was lost or an output missed one", 2 },
	{ "stats-json", OPT_STATS_JSON, "FILE", 0, "write the statistics to FILE as JSON", 2 },
	{ "force", OPT_FORCE, NULL, 0, "replace an existing trace or file", 2 },
	{ "group", OPT_GROUP, "GROUP", 0,
	  "let this group (name or number) read the output (default: only the owner)", 2 },
	{ 0 },
};

/* These options add a value each time. */
static bool may_repeat(int key)
{
	return key == 'o' || key == OPT_FORMAT || key == OPT_REPORT;
}

static void parse_packers(struct record *r, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '1' || *arg > '9' || *end || n > NR_PACKERS_MAX)
		cli_refuse(arg, "a number of packers: use 1 to 64");
	r->what.opts.packers = n;
}

static bool set_flag(struct record *r, int key)
{
	switch (key) {
	case OPT_FAIL_ON_LOSS:
		return r->fail_on_loss = true;
	case OPT_FORCE:
		return r->outputs.force = true;
	case OPT_REQUIRED:
		return r->outputs.required = true;
	case OPT_FOLLOW:
		return r->what.opts.follow = true;
	}
	return false;
}

static bool set_value(struct record *r, int key, char *arg)
{
	switch (key) {
	case 'o':
		outputs_add(&r->outputs, arg);
		return true;
	case 'd':
		r->duration_ms = cli_duration_ms(arg);
		return true;
	case OPT_STATS_JSON:
		r->stats_json = arg;
		return true;
	case OPT_FORMAT:
		outputs_format(&r->outputs, arg);
		return true;
	case OPT_GROUP:
		r->group = cli_parse_group(arg);
		r->outputs.group = &r->group;
		return true;
	case OPT_REPORT:
		reports_add(&r->report.kinds, arg);
		return true;
	case OPT_PACKERS:
		parse_packers(r, arg);
		return true;
	}
	return false;
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->what;
		state->child_inputs[1] = &r->outputs.trace;
		return 0;
	case ARGP_KEY_ARG:
		/* The command begins at the first argument that is not an option. */
		r->command.argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (state->quoted && !r->command.argv)
			argp_error(state, "missing COMMAND after --");
		if (r->what.opts.follow && !r->command.argv)
			argp_error(state, "--follow needs a COMMAND to follow");
		if (r->what.opts.follow && r->what.processes.n)
			argp_error(state, "use either --follow or -p");
		return 0;
	}
	if (!may_repeat(key))
		cli_refuse_repeated(options, key, arg);
	return set_flag(r, key) || set_value(r, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

const struct argp record_argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &what_argp },
						 { .argp = &cli_trace_argp, .group = 3 },
						 { 0 } },
	.args_doc = "[-- COMMAND...]",
	.doc = "Record events of this machine, in exact order, into a trace or as JSON lines.\v"
	       "Recording stops when COMMAND exits. Without -p, the whole machine is recorded. "
	       "Without -o, -d, -p, COMMAND and a terminal, the trace keeps its newest 1 GiB. "
	       "Some sources take arguments: syscalls:read,write records only these calls, "
	       "sample:999 takes so many samples a second (docs/events.md). The exit status is "
	       "that of the recording; COMMAND's exit status is reported on stderr.",
};
