/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A Parquet file for each event type. */
#ifndef NR_PARQUET_H
#define NR_PARQUET_H

#include "export.h"

extern const struct export_format export_parquet;

#endif
