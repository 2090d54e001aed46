/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a repaired trace is written to. Errors are logged. */
#ifndef NR_REPAIR_COPY_H
#define NR_REPAIR_COPY_H

#include "plan.h"

/* Makes the directory path with a repaired copy. On failure nothing is left of it. */
int nr_repair_copy(const struct nr_repair_plan *plan, const char *path);
/* Repairs chunk by chunk, only those that need it. */
int nr_repair_in_place(const struct nr_repair_plan *plan);

#endif
