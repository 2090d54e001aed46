/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Time namespaces: BPF programs read the clock of the host, we that of our namespace.
 *
 * The offset between the two is a constant of the namespace, and a process with more than one
 * thread cannot change its namespace.
 */
#ifndef NR_TIMENS_H
#define NR_TIMENS_H

#include <stdint.h>
#include "base/log.h"

/* Sets nr_clock_offset. It was said why not. */
int nr_timens_enter(const struct nr_logger *log);

#endif
