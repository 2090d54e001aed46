// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The times of a trace: where it begins and ends, and the way to a time between. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "load.h"
#include "search.h"
#include "step.h"

/* One chunk, or the flat trace. */
typedef int (*search_fn)(const struct nr_read_stream *s, struct nr_slot *out);

/* 1; 0: the chunk is gone or has no packet; or an error. */
static int search_chunk(const struct nr_trace *t, uint64_t chunk, search_fn search,
			struct nr_slot *out)
{
	struct nr_read_stream s;
	int ret;

	if (t->series && !nr_chunk_has_stream(t->dir_fd, chunk))
		return 0;
	ret = nr_load_stream(t, chunk, &s);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = search(&s, out);
	close(s.fd);
	return ret;
}

/* Lists the chunks again. A flat trace has one: itself. */
static int list_chunks(struct nr_trace *t)
{
	return t->series ? nr_chunk_list_read(&t->chunks, t->dir_fd) : 0;
}

static size_t n_chunks(const struct nr_trace *t)
{
	return t->series ? t->chunks.n : 1;
}

static uint64_t chunk_at(const struct nr_trace *t, size_t i)
{
	return t->series ? t->chunks.numbers[i] : t->chunk;
}

int nr_trace_span(struct nr_trace *t, uint64_t *begin, uint64_t *end)
{
	struct nr_slot first, last;
	int ret = list_chunks(t);
	size_t n;

	if (ret)
		return ret;
	n = n_chunks(t);
	for (size_t i = 0; !ret && i < n; i++)
		ret = search_chunk(t, chunk_at(t, i), nr_search_first, &first);
	if (ret > 0)
		ret = 0;
	for (size_t i = n; !ret && i-- > 0;)
		ret = search_chunk(t, chunk_at(t, i), nr_search_last, &last);
	if (ret <= 0)
		return ret ?: -ENODATA;
	*begin = first.head.begin;
	*end = last.head.end;
	return 0;
}

/* The last chunk that begins before the time, or the first one: *index in the list. */
static int find_chunk(struct nr_trace *t, uint64_t ns, size_t *index)
{
	size_t low = 0, high;
	int err = list_chunks(t);

	for (high = n_chunks(t); !err && low < high;) {
		size_t mid = low + (high - low) / 2;
		struct nr_slot first;
		int ret = search_chunk(t, chunk_at(t, mid), nr_search_first, &first);

		if (ret < 0)
			err = ret;
		else if (ret && first.head.begin < ns)
			low = mid + 1;
		else if (ret || !t->series)
			high = mid;
		else {
			uint64_t *at = &t->chunks.numbers[mid];

			memmove(at, at + 1, (--t->chunks.n - mid) * sizeof(*at));
			high--;
		}
	}
	*index = low ? low - 1 : 0;
	return err ?: n_chunks(t) ? 0 : -ENODATA;
}

/* As a trace that was just opened. */
static void forget(struct nr_trace *t)
{
	t->failed = 0;
	t->ended = t->recorded = t->alone = t->knows_earlier = false;
	t->packets = t->seq = t->events = t->late = t->earlier = 0;
	t->missed_packets = t->missed_events = t->damaged_packets = 0;
	t->bytes.size = t->pos = 0;
	t->jump = NR_JUMP_NONE;
}

/* Makes the packet at t->next the current one, though nothing before it was read. */
static int begin_at(struct nr_trace *t)
{
	struct nr_step step = {};
	struct nr_fault ignored;
	int ret = nr_step_next(t, &step, &ignored);

	if (ret <= 0)
		return ret;
	t->hole = (struct nr_hole){};
	nr_step_take(t, &step);
	t->pos = t->bytes.size; /* all its events are earlier */
	t->events = t->late = 0;
	t->missed_packets = t->missed_events = t->damaged_packets = 0;
	t->packet.packets_before = t->packets_before = t->seq;
	t->packet.missed_packets = t->packet.missed_events = t->packet.damaged_packets = 0;
	return 1;
}

/* Goes to the last packet before the time that is whole. */
static int seek_in_chunk(struct nr_trace *t, uint64_t ns)
{
	struct nr_slot low = { .offset = UINT64_MAX };
	int ret;

	while ((ret = nr_search_before(&t->stream, ns, low.offset, &low)) > 0) {
		t->next = low.offset;
		ret = begin_at(t);
		if (ret > 0)
			return 0;
		if (ret < 0 && ret != -EBADMSG && ret != NR_INCOMPLETE)
			return ret;
	}
	t->next = 0;
	return ret;
}

int nr_trace_seek(struct nr_trace *t, uint64_t ns)
{
	size_t index;
	int err = find_chunk(t, ns, &index);

	forget(t);
	t->from = ns;
	err = err ?: nr_load_open(t, chunk_at(t, index));
	t->sought = true; /* for begin_at */
	err = err ?: seek_in_chunk(t, ns);
	t->sought = index || t->packets;
	t->failed = err;
	return err;
}
