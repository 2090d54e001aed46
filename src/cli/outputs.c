// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "outputs.h"
#include "timed_write.h"

/* ---- options ---- */

static void refuse(const char *message)
{
	cli_error("%s", message);
	exit(CLI_USAGE);
}

void outputs_add(struct outputs *all, const char *path)
{
	if (!*path)
		refuse("-o needs the name of a file or directory");
	if (all->n == OUTPUTS_MAX)
		refuse("too many outputs: give -o at most 8 times");
	all->list[all->n++] = (struct output){ .path = path, .json_lines = all->json_lines };
	all->format_pending = false;
}

void outputs_format(struct outputs *all, const char *format)
{
	bool json_lines = !strcmp(format, "jsonl");

	if (!json_lines && strcmp(format, "ctf"))
		cli_refuse(format, "a format: use ctf or jsonl");
	if (all->format_pending)
		refuse("--format is given twice without -o between: give each its own -o");
	all->json_lines = json_lines;
	all->format_pending = all->format_given = true;
}

static void name_default(struct outputs *all)
{
	time_t now = time(NULL);
	struct tm tm;

	if (all->json_lines) {
		outputs_add(all, "-");
		return;
	}
	localtime_r(&now, &tm);
	strftime(all->default_path, sizeof(all->default_path), "numaring-%Y%m%d-%H%M%S", &tm);
	outputs_add(all, all->default_path);
}

/* The option that only a trace needs, as it was given; NULL: none. */
static const char *trace_option(const struct nr_output_opts *o)
{
	return o->compress			 ? "--compress"
	       : o->rotate_bytes		 ? "--rotate-size"
	       : o->rotate_ns			 ? "--rotate-time"
	       : o->keep_bytes || o->keep_chunks ? "--keep"
	       : o->on_full != NR_ON_FULL_STOP	 ? "--on-full"
	       : o->fsync_ns			 ? "--fsync"
						 : NULL;
}

static int check_traces(const struct outputs *all)
{
	const char *option = trace_option(&all->trace);

	if (!option || outputs_have_traces(all))
		return 0;
	cli_error("%s is for traces, and no output is one: give -o DIR without --format jsonl",
		  option);
	return -EINVAL;
}

static int check_format(const struct output *o)
{
	if (o->json_lines || o->destination.descriptor < 0)
		return 0;
	cli_error("a trace is a directory: use --format jsonl to write to %s", o->path);
	return -EINVAL;
}

/* Is or would be: a trace that does not exist yet counts, too. */
static bool is_inside(const struct output *o, const struct output *trace)
{
	char *copy = strdup(o->path);
	const struct destination parent = { .path = copy ? dirname(copy) : "", .descriptor = -1 };
	bool inside = copy && o->destination.descriptor < 0 && !trace->json_lines &&
		      destination_is_same(&parent, &trace->destination);

	free(copy);
	if (inside)
		cli_error("%s is inside the trace directory: choose another -o", o->path);
	return inside;
}

static int check_others(const struct outputs *all, unsigned i)
{
	const struct output *o = &all->list[i];

	for (unsigned k = 0; k < i; k++) {
		if (!destination_is_same(&all->list[k].destination, &o->destination))
			continue;
		cli_error("-o %s and -o %s are the same: give each output its own place",
			  all->list[k].path, o->path);
		return -EINVAL;
	}
	for (unsigned k = 0; k < i; k++)
		if (is_inside(o, &all->list[k]) || is_inside(&all->list[k], o))
			return -EINVAL;
	return 0;
}

int outputs_check(struct outputs *all)
{
	int err = 0;

	if (!all->n && !all->none)
		name_default(all);
	if (all->format_pending && all->n > 1) {
		cli_error("--format comes after the last -o: give it before the -o that it is for");
		return -EINVAL;
	}
	if (all->format_pending) /* with one output the order does not matter */
		all->list[0].json_lines = all->json_lines;
	for (unsigned i = 0; !err && i < all->n; i++) {
		all->list[i].destination = destination_of(all->list[i].path);
		err = check_format(&all->list[i])
			      ?: destination_check(&all->list[i].destination) ?: check_others(all, i);
	}
	return err ?: check_traces(all);
}

int outputs_refuse(const struct outputs *all, const char *option, const struct destination *other)
{
	for (unsigned i = 0; i < all->n; i++) {
		const struct output *o = &all->list[i];

		if (!o->json_lines && cli_is_in_trace(option, other->path, o->path))
			return -EINVAL;
		if (!destination_is_same(&o->destination, other))
			continue;
		cli_error("-o %s and %s %s are the same file: give two different files", o->path,
			  option, other->path);
		return -EINVAL;
	}
	return 0;
}

/* ---- recording ---- */

static int open_lines(struct outputs *all, struct output *o, struct nr_collector *c,
		      struct nr_output_opts opts, int end_fd, unsigned wait_ms)
{
	const struct outfile_opts how = { .force = all->force, .group = all->group };
	int err = destination_open(&o->destination, &how, end_fd, wait_ms);

	if (err == -ENXIO)
		cli_error("no reader opened %s: nothing was recorded", o->path);
	if (err)
		return err;
	opts.name = outfile_name(&o->destination.output);
	return jsonl_open(&o->jsonl, c, &o->destination.output, &opts);
}

int outputs_open(struct outputs *all, struct nr_collector *c, int end_fd, unsigned wait_ms)
{
	int err = 0;

	for (unsigned i = 0; err >= 0 && i < all->n; i++) {
		struct output *o = &all->list[i];
		struct nr_output_opts opts = o->json_lines ? (struct nr_output_opts){} : all->trace;

		opts.sz = sizeof(opts);
		opts.optional = i && !all->required;
		opts.force = all->force;
		opts.group = all->group;
		if (o->json_lines)
			err = open_lines(all, o, c, opts, end_fd, wait_ms);
		else
			err = nr_collector_add_trace(c, o->path, &opts);
	}
	return err < 0 ? err : 0;
}

int outputs_commit(struct outputs *all)
{
	int err = 0;

	for (unsigned i = 0; !err && i < all->n; i++)
		err = outfile_commit(&all->list[i].destination.output);
	return err;
}

void outputs_remove(struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		outfile_remove(&all->list[i].destination.output);
}

void outputs_ending(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		jsonl_end(&all->list[i].jsonl);
}

static int close_output(struct output *o)
{
	int end = jsonl_close(&o->jsonl), closed = outfile_close(&o->destination.output);

	return end ?: closed;
}

/* reported: the library has logged what ended the recording. */
static int end_output(struct output *o, const struct nr_output_stats *stats, bool reported)
{
	int err;

	o->error = stats->error;
	o->stuck = stats->error == -ETIMEDOUT && stats->busy_ns;
	if (o->stuck)
		return -ETIMEDOUT;
	err = close_output(o);
	o->error = o->error ?: err;
	if (o->json_lines && o->error == -EPIPE) /* the reader has seen enough */
		return o->error = 0;
	if (err && err != -ESTALE && !reported)
		cli_error("cannot write %s: %s", o->path, timed_write_error(err));
	return o->error;
}

int outputs_close(struct outputs *all, const struct nr_stats *stats, int err)
{
	bool reported = err;

	if (err == -EPIPE && outputs_have_lines(all))
		err = 0;
	for (unsigned i = 0; i < all->n; i++) {
		int end = end_output(&all->list[i], nr_stats_output(stats, i), reported);

		err = err ?: end;
	}
	return err;
}

void outputs_destroy(struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		close_output(&all->list[i]);
}

/* ---- recordings without an end ---- */

#define DEFAULT_KEEP (1ull << 30)

static bool has_limit(const struct nr_output_opts *o)
{
	return o->keep_bytes || o->keep_chunks || o->rotate_bytes || o->rotate_ns;
}

void outputs_limit(struct outputs *all)
{
	if (*all->default_path && !has_limit(&all->trace))
		all->trace.keep_bytes = DEFAULT_KEEP;
}

void outputs_tell(const struct outputs *all)
{
	const struct nr_output_opts *o = &all->trace;
	char size[24], limit[64] = "without a limit (--keep sets one)";

	if (!*all->default_path)
		return;
	if (o->keep_bytes)
		snprintf(limit, sizeof(limit), "at most the newest %sB",
			 cli_format_size(size, sizeof(size), o->keep_bytes));
	else if (o->keep_chunks)
		snprintf(limit, sizeof(limit), "the newest %u chunks", o->keep_chunks);
	cli_error("recording to %s, %s; to end it: kill -INT %d", all->default_path, limit,
		  (int)getpid());
}

/* ---- questions ---- */

bool outputs_have_traces(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!all->list[i].json_lines)
			return true;
	return false;
}

bool outputs_are_stuck(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i].stuck)
			return true;
	return false;
}

bool outputs_use_stdout(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i].json_lines && all->list[i].destination.descriptor == STDOUT_FILENO)
			return true;
	return false;
}

bool outputs_have_lines(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->list[i].json_lines)
			return true;
	return false;
}

bool outputs_can_wait(const struct outputs *all)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!all->list[i].json_lines || !destination_has_reader(&all->list[i].destination))
			return false;
	return true;
}

int outputs_poll_fd(const struct outputs *all)
{
	const struct output *o = &all->list[0];

	return all->n == 1 && o->json_lines ? fileno(o->destination.output.file) : -1;
}

uint64_t outputs_delivered(const struct outputs *all, const struct nr_stats *stats)
{
	return all->list[0].json_lines ? all->list[0].jsonl.delivered : stats->events_written;
}

uint64_t outputs_missed(const struct nr_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < stats->n_outputs; i++)
		sum += nr_stats_output(stats, i)->missed_events;
	return sum;
}
