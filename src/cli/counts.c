/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include "counts.h"
#include "losses.h"

static void count_event(struct counts *n, const struct nr_event *ev)
{
	if (!n->events)
		n->first = n->latest = ev->ts;
	n->first = ev->ts < n->first ? ev->ts : n->first;
	n->latest = ev->ts > n->latest ? ev->ts : n->latest;
	n->events++;
	n->late += !!(ev->flags & NR_EVENT_LATE);
	n->by_type[ev->rec->id]++;
	n->by_cpu[ev->rec->cpu]++;
}

static void check_order(struct counts *n, const struct nr_event *ev)
{
	n->unordered += ev->ts < n->last;
	n->last = ev->ts;
}

struct sums {
	const struct nr_types *types;
	struct counts *counts;
};

static int merge_same_name(void *ctx, uint16_t id, const char *name)
{
	struct sums *s = ctx;
	int first = nr_types_id(s->types, name);

	if (first != id) {
		s->counts->by_type[first] += s->counts->by_type[id];
		s->counts->by_type[id] = 0;
	}
	return 0;
}

static void sum_types(struct counts *n, const struct nr_types *types)
{
	struct sums sums = { types, n };

	nr_types_each(types, merge_same_name, &sums);
	for (unsigned id = 0; id < COUNTS_IDS; id++)
		if (n->by_type[id] && !nr_types_name(types, id))
			n->raw += n->by_type[id];
}

struct reading {
	const struct window *window;
	const struct filter *filter;
	struct losses losses;
	/* Size 0: there is none. */
	struct nr_packet_info before;	   /* the packet before the window */
	struct nr_packet_info first, last; /* in the window, with events; the trace's last one */
};

/* Counts what is missing before a packet of an event, and makes a new chunk when one begins. */
static int take_chunk(struct counts *n, const struct nr_packet_info *packet, uint64_t missed)
{
	struct counts_chunk *last = n->n_chunks ? &n->chunks[n->n_chunks - 1] : NULL, *grown;

	if (last && last->number == packet->chunk) {
		last->missed += missed;
		return 0;
	}
	grown = reallocarray(n->chunks, n->n_chunks + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->chunks = grown;
	n->chunks[n->n_chunks++] =
		(struct counts_chunk){ .number = packet->chunk, .missed_before = missed };
	return 0;
}

/* Takes the packet of an event. */
static int take_packet(struct reading *r, struct counts *n, const struct nr_packet_info *packet)
{
	uint64_t missed = packet->missed_events - r->last.missed_events;

	if (r->last.size && r->last.seq == packet->seq)
		return 0;
	if (!r->first.size)
		r->first = *packet;
	r->last = *packet;
	return take_chunk(n, packet, missed) ?: gaps_packet(&n->gaps, packet);
}

static int read_events(struct reading *r, struct counts *n, struct nr_trace *trace)
{
	struct nr_event ev;
	int ret;

	while ((ret = window_next(r->window, trace, &ev)) > 0) {
		const struct nr_packet_info *packet = nr_trace_packet(trace);
		int err = take_packet(r, n, packet) ?: losses_event(&r->losses, &ev, packet);

		if (err)
			return err;
		check_order(n, &ev);
		if (!filter_matches(r->filter, &ev))
			continue;
		count_event(n, &ev);
		n->chunks[n->n_chunks - 1].events++;
	}
	return ret;
}

/* The trace's last packet, if it is in the window and reading went so far. */
static int read_end(struct reading *r, struct counts *n, const struct nr_trace *trace)
{
	struct nr_account account = { .sz = sizeof(account) };
	const struct nr_packet_info *packet = nr_trace_packet(trace);

	if (!packet || packet->begin >= r->window->end || nr_trace_end(trace, &account) == -EAGAIN)
		return 0;
	r->last = *packet;
	return gaps_packet(&n->gaps, packet);
}

static void sum_packets(struct reading *r, struct counts *n)
{
	const struct nr_packet_info *last = r->last.size ? &r->last : &r->before;

	n->misplaced = losses_misplaced(&r->losses, last->size ? last : NULL);
	if (!last->size)
		return;
	n->packets = last->seq + 1 - last->packets_before - last->missed_packets;
	n->lost = last->lost - last->lost_before;
	n->watermark = last->watermark == UINT64_MAX ? last->end : last->watermark;
	n->first_chunk = r->before.size ? 0 : r->first.chunk;
}

int counts_read(struct counts *n, struct nr_trace *trace, const struct window *window,
		const struct filter *filter)
{
	const struct nr_packet_info *before = nr_trace_packet(trace);
	struct reading r = { .window = window, .filter = filter };
	int err = losses_open(&r.losses), end;

	if (before) {
		r.before = *before;
		gaps_begin(&n->gaps, before);
	}
	if (!err)
		err = read_events(&r, n, trace);
	end = read_end(&r, n, trace);
	sum_packets(&r, n);
	sum_types(n, nr_trace_types(trace));
	losses_close(&r.losses);
	return err ?: end;
}

void counts_close(struct counts *n)
{
	free(n->chunks);
	gaps_close(&n->gaps);
}

double counts_seconds(const struct counts *n)
{
	return (n->latest - n->first) / 1e9;
}
