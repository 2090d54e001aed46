/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory of a trace while it is recorded: makes it, puts a trace aside that it replaces, and
 * takes all of that back if the recording does not start.
 *
 * One thread.
 */
#ifndef NR_TRACE_DIR_H
#define NR_TRACE_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include "../../topology/log.h"

struct nr_trace_dir {
	struct nr_logger log;
	char *path;    /* for messages */
	int fd;	       /* -1: not open */
	bool made;     /* it is ours to remove */
	bool replaced; /* what was in it waits under other names */
};

/* Makes the directory, or takes one that is empty or, with force, holds a trace. -EEXIST: it holds
 * a trace; -ENOTEMPTY: something else; -EBUSY: somebody records into it; others: of the file
 * system. On failure everything is as it was. Each error is logged. */
int nr_trace_dir_open(struct nr_trace_dir *d, const char *path, bool force,
		      const struct nr_logger *log);
/* A new file in it: its descriptor, or an error that is logged. */
int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name);
/* The same with all of its content. */
int nr_trace_dir_write(const struct nr_trace_dir *d, const char *name, const void *data,
		       size_t size);
/* The new trace stays: removes what it replaced. */
void nr_trace_dir_keep(struct nr_trace_dir *d);
/* Removes the new trace; what it replaced is back. */
void nr_trace_dir_undo(struct nr_trace_dir *d);
/* Takes one that is not open, too. */
void nr_trace_dir_close(struct nr_trace_dir *d);

/* All of data, whatever one write takes. */
int nr_write_all(int fd, const void *data, size_t size, uint64_t off);

#endif
