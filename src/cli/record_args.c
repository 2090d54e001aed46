// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "help.h"
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
	OPT_SHOW_MAP,
};

static const struct argp_option options[] = {
	{ .name = "output", .key = 'o', .arg = "PATH" },
	{ .name = "format", .key = OPT_FORMAT, .arg = "ctf|jsonl" },
	{ .name = "required", .key = OPT_REQUIRED },
	{ .name = "report", .key = OPT_REPORT, .arg = "KINDS" },
	{ .name = "duration", .key = 'd', .arg = "TIME" },
	{ .name = "follow", .key = OPT_FOLLOW },
	{ .name = "show-map", .key = OPT_SHOW_MAP, .arg = "NAME" },
	{ .name = "packers", .key = OPT_PACKERS, .arg = "N" },
	{ .name = "fail-on-loss", .key = OPT_FAIL_ON_LOSS },
	{ .name = "stats-json", .key = OPT_STATS_JSON, .arg = "FILE" },
	{ .name = "force", .key = OPT_FORCE },
	{ .name = "group", .key = OPT_GROUP, .arg = "GROUP" },
	{ 0 },
};

/* These options add a value each time. */
static bool may_repeat(int key)
{
	return key == 'o' || key == OPT_FORMAT || key == OPT_REPORT || key == OPT_SHOW_MAP;
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
	case OPT_SHOW_MAP:
		object_args_add(&r->what.object_args, OBJECT_SHOW, &r->what.objects, arg);
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
						 { .argp = &cli_trace_argp },
						 { 0 } },
	.args_doc = "[-- COMMAND...]",
	.doc = help_record_txt,
};
