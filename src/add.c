// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Adds sources and outputs to a collector. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/opts.h"
#include "collector.h"
#include "kernel/probes.h"
#include "kernel/sources.h"
#include "kernel/tracepoints.h"
#include "output/batch.h"
#include "output/trace.h"

static int check_source(const struct nr_collector *c, const struct nr_source *source,
			const char *spec)
{
	char list[256];

	if (!source) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "unknown source \"%s\": use one of %s, or a tracepoint, GROUP:EVENT", spec,
		       nr_source_list(list, sizeof(list)));
		return -ENOENT;
	}
	if (c->sources & 1u << nr_source_bit(source)) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "source %s was already added: each event would be recorded twice",
		       source->name);
		return -EEXIST;
	}
	return 0;
}

static int open_source(struct nr_collector *c, const struct nr_source *source, const char *args)
{
	struct nr_object *o = NULL;

	return nr_collector_next_object(c, &o) ?: nr_source_open(o, source, args, &c->log)
	       ?: nr_collector_add_types(c, o);
}

int nr_collector_add_source(struct nr_collector *c, const char *spec)
{
	const char *args;
	const struct nr_source *source = nr_source_find(spec, &args);
	const struct nr_source *extra = nr_source_extra(spec);
	int err;

	if (nr_probe_is_spec(spec))
		return nr_collector_add_probe(c, spec);
	if (!extra && nr_tracepoint_is_meant(spec, source, args))
		return nr_collector_add_tracepoints(c, spec);
	err = check_source(c, source, spec);
	if (!err && extra)
		err = open_source(c, extra, NULL);
	err = err ?: open_source(c, source, extra ? NULL : args);
	if (!err)
		c->sources |= 1u << nr_source_bit(source);
	return err;
}

/* Copies the options of an output, or their defaults. */
static int copy_output_opts(const struct nr_collector *c, struct nr_output_opts *to,
			    const struct nr_output_opts *from)
{
	int err = nr_collector_check_open(c);

	return err ? err : NR_COPY_OPTS_TO(nr_output_opts, name, to, from, &c->log);
}

/* err: the error of making the output. */
static int add_output(struct nr_collector *c, struct nr_output *output, int err)
{
	if (!err)
		err = nr_delivery_add(&c->stream.delivery, output);
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot add an output: %s", nr_reason(err));
	return err ? err : (int)c->stream.delivery.n_feeds - 1;
}

/* what: a trace's directory or an output's function. */
static int refuse_null(const struct nr_collector *c, const char *what)
{
	nr_log(&c->log, NR_LOG_ERROR, "the %s is NULL: pass one", what);
	return -EINVAL;
}

/* Compressed traces share the frames that the packers make. */
static int check_level(const struct nr_collector *c, const char *compress, int level)
{
	for (unsigned i = 0; i < c->stream.delivery.n_feeds; i++) {
		const struct nr_output *o = c->stream.delivery.feeds[i].output;

		if (!o->wants_frames || o->level == level)
			continue;
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot compress with \"%s\": the trace %s has another level, and all "
		       "compressed traces of a recording have the same",
		       compress, o->name);
		return -EINVAL;
	}
	return 0;
}

static int find_level(const struct nr_collector *c, const char *compress, int *level)
{
	if (!compress)
		return 0;
	if (!nr_frames_level(compress, level))
		return check_level(c, compress, *level);
	nr_log(&c->log, NR_LOG_ERROR,
	       "invalid compression \"%s\": use zstd or zstd:LEVEL, with a level from %d to %d",
	       compress, NR_FRAMES_LEAST, NR_FRAMES_MOST);
	return -EINVAL;
}

#define KEPT_CHUNKS 8 /* of keep_bytes, unless rotate_bytes is given */
#define LEAST_CHUNK (1u << 20)

/* Two chunks at least: the newest is written, and an older one has what came before it. */
static int check_kept(const struct nr_collector *c, const char *dir, const struct nr_output_opts *o)
{
	if (o->keep_chunks && !o->rotate_bytes && !o->rotate_ns)
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot keep %u chunks of %s: say when to begin the next one, with "
		       "rotate_bytes or rotate_ns (--rotate-size, --rotate-time)",
		       o->keep_chunks, dir);
	else if (o->keep_chunks == 1)
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot keep 1 chunk of %s: keep at least 2, because the one that is being "
		       "written counts",
		       dir);
	else if (o->keep_bytes && o->keep_bytes / 2 < o->rotate_bytes)
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot keep %" PRIu64 " bytes of %s: keep at least two chunks of %" PRIu64
		       " bytes, or make chunks smaller (--rotate-size)",
		       o->keep_bytes, dir, o->rotate_bytes);
	else
		return 0;
	return -EINVAL;
}

/* Completes the options of rotation and checks them. */
static int check_rotation(const struct nr_collector *c, const char *dir, struct nr_output_opts *o)
{
	uint64_t share = o->keep_bytes / KEPT_CHUNKS;

	if (o->on_full > NR_ON_FULL_PAUSE) {
		nr_log(&c->log, NR_LOG_ERROR, "invalid on_full %u: use a value of enum nr_on_full",
		       o->on_full);
		return -EINVAL;
	}
	if (o->keep_bytes && !o->rotate_bytes)
		o->rotate_bytes = share > LEAST_CHUNK ? share : LEAST_CHUNK;
	if (o->on_full == NR_ON_FULL_DROP_OLDEST && !o->rotate_bytes && !o->rotate_ns) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot remove the oldest chunk of %s when the disk is full: it has only "
		       "one; set rotate_bytes, rotate_ns or keep_bytes (--rotate-size, "
		       "--rotate-time, --keep)",
		       dir);
		return -EINVAL;
	}
	return check_kept(c, dir, o);
}

int nr_collector_add_trace(struct nr_collector *c, const char *dir,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int level = 0;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !dir)
		err = refuse_null(c, "directory of a trace");
	err = err ?: find_level(c, copy.compress, &level) ?: check_rotation(c, dir, &copy);
	if (err)
		return err;
	err = nr_trace_output_new(&output, dir, &copy);
	if (!err) {
		output->wants_frames = copy.compress;
		output->level = level;
	}
	return add_output(c, output, err);
}

int nr_collector_add_batch(struct nr_collector *c, nr_batch_fn fn, void *ctx,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_null(c, "function of an output");
	if (err)
		return err;
	err = nr_batch_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}

int nr_collector_add_json_lines(struct nr_collector *c, nr_lines_fn fn, void *ctx,
				const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_null(c, "function of an output");
	if (err)
		return err;
	err = nr_lines_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}
