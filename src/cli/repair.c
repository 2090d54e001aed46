/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring repair: copies a truncated or damaged trace up to its last whole packet, or all of its
 * whole packets. */
#include <argp.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/trace.h>
#include "cli.h"

struct args {
	const char *dir;
	const char *output;
	bool in_place;
	bool skip_damaged;
};

enum { OPT_IN_PLACE = 256, OPT_SKIP_DAMAGED };

static const struct argp_option options[] = {
	{ "output", 'o', "NEW", 0, "directory to create for the copy (default: DIR-repaired)", 0 },
	{ "in-place", OPT_IN_PLACE, NULL, 0, "repair DIR itself instead of copying it", 0 },
	{ "skip-damaged", OPT_SKIP_DAMAGED, NULL, 0,
	  "go on after damage: keep all whole packets, and mark what is missing between them", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case OPT_IN_PLACE:
		args->in_place = true;
		return 0;
	case OPT_SKIP_DAMAGED:
		args->skip_damaged = true;
		return 0;
	default:
		return cli_parse_dir(key, arg, state, &args->dir);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_opt,
	.args_doc = "DIR",
	.doc = "Copy a truncated or damaged trace. The copy ends with the last whole packet before "
	       "the first damage and an end mark, so every CTF reader opens it. With "
	       "--skip-damaged it has all whole packets, and readers see what is missing. DIR does "
	       "not change unless --in-place is given.\v"
	       "Exit status: 0 if the trace was repaired, or needs no repair. Otherwise 1, also if "
	       "no packet is whole, or the trace is being recorded; then nothing is written.",
};

/* "DIR-repaired", to be freed. Exits if DIR has no name of its own. */
static char *default_output(const char *dir)
{
	size_t len = strlen(dir), dots = 0;
	char *path = NULL;

	while (len && dir[len - 1] == '/')
		len--;
	while (dots < len && dir[len - 1 - dots] == '.')
		dots++;
	if (dots == len || dir[len - 1 - dots] == '/') { /* "/", ".", "../.." */
		cli_error("cannot name the copy after \"%s\": give -o NEW", dir);
		exit(CLI_USAGE);
	}
	if (asprintf(&path, "%.*s-repaired", (int)len, dir) < 0) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	return path;
}

static void print_skipped(const struct nr_repair *r)
{
	const char *verb = r->skipped_packets == 1 ? "is" : "are";

	printf("%" PRIu64 " byte%s left out because of damage; ", r->skipped_bytes,
	       cli_plural(r->skipped_bytes));
	if (!r->skipped_packets)
		puts("no packet is missing");
	else if (r->skipped_events)
		printf("%" PRIu64 " packet%s with %" PRIu64 " event%s %s missing\n",
		       r->skipped_packets, cli_plural(r->skipped_packets), r->skipped_events,
		       cli_plural(r->skipped_events), verb);
	else
		printf("%" PRIu64 " packet%s with an unknown number of events %s missing\n",
		       r->skipped_packets, cli_plural(r->skipped_packets), verb);
}

static void print_result(const char *name, const struct nr_repair *r)
{
	bool skipped = r->damages || r->skipped_bytes || r->described;

	if (!r->needed) {
		printf("%s needs no repair\n", name);
		return;
	}
	printf("%s: %" PRIu64 " event%s in %" PRIu64 " packet%s; %" PRIu64 " lost before its end\n",
	       name, r->events, cli_plural(r->events), r->packets, cli_plural(r->packets), r->lost);
	if (r->described)
		printf("metadata and .btf of %" PRIu64 " chunk%s copied from another chunk\n",
		       r->described, r->described == 1 ? " were" : "s were");
	if (r->damages || r->skipped_bytes)
		print_skipped(r);
	if (r->left_out || !skipped)
		printf("%" PRIu64 " byte%s left out after the last whole packet, with an unknown "
		       "number of events\n",
		       r->left_out, cli_plural(r->left_out));
	if (r->more)
		puts("they may contain whole packets: --skip-damaged keeps these");
}

static int repair(const struct args *args, const char *copy)
{
	const struct nr_repair_opts opts = {
		.sz = sizeof(opts),
		.log = cli_log,
		.copy = copy,
		.skip_damaged = args->skip_damaged,
	};
	struct nr_repair result = { .sz = sizeof(result) };
	char *name;

	if (nr_trace_repair(args->dir, &opts, &result))
		return CLI_FAILED;
	name = cli_escape(result.needed && copy ? copy : args->dir);
	print_result(name ?: "", &result);
	free(name);
	return CLI_DONE;
}

int cmd_repair(int argc, char **argv)
{
	struct args args = {};
	char *made = NULL;
	int ret;

	argp_err_exit_status = CLI_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.in_place && args.output) {
		cli_error("--in-place and -o exclude each other: give one of them");
		return CLI_USAGE;
	}
	if (!args.in_place && !args.output)
		made = default_output(args.dir);
	ret = cli_is_in_trace("-o", args.output, args.dir)
		      ? CLI_USAGE
		      : repair(&args, made ? made : args.output);
	free(made);
	return ret;
}
