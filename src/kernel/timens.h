/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Time namespaces: BPF programs read the host's clock, this process reads its namespace's.
 *
 * The offset between the two is constant, and a process with more than one thread cannot change its
 * time namespace.
 */
#ifndef NR_TIMENS_H
#define NR_TIMENS_H

#include <stdint.h>
#include "base/log.h"

/* Sets nr_clock_offset. Errors are logged. */
int nr_timens_enter(const struct nr_logger *log);

#endif
