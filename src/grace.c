// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <time.h>
#include "drain/clock.h"
#include "grace.h"

/* Between two grace periods, which take some milliseconds each. */
static const struct timespec pause_between = { .tv_nsec = 1000000 };

static void *run(void *arg)
{
	struct nr_grace *g = arg;

	while (!atomic_load_explicit(&g->drain->stop, memory_order_relaxed)) {
		uint64_t time = nr_clock_now();

		nr_clock_barrier();
		/* Release: pairs with the acquire in pass_time; producer_pos is read after the
		 * wait. */
		if (!nr_maps_wait_grace(g->maps))
			atomic_store_explicit(&g->drain->grace_time, time, memory_order_release);
		/* Full rings waited for it: the merge will send the consumers. */
		if (atomic_load_explicit(&g->drain->urgent, memory_order_relaxed))
			nr_waiter_kick(&g->drain->merge);
		nanosleep(&pause_between, NULL);
	}
	return NULL;
}

int nr_grace_start(struct nr_grace *g)
{
	return nr_thread_start(&g->thread, run, g, "nr-grace");
}

void nr_grace_join(struct nr_grace *g)
{
	nr_thread_join(&g->thread);
}
