/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What libbpf says. It speaks through one function for the whole process: that is ours only while a
 * thread of ours calls libbpf, and what libbpf says to other threads then goes where it went
 * before.
 */
#ifndef NR_LISTEN_H
#define NR_LISTEN_H

#include "base/log.h"

/* The end of what libbpf warned of, with the verifier's log of a program that was refused. */
struct nr_libbpf_log {
	size_t len;
	char text[16384];
};

/* Between the two, what libbpf says to this thread goes to the debug log, and its warnings are
 * added to *heard unless that is NULL. Not nested. */
void nr_libbpf_log_begin(const struct nr_logger *log, struct nr_libbpf_log *heard);
void nr_libbpf_log_end(void);

#endif
