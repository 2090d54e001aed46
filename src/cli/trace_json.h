/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a trace as JSON: of stat and of verify. */
#ifndef NR_CLI_TRACE_JSON_H
#define NR_CLI_TRACE_JSON_H

#include <jansson.h>
#include "counts.h"
#include "trace_status.h"

/* A new object. */
json_t *trace_json(const struct nr_trace *trace, const struct counts *n, const struct window *w,
		   const struct trace_status *s);

#endif
