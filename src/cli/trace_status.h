/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a trace ended, for people. */
#ifndef NR_TRACE_STATUS_H
#define NR_TRACE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <numaring/trace.h>

struct trace_status {
	int read;		   /* how reading ended: 0, or a negative errno */
	int mark;		   /* what nr_trace_end returned */
	struct nr_account account; /* if mark is 0 */
};

/* Of a trace whose nr_trace_next returned 0 or an error. */
struct trace_status trace_status_of(const struct nr_trace *trace, int read);

/* The trace holds all events up to its end, which was asked for. */
bool trace_status_is_complete(const struct trace_status *e);
/* Nobody can tell: it is being recorded, or of format 1.0. */
bool trace_status_is_unknown(const struct trace_status *e);
/* Something went wrong: damage, no end mark, an error, records that are not in the trace. */
bool trace_status_is_bad(const struct trace_status *e);

/* One sentence without a full stop, "" if there is nothing to say. Returns buf. */
const char *trace_status_text(const struct trace_status *e, char *buf, size_t size);

/* What to do about damage, on standard error, if anything can be done. */
void trace_status_hint(const struct nr_trace *trace, int read, const char *dir);

#endif
