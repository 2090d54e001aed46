/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads and writes files at an offset, and explains their errors. */
#ifndef NR_FILE_H
#define NR_FILE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes all of data, in as many calls as it takes. 0 or a negative errno. */
int nr_write_all(int fd, const void *data, size_t size, uint64_t off);
/* Returns the bytes read, fewer than size at the end of the file, or a negative errno. */
ssize_t nr_read_at(int fd, void *data, size_t size, uint64_t off);
/* Forces a file or a directory to the disk, if its file system can. 0 or a negative errno. */
int nr_sync(int fd);
/* Between the two calls, exceeding RLIMIT_FSIZE is a write error (-EFBIG) instead of a SIGXFSZ that
 * terminates the process. */
void nr_hold_file_limit(sigset_t *old);
void nr_release_file_limit(const sigset_t *old);
/* Returns what a negative errno of a write means and what to do about it. */
const char *nr_write_reason(int err);

#endif
