/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include "export_lines.h"
#include "lines.h"

static int open_lines(void **state, const struct export_env *env, const struct export_sink *sink,
		      enum lines_format format)
{
	const struct lines_opts opts = { .format = format };
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*state = l;
	return lines_open(l, sink->file, &opts, env->types, env->clock_offset);
}

static int open_jsonl(void **state, const struct export_env *env, struct export_sink *sink)
{
	return open_lines(state, env, sink, LINES_JSON);
}

static int open_table(void **state, const struct export_env *env, struct export_sink *sink)
{
	return open_lines(state, env, sink, LINES_CSV);
}

static int take(void *state, const struct nr_event *ev)
{
	return lines_event(state, ev);
}

static int end(void *state)
{
	(void)state;
	return 0;
}

static void close_lines(void *state)
{
	if (state)
		lines_close(state);
	free(state);
}

const struct export_format export_jsonl = {
	.name = "jsonl", .open = open_jsonl, .event = take, .end = end, .close = close_lines
};

const struct export_format export_table = {
	.name = "csv", .open = open_table, .event = take, .end = end, .close = close_lines
};
