/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Directories of exported files. What a file shows comes from the kernel, so only the owner may read
 * it. The directory is new, or empty, or holds an earlier export, whose files are listed in
 * OUTDIR_LIST. The path is resolved once, as its parents may belong to others.
 */
#ifndef NR_CLI_OUTDIR_H
#define NR_CLI_OUTDIR_H

#include "export/export.h"
#include "outfile.h"

#define OUTDIR_LIST ".numaring-export"

struct outdir {
	struct export_sink sink;
	const char *path; /* as it was given */
	int fd;		  /* -1: not open */
	int parent;	  /* the directory of name, if we made the directory; else -1 */
	char *name;
	const gid_t *group;
	int list;		   /* OUTDIR_LIST, open; -1 */
	struct export_file *files; /* the latest first */
	unsigned n_open;
	uint64_t uses;
	bool told; /* an error that sink functions returned was told */
};

/* Is this path, as given, to be a directory rather than a file? Not if it is a descriptor, ends in
 * .csv, or is there as a pipe or a device. */
bool outdir_is_meant(const char *path);
/* Returns 0, or a negative errno after a message. force: replaces an earlier export, and nothing
 * else. */
int outdir_open(struct outdir *d, const char *path, const struct outfile_opts *opts);
/* Removes all that was made, also the directory if it was not there before. */
void outdir_remove(struct outdir *d);
/* Checks that each file has what was written to it. Returns 0, or a negative errno after a message.
 * Takes a directory that is not open. */
int outdir_close(struct outdir *d);

#endif
