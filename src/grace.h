/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The thread behind NR_ORDER_RCU: reads the clock, waits for a grace period, and only then lets the
 * consumers use that time as a watermark (I3).
 */
#ifndef NR_GRACE_H
#define NR_GRACE_H

#include "drain/consumer.h"
#include "maps.h"

struct nr_grace {
	struct nr_drain *drain;
	const struct nr_maps *maps;
	const struct nr_logger *log;
	struct nr_thread thread;
};

int nr_grace_start(struct nr_grace *grace);
void nr_grace_join(struct nr_grace *grace); /* after drain->stop was set */

#endif
