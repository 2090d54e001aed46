// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "parts.h"

static int grow_queue(struct nr_feed *f)
{
	unsigned cap = f->cap ? 2 * f->cap : 16;
	struct nr_queued *grown = malloc(cap * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (unsigned i = 0; i < f->n; i++)
		grown[i] = f->queue[(f->head + i) % f->cap];
	free(f->queue);
	f->queue = grown;
	f->cap = cap;
	f->head = 0;
	return 0;
}

int nr_queue_put(struct nr_feed *f, struct nr_packet *packet, struct nr_cut *cut)
{
	int err = f->n == f->cap ? grow_queue(f) : 0;

	if (err)
		return err;
	f->queue[(f->head + f->n++) % f->cap] =
		(struct nr_queued){ f->gap, nr_packet_ref(packet), cut };
	f->queued += nr_packet_memory(packet);
	f->gap = (struct nr_gap){};
	pthread_cond_signal(&f->wake);
	return 0;
}

struct nr_queued nr_queue_take(struct nr_feed *f)
{
	struct nr_queued q = f->queue[f->head];

	f->head = (f->head + 1) % f->cap;
	f->n--;
	f->queued -= nr_packet_memory(q.packet);
	return q;
}

static void note_gap(struct nr_feed *f, const struct nr_gap *gap)
{
	f->gap = (struct nr_gap){
		.packets = f->gap.packets + gap->packets,
		.events = f->gap.events + gap->events,
		.begin = f->gap.packets ? f->gap.begin : gap->begin,
		.end = gap->end,
	};
	f->missed_packets += gap->packets;
	f->missed_events += gap->events;
}

void nr_queue_miss(struct nr_feed *f, const struct nr_packet *p)
{
	const struct nr_gap gap = {
		.packets = 1,
		.events = p->n_events,
		.begin = p->begin,
		.end = p->end,
	};

	note_gap(f, &gap);
}

void nr_queue_drop(struct nr_feed *f)
{
	while (f->n) {
		struct nr_queued q = nr_queue_take(f);

		if (f->output->optional)
			nr_queue_miss(f, q.packet);
		nr_packet_put(q.packet);
	}
}
