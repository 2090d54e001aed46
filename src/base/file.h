/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading and writing files at an offset, and what their errors mean. */
#ifndef NR_FILE_H
#define NR_FILE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes all of data, however little one call takes. 0 or a negative errno. */
int nr_write_all(int fd, const void *data, size_t size, uint64_t off);
/* Returns the bytes read, fewer than size at the end of the file, or a negative errno. */
ssize_t nr_read_at(int fd, void *data, size_t size, uint64_t off);
/* Between the two, exceeding RLIMIT_FSIZE is a write error (-EFBIG) and not a SIGXFSZ that ends the
 * caller. */
void nr_hold_file_limit(sigset_t *old);
void nr_release_file_limit(const sigset_t *old);
/* Says what a negative errno of a write means and what to do about it. */
const char *nr_write_reason(int err);

#endif
