// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/counter.h"
#include "parts.h"

/* ---- sending ---- */

static bool needs_packers(const struct nr_delivery *d)
{
	return d->wants_bytes || (d->filter.query && !d->direct);
}

int nr_delivery_send(struct nr_delivery *d, struct nr_packet *packet, const struct nr_mark *marks)
{
	bool filters = d->filter.query && d->direct;
	size_t held = nr_packet_held(packet);
	struct nr_left_out left_out = {};
	struct nr_cut *cut;

	if (filters)
		left_out = nr_filter_packet(&d->filter, packet);
	pthread_mutex_lock(&d->lock);
	cut = nr_cuts_new(d);
	if (cut) {
		memcpy(cut->marks, marks, d->n_shards * sizeof(*marks));
		*cut = (struct nr_cut){
			.packet = packet,
			.marks = cut->marks,
			.bytes = held,
			.built = !needs_packers(d),
			.left_out = left_out,
		};
		if (filters)
			nr_cuts_number(d, cut);
		d->in_flight += cut->bytes;
		nr_cuts_append(d, cut);
		pthread_cond_signal(&d->to_pack);
		nr_cuts_hand_out(d);
		if (d->direct && d->feeds[0].n)
			nr_feed_deliver(&d->feeds[0]);
	}
	pthread_mutex_unlock(&d->lock);
	if (cut)
		return 0;
	nr_packet_put(packet);
	return -ENOMEM;
}

void nr_delivery_rotate(struct nr_delivery *d)
{
	pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < d->n_feeds; i++) {
		d->feeds[i].rotate = true;
		pthread_cond_signal(&d->feeds[i].wake);
	}
	pthread_mutex_unlock(&d->lock);
}

/* ---- waiting for outputs ---- */

void nr_delivery_stop_waiting(struct nr_delivery *d)
{
	atomic_store(&d->recording.running, false);
}

/* Has the output made no progress for patience_ns, counted from `asked` at the earliest? */
static bool is_stuck(const struct nr_feed *f, uint64_t asked, uint64_t patience_ns)
{
	uint64_t since = nr_counter_get(&f->output->since), now = nr_clock_now();
	uint64_t from = since > asked ? since : asked;

	return f->busy && !f->abandoned && now > from && now - from > patience_ns;
}

static void abandon(struct nr_feed *f)
{
	f->abandoned = true;
	f->error = -ETIMEDOUT;
	if (!f->output->optional)
		nr_cuts_fail(f->delivery, -ETIMEDOUT);
	nr_queue_drop(f);
}

static void give_up(struct nr_delivery *d, uint64_t asked, unsigned patience_ms)
{
	for (unsigned i = 0; patience_ms && i < d->n_feeds; i++)
		if (is_stuck(&d->feeds[i], asked, patience_ms * 1000000ull))
			abandon(&d->feeds[i]);
}

void nr_delivery_give_up(struct nr_delivery *d, uint64_t asked, unsigned patience_ms)
{
	pthread_mutex_lock(&d->lock);
	give_up(d, asked, patience_ms);
	pthread_mutex_unlock(&d->lock);
}

static void wait_a_little(struct nr_delivery *d)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NR_DELIVERY_LOOK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&d->moved, &d->lock, &until);
}

/* Have the outputs taken all packets that they will get? */
static bool is_drained(const struct nr_delivery *d)
{
	if (d->hand && !d->error)
		return false;
	for (unsigned i = 0; i < d->n_feeds; i++) {
		const struct nr_feed *f = &d->feeds[i];

		if (!f->abandoned && (f->n || f->busy))
			return false;
	}
	return true;
}

int nr_delivery_drain(struct nr_delivery *d, uint64_t asked, unsigned patience_ms)
{
	pthread_mutex_lock(&d->lock);
	d->closing = true;
	pthread_cond_broadcast(&d->to_pack);
	while (!is_drained(d)) {
		wait_a_little(d);
		give_up(d, asked, patience_ms);
	}
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->n_packers; i++)
		nr_thread_join(&d->packers[i].thread);
	return d->error;
}

static bool have_ended(const struct nr_delivery *d)
{
	for (unsigned i = 0; i < d->n_feeds; i++)
		if (d->feeds[i].thread.running && !d->feeds[i].ended && !d->feeds[i].abandoned)
			return false;
	return true;
}

int nr_delivery_end(struct nr_delivery *d, const struct nr_account *account, unsigned patience_ms)
{
	uint64_t asked = nr_clock_now();
	int err = 0;

	pthread_mutex_lock(&d->lock);
	d->account = account;
	d->ending = true;
	if (d->direct)
		nr_feed_end(&d->feeds[0]);
	for (unsigned i = 0; i < d->n_feeds; i++)
		pthread_cond_signal(&d->feeds[i].wake);
	while (!have_ended(d)) {
		wait_a_little(d);
		give_up(d, asked, patience_ms);
	}
	for (unsigned i = 0; i < d->n_feeds; i++)
		if (!d->feeds[i].output->optional)
			err = err ?: d->feeds[i].error;
	pthread_mutex_unlock(&d->lock);
	for (unsigned i = 0; i < d->n_feeds; i++)
		if (!d->feeds[i].abandoned)
			nr_thread_join(&d->feeds[i].thread);
	return err;
}

bool nr_delivery_is_abandoned(struct nr_delivery *d)
{
	bool any = false;

	for (unsigned i = 0; i < d->n_feeds; i++)
		any |= d->feeds[i].abandoned;
	return any;
}

/* ---- life ---- */

/* Waits with a time use CLOCK_MONOTONIC. */
static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

int nr_delivery_init(struct nr_delivery *d, uint32_t n_shards, struct nr_waiter *merge)
{
	*d = (struct nr_delivery){ .n_shards = n_shards, .merge = merge };
	d->done = calloc(n_shards, sizeof(*d->done));
	if (!d->done)
		return -ENOMEM;
	init_cond(&d->moved);
	pthread_cond_init(&d->to_pack, NULL);
	pthread_cond_init(&d->numbering.moved, NULL);
	pthread_mutex_init(&d->lock, NULL);
	return nr_packet_pool_init(&d->pool);
}

int nr_delivery_add(struct nr_delivery *d, struct nr_output *output)
{
	struct nr_feed *grown = realloc(d->feeds, (d->n_feeds + 1) * sizeof(*grown));

	if (!grown) {
		output->ops->destroy(output);
		return -ENOMEM;
	}
	d->feeds = grown;
	d->feeds[d->n_feeds] = (struct nr_feed){ .delivery = d, .output = output };
	init_cond(&d->feeds[d->n_feeds++].wake);
	d->n_required += !output->optional;
	d->wants_bytes |= output->wants_bytes;
	d->direct = d->n_feeds == 1 && !d->wants_bytes;
	return 0;
}

/* Do outputs want packets compressed, and how? */
static void find_wants(struct nr_delivery *d)
{
	for (unsigned i = 0; i < d->n_feeds; i++) {
		const struct nr_output *o = d->feeds[i].output;

		if (o->wants_frames)
			d->recording.level = o->level;
		d->recording.frames |= o->wants_frames;
	}
}

/* The first packet is empty. */
static int make_first(struct nr_delivery *d, uint64_t start)
{
	struct nr_packet *first = nr_packet_get(&d->pool);
	struct nr_frames *frames = NULL;
	int err;

	if (!first)
		return -ENOMEM;
	first->begin = first->end = first->watermark = start;
	d->recording.first = first;
	err = d->recording.frames ? nr_frames_new(&frames, d->recording.level) : 0;
	err = err ?: nr_packers_make(first, &d->recording.format, NULL, frames);
	nr_frames_free(frames);
	return err;
}

int nr_delivery_begin(struct nr_delivery *d, const struct nr_recording *recording,
		      struct nr_misfits *misfits, uint64_t start)
{
	int err;

	d->recording = *recording;
	d->misfits = misfits;
	find_wants(d);
	err = make_first(d, start);
	for (unsigned i = 0; !err && i < d->n_feeds; i++) {
		struct nr_output *o = d->feeds[i].output;

		o->recording = &d->recording;
		o->misfits = i || d->wants_bytes ? NULL : misfits;
		err = o->ops->begin ? o->ops->begin(o) : 0;
		if (err)
			o->recording = NULL; /* there is nothing to undo */
	}
	if (err)
		nr_delivery_undo(d);
	return err;
}

int nr_delivery_start(struct nr_delivery *d, unsigned packers)
{
	int err = needs_packers(d) ? nr_packers_start(d, packers) : 0;

	atomic_store(&d->recording.running, true);
	for (unsigned i = 0; !err && !d->direct && i < d->n_feeds; i++)
		err = nr_feed_start(&d->feeds[i], i);
	return err;
}

void nr_delivery_keep(struct nr_delivery *d)
{
	for (unsigned i = 0; i < d->n_feeds; i++)
		if (d->feeds[i].output->ops->keep)
			d->feeds[i].output->ops->keep(d->feeds[i].output);
}

void nr_delivery_undo(struct nr_delivery *d)
{
	for (unsigned i = 0; i < d->n_feeds; i++) {
		struct nr_output *o = d->feeds[i].output;

		if (o->recording && o->ops->undo)
			o->ops->undo(o);
		o->recording = NULL;
	}
}

static void free_cuts(struct nr_cut *cut)
{
	while (cut) {
		struct nr_cut *next = cut->next;

		nr_packet_put(cut->packet);
		free(cut->marks);
		free(cut);
		cut = next;
	}
}

void nr_delivery_destroy(struct nr_delivery *d)
{
	if (!d->done)
		return;
	for (unsigned i = 0; i < d->n_feeds; i++) {
		d->feeds[i].output->ops->destroy(d->feeds[i].output);
		free(d->feeds[i].queue);
	}
	free_cuts(d->first);
	free_cuts(d->spare);
	nr_packet_put((struct nr_packet *)d->recording.first);
	nr_packet_pool_destroy(&d->pool);
	for (unsigned i = 0; i < d->n_packers; i++)
		nr_frames_free(d->packers[i].frames);
	free(d->feeds);
	free(d->packers);
	free(d->done);
	pthread_mutex_destroy(&d->lock);
}

void nr_delivery_stats(const struct nr_delivery *d, unsigned i, uint64_t now,
		       struct nr_output_stats *stats)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&d->lock;
	const struct nr_feed *f = &d->feeds[i];
	uint64_t since;

	pthread_mutex_lock(lock);
	since = nr_counter_get(&f->output->since);
	*stats = (struct nr_output_stats){
		.name = f->output->name,
		.optional = f->output->optional,
		.error = f->error,
		.packets = f->packets,
		.events = f->events,
		.bytes = nr_counter_get(&f->output->bytes),
		.plain_bytes = nr_counter_get(&f->output->plain_bytes),
		.chunks = nr_counter_get(&f->output->chunks),
		.dropped_chunks = nr_counter_get(&f->output->dropped_chunks),
		.dropped_events = nr_counter_get(&f->output->dropped_events),
		.missed_packets = f->missed_packets,
		.missed_events = f->missed_events,
		.queued = f->queued,
		.busy_ns = f->busy && since < now ? now - since : 0,
		.busy_max_ns = f->busy_max,
		.busy_total_ns = f->busy_total,
		.paused_ns = nr_counter_get(&f->output->paused_ns),
	};
	pthread_mutex_unlock(lock);
}
