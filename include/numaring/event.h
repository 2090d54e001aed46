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
#include <stdbool.h>
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

/* Frees types that the caller owns (nr_source_types). Takes NULL. */
NR_API void nr_types_free(struct nr_types *types);

/* Returns the name of the event type, NULL if there is no such id. */
NR_API const char *nr_types_name(const struct nr_types *types, uint16_t id);

/* Returns the id of the event type, the lowest one if several objects declare it. -ENOENT: there is
 * none of this name. */
NR_API int nr_types_id(const struct nr_types *types, const char *name);

/* Calls fn for every type in order of id. Stops at the first result that is not 0, and returns it.
 */
NR_API int nr_types_each(const struct nr_types *types,
			 int (*fn)(void *ctx, uint16_t id, const char *name), void *ctx);

/* What a field holds. */
enum nr_field_kind {
	NR_FIELD_UINT, /* also bool and enum, if it has no negative values */
	NR_FIELD_INT,  /* signed, also an enum with negative values */
	NR_FIELD_FLOAT,
	NR_FIELD_TEXT,	/* array of char, up to the first 0 byte */
	NR_FIELD_ARRAY, /* elements of size bytes; of bytes for a union or a 128-bit number */
	NR_FIELD_STRUCT,
};

/* A field of an event type. Valid as long as the types. */
struct nr_field_info {
	size_t sz;	  /* sizeof(struct nr_field_info), set by the caller; the library fills
				  in no more bytes */
	const char *name; /* the last part of the path */
	enum nr_field_kind kind;
	bool is_bool;
	bool is_enum;	     /* nr_field_enum_name gives the names of its values */
	bool is_tail;	     /* the array without a length at the end of the event */
	bool is_pointer;     /* shown in hexadecimal */
	uint32_t bit_offset; /* from the start of the payload */
	uint32_t bits;	     /* of the field; of a text or an array: of one element */
	uint32_t count;	     /* elements of a text or an array; 0: a tail */
	const void *inside;  /* for the library */
	const void *layout;  /* for the library */
	/* Of an array: of one element. */
	enum nr_field_kind elem_kind;
};

/* Finds a field by its path, names joined by dots: "pos.x". -ENOENT: the type has no such field,
 * or there is no such type; -EINVAL: sz is not set. */
NR_API int nr_types_field(const struct nr_types *types, uint16_t id, const char *path,
			  struct nr_field_info *field);
/* Field i of a type, from 0; of a field that is a struct unless parent is NULL. An array has one
 * field, its first element, whose name is NULL; for the next element add the array's bits to
 * bit_offset. The bytes of a union or a 128-bit number have none. -ENOENT: there are no more. */
NR_API int nr_types_field_at(const struct nr_types *types, uint16_t id,
			     const struct nr_field_info *parent, unsigned i,
			     struct nr_field_info *field);
/* The name of an enum's value; NULL: it has no name, or the field is no enum. */
NR_API const char *nr_field_enum_name(const struct nr_field_info *field, uint64_t value);
/* The value of a name in *value. -ENOENT: no value has this name. */
NR_API int nr_field_enum_value(const struct nr_field_info *field, const char *name,
			       uint64_t *value);

/* The name of the enum's value i, in order of the values from i = 0 on, and the value in *value.
 * NULL: there are no more. */
NR_API const char *nr_field_enum_at(const struct nr_field_info *field, unsigned i, uint64_t *value);

/* The value of an integer, a bool or an enum, extended to 64 bits by its sign. 0 if the payload is
 * too short. */
NR_API uint64_t nr_event_int(const struct nr_event *ev, const struct nr_field_info *field);
/* The text in the payload, not terminated, and its length up to the first 0 byte. */
NR_API const char *nr_event_text(const struct nr_event *ev, const struct nr_field_info *field,
				 size_t *len);
/* The elements of an array in the payload, and their number. */
NR_API const void *nr_event_array(const struct nr_event *ev, const struct nr_field_info *field,
				  size_t *count);

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

/* The value of one field, as nr_types_format has it. Empty if the payload is too short for the field.
 */
NR_API int nr_event_format(const struct nr_event *ev, const struct nr_field_info *field,
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
