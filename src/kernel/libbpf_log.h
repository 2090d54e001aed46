/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libbpf's messages. libbpf has one print function for the whole process. It is ours only while one
 * of our threads calls libbpf; messages of other threads go to the function that was set before.
 */
#ifndef NR_LIBBPF_LOG_H
#define NR_LIBBPF_LOG_H

#include "base/log.h"

/* libbpf's warnings, of which the last 16 KiB are kept. The warning about a refused program quotes
 * the verifier's log. */
struct nr_libbpf_warnings {
	size_t len;
	char text[16384];
};

/* Between the two calls, libbpf's messages for this thread go to the debug log, and warnings are
 * also appended to *warnings unless it is NULL. Calls do not nest. */
void nr_libbpf_log_begin(const struct nr_logger *log, struct nr_libbpf_warnings *warnings);
void nr_libbpf_log_end(void);

#endif
