// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/counter.h"
#include "parts.h"

void nr_cuts_fail(struct nr_delivery *d, int err)
{
	int none = 0;

	atomic_compare_exchange_strong(&d->error, &none, err);
	pthread_cond_broadcast(&d->to_pack);
	pthread_cond_broadcast(&d->numbering.moved);
	nr_waiter_kick(d->merge);
}

void nr_cuts_number(struct nr_delivery *d, struct nr_cut *cut)
{
	struct nr_numbering *n = &d->numbering;
	struct nr_packet *p = cut->packet;

	n->turn++;
	n->late_left_out += cut->left_out.late;
	p->late -= n->late_left_out;
	/* The last packet of a recording was empty before, and is never dropped (I11). */
	cut->dropped = !p->n_events && cut->left_out.events && p->lost == n->lost;
	n->dropped += cut->dropped;
	p->seq -= n->dropped;
	n->lost = p->lost;
}

/* Counts the events of a cut that is done. */
static void count_done(struct nr_delivery *d, const struct nr_cut *cut)
{
	d->done_written += cut->packet->n_events;
	d->done_filtered += cut->left_out.events;
}

void nr_cuts_retire(struct nr_delivery *d)
{
	bool any = false;

	while (d->first && d->first->handed && !d->first->waiting) {
		struct nr_cut *cut = d->first;
		struct nr_mark *marks = d->done;

		d->first = cut->next;
		d->last = d->first ? d->last : NULL;
		d->done = cut->marks;
		cut->marks = marks;
		d->in_flight -= cut->bytes; /* pairs with nr_delivery_in_flight */
		count_done(d, cut);
		nr_packet_put(cut->packet);
		cut->packet = NULL;
		cut->next = d->spare;
		d->spare = cut;
		any = true;
	}
	if (!any)
		return;
	atomic_store(&d->is_new, true);
	if (!d->direct) /* otherwise this is the merge thread */
		nr_waiter_kick(d->merge);
}

static void hand_to_required(struct nr_feed *f, struct nr_cut *cut)
{
	if (f->error || !nr_queue_put(f, cut->packet, cut))
		return;
	f->error = -ENOMEM; /* without this packet it must not take the next */
	nr_cuts_fail(f->delivery, -ENOMEM);
}

/* An empty queue takes a packet of any size (Y3). */
static void hand_to_optional(struct nr_feed *f, const struct nr_cut *cut)
{
	bool full = f->n && f->queued + nr_packet_memory(cut->packet) > f->output->queue_bytes;

	if (f->error || full || nr_queue_put(f, cut->packet, NULL))
		nr_queue_miss(f, cut->packet);
}

static void hand_to(struct nr_feed *f, struct nr_cut *cut)
{
	if (f->output->optional)
		hand_to_optional(f, cut);
	else
		hand_to_required(f, cut);
}

void nr_cuts_hand_out(struct nr_delivery *d)
{
	for (; d->hand && d->hand->built; d->hand = d->hand->next) {
		d->hand->handed = true;
		if (d->hand->dropped)
			continue;
		d->hand->waiting = d->n_required;
		for (unsigned i = 0; i < d->n_feeds; i++)
			hand_to(&d->feeds[i], d->hand);
	}
	nr_cuts_retire(d);
}

struct nr_cut *nr_cuts_new(struct nr_delivery *d)
{
	struct nr_cut *cut = d->spare;

	if (cut) {
		d->spare = cut->next;
		return cut;
	}
	cut = calloc(1, sizeof(*cut));
	if (cut)
		cut->marks = calloc(d->n_shards, sizeof(*cut->marks));
	if (cut && cut->marks)
		return cut;
	free(cut);
	return NULL;
}

void nr_cuts_append(struct nr_delivery *d, struct nr_cut *cut)
{
	if (d->last)
		d->last->next = cut;
	else
		d->first = cut;
	d->last = cut;
	if (!d->build && !cut->built)
		d->build = cut;
	if (!d->hand)
		d->hand = cut;
}

bool nr_delivery_done(struct nr_delivery *d, struct nr_mark *marks)
{
	if (!atomic_load_explicit(&d->is_new, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&d->lock);
	memcpy(marks, d->done, d->n_shards * sizeof(*marks));
	nr_counter_set(&d->written, d->done_written);
	nr_counter_set(&d->filtered, d->done_filtered);
	atomic_store(&d->is_new, false);
	pthread_mutex_unlock(&d->lock);
	return true;
}
