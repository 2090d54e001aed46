/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON lines from a collector that runs, flushed within its latency. */
#ifndef NR_LIVE_H
#define NR_LIVE_H

#include <numaring/numaring.h>
#include "lines.h"
#include "output.h"

struct live {
	struct lines lines;    /* writes through write_all of live.c into ... */
	struct output *output; /* ... this; NULL: nothing is open */
	int end_fd;	       /* eventfd, readable from live_end on */
	int error;	       /* the first one of writing */
	int terminal;	       /* output is one: a descriptor of our own for it; -1: it is not */
	/* Whole lines that output has taken; another thread may still write some. */
	_Atomic uint64_t delivered;
};

/* Makes the collector's stream go to output, which stays the caller's. 0 or a negative errno,
 * explained. */
int live_open(struct live *live, struct nr_collector *c, struct output *output);
/* The recording is about to end: a reader that takes nothing is given up after a while
 * (-ETIMEDOUT). */
void live_end(const struct live *live);
/* Flushes, delivered stays; 0 or the error of writing, -ESTALE: others changed the file. A zeroed
 * one is fine. */
int live_close(struct live *live);

#endif
