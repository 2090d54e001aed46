// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/counter.h"
#include "parts.h"

static void enter(struct nr_feed *f)
{
	f->busy = true;
	f->paused = nr_counter_get(&f->output->paused_ns);
	nr_counter_set(&f->output->since, nr_clock_now());
	pthread_mutex_unlock(&f->delivery->lock);
}

/* began: when the call began. err: what it returned. To wait for room is not to be slow. */
static int leave(struct nr_feed *f, uint64_t began, int err)
{
	uint64_t took = nr_clock_now() - began;

	took -= nr_counter_get(&f->output->paused_ns) - f->paused;
	pthread_mutex_lock(&f->delivery->lock);
	atomic_store(&f->output->since, 0);
	f->busy = false;
	f->busy_max = took > f->busy_max ? took : f->busy_max;
	f->busy_total += took;
	return f->abandoned ? -ETIMEDOUT : err;
}

/* After its error an output takes nothing more. That of a required output ends the recording. */
static void fail_feed(struct nr_feed *f, int err)
{
	f->error = f->error ?: err;
	if (!f->output->optional)
		nr_cuts_fail(f->delivery, err);
	nr_queue_drop(f);
}

/* Without the lock, so that neither the output nor the log callback holds up the others. */
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

void nr_feed_deliver(struct nr_feed *f)
{
	struct nr_queued q = nr_queue_take(f);
	uint64_t began = nr_clock_now();
	int err;

	enter(f);
	err = leave(f, began, give(f, &q));
	if (!err) {
		f->packets++;
		f->events += q.packet->n_events;
	} else if (f->output->optional) {
		nr_queue_miss(f, q.packet);
	}
	if (err && !f->abandoned)
		fail_feed(f, err);
	if (!err && q.cut) {
		q.cut->waiting--;
		nr_cuts_retire(f->delivery);
	}
	nr_packet_put(q.packet);
}

/* The recording's account for one output, whose error may be `error`. After a failure, outputs have
 * taken different numbers of events. */
static struct nr_account account_of(const struct nr_feed *f, int error)
{
	struct nr_account a = *f->delivery->account;
	uint64_t written = f->events + f->told;

	a.error = a.error ?: error;
	a.unwritten += a.written - written;
	a.written = written;
	return a;
}

/* Reports the last gap before the end. */
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

void nr_feed_end(struct nr_feed *f)
{
	int err = !f->abandoned && f->delivery->account ? end_output(f) : 0;

	f->error = f->error ?: err;
	f->ended = true;
}

/* ---- the thread ---- */

static bool is_due(const struct nr_feed *f)
{
	return f->output->due && nr_clock_now() >= f->output->due;
}

/* Calls rotate or tick. */
static void call(struct nr_feed *f, int (*op)(struct nr_output *o))
{
	uint64_t began = nr_clock_now();
	int err;

	enter(f);
	err = leave(f, began, op(f->output));
	if (err && !f->abandoned)
		fail_feed(f, err);
}

/* Begins the output's next chunk, as nr_delivery_rotate asked. */
static void rotate(struct nr_feed *f)
{
	f->rotate = false;
	if (!f->error && f->output->ops->rotate)
		call(f, f->output->ops->rotate);
}

/* Waits for a packet, the end, or the output's time. */
static void wait(struct nr_feed *f)
{
	const struct timespec until = nr_clock_until(f->output->due);

	if (f->output->due && !f->error)
		pthread_cond_timedwait(&f->wake, &f->delivery->lock, &until);
	else
		pthread_cond_wait(&f->wake, &f->delivery->lock);
}

static void *feed(void *arg)
{
	struct nr_feed *f = arg;
	struct nr_delivery *d = f->delivery;

	pthread_mutex_lock(&d->lock);
	while (!f->abandoned && (f->n || f->rotate || !d->ending)) {
		if (!f->error && is_due(f))
			call(f, f->output->ops->tick);
		else if (f->rotate)
			rotate(f);
		else if (f->n)
			nr_feed_deliver(f);
		else
			wait(f);
		pthread_cond_broadcast(&d->moved);
	}
	nr_feed_end(f);
	pthread_cond_broadcast(&d->moved);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

int nr_feed_start(struct nr_feed *f, unsigned i)
{
	char name[24];

	snprintf(name, sizeof(name), "nr-out-%u", i);
	return nr_thread_start(&f->thread, feed, f, name);
}
