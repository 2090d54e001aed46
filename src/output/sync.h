/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Forces a trace directory to the disk: its names, the files that are complete, and its own name. */
#ifndef NR_OUTPUT_SYNC_H
#define NR_OUTPUT_SYNC_H

#include "dir.h"

/* 0 or an error, which is logged. */
int nr_trace_dir_sync(const struct nr_trace_dir *d);

#endif
