/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that are written. Their content comes from the kernel, which shows it only to privileged
 * users. So only the owner may read a file that is created here.
 */
#ifndef NR_CLI_OUTFILE_H
#define NR_CLI_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct outfile {
	FILE *file;	  /* may be stdout; NULL: not open */
	const char *path; /* as it was given */
	bool linked;	  /* it had a name when it was opened */
	off_t begin;	  /* offset at which our content begins */
	off_t at;	  /* offset at which the last write ended (outfile_check_write) */
	int error;	  /* what outfile_check or outfile_check_write found */
	int dir;	  /* the directory of the file, which has this name there: */
	char *name;
	char temporary[32]; /* its name until outfile_commit; "": it has its final name */
	bool created;	    /* it is new, or replaces another file */
};

struct outfile_opts {
	bool force;	    /* outfile_commit replaces an existing regular file */
	const gid_t *group; /* may also read a new file; NULL: nobody */
};

/* The descriptor that a path like "-", /dev/stdout or /dev/fd/5 stands for; -1: none. */
int outfile_descriptor(const char *path);
/* Opens a FIFO with O_PATH and follows links as outfile_open does. The caller keeps it while it
 * waits for a reader: the owner of the directory may give the name to another file meanwhile. -1:
 * it is not a FIFO. */
int outfile_hold_fifo(const char *path);
/* A path of NULL is "-". If the path stands for a descriptor, writing starts at the descriptor's
 * position. Devices and pipes do not need force. A symbolic link is followed if it belongs to this
 * user or to root. Returns 0, or a negative errno after a message. */
int outfile_open(struct outfile *o, const char *path, const struct outfile_opts *opts);
/* The same for a descriptor that is open for writing, or for the negative errno of opening it. */
int outfile_attach(struct outfile *o, const char *path, int fd);
/* For messages: the path, or "standard output". */
const char *outfile_name(const struct outfile *o);
/* Checks that the file still has all that was flushed to it. -ESTALE after a message: another
 * program truncated or removed it. */
int outfile_check(struct outfile *o);
/* To be called after each write of size bytes: checks that nobody truncated the file during the
 * write. Returns the same as outfile_check. */
int outfile_check_write(struct outfile *o, size_t size);
/* Gives a new file its name. A file that it replaces stays until then, and stays for good if this
 * is never called. Returns 0, or a negative errno after a message. */
int outfile_commit(struct outfile *o);
/* Removes a new file if it still has its name. */
void outfile_remove(struct outfile *o);
/* Checks the file again, also for holes, and closes it unless it is standard output. Returns 0 or a
 * negative errno. Accepts a zeroed struct. */
int outfile_close(struct outfile *o);

#endif
