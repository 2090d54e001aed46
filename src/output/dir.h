/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directory of a trace while it is being recorded. It is made and locked against other
 * recordings, and a trace that it holds is moved aside. All of this is undone if the recording does
 * not start. In a series, each chunk has a directory within (chunks.h), which uses the same struct
 * without a lock.
 *
 * Other users may own the parent or the directory. So the path is resolved once, at the start. Then
 * only descriptors are used, and names are removed only in the directory that was opened.
 *
 * One thread.
 */
#ifndef NR_TRACE_DIR_H
#define NR_TRACE_DIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/log.h"

#define NR_DIR_FILES  3 /* metadata, .btf, .kallsyms.zst */
#define NR_DIR_SHARED 2 /* the last one: all chunks of a series share it */

struct nr_trace_dir {
	struct nr_logger log;
	char *path;	  /* for messages */
	const char *name; /* the last component of path */
	int fd;		  /* -1: not open */
	int parent;	  /* the directory of name, if we made the directory; else -1 */
	int lock;	  /* descriptor of NR_FILE_LOCK; -1: not locked */
	bool shared;	  /* this group may read the trace: */
	gid_t group;
	bool replaced;		      /* the old trace was moved aside */
	uint64_t sizes[NR_DIR_FILES]; /* of the files that nr_trace_dir_write wrote; else 0 */
	uint32_t crcs[NR_DIR_FILES];  /* CRC-32 of their contents */
};

struct nr_trace_dir_opts {
	bool force;	    /* replace an existing trace */
	const gid_t *group; /* may read the trace: modes 0750, 0640; NULL: 0700, 0600 */
};

/*
 * Makes the directory, or opens an existing one that is empty or, with force, holds a trace. An
 * existing directory keeps its mode. A symbolic link must belong to this user or to root.
 *
 * -EEXIST: it holds a trace; -ENOTEMPTY: it holds something else; -EBUSY: another recording uses
 * it; -ELOOP: a symbolic link of another user; other errors of the file system. A failure changes
 * nothing. Each error is logged.
 */
int nr_trace_dir_open(struct nr_trace_dir *d, const char *path,
		      const struct nr_trace_dir_opts *opts, const struct nr_logger *log);
/* Keeps the new trace: removes the old one. */
void nr_trace_dir_keep(struct nr_trace_dir *d);
/* Removes the new trace and restores the old one. Takes a directory that is not open. */
void nr_trace_dir_undo(struct nr_trace_dir *d);
/* Closes and unlocks the directory. Takes one that is not open. */
void nr_trace_dir_close(struct nr_trace_dir *d);

/* dir_files.c: the files in it. */

/* Does the name still lead to the file of this descriptor? */
bool nr_is_named(int dir, const char *name, int fd);
/* Sets group and mode, regardless of the umask and of default ACLs of the parent. name: for
 * messages, with a slash before it, or "". Errors are logged. */
int nr_trace_dir_set_access(const struct nr_trace_dir *d, int fd, const char *name, mode_t mode);
/* Creates a file that is only appended to. Returns its descriptor, or an error, which is logged. */
int nr_trace_dir_create(const struct nr_trace_dir *d, const char *name);
/* Creates one of the NR_DIR_FILES with this content. Errors are logged. */
int nr_trace_dir_write(struct nr_trace_dir *d, const char *name, const void *data, size_t size);
/* Notes one that was not written but linked. */
void nr_trace_dir_note(struct nr_trace_dir *d, const char *name, const void *data, size_t size);
/*
 * Checks that fd still has its name in the directory and size bytes, and that the files of
 * nr_trace_dir_write have their sizes. -ESTALE: another program changed a file; the log says how.
 */
int nr_trace_dir_check(const struct nr_trace_dir *d, int fd, const char *name, uint64_t size);
/* Checks the contents of the files of nr_trace_dir_write. -ESTALE as above. */
int nr_trace_dir_check_content(const struct nr_trace_dir *d);

#endif
