/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes a repaired stream. */
#ifndef NR_REPAIR_REWRITE_H
#define NR_REPAIR_REWRITE_H

#include "plan.h"

/* Each returns 0 or an error, and flushes the file to the disk. */

/* Writes to an empty file what the plan says about the stream. */
int nr_rewrite(const struct nr_read_stream *from, const struct nr_repair_chunk *c, int to);
/* The same in place, if only bytes at the end are left out. fd of the stream is open for writing. */
int nr_rewrite_end(const struct nr_read_stream *stream, const struct nr_repair_chunk *c);
/* Copies a whole file. */
int nr_rewrite_copy(int from, int to);

#endif
