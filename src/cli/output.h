/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that are written. What is in them comes from the kernel, which shows it to the privileged
 * only: a file that is made here can be read by its owner alone.
 */
#ifndef NR_CLI_OUTPUT_H
#define NR_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct output {
	FILE *file;	  /* stdout too; NULL: not open */
	const char *path; /* for messages */
	bool linked;	  /* it had a name when it was opened */
	off_t begin;	  /* where our content begins */
	off_t at;	  /* where the last write ended that output_wrote was told of */
	int error;	  /* what output_check or output_wrote found */
	int dir;	  /* has it under this name: */
	char *name;
	char temporary[32]; /* or, until output_keep, under this one; "": it is not */
	bool made;	    /* it was not there before, or takes the place of another */
};

struct output_opts {
	bool force; /* replace a regular file that is there by a new one: output_keep does */
	const gid_t *group; /* may read a file that is made, too; NULL: nobody */
};

/* The descriptor that a path names, as "-", /dev/stdout and /dev/fd/5 do; -1: none. */
int output_descriptor(const char *path);
/* Opens a FIFO (O_PATH), following links as output_open does, to keep it while we wait for a
 * reader: the owner of the directory may give its name to another file meanwhile. -1: it is no
 * FIFO. */
int output_hold_fifo(const char *path);
/* NULL is "-". A descriptor that is named is written from its position on. Devices and pipes need
 * no force. A symbolic link is followed if it is of this user or of root. 0, or a negative errno:
 * it was said why. */
int output_open(struct output *o, const char *path, const struct output_opts *opts);
/* The same for a descriptor that was opened to write, or for the error of opening it. */
int output_take(struct output *o, const char *path, int fd);
/* Has the file all that was flushed to it? -ESTALE: others cut or removed it, which is said. */
int output_check(struct output *o);
/* After each write of size bytes: did others cut the file while it was written? As output_check. */
int output_wrote(struct output *o, size_t size);
/* Puts a file that was made in the place of the one it replaces, which stays where it is until
 * then, and for ever if this is not called. 0, or a negative errno: it was said why. */
int output_keep(struct output *o);
/* Takes a file back that was made, if it still has its name. */
void output_remove(struct output *o);
/* Checks it once more, also for holes, and closes it, but for standard output. 0 or a negative
 * errno. A zeroed one is fine. */
int output_close(struct output *o);

/* A group's number, from its name or number; ends the program if there is no such group. */
gid_t output_group(const char *arg);

#endif
