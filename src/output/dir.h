/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory of a trace while it is recorded: makes it, keeps other recordings out, puts a trace
 * aside that is to be replaced, and takes all of that back if the recording does not start.
 *
 * Others may own the parent, or the directory. So a path is resolved once, at the start; from then
 * on there are descriptors, and a name is removed only in the directory that was opened.
 *
 * One thread.
 */
#ifndef NR_TRACE_DIR_H
#define NR_TRACE_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/log.h"

#define NR_DIR_FILES 3 /* metadata, .btf, stream */

struct nr_trace_dir {
	struct nr_logger log;
	char *path;	  /* for messages */
	const char *name; /* the last component of path */
	int fd;		  /* -1: not open */
	int parent;	  /* has name, which is ours to remove; -1: it was there before */
	int lock;	  /* of NR_FILE_LOCK */
	bool shared;	  /* with this group: */
	gid_t group;
	bool replaced;		      /* what was in it waits under other names */
	uint64_t sizes[NR_DIR_FILES]; /* of the files nr_trace_dir_write wrote */
	uint32_t crcs[NR_DIR_FILES];  /* crc32 of their content */
};

struct nr_trace_dir_opts {
	bool force;	    /* replace a trace that is there */
	const gid_t *group; /* may read the trace: 0750, 0640; NULL: 0700, 0600 */
};

/*
 * Makes the directory, or takes one that is empty or, with force, holds a trace. One that was there
 * keeps its mode. A symbolic link is followed if it belongs to this user or to root.
 *
 * -EEXIST: it holds a trace; -ENOTEMPTY: something else; -EBUSY: somebody records into it; -ELOOP:
 * a symbolic link of another user; others: of the file system. On failure everything is as it was.
 * Each error is logged.
 */
int nr_trace_dir_open(struct nr_trace_dir *d, const char *path,
		      const struct nr_trace_dir_opts *opts, const struct nr_logger *log);
/* A new file in it, written at its end only: its descriptor, or an error that is logged. */
int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name);
/* The same with all of its content. */
int nr_trace_dir_write(struct nr_trace_dir *d, const char *name, const void *data, size_t size);
/* Is fd, a file of this directory, still whole and under its name, with size bytes; and are those
 * of nr_trace_dir_write? -ESTALE: others changed one, the log says how. */
int nr_trace_dir_check(const struct nr_trace_dir *d, int fd, const char *name, uint64_t size);
/* Have the files of nr_trace_dir_write the content that they were given? -ESTALE as above. */
int nr_trace_dir_check_content(const struct nr_trace_dir *d);
/* The new trace stays: removes what it replaced. */
void nr_trace_dir_keep(struct nr_trace_dir *d);
/* Removes the new trace; what it replaced is back. Takes one that is not open. */
void nr_trace_dir_undo(struct nr_trace_dir *d);
/* Lets others record into it. Takes one that is not open. */
void nr_trace_dir_close(struct nr_trace_dir *d);

#endif
