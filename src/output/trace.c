// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "trace.h"
#include "trace_parts.h"

static struct nr_trace_output *trace_of(struct nr_output *o)
{
	return (struct nr_trace_output *)o; /* its first member */
}

/* ---- packets ---- */

/* A gap mark belongs to the packet after it, and no chunk is begun for a packet without events. */
static int take_packet(struct nr_trace_output *t, const struct nr_packet *packet)
{
	size_t size = nr_store_size(t, packet);
	int err = packet->n_events && !nr_is_gap_mark(&t->last)
			  ? nr_rotate_for(t, size, packet->begin, packet->end)
			  : nr_rotate_begin(t, size, packet->begin);

	err = err ?: nr_store_packet(t, packet);
	if (err)
		return err;
	t->late = packet->late;
	nr_store_names(t);
	nr_rotate_note(t, packet->begin, packet->n_events, 0);
	return 0;
}

static int take(struct nr_output *o, const struct nr_packet *packet)
{
	struct nr_trace_output *t = trace_of(o);
	int err = take_packet(t, packet);

	nr_store_count(t);
	return err;
}

/* Writes the gap mark in place of the missing packets. */
static int add_gap(struct nr_trace_output *t, const struct nr_gap *gap)
{
	struct nr_gap_packet mark;
	int err = nr_rotate_for(t, sizeof(mark), gap->begin, gap->end);

	if (err)
		return err;
	nr_gap_fill(&mark, &t->last, gap);
	err = nr_store_own(t, &mark, sizeof(mark));
	if (err)
		return err;
	t->next += gap->packets;
	nr_rotate_note(t, gap->begin, 0, gap->events);
	return 0;
}

static int miss(struct nr_output *o, const struct nr_gap *gap)
{
	struct nr_trace_output *t = trace_of(o);
	int err = add_gap(t, gap);

	nr_store_count(t);
	return err;
}

static int rotate(struct nr_output *o)
{
	struct nr_trace_output *t = trace_of(o);
	int err = nr_rotate_now(t);

	nr_store_count(t);
	return err;
}

static int tick(struct nr_output *o)
{
	struct nr_trace_output *t = trace_of(o);
	int err = nr_stream_file_sync(&t->file);

	nr_store_count(t);
	return err;
}

/* ---- begin ---- */

static int create(struct nr_trace_output *t)
{
	const struct nr_recording *rec = t->output.recording;
	int err = nr_trace_dir_open(&t->dir, t->output.name, &t->how, rec->log) ?: nr_store_init(t);

	if (err)
		return err;
	if (t->series)
		return nr_rotate_init(t) ?: nr_store_sync(t, &t->dir);
	return nr_store_begin(t, &t->dir, rec->first->bytes, rec->first->size);
}

static void undo(struct nr_output *o)
{
	struct nr_trace_output *t = trace_of(o);

	nr_stream_file_drop(&t->file);
	nr_trace_dir_undo(&t->dir);
	nr_trace_dir_close(&t->dir);
}

static int begin(struct nr_output *o)
{
	struct nr_trace_output *t = trace_of(o);
	sigset_t old;
	int err;

	nr_hold_file_limit(&old);
	err = create(t);
	nr_release_file_limit(&old);
	if (err == -ENOMEM)
		nr_log(o->recording->log, NR_LOG_ERROR, "cannot create the trace %s: %s", o->name,
		       nr_reason(err));
	if (err)
		undo(o);
	else
		nr_store_count(t);
	return err;
}

static void keep(struct nr_output *o)
{
	nr_trace_dir_keep(&trace_of(o)->dir);
}

/* ---- end ---- */

/* The end mark is the last packet, so its time is after that of the others. If the newest chunk
 * is closed, the mark needs one of its own. */
static int add_account(struct nr_trace_output *t, const struct nr_account *account)
{
	struct nr_account a = *account;
	int err;

	a.end = a.end > t->last.end ? a.end : t->last.end + 1;
	err = t->error ?: nr_rotate_begin(t, 0, a.end);
	if (err)
		return err;
	if (t->series) {
		a.chunk = t->chunks.next - 1;
		a.earlier = t->earlier;
	}
	return nr_store_end(t, &a, t->next);
}

static int end(struct nr_output *o, const struct nr_account *account)
{
	struct nr_trace_output *t = trace_of(o);
	int err = add_account(t, account);
	int closed = t->file.fd < 0 ? 0 : nr_store_close(t);

	nr_store_count(t);
	nr_trace_dir_close(&t->dir);
	return err ?: closed;
}

static void destroy(struct nr_output *o)
{
	struct nr_trace_output *t = trace_of(o);

	nr_stream_file_drop(&t->file);
	if (t->held >= 0)
		close(t->held);
	if (t->kernel_fd >= 0)
		close(t->kernel_fd);
	if (t->mappings.fd >= 0)
		close(t->mappings.fd);
	if (t->stacks.fd >= 0)
		close(t->stacks.fd);
	nr_chunks_destroy(&t->chunks);
	nr_trace_dir_close(&t->dir);
	nr_seek_table_destroy(&t->table);
	nr_frames_free(t->frames);
	free(t->frame);
	free(t->metadata);
	nr_output_destroy(o);
}

static const struct nr_output_ops ops = {
	.begin = begin,
	.keep = keep,
	.undo = undo,
	.take = take,
	.miss = miss,
	.rotate = rotate,
	.tick = tick,
	.end = end,
	.destroy = destroy,
};

/* The disk is full. */
static int drop_oldest(void *arg)
{
	struct nr_trace_output *t = arg;
	int err;

	do
		err = nr_chunks_drop_oldest(&t->chunks);
	while (err && err != -ENOENT);
	return err;
}

static void copy_opts(struct nr_trace_output *t, const struct nr_output_opts *opts)
{
	t->how.force = opts->force;
	if (opts->group) {
		t->group = *opts->group;
		t->how.group = &t->group;
	}
	t->stream = (struct nr_stream_opts){
		.compressed = opts->compress,
		.fsync_ns = opts->fsync_ns,
		.full = &t->full,
	};
	t->full = (struct nr_full){
		.output = &t->output,
		.on_full = opts->on_full,
		.drop = drop_oldest,
		.arg = t,
	};
	t->limits = (struct nr_trace_limits){
		.rotate_bytes = opts->rotate_bytes,
		.rotate_ns = opts->rotate_ns,
		.keep_bytes = opts->keep_bytes,
		.keep_chunks = opts->keep_chunks,
	};
	t->series = opts->rotate_bytes || opts->rotate_ns;
}

int nr_trace_output_new(struct nr_output **out, const char *dir, const struct nr_output_opts *opts)
{
	struct nr_trace_output *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->kernel_fd = t->mappings.fd = t->stacks.fd = -1;
	t->file.fd = t->held = t->dir.fd = t->dir.parent = t->dir.lock = -1;
	nr_chunks_init(&t->chunks, &t->dir);
	copy_opts(t, opts);
	t->output.is_trace = t->output.wants_bytes = true;
	if (nr_output_init(&t->output, &ops, dir, opts)) {
		free(t);
		return -ENOMEM;
	}
	*out = &t->output;
	return 0;
}
