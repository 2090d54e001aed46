/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A CSV file for each event type, with the columns of this type (RFC 4180). */
#ifndef NR_EXPORT_CSV_H
#define NR_EXPORT_CSV_H

#include "export.h"

extern const struct export_format export_csv;

#endif
