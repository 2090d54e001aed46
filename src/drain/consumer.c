// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/types.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "consumer.h"

/* A BUSY record is submitted within microseconds; look again soon, without spinning. */
#define BUSY_RETRY_MS 1

#define PIN_AGAIN_NS 1000000000u

/* A time that is a watermark for whoever reads producer_pos after this call. */
static uint64_t pass_time(struct nr_drain *drain)
{
	uint64_t time;

	if (drain->order == NR_ORDER_RCU)
		return atomic_load_explicit(&drain->grace_time, memory_order_acquire);
	time = nr_clock_now();
	nr_clock_barrier();
	return time;
}

static int pin(const struct nr_consumer *c)
{
	unsigned highest = c->nr_cpus ? c->cpus[c->nr_cpus - 1] : 0;
	size_t size = CPU_ALLOC_SIZE(highest + 1);
	cpu_set_t *set;
	int err;

	if (!c->nr_cpus)
		return 0;
	set = CPU_ALLOC(highest + 1);
	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (unsigned i = 0; i < c->nr_cpus; i++)
		CPU_SET_S(c->cpus[i], size, set);
	err = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	return err;
}

/* When the last of its CPUs goes offline the kernel lets a thread run anywhere, for good. */
static void keep_pinned(struct nr_consumer *c, uint64_t *pinned)
{
	uint64_t now = nr_clock_now();

	if (*pinned && now - *pinned < PIN_AGAIN_NS)
		return;
	atomic_store(&c->pin_error, pin(c));
	*pinned = now;
}

static void note_busy(struct nr_consumer *c, bool busy)
{
	if (!busy)
		atomic_store_explicit(&c->busy_since, 0, memory_order_relaxed);
	else if (!atomic_load_explicit(&c->busy_since, memory_order_relaxed))
		atomic_store_explicit(&c->busy_since, nr_clock_now(), memory_order_relaxed);
}

static void keep_longest(_Atomic(uint64_t) *longest, uint64_t now, uint64_t since)
{
	if (since && since < now &&
	    now - since > atomic_load_explicit(longest, memory_order_relaxed))
		atomic_store_explicit(longest, now - since, memory_order_relaxed);
}

/* A pass begins, and ends what was waited for. */
static void note_wait(struct nr_consumer *c)
{
	uint64_t now = nr_clock_now();

	keep_longest(&c->lag_max, now, nr_shard_watermark(c->shard));
	keep_longest(&c->busy_max, now, atomic_load_explicit(&c->busy_since, memory_order_relaxed));
	keep_longest(&c->idle_max, now, atomic_load_explicit(&c->last_pass, memory_order_relaxed));
	atomic_store_explicit(&c->last_pass, now, memory_order_relaxed);
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
		err = nr_shard_pass(c->shard, pass_time(c->drain));
		note_busy(c, err == -EAGAIN);
		report(c);
	}
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
