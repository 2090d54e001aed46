/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef NR_EXPORT_PERFETTO_H
#define NR_EXPORT_PERFETTO_H

#include "export/export.h"

/* For ui.perfetto.dev: docs/perfetto.md. */
extern const struct export_format export_perfetto;

#endif
