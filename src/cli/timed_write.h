/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes to a pipe or a terminal whose reader may have stopped reading. A write waits for the
 * reader during the recording, and for READER_TIMEOUT_MS after its end.
 */
#ifndef NR_TIMED_WRITE_H
#define NR_TIMED_WRITE_H

#include <stddef.h>
#include <stdio.h>

#define READER_TIMEOUT_MS 2000

/* Writes all data. end_fd becomes readable when the recording ends; -1: it has ended. Returns the
 * number of bytes written. If that is less than size, *err has the reason: -ETIMEDOUT if the reader
 * read nothing. */
size_t timed_write(int fd, int end_fd, const char *data, size_t size, int *err);

/* The text of such an error. */
const char *timed_write_error(int err);

/* A stream to fd for text after the end of the recording. fclose leaves fd open. NULL: no memory.
 */
FILE *timed_stream(int fd);

#endif
