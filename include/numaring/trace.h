/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads a trace: a directory as `numaring record` writes it.
 *
 *	struct nr_trace *trace;
 *	struct nr_event ev;
 *	nr_trace_open(&trace, "dir", NULL);
 *	while (nr_trace_next(trace, &ev) > 0) {
 *		const char *name = nr_types_name(nr_trace_types(trace), ev.rec->id);
 *		puts(name ? name : "numaring:raw");
 *	}
 *	nr_trace_close(trace);
 *
 * The name is NULL for a record of no known type, of which there are only the bytes (docs/format.md,
 * records that do not fit their type).
 *
 * Conventions: see plan.h. A trace is used by one thread at a time.
 */
#ifndef NUMARING_TRACE_H
#define NUMARING_TRACE_H

#include <numaring/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_trace;

struct nr_trace_opts {
	size_t sz;
	nr_log_fn log; /* says what is wrong with a trace, and where in which file */
	void *log_ctx;
};

/* What the head of a packet says. Times are ns of the host's CLOCK_MONOTONIC, sizes bytes. */
struct nr_packet {
	uint64_t offset; /* in the stream file */
	uint64_t size;
	uint64_t seq;
	uint64_t begin, end; /* times of its first and last event; both the watermark if empty */
	uint64_t watermark;  /* every record with a time below is in this packet or an earlier one */
	uint64_t lost;       /* records lost since the recording began, all causes and CPUs */
};

/* -ENOENT: no trace there; -EBADMSG: damaged; -EPROTO: of another format version. */
NR_API int nr_trace_open(struct nr_trace **out, const char *dir, const struct nr_trace_opts *opts);
NR_API void nr_trace_close(struct nr_trace *trace);

NR_API const struct nr_types *nr_trace_types(const struct nr_trace *trace);

/* Adds to a time of the trace to get ns since the epoch, UTC. */
NR_API int64_t nr_trace_clock_offset(const struct nr_trace *trace);

/* 1: *ev is the next event, valid until the next call; 0: end; -EBADMSG: the file is damaged here (what
 * came before is good: every packet is verified as a whole before its first event is returned); -ENOMEM,
 * or what read or fstat said: the packet may be good, and cannot be read here. After an error there is
 * nothing more, and every call returns it again. */
NR_API int nr_trace_next(struct nr_trace *trace, struct nr_event *ev);

/* Packet of the last event returned; after the end, the last packet, which has the final loss; after an
 * error, the last that is whole. NULL before the first call of nr_trace_next, and if no packet is whole. */
NR_API const struct nr_packet *nr_trace_packet(const struct nr_trace *trace);

#ifdef __cplusplus
}
#endif
#endif
