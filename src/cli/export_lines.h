/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The formats of export that are lines, as cat --json prints them. */
#ifndef NR_EXPORT_LINES_H
#define NR_EXPORT_LINES_H

#include "export/export.h"

extern const struct export_format export_jsonl;
/* One table with the columns of all types. */
extern const struct export_format export_table;

#endif
