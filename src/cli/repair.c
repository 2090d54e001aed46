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
#include "help.h"

struct args {
	const char *dir;
	const char *output;
	bool in_place;
	bool skip_damaged;
};

enum { OPT_IN_PLACE = 256, OPT_SKIP_DAMAGED };

static const struct argp_option options[] = {
	{ .name = "output", .key = 'o', .arg = "NEW" },
	{ .name = "in-place", .key = OPT_IN_PLACE },
	{ .name = "skip-damaged", .key = OPT_SKIP_DAMAGED },
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
	.doc = help_repair_txt,
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

	cli_parse(&argp, argc, argv, 0, &args);
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
