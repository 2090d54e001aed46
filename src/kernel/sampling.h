/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The source "sample": a perf event on each CPU runs its program. */
#ifndef NR_SAMPLING_H
#define NR_SAMPLING_H

#include "object.h"

/* Prepares the source; args: [cycles][:HZ], or HZ, or NULL. -EINVAL: they are invalid; -EOPNOTSUPP:
 * this machine has no cycle counter. */
int nr_sampling_prepare(struct nr_object *o, const char *args, const struct nr_logger *log);

#endif
