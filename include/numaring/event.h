/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events in user space: one record with its size, and the types that describe its payload.
 *
 * A running collector (numaring.h) and a trace (trace.h) deliver the same struct, and the same
 * functions format it. Conventions: see plan.h. A struct nr_types no longer changes once events are
 * delivered; any number of threads may read it then.
 */
#ifndef NUMARING_EVENT_H
#define NUMARING_EVENT_H

#include <linux/types.h>
#include <numaring/plan.h>
#include <numaring/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The record's time is below a watermark that was already used (I6). */
#define NR_EVENT_LATE 0x1u

struct nr_event {
	const struct nr_record *rec; /* header; rec->ts is what the BPF program read */
	const void *data;	     /* payload, 8-byte aligned */
	uint32_t size;		     /* bytes of payload */
	uint32_t flags;		     /* NR_EVENT_LATE or 0 */
	uint64_t ts;		     /* time in the order, ns: rec->ts unless late */
};

/* Stands for the ids of records that belong to no type. */
#define NR_NO_TYPE 0xffffu

/* Records of one event type whose payload does not fit it (docs/format.md). */
struct nr_type_stats {
	uint16_t id;	  /* nr_types_name gives the name; or NR_NO_TYPE */
	uint64_t longer;  /* than the type: in a trace they are cut to it */
	uint64_t shorter; /* than the type, or of no type: in a trace they are kept as raw bytes */
};

/* Event types: id -> name and layout. */
struct nr_types;

/* Returns the name of the event type, NULL if there is no such id. */
NR_API const char *nr_types_name(const struct nr_types *types, uint16_t id);

/* Returns the id of the event type, the lowest one if several objects declare it. -ENOENT: there is
 * none of this name. */
NR_API int nr_types_id(const struct nr_types *types, const char *name);

/* Calls fn for every type in order of id. Stops at the first result that is not 0, and returns it.
 */
NR_API int nr_types_each(const struct nr_types *types,
			 int (*fn)(void *ctx, uint16_t id, const char *name), void *ctx);

enum nr_format {
	NR_FORMAT_TEXT, /* prev_pid = 3, comm = "sh", state = RUNNING (0), pos = { x = 1, y = 2 } */
	NR_FORMAT_JSON, /* {"prev_pid":3,"comm":"sh","state":"RUNNING","pos":{"x":1,"y":2}} */
	NR_FORMAT_CSV,	/* 3,sh,RUNNING,1,2: nested fields flattened, quoted per RFC 4180 */
};

/*
 * Formats the fields of the payload into buf, as snprintf does: the text is terminated if size > 0,
 * and the result is the length of the whole text without the terminating 0. -ENOENT: the type is
 * unknown; -EINVAL: there is no such format; both leave buf untouched. -EOVERFLOW: the length is
 * above INT_MAX. Of a payload shorter than its type, the complete fields are formatted. Allocates
 * nothing.
 *
 * Integers have 64 exact bits. In JSON, integers below -2^53 or above 2^53 are strings, because a
 * double may not hold them. Text is safe on a terminal: control characters, bidirectional and
 * invisible ones, and bytes that are not UTF-8 are escaped (docs/format.md).
 */
NR_API int nr_types_format(const struct nr_types *types, const struct nr_event *ev,
			   enum nr_format format, char *buf, size_t size);

/* The event as one JSON object on a line of its own, with the newline: time (UTC), ts, cpu, event,
 * lost and fields, and late_ts of a late record. clock_offset: nr_collector_clock_offset or
 * nr_trace_clock_offset. A record of no known type is the event "numaring:raw" with its bytes. As
 * nr_types_format, without -ENOENT. */
NR_API int nr_types_json_line(const struct nr_types *types, const struct nr_event *ev,
			      int64_t clock_offset, char *buf, size_t size);

/* Formats the CSV header line of one type, without a newline. Results: see nr_types_format. */
NR_API int nr_types_csv_header(const struct nr_types *types, uint16_t id, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif
