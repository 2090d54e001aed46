/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What libbpf says. It speaks through one function for the whole process: that is ours only while a
 * thread of ours calls libbpf, and what libbpf says to other threads then goes where it went
 * before.
 */
#ifndef NR_LISTEN_H
#define NR_LISTEN_H

#include "../topology/log.h"

/* Between the two, what libbpf says to this thread goes to the log. Not nested. */
void nr_listen_begin(const struct nr_logger *log);
void nr_listen_end(void);

#endif
