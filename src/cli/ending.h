/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a trace ended, for people. */
#ifndef NR_CLI_ENDING_H
#define NR_CLI_ENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <numaring/trace.h>

struct ending {
	int read;		   /* how reading ended: 0, or a negative errno */
	int mark;		   /* what nr_trace_end returned */
	struct nr_account account; /* if mark is 0 */
};

/* Of a trace whose nr_trace_next returned 0 or an error. */
struct ending ending_of(const struct nr_trace *trace, int read);

/* The trace holds all events up to its end, which was asked for. */
bool ending_is_complete(const struct ending *e);
/* Nobody can tell: it is being recorded, or of format 1.0. */
bool ending_is_unknown(const struct ending *e);
/* Something went wrong: damage, no end mark, an error, records that are not in the trace. */
bool ending_is_bad(const struct ending *e);

/* One sentence without a full stop, "" if there is nothing to say. Returns buf. */
const char *ending_text(const struct ending *e, char *buf, size_t size);

/* What to do about damage, on standard error, if anything can be done. */
void ending_hint(const struct nr_trace *trace, int read, const char *dir);

#endif
