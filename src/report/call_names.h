/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What reports know of system calls by their names. */
#ifndef NR_REPORT_CALL_NAMES_H
#define NR_REPORT_CALL_NAMES_H

#include <stdbool.h>

/* It reads from a file, a pipe or a socket. */
bool call_reads(const char *name);
/* The first argument is a file descriptor. */
bool call_takes_fd(const char *name);

#endif
