/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of a plan: a child parser for the commands that make one. */
#include <string.h>
#include "cli.h"

enum {
	OPT_SHARDS = 512, /* greater than every command's own keys */
	OPT_RING_SIZE,
	OPT_CONSUMER_CPUS,
	OPT_TRANSPORT,
};

static const struct argp_option options[] = {
	{ .name = "shards", .key = OPT_SHARDS, .arg = "single|package|node|llc|cpu|node/K" },
	{ .name = "transport", .key = OPT_TRANSPORT, .arg = "ring|lane" },
	{ .name = "ring-size", .key = OPT_RING_SIZE, .arg = "SIZE" },
	{ .name = "consumer-cpus", .key = OPT_CONSUMER_CPUS, .arg = "LIST" },
	{ 0 },
};

enum nr_transport cli_parse_transport(const char *arg)
{
	if (!strcmp(arg, "ring"))
		return NR_TRANSPORT_RING;
	if (!strcmp(arg, "lane"))
		return NR_TRANSPORT_LANE;
	cli_refuse(arg, "a transport: use ring or lane");
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct nr_plan_opts *plan = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case OPT_SHARDS:
		plan->policy = arg;
		return 0;
	case OPT_RING_SIZE:
		/* To the library, 0 means the default. */
		if (cli_parse_size(arg, &plan->ring_bytes) || !plan->ring_bytes)
			cli_refuse(arg, "a size: give bytes, or a number with K, M or G");
		return 0;
	case OPT_CONSUMER_CPUS:
		plan->consumer_cpus = arg;
		return 0;
	case OPT_TRANSPORT:
		plan->transport = cli_parse_transport(arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_plan_argp = { .options = options, .parser = parse_opt };
