/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of record that say how traces are written: a child parser. */
#include <stdlib.h>
#include <string.h>
#include <numaring/numaring.h>
#include "cli.h"

enum {
	OPT_COMPRESS = 768, /* greater than every command's own keys, and those of a plan */
	OPT_ROTATE_SIZE,
	OPT_ROTATE_TIME,
	OPT_KEEP,
	OPT_ON_FULL,
	OPT_FSYNC,
};

static const struct argp_option options[] = {
	{ .name = "compress", .key = OPT_COMPRESS, .arg = "zstd[:LEVEL]" },
	{ .name = "rotate-size", .key = OPT_ROTATE_SIZE, .arg = "SIZE" },
	{ .name = "rotate-time", .key = OPT_ROTATE_TIME, .arg = "TIME" },
	{ .name = "keep", .key = OPT_KEEP, .arg = "SIZE|N" },
	{ .name = "on-full", .key = OPT_ON_FULL, .arg = "stop|drop-oldest|pause" },
	{ .name = "fsync", .key = OPT_FSYNC, .arg = "none|packet|TIME" },
	{ 0 },
};

static uint64_t parse_ns(const char *arg)
{
	return cli_duration_ms(arg) * 1000000ull;
}

static uint64_t parse_bytes(const char *arg)
{
	size_t size;

	if (cli_parse_size(arg, &size) || !size)
		cli_refuse(arg, "a size: give bytes, or a number with K, M or G");
	return size;
}

/* A number without a unit is a number of chunks. */
static void parse_keep(struct nr_output_opts *o, const char *arg)
{
	size_t n;

	if (cli_parse_size(arg, &n) || !n)
		cli_refuse(arg, "a limit: give bytes with K, M or G, or a number of chunks");
	if (arg[strspn(arg, "0123456789")])
		o->keep_bytes = n;
	else if (n <= UINT32_MAX)
		o->keep_chunks = n;
	else
		cli_refuse(arg, "a number of chunks: for bytes, add K, M or G");
}

static enum nr_on_full parse_on_full(const char *arg)
{
	if (!strcmp(arg, "stop"))
		return NR_ON_FULL_STOP;
	if (!strcmp(arg, "drop-oldest"))
		return NR_ON_FULL_DROP_OLDEST;
	if (!strcmp(arg, "pause"))
		return NR_ON_FULL_PAUSE;
	cli_refuse(arg, "what to do when the disk is full: use stop, drop-oldest or pause");
}

static uint64_t parse_fsync(const char *arg)
{
	if (!strcmp(arg, "none"))
		return 0;
	if (!strcmp(arg, "packet"))
		return NR_FSYNC_PACKET;
	return parse_ns(arg);
}

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct nr_output_opts *o = state->input;

	cli_refuse_repeated(options, key, arg);
	switch (key) {
	case OPT_COMPRESS:
		o->compress = arg;
		return 0;
	case OPT_ROTATE_SIZE:
		o->rotate_bytes = parse_bytes(arg);
		return 0;
	case OPT_ROTATE_TIME:
		o->rotate_ns = parse_ns(arg);
		return 0;
	case OPT_KEEP:
		parse_keep(o, arg);
		return 0;
	case OPT_ON_FULL:
		o->on_full = parse_on_full(arg);
		return 0;
	case OPT_FSYNC:
		o->fsync_ns = parse_fsync(arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_trace_argp = { .options = options, .parser = parse_opt };
