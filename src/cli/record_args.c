// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "record_args.h"

enum {
	OPT_ORDER = 256,
	OPT_LATENCY,
	OPT_FAIL_ON_LOSS,
	OPT_STATS_JSON,
	OPT_SELF,
	OPT_FORCE,
	OPT_OBJECT,
	OPT_FORMAT,
	OPT_GROUP,
	OPT_REQUIRED,
	OPT_PACKERS,
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
	{ "event", 'e', "EVENTS", 0,
	  "record these sources and tracepoints (GROUP:EVENT, or a pattern such as 'sched:*'), "
	  "separated by commas (default: sched); may be repeated; \"list\" shows all sources",
	  0 },
	{ "object", OPT_OBJECT, "FILE", 0,
	  "load this BPF object, built with numaring.bpf.h, and record its events; may be repeated",
	  0 },
	{ "duration", 'd', "TIME", 0,
	  "stop after this time: seconds, or a number with ms, s, m or h, as in 1.5, 500ms or 10m",
	  0 },
	{ "pid", 'p', "PIDS", 0,
	  "record only these processes, separated by commas; may be repeated, at most 64 "
	  "processes; stop when all of them have exited",
	  0 },
	{ "order", OPT_ORDER, "fence|rcu", 0,
	  "how to know that no earlier event can arrive (default: fence)", 1 },
	{ "latency", OPT_LATENCY, "MS", 0, "write each event within MS milliseconds (default: 100)",
	  1 },
	{ "packers", OPT_PACKERS, "N", 0,
	  "make packets with N threads (default: by the plan), which does not change their content",
	  1 },
	{ "fail-on-loss", OPT_FAIL_ON_LOSS, NULL, 0,
	  "exit 3 if an event was lost or an output missed one", 2 },
	{ "stats-json", OPT_STATS_JSON, "FILE", 0, "write the statistics to FILE as JSON", 2 },
	{ "self", OPT_SELF, NULL, 0, "also record the threads of numaring itself", 2 },
	{ "force", OPT_FORCE, NULL, 0, "replace an existing trace or file", 2 },
	{ "group", OPT_GROUP, "GROUP", 0,
	  "let this group (name or number) read the output (default: only the owner)", 2 },
	{ "verbose", 'v', NULL, 0, "print more messages; -vv adds those of libbpf and the verifier",
	  2 },
	{ 0 },
};

static enum nr_order parse_order(const char *arg)
{
	if (!strcmp(arg, "fence"))
		return NR_ORDER_FENCE;
	if (!strcmp(arg, "rcu"))
		return NR_ORDER_RCU;
	cli_refuse(arg, "an order: use fence or rcu");
}

/* These options add a value each time. */
static bool may_repeat(int key)
{
	return key == 'e' || key == 'p' || key == 'o' || key == OPT_OBJECT || key == OPT_FORMAT;
}

static void parse_latency(struct record *r, const char *arg)
{
	if (cli_parse_ms(arg, &r->opts.latency_ms) || !r->opts.latency_ms)
		cli_refuse(arg, "a latency: give milliseconds, at least 1");
}

static void parse_packers(struct record *r, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '1' || *arg > '9' || *end || n > NR_PACKERS_MAX)
		cli_refuse(arg, "a number of packers: use 1 to 64");
	r->opts.packers = n;
}

static bool set_flag(struct record *r, int key)
{
	switch (key) {
	case 'v':
		r->verbosity++;
		return true;
	case OPT_FAIL_ON_LOSS:
		return r->fail_on_loss = true;
	case OPT_SELF:
		return r->opts.self = true;
	case OPT_FORCE:
		return r->outputs.force = true;
	case OPT_REQUIRED:
		return r->outputs.required = true;
	}
	return false;
}

static bool set_value(struct record *r, int key, char *arg)
{
	switch (key) {
	case 'o':
		outputs_add(&r->outputs, arg);
		return true;
	case 'e':
		events_add(&r->sources, arg);
		return true;
	case 'd':
		r->duration_ms = cli_duration_ms(arg);
		return true;
	case 'p':
		processes_add(&r->processes, arg);
		return true;
	case OPT_ORDER:
		r->opts.order = parse_order(arg);
		return true;
	case OPT_LATENCY:
		parse_latency(r, arg);
		return true;
	case OPT_STATS_JSON:
		r->stats_json = arg;
		return true;
	case OPT_OBJECT:
		strings_add(&r->objects, arg);
		return true;
	case OPT_FORMAT:
		outputs_format(&r->outputs, arg);
		return true;
	case OPT_GROUP:
		r->group = cli_parse_group(arg);
		r->outputs.group = &r->group;
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
		state->child_inputs[0] = &r->plan;
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
		return 0;
	}
	if (!may_repeat(key))
		cli_refuse_repeated(options, key, arg);
	return set_flag(r, key) || set_value(r, key, arg) ? 0 : ARGP_ERR_UNKNOWN;
}

const struct argp record_argp = {
	.options = options,
	.parser = parse_opt,
	.children = (const struct argp_child[]){ { .argp = &cli_plan_argp, .group = 1 },
						 { .argp = &cli_trace_argp, .group = 3 },
						 { 0 } },
	.args_doc = "[-- COMMAND...]",
	.doc = "Record events of this machine, in exact order, into a trace or as JSON lines.\v"
	       "Recording stops when COMMAND exits. Without -p, the whole machine is recorded. "
	       "Without -o, -d, -p, COMMAND and a terminal, the trace keeps its newest 1 GiB. "
	       "Sources: sched (task switches, wake-ups, migrations), syscalls (entry and exit "
	       "of every system call), sample (stacks, many times a second). The exit status is "
	       "that of the recording; COMMAND's exit "
	       "status is reported on stderr.",
};
