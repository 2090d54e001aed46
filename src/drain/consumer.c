// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include "base/counter.h"
#include "base/clock.h"
#include "consumer.h"

/* Programs submit a BUSY record within microseconds, so look again soon, but do not spin. */
#define BUSY_RETRY_MS 1

#define REPIN_NS 1000000000u

/* The caller may use this time as a watermark if it reads producer_pos after the call. */
static uint64_t pass_time(struct nr_drain *drain)
{
	uint64_t time;

	if (drain->order == NR_ORDER_RCU) /* Pairs with the release in grace.c. */
		return atomic_load_explicit(&drain->grace_time, memory_order_acquire);
	time = nr_clock_now();
	nr_clock_barrier();
	return time;
}

/* The kernel unpins a thread for good when the last of its CPUs goes offline, so pin it again. */
static void keep_pinned(struct nr_consumer *c, uint64_t *pinned)
{
	uint64_t now = nr_clock_now();

	if (*pinned && now - *pinned < REPIN_NS)
		return;
	atomic_store(&c->pin_error, nr_thread_pin(c->cpus, c->n_cpus));
	*pinned = now;
}

/* Called after a pass. A pass that reached its target ends the wait for every record below the
 * target, even if it stopped at a later record. */
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

/* The part of the span below the watermark delays nothing any more. */
static uint64_t above(struct nr_span span, uint64_t watermark)
{
	return elapsed(later(span.from, watermark), span.to);
}

static void keep_longer(struct nr_span *longest, struct nr_span span, uint64_t watermark)
{
	if (above(span, watermark) >= above(*longest, watermark))
		*longest = span;
}

/* Called before a pass: the wait since the last pass is over. A record was certainly not submitted
 * until the last pass, so the busy span ends there. */
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

/* A record in a lane is not submitted for long: after a grace period its program has ended. */
static void note_abandoned(struct nr_consumer *c, const struct nr_lanes *lanes)
{
	if (lanes->wants_grace)
		nr_waiter_kick(&c->drain->grace);
	if (lanes->abandoned != c->abandoned && c->drain->on_abandoned)
		c->drain->on_abandoned(c->drain->ctx, lanes->abandoned_cpu, lanes->abandoned_id);
	c->abandoned = lanes->abandoned;
}

static int pass(struct nr_consumer *c)
{
	struct nr_lanes *lanes = c->shard->lanes;
	uint64_t time;
	int err;

	if (lanes) /* Pairs with the release in grace.c. */
		lanes->grace = atomic_load_explicit(&c->drain->grace_time, memory_order_acquire);
	time = pass_time(c->drain);
	if (!c->shard->pending)
		c->target_since = nr_counter_get(&c->last_pass);
	err = nr_shard_pass(c->shard, time);
	note_busy(c, err == -EAGAIN);
	if (lanes)
		note_abandoned(c, lanes);
	return err;
}

/* Wakes the merge thread early if the ring fills up or the merge waits for watermarks. */
static void wake_merge(struct nr_consumer *c)
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
		wake_merge(c);
	}
	note_wait(c); /* the last wait, which no pass ended */
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
