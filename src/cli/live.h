/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON lines from a collector that runs, flushed within its latency. */
#ifndef NR_LIVE_H
#define NR_LIVE_H

#include <numaring/numaring.h>
#include "lines.h"

struct live {
	struct lines lines; /* writes through write_all of live.c into ... */
	FILE *file;	    /* ... this; NULL: nothing is open */
	const char *path;   /* of it, for messages */
	bool linked;	    /* it had a name when it was opened */
	int end_fd;	    /* eventfd, readable from live_end on */
	int error;	    /* the first one of writing */
	uint64_t delivered; /* whole lines that file has taken */
};

/* Makes the collector's stream go to file, which stays the caller's. 0 or a negative errno,
 * explained. */
int live_open(struct live *live, struct nr_collector *c, FILE *file, const char *path);
/* The recording is about to end: a reader that takes nothing is given up after a while
 * (-ETIMEDOUT). */
void live_end(const struct live *live);
/* Flushes, delivered stays; 0 or the error of writing, -ESTALE: others changed the file. A zeroed
 * one is fine. */
int live_close(struct live *live);

#endif
