/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread that waits for grace periods: it reads the clock, waits for one, and then gives that
 * time to the consumers. With NR_ORDER_RCU, it goes on and on, and the time is a watermark (I3). With
 * lanes, it is also what tells a record that no program will submit from a slow one; then a consumer
 * asks for a grace period.
 */
#ifndef NR_GRACE_H
#define NR_GRACE_H

#include "consumer.h"
#include "base/log.h"

struct nr_grace {
	struct nr_drain *drain;
	/* Returns when every program that runs now has ended; 0 or a negative errno. */
	int (*wait)(void *ctx);
	void *ctx;
	const struct nr_logger *log;
	struct nr_thread thread;
};

int nr_grace_start(struct nr_grace *grace);
void nr_grace_join(struct nr_grace *grace); /* set drain->stop first */

#endif
