/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes without a copy in the page cache (O_DIRECT): of whole blocks, from memory and to places in the
 * file that are aligned.
 *
 * A direct write lasts as long as the disk takes; the page cache absorbs bursts. So a disk that is
 * too slow for the stream gets no direct writes for a while. One thread.
 */
#ifndef NR_OUTPUT_DIRECT_H
#define NR_OUTPUT_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_direct {
	bool off;	/* the file system has none, or the last try failed */
	uint64_t until; /* CLOCK_MONOTONIC ns: no direct writes before */
	uint64_t rest;	/* the length of the time until then */
};

/* Finds out whether the file system of the file has direct writes. */
void nr_direct_init(struct nr_direct *d, int fd);

/* Should this write to the file, at off, be a direct one? */
bool nr_direct_suits(const struct nr_direct *d, const void *data, size_t size, uint64_t off);
/* Writes to a file that was opened with O_APPEND. span: the time in which this data came, ns; the disk
 * keeps up if it takes less than half of it. 0 or a negative errno, with part of the data written.
 * -EINVAL: direct writes do not work here, and will not be tried again. */
int nr_direct_write(struct nr_direct *d, int fd, const void *data, size_t size, uint64_t off,
		    uint64_t span);

#endif
