// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "packet/opening.h"
#include "trace_parts.h"

/* What a chunk takes besides its files: blocks that are not full, and its directory. */
#define ROOM (32u << 10)

static bool has_events(const struct nr_trace_output *t)
{
	return t->file.fd >= 0 && t->written > t->earlier;
}

void nr_rotate_note(struct nr_trace_output *t, uint64_t begin, uint64_t events, uint64_t missed)
{
	if (!has_events(t))
		t->first = begin;
	t->written += events + missed;
	t->events += events;
}

/* ---- the end of a chunk ---- */

/* The stream stays open, under its new name. */
static int become_series(struct nr_trace_output *t)
{
	int err = nr_chunks_adopt(&t->chunks, t->file.name);

	if (err)
		return err;
	t->series = true;
	t->file.dir = &t->chunks.newest;
	t->file.error = nr_store_sync(t, t->file.dir);
	return t->file.error;
}

/* The mark of a chunk that is not the last knows little: the rest is known at the end. */
static struct nr_account account_of(const struct nr_trace_output *t)
{
	return (struct nr_account){
		.sz = sizeof(struct nr_account),
		.end = t->last.end,
		.written = t->written,
		.late = t->late,
		.lost_total = t->last.lost,
		.rotated = true,
		.chunk = t->chunks.next - 1,
		.earlier = t->earlier,
	};
}

/* Readers take a series for recorded while the stream of its newest chunk is locked. So that of the
 * closed chunk stays locked until the next has one. */
static int end_chunk(struct nr_trace_output *t)
{
	const struct nr_account account = account_of(t);
	int err = nr_store_end(t, &account, t->last.seq);

	if (err)
		return err;
	t->held = fcntl(t->file.fd, F_DUPFD_CLOEXEC, 0);
	t->error = nr_store_close(t);
	nr_chunks_close(&t->chunks, t->events, t->file.bytes + t->mappings.size + t->stacks.size);
	t->mappings.size = t->stacks.size = 0;
	return t->error;
}

int nr_rotate_now(struct nr_trace_output *t)
{
	if (!has_events(t) || (!t->series && become_series(t)))
		return 0;
	return end_chunk(t);
}

/* ---- the beginning of a chunk ---- */

static void release_held(struct nr_trace_output *t)
{
	if (t->held >= 0)
		close(t->held);
	t->held = -1;
}

static int begin_chunk(struct nr_trace_output *t, const void *packet, size_t size)
{
	uint64_t plain = t->plain;
	int err = nr_chunks_make(&t->chunks);

	if (err)
		return err;
	err = nr_store_begin(t, &t->chunks.newest, packet, size);
	if (err) {
		nr_stream_file_drop(&t->file);
		nr_chunks_unmake(&t->chunks);
		nr_seek_table_clear(&t->table);
		t->plain = plain;
		return err;
	}
	release_held(t);
	t->earlier = t->written;
	t->events = 0;
	return 0;
}

int nr_rotate_init(struct nr_trace_output *t)
{
	const struct nr_packet *first = t->output.recording->first;

	return begin_chunk(t, first->bytes, first->size);
}

/* Waits until a chunk with a packet of this size would fit. */
static int await_room(struct nr_trace_output *t, size_t size)
{
	int err;

	do
		err = nr_full_probe(t->dir.fd, nr_chunks_overhead(&t->chunks) + size + ROOM);
	while (err && nr_full_again(&t->full, err));
	nr_full_over(&t->full, err);
	return err;
}

static int begin_next(struct nr_trace_output *t, uint64_t begin)
{
	const struct nr_packet_head before = t->last;
	struct nr_packet_head opening;
	int err;

	nr_opening_fill(&opening, &before, begin);
	do {
		await_room(t, sizeof(opening));
		err = begin_chunk(t, &opening, sizeof(opening));
	} while (err && nr_full_again(&t->full, err));
	nr_full_over(&t->full, err);
	if (err) {
		t->last = before;
		t->next = before.seq + 1;
	}
	return err;
}

/* ---- limits ---- */

static bool is_too_large(const struct nr_trace_output *t, size_t size)
{
	uint64_t newest =
		nr_chunks_overhead(&t->chunks) + t->mappings.size + t->stacks.size + t->file.bytes;
	uint64_t shared = t->chunks.newest.sizes[NR_DIR_SHARED];

	return t->limits.keep_bytes &&
	       t->chunks.bytes + shared + newest + size > t->limits.keep_bytes;
}

static bool are_too_many(const struct nr_trace_output *t)
{
	return t->limits.keep_chunks && t->chunks.n >= t->limits.keep_chunks;
}

static void keep_limits(struct nr_trace_output *t, size_t size)
{
	while (t->chunks.n && (is_too_large(t, size) || are_too_many(t)))
		nr_chunks_drop_oldest(&t->chunks);
}

/* Is the chunk full without what comes? It has one packet with events at least, and its opening
 * packet has a time of its own (opening.h). */
static bool is_due(const struct nr_trace_output *t, size_t size, uint64_t begin, uint64_t end)
{
	const struct nr_trace_limits *l = &t->limits;

	return has_events(t) && begin > t->last.end &&
	       ((l->rotate_bytes && t->file.bytes + size > l->rotate_bytes) ||
		(l->rotate_ns && end - t->first > l->rotate_ns));
}

int nr_rotate_begin(struct nr_trace_output *t, size_t size, uint64_t begin)
{
	int err = t->file.fd < 0 ? begin_next(t, begin) : 0;

	if (!err)
		keep_limits(t, size);
	return err;
}

/* A chunk without room for a next one goes on: it may still take the account. With drop-oldest, its
 * end allows to remove it. */
static bool may_end(struct nr_trace_output *t, size_t size)
{
	return t->full.on_full == NR_ON_FULL_DROP_OLDEST || !await_room(t, size);
}

int nr_rotate_for(struct nr_trace_output *t, size_t size, uint64_t begin, uint64_t end)
{
	bool ends = is_due(t, size, begin, end) && may_end(t, size);
	int err = ends ? end_chunk(t) : 0;

	return err ?: nr_rotate_begin(t, size, begin);
}
