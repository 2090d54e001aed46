/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Is a trace complete? For people. */
#ifndef NR_TRACE_STATUS_H
#define NR_TRACE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <numaring/trace.h>

struct trace_status {
	int read_error;		   /* what ended reading: 0, or a negative errno */
	int end_error;		   /* the result of nr_trace_end */
	struct nr_account account; /* if end_error is 0 */
	uint64_t missed_packets;   /* by an optional output that fell behind */
	uint64_t missed_events;	   /* in these */
	uint64_t damaged_packets;  /* left out because of damage */
	bool is_chunk;		   /* of a series, and was read alone */
	/* The caller sets these, as far as it knows them. */
	uint64_t removed_chunks; /* before the first one */
	bool partial;		 /* only a window was read */
};

/* The status after nr_trace_next returned 0 or a negative errno, which is read_error. */
struct trace_status trace_status_of(const struct nr_trace *trace, int read_error, const char *dir);

/* The trace holds all events up to the end of its recording, which was a normal end. */
bool trace_status_is_complete(const struct trace_status *s);
/* Nobody can tell: the trace is still being recorded, has format 1.0, or was read in part. */
bool trace_status_is_unknown(const struct trace_status *s);
/* It ends with the end of its recording, or as a chunk does that was read alone. */
bool trace_status_has_end(const struct trace_status *s);
/* Something went wrong: damage, no end mark, no last chunk, an error, records not written. Gaps of an
 * optional output, removed chunks, and damage that was left out are as agreed. */
bool trace_status_is_bad(const struct trace_status *s);

/* One sentence without a full stop, "" if the trace is complete. Returns buf. */
const char *trace_status_text(const struct trace_status *s, char *buf, size_t size);

/* A line that says whether it is complete, and if not, why. */
void trace_status_print(FILE *out, const struct trace_status *s);

/* If the trace is damaged and can be repaired, says on stderr how. */
void suggest_repair(const struct nr_trace *trace, int read_error, const char *dir);

/* After the last event, says on stderr why the trace may not be complete. partial: only a window was
 * read. Returns err, or -ENODATA if the trace lacks its end. */
int trace_status_tell(const struct nr_trace *trace, int err, const char *dir, bool partial);

#endif
