/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writing to somebody who may not read: a pipe whose reader sleeps. It is waited for as
 * long as the recording goes on, and for READER_TIMEOUT_MS after that.
 */
#ifndef NR_TIMED_WRITE_H
#define NR_TIMED_WRITE_H

#include <stddef.h>
#include <stdio.h>

#define READER_TIMEOUT_MS 2000

/* Writes all of data. end_fd is readable once the recording ends; -1: it has ended. Returns the
 * number of bytes written; if they are not all, *err has the reason, -ETIMEDOUT for a reader that
 * takes nothing. */
size_t timed_write(int fd, int end_fd, const char *data, size_t size, int *err);

/* What such an error says. */
const char *timed_write_error(int err);

/* A stream to fd for what is written after the end; closing it leaves fd open. NULL: no memory. */
FILE *timed_stream(int fd);

#endif
