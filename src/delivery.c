// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/counter.h"
#include "delivery.h"

/* How often whoever waits for outputs looks whether they get on. */
#define LOOK_MS 50

/* ---- queues ---- */

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

static size_t memory_of(const struct nr_packet *p)
{
	return sizeof(*p) + p->cap + p->room * sizeof(*p->events);
}

static int enqueue(struct nr_feed *f, struct nr_packet *packet, struct nr_cut *cut)
{
	int err = f->n == f->cap ? grow_queue(f) : 0;

	if (err)
		return err;
	f->queue[(f->head + f->n++) % f->cap] =
		(struct nr_queued){ f->gap, nr_packet_ref(packet), cut };
	f->queued += memory_of(packet);
	f->gap = (struct nr_gap){};
	pthread_cond_signal(&f->wake);
	return 0;
}

static struct nr_queued dequeue(struct nr_feed *f)
{
	struct nr_queued q = f->queue[f->head];

	f->head = (f->head + 1) % f->cap;
	f->n--;
	f->queued -= memory_of(q.packet);
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

static void note_missed(struct nr_feed *f, const struct nr_packet *p)
{
	const struct nr_gap gap = { 1, p->n_events, p->begin, p->end };

	note_gap(f, &gap);
}

/* The output takes nothing more. */
static void drop_queue(struct nr_feed *f)
{
	while (f->n) {
		struct nr_queued q = dequeue(f);

		if (f->output->optional)
			note_missed(f, q.packet);
		nr_packet_put(q.packet);
	}
}

/* ---- cuts ---- */

static void fail(struct nr_delivery *d, int err)
{
	int none = 0;

	atomic_compare_exchange_strong(&d->error, &none, err);
	pthread_cond_broadcast(&d->to_pack);
	nr_waiter_kick(d->merge);
}

/* The first cuts that are safe: their mark is the merge's (Y2). */
static void retire(struct nr_delivery *d)
{
	bool any = false;

	while (d->first && d->first->handed && !d->first->waiting) {
		struct nr_cut *cut = d->first;
		struct nr_mark *marks = d->done;

		d->first = cut->next;
		d->last = d->first ? d->last : NULL;
		d->done = cut->marks;
		cut->marks = marks;
		d->in_flight -= cut->bytes;
		nr_packet_put(cut->packet);
		cut->next = d->spare;
		d->spare = cut;
		any = true;
	}
	if (!any)
		return;
	atomic_store(&d->is_new, true);
	if (!d->direct) /* or it is the merge thread that is here */
		nr_waiter_kick(d->merge);
}

static void hand_to(struct nr_feed *f, struct nr_cut *cut)
{
	struct nr_output *o = f->output;
	bool full = f->n && f->queued + memory_of(cut->packet) > o->queue_bytes;

	if (!o->optional && !f->error && enqueue(f, cut->packet, cut)) {
		f->error = -ENOMEM; /* or it would get the next one */
		fail(f->delivery, -ENOMEM);
	}
	if (o->optional && (f->error || full || enqueue(f, cut->packet, NULL)))
		note_missed(f, cut->packet);
}

/* Hands out what is built, in sequence (Y1). */
static void hand_out(struct nr_delivery *d)
{
	for (; d->hand && d->hand->built; d->hand = d->hand->next) {
		d->hand->waiting = d->n_required;
		d->hand->handed = true;
		for (unsigned i = 0; i < d->n_feeds; i++)
			hand_to(&d->feeds[i], d->hand);
	}
	retire(d);
}

static struct nr_cut *new_cut(struct nr_delivery *d)
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

static void append(struct nr_delivery *d, struct nr_cut *cut)
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
	atomic_store(&d->is_new, false);
	pthread_mutex_unlock(&d->lock);
	return true;
}

/* ---- packers ---- */

static void explain_build(const struct nr_delivery *d, int err)
{
	nr_log(d->recording.log, NR_LOG_ERROR, "cannot make a packet: %s",
	       err == -EMSGSIZE ? "more than 1 GiB of records have one time, and a packet holds no "
				  "more"
	       : err == -EINVAL ? "an event came out of order and is not marked as late"
				: nr_reason(err));
}

static struct nr_cut *next_to_build(struct nr_delivery *d)
{
	struct nr_cut *cut;

	while (!d->build && !d->closing && !d->error)
		pthread_cond_wait(&d->to_pack, &d->lock);
	cut = d->error ? NULL : d->build;
	if (cut)
		d->build = cut->next;
	return cut;
}

static void *pack(void *arg)
{
	struct nr_packer *p = arg;
	struct nr_delivery *d = p->delivery;
	struct nr_cut *cut;
	int err;

	pthread_mutex_lock(&d->lock);
	while ((cut = next_to_build(d))) {
		pthread_mutex_unlock(&d->lock);
		err = nr_packet_build(cut->packet, &d->recording.format, d->misfits);
		if (err)
			explain_build(d, err);
		pthread_mutex_lock(&d->lock);
		cut->built = !err;
		if (err)
			fail(d, err);
		hand_out(d);
		pthread_cond_broadcast(&d->moved);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- outputs ---- */

static void enter(struct nr_feed *f)
{
	f->busy = true;
	nr_counter_set(&f->output->since, nr_clock_now());
	pthread_mutex_unlock(&f->delivery->lock);
}

/* began: when the call began. err: what it returned. */
static int leave(struct nr_feed *f, uint64_t began, int err)
{
	uint64_t took = nr_clock_now() - began;

	pthread_mutex_lock(&f->delivery->lock);
	atomic_store(&f->output->since, 0);
	f->busy = false;
	f->busy_max = took > f->busy_max ? took : f->busy_max;
	f->busy_total += took;
	return f->abandoned ? -ETIMEDOUT : err;
}

/* After an error of its own an output takes nothing; of a required one, nobody does. */
static void fail_feed(struct nr_feed *f, int err)
{
	f->error = f->error ?: err;
	if (!f->output->optional)
		fail(f->delivery, err);
	drop_queue(f);
}

/* Without the lock: neither the output nor the log's function holds up the others. */
static int give(struct nr_feed *f, const struct nr_queued *q)
{
	struct nr_output *o = f->output;
	int err = q->gap.packets ? o->ops->miss(o, &q->gap) : 0;

	f->told += err ? 0 : q->gap.events;
	err = err ?: o->ops->take(o, q->packet);
	if (err && o->optional)
		nr_log(f->delivery->recording.log, NR_LOG_WARN,
		       "the optional output %s takes no more events: %s", o->name, strerror(-err));
	return err;
}

static void deliver(struct nr_feed *f)
{
	struct nr_queued q = dequeue(f);
	uint64_t began = nr_clock_now();
	int err;

	enter(f);
	err = leave(f, began, give(f, &q));
	if (!err) {
		f->packets++;
		f->events += q.packet->n_events;
	} else if (f->output->optional) {
		note_missed(f, q.packet);
	}
	if (err && !f->abandoned)
		fail_feed(f, err);
	if (!err && q.cut) {
		q.cut->waiting--;
		retire(f->delivery);
	}
	nr_packet_put(q.packet);
}

/* error: of the output. When it or the recording has failed, outputs have got different numbers of
 * events. */
static struct nr_account account_of(const struct nr_feed *f, int error)
{
	struct nr_account a = *f->delivery->account;
	uint64_t written = f->events + f->told;

	a.error = a.error ?: error;
	a.unwritten += a.written - written;
	a.written = written;
	return a;
}

/* What was missed last is told before the end. */
static int end_output(struct nr_feed *f)
{
	struct nr_output *o = f->output;
	struct nr_gap gap = f->gap;
	uint64_t began = nr_clock_now();
	int err = f->error, end;
	struct nr_account account;

	enter(f);
	if (!err && gap.packets) {
		err = o->ops->miss(o, &gap);
		f->told += err ? 0 : gap.events;
	}
	account = account_of(f, err);
	end = o->ops->end(o, &account);
	return leave(f, began, err ?: end);
}

static void end_feed(struct nr_feed *f)
{
	int err = !f->abandoned && f->delivery->account ? end_output(f) : 0;

	f->error = f->error ?: err;
	f->ended = true;
}

int nr_delivery_send(struct nr_delivery *d, struct nr_packet *packet, const struct nr_mark *marks)
{
	struct nr_cut *cut;

	pthread_mutex_lock(&d->lock);
	cut = new_cut(d);
	if (cut) {
		memcpy(cut->marks, marks, d->n_shards * sizeof(*marks));
		*cut = (struct nr_cut){
			.packet = packet,
			.marks = cut->marks,
			.bytes = packet->records + packet->n_events * sizeof(*packet->events),
			.built = !d->wants_bytes,
		};
		d->in_flight += cut->bytes;
		append(d, cut);
		pthread_cond_signal(&d->to_pack);
		hand_out(d);
		if (d->direct && d->feeds[0].n)
			deliver(&d->feeds[0]);
	}
	pthread_mutex_unlock(&d->lock);
	if (cut)
		return 0;
	nr_packet_put(packet);
	return -ENOMEM;
}

static void *feed(void *arg)
{
	struct nr_feed *f = arg;
	struct nr_delivery *d = f->delivery;

	pthread_mutex_lock(&d->lock);
	while (!f->abandoned && (f->n || !d->ending)) {
		if (f->n)
			deliver(f);
		else
			pthread_cond_wait(&f->wake, &d->lock);
		pthread_cond_broadcast(&d->moved);
	}
	end_feed(f);
	pthread_cond_broadcast(&d->moved);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- waiting for outputs ---- */

/* Has the output had its time, counted from no earlier than asked? */
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
		fail(f->delivery, -ETIMEDOUT);
	drop_queue(f);
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
	until.tv_nsec += LOOK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&d->moved, &d->lock, &until);
}

/* Everything was handed out, or nothing more will be, and the outputs have it. */
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
		end_feed(&d->feeds[0]);
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

int nr_delivery_init(struct nr_delivery *d, uint32_t n_shards, struct nr_waiter *merge)
{
	pthread_condattr_t attr;

	*d = (struct nr_delivery){ .n_shards = n_shards, .merge = merge };
	d->done = calloc(n_shards, sizeof(*d->done));
	if (!d->done)
		return -ENOMEM;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->moved, &attr);
	pthread_condattr_destroy(&attr);
	pthread_cond_init(&d->to_pack, NULL);
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
	d->feeds[d->n_feeds++] = (struct nr_feed){ .delivery = d,
						   .output = output,
						   .wake = PTHREAD_COND_INITIALIZER };
	d->n_required += !output->optional;
	d->wants_bytes |= output->wants_bytes;
	d->direct = d->n_feeds == 1 && !d->wants_bytes;
	return 0;
}

/* The first packet is empty. */
static int make_first(struct nr_delivery *d, uint64_t start)
{
	struct nr_packet *first = nr_packet_get(&d->pool);
	int err;

	if (!first)
		return -ENOMEM;
	first->begin = first->end = first->watermark = start;
	err = nr_packet_build(first, &d->recording.format, NULL);
	d->recording.first = first;
	return err;
}

int nr_delivery_begin(struct nr_delivery *d, const struct nr_recording *recording,
		      struct nr_misfits *misfits, uint64_t start)
{
	int err;

	d->recording = *recording;
	d->misfits = misfits;
	err = make_first(d, start);
	for (unsigned i = 0; !err && i < d->n_feeds; i++) {
		struct nr_output *o = d->feeds[i].output;

		o->recording = &d->recording;
		o->misfits = i || d->wants_bytes ? NULL : misfits;
		err = o->ops->begin(o, &d->recording);
		if (err)
			o->recording = NULL; /* there is nothing to undo */
	}
	if (err)
		nr_delivery_undo(d);
	return err;
}

int nr_delivery_start(struct nr_delivery *d, unsigned packers)
{
	char name[24];
	int err = 0;

	d->packers = d->wants_bytes ? calloc(packers, sizeof(*d->packers)) : NULL;
	if (d->wants_bytes && !d->packers)
		return -ENOMEM;
	for (; d->wants_bytes && !err && d->n_packers < packers; d->n_packers++) {
		struct nr_packer *p = &d->packers[d->n_packers];

		p->delivery = d;
		snprintf(name, sizeof(name), "nr-pack-%u", d->n_packers);
		err = nr_thread_start(&p->thread, pack, p, name);
	}
	for (unsigned i = 0; !err && !d->direct && i < d->n_feeds; i++) {
		struct nr_feed *f = &d->feeds[i];

		snprintf(name, sizeof(name), "nr-out-%u", i);
		err = nr_thread_start(&f->thread, feed, f, name);
	}
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
	for (struct nr_cut *cut = d->spare; cut; cut = cut->next)
		cut->packet = NULL;
	free_cuts(d->spare);
	nr_packet_put((struct nr_packet *)d->recording.first);
	nr_packet_pool_destroy(&d->pool);
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
		.missed_packets = f->missed_packets,
		.missed_events = f->missed_events,
		.queued = f->queued,
		.busy_ns = f->busy && since < now ? now - since : 0,
		.busy_max_ns = f->busy_max,
		.busy_total_ns = f->busy_total,
	};
	pthread_mutex_unlock(lock);
}
