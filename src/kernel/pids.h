/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* BPF programs see the host's PIDs; this process sees those of its PID namespace. */
#ifndef NR_PIDS_H
#define NR_PIDS_H

#include <stdint.h>
#include <sys/types.h>
#include "base/log.h"

/* Writes the host PID of a process of this namespace to *out. -ESRCH: there is no such process.
 * Errors are logged. */
int nr_pid_on_host(pid_t pid, uint32_t *out, const struct nr_logger *log);

#endif
