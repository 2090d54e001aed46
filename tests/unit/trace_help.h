/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the tests of traces: a scratch directory, the library's messages, files,
 * babeltrace2. */
#ifndef NR_TESTS_TRACE_HELP_H
#define NR_TESTS_TRACE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <numaring/trace.h>
#include "trace_writer.h"

#define SKIP 77

extern char scratch[256]; /* one directory per test program */
int make_scratch(void **state);
int remove_scratch(void **state);

/* Path inside the scratch directory; the last four stay valid. */
__attribute__((format(printf, 1, 2))) const char *in_scratch(const char *fmt, ...);

extern char said[1024]; /* the library's last message of level ERROR or WARN */
void hear(void *ctx, enum nr_log_level level, const char *text);

void remove_tree(const char *path);
char *load_file(const char *path, size_t *size);
void save_file(const char *path, const void *data, size_t size);

/* babeltrace2's output for a trace: events and warnings. */
struct babble {
	char *out;
	char *err;
	int status;
};

int have_babeltrace(void);
struct babble babeltrace(const char *dir, const char *options);
void babble_free(struct babble *b);

/* Explicit padding is in the trace only for CTF readers; no author wrote it. */
void strip_padding(char *line);

/* The value that main returns: tests that passed without babeltrace2 count as skipped. */
int exit_status(int failed);

#endif
