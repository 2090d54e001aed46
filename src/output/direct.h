/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Large writes to the end of a file without a copy in the page cache (O_DIRECT).
 *
 * The disk takes whole blocks. So the end of the file, less than a block, is written through the
 * page cache, and the next direct write begins with it again. Once a write has returned, the kernel
 * has every byte, and the file has its exact size.
 *
 * A direct write lasts as long as the disk takes; the page cache absorbs bursts. So a disk that is
 * too slow gets no direct writes for a while. One thread.
 */
#ifndef NR_OUTPUT_DIRECT_H
#define NR_OUTPUT_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_direct {
	size_t block;	/* what offsets and sizes are multiples of; 0: no direct writes */
	uint8_t *room;	/* aligned; NULL: not allocated yet */
	uint8_t *tail;	/* the end of the file that is less than a block */
	uint64_t until; /* CLOCK_MONOTONIC ns: no direct writes before */
	uint64_t rest;	/* the length of the time until then */
};

/* For a file that was opened with O_APPEND and is empty. Finds out whether its file system has
 * direct writes. */
void nr_direct_init(struct nr_direct *d, int fd);
void nr_direct_free(struct nr_direct *d); /* no direct writes from now on */

/* Should this write be a direct one? waiting: packets that wait behind it. */
bool nr_direct_suits(struct nr_direct *d, size_t size, unsigned waiting);
/* Appends data to the file, which ends at off. 0 or a negative errno, with part of the data written.
 * -EINVAL: direct writes do not work here. */
int nr_direct_append(struct nr_direct *d, int fd, const void *data, size_t size, uint64_t off);
/* Notes that data, whether written directly or not, are the end of the file, from off on. */
void nr_direct_note(struct nr_direct *d, const void *data, size_t size, uint64_t off);

#endif
