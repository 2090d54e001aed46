/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers of processes: ours are those of our PID namespace, BPF programs see those of the host. */
#ifndef NR_PIDS_H
#define NR_PIDS_H

#include <stdint.h>
#include <sys/types.h>
#include "base/log.h"

/* The host PID of the process that we know as pid; -ESRCH: there is none. Errors are logged. */
int nr_pid_on_host(pid_t pid, uint32_t *out, const struct nr_logger *log);

#endif
