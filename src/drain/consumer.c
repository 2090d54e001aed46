// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include "base/counter.h"
#include "base/clock.h"
#include "consumer.h"

/* A BUSY record is submitted within microseconds; look again soon, without spinning. */
#define BUSY_RETRY_MS 1

#define PIN_AGAIN_NS 1000000000u

/* A time that is a watermark for whoever reads producer_pos after this call. */
static uint64_t pass_time(struct nr_drain *drain)
{
	uint64_t time;

	if (drain->order == NR_ORDER_RCU) /* pairs with the release in grace.c */
		return atomic_load_explicit(&drain->grace_time, memory_order_acquire);
	time = nr_clock_now();
	nr_clock_barrier();
	return time;
}

/* When the last of its CPUs goes offline the kernel lets a thread run anywhere, for good. */
static void keep_pinned(struct nr_consumer *c, uint64_t *pinned)
{
	uint64_t now = nr_clock_now();

	if (*pinned && now - *pinned < PIN_AGAIN_NS)
		return;
	atomic_store(&c->pin_error, nr_thread_pin(c->cpus, c->n_cpus));
	*pinned = now;
}

/* A pass ended. One that reached its target ends the wait for all records before that, even if it
 * stopped at another one. */
static void note_busy(struct nr_consumer *c, bool busy)
{
	if (!busy)
		nr_counter_set(&c->busy_since, 0);
	else if (!nr_counter_get(&c->busy_since) || !c->shard->pending)
		nr_counter_set(&c->busy_since, c->target_since);
}

static uint64_t elapsed(uint64_t from, uint64_t to)
{
	return from < to ? to - from : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What lies below the watermark holds up nobody any more. */
static uint64_t above(struct nr_span span, uint64_t watermark)
{
	return elapsed(later(span.from, watermark), span.to);
}

static void keep_longer(struct nr_span *longest, struct nr_span span, uint64_t watermark)
{
	if (above(span, watermark) >= above(*longest, watermark))
		*longest = span;
}

/* A pass begins, and ends what was waited for. Of a record it is known up to the pass before that
 * it was not submitted. */
static void note_wait(struct nr_consumer *c)
{
	uint64_t now = nr_clock_now(), last = nr_counter_get(&c->last_pass);
	uint64_t since = nr_counter_get(&c->busy_since);
	uint64_t watermark = nr_shard_watermark(c->shard);
	struct nr_span busy = { since ?: last, last }, idle = { last, now };

	keep_longer(&c->busy, busy, watermark);
	keep_longer(&c->idle, idle, watermark);
	if (nr_counter_max(&c->lag_max, elapsed(watermark, now))) {
		nr_counter_set(&c->lag_max_busy, above(c->busy, watermark));
		nr_counter_set(&c->lag_max_idle, above(c->idle, watermark));
	}
	nr_counter_max(&c->busy_max, above(busy, 0));
	nr_counter_max(&c->idle_max, above(idle, 0));
	nr_counter_set(&c->last_pass, now);
}

static int pass(struct nr_consumer *c)
{
	uint64_t time = pass_time(c->drain);
	int err;

	if (!c->shard->pending)
		c->target_since = nr_counter_get(&c->last_pass);
	err = nr_shard_pass(c->shard, time);
	note_busy(c, err == -EAGAIN);
	return err;
}

/* Tells the merge thread when there is a reason not to wait for its tick. */
static void report(struct nr_consumer *c)
{
	struct nr_drain *drain = c->drain;

	if (nr_shard_pressed(c->shard))
		atomic_store_explicit(&drain->pressed, true, memory_order_relaxed);
	else if (!atomic_load_explicit(&drain->urgent, memory_order_relaxed))
		return;
	nr_waiter_kick(&drain->merge);
}

static void *consume(void *arg)
{
	struct nr_consumer *c = arg;
	uint64_t pinned = 0;
	int err = 0;

	while (!atomic_load_explicit(&c->drain->stop, memory_order_relaxed) && err != -EBADMSG) {
		keep_pinned(c, &pinned);
		nr_waiter_wait(&c->waiter, err == -EAGAIN ? BUSY_RETRY_MS : c->drain->tick_ms);
		note_wait(c);
		err = pass(c);
		report(c);
	}
	note_wait(c); /* it may have been held up since its last pass, or since the start */
	if (err == -EBADMSG) {
		nr_shard_finish(c->shard);
		atomic_store(&c->error, err);
		nr_waiter_kick(&c->drain->merge);
	}
	return NULL;
}

int nr_consumer_start(struct nr_consumer *c, int ring_fd)
{
	int err = nr_waiter_init(&c->waiter, ring_fd);
	char name[24];

	if (err)
		return err;
	nr_counter_set(&c->last_pass, nr_clock_now());
	snprintf(name, sizeof(name), "nr-drain-%u", c->id);
	return nr_thread_start(&c->thread, consume, c, name);
}

void nr_consumer_kick(struct nr_consumer *c)
{
	nr_waiter_kick(&c->waiter);
}

void nr_consumer_join(struct nr_consumer *c)
{
	if (c->thread.running)
		nr_waiter_kick(&c->waiter);
	nr_thread_join(&c->thread);
}

void nr_consumer_destroy(struct nr_consumer *c)
{
	nr_waiter_destroy(&c->waiter);
}
