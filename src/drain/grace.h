/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread of NR_ORDER_RCU: it reads the clock, waits for a grace period, and then gives that
 * time to the consumers as a watermark (I3).
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
