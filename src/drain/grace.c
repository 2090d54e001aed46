// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "base/clock.h"
#include "grace.h"

/* The pause between two grace periods, which take some milliseconds each. */
#define PAUSE_MS 1

/* How often the thread looks whether to stop if nobody asks for a grace period. */
#define LOOK_MS 1000

/* With NR_ORDER_RCU, no watermark moves without grace periods. Logged once. */
static void log_once(const struct nr_grace *g, int err, bool *logged)
{
	if (!*logged && g->drain->order == NR_ORDER_RCU)
		nr_log(g->log, NR_LOG_ERROR,
		       "cannot wait for an RCU grace period: %s; the stream is stalled, use the "
		       "order "
		       "fence instead",
		       strerror(-err));
	*logged = true;
}

static void *run(void *arg)
{
	struct nr_grace *g = arg;
	unsigned pause = g->drain->order == NR_ORDER_RCU ? PAUSE_MS : LOOK_MS;
	bool logged = false;

	while (!atomic_load_explicit(&g->drain->stop, memory_order_relaxed)) {
		uint64_t time;
		int err;

		nr_waiter_wait(&g->drain->grace, pause);
		time = nr_clock_now();
		nr_clock_barrier();
		err = g->wait(g->ctx);
		/* Release: pairs with the acquire in pass_time. Consumers read producer_pos after
		 * the wait. */
		if (!err)
			atomic_store_explicit(&g->drain->grace_time, time, memory_order_release);
		else
			log_once(g, err, &logged);
		/* The merge waits for this watermark: it will wake the consumers. */
		if (atomic_load_explicit(&g->drain->urgent, memory_order_relaxed))
			nr_waiter_kick(&g->drain->merge);
	}
	return NULL;
}

int nr_grace_start(struct nr_grace *g)
{
	int err = nr_waiter_init(&g->drain->grace, -1);

	return err ?: nr_thread_start(&g->thread, run, g, "nr-grace");
}

void nr_grace_join(struct nr_grace *g)
{
	if (!g->thread.running)
		return;
	nr_waiter_kick(&g->drain->grace);
	nr_thread_join(&g->thread);
}
