/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tracepoints that a source uses and this kernel lacks. */
#ifndef NR_MISSING_H
#define NR_MISSING_H

#include "object.h"

/* Leaves out the programs in sections tp_btf/NAME whose tracepoint does not exist, and warns once.
 * The object is open and not loaded. */
void nr_missing_skip(struct nr_object *o, const struct nr_logger *log);

#endif
