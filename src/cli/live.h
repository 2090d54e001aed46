/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON lines from a collector that runs, flushed within its latency. */
#ifndef NR_LIVE_H
#define NR_LIVE_H

#include <numaring/numaring.h>
#include "lines.h"

struct live {
	struct lines lines;
};

/* Makes the collector's stream go to path ("-": standard output). 0 or a negative errno, explained.
 */
int live_open(struct live *live, struct nr_collector *c, const char *path, bool force);
/* Flushes and closes; 0 or the error of writing. A zeroed one is fine. */
int live_close(struct live *live);

#endif
