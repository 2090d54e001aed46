/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Many events with one call, for languages in which a call of a C function costs more than an event
 * may. python/numaring.py is built on it. C programs read events one by one (trace.h), or take numbers
 * of many events as arrays:
 *
 *	const char *names[] = { "ts", "ret" };
 *	const struct nr_bulk_opts opts = {
 *		.sz = sizeof(opts), .type = "sys_exit", .columns = names, .n_columns = 2
 *	};
 *	struct nr_bulk *bulk;
 *	nr_bulk_new(&bulk, trace, &opts);
 *	do {
 *		more = nr_bulk_next(bulk, 65536);
 *		const uint64_t *ts = nr_bulk_data(bulk, 0, &size);
 *		const int64_t *ret = nr_bulk_data(bulk, 1, &size);
 *		for (size_t i = 0; i < nr_bulk_rows(bulk); i++)
 *			...
 *	} while (more > 0);
 *	nr_bulk_free(bulk);
 *
 * Conventions: see plan.h. Only one thread at a time may use a struct nr_bulk and its trace.
 */
#ifndef NUMARING_BULK_H
#define NUMARING_BULK_H

#include <numaring/query.h>
#include <numaring/trace.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nr_bulk;

struct nr_bulk_opts {
	size_t sz;
	nr_log_fn log; /* gets what is wrong with the type or a column */
	void *log_ctx;
	const struct nr_query *query; /* only events that match; must outlive the bulk; NULL: all */
	uint64_t end;		      /* only events with ts < end, CLOCK_MONOTONIC ns; 0: all */
	const char *type;	      /* only events of this type; NULL: all */
	/*
	 * Columns, up to 65535. The names are those of the event, "ts", "cpu", "lost", "late", "time"
	 * and "event", and, if there is a type, paths of its fields (nr_types_field). A field that
	 * has a name of the event is "fields.NAME". Not kept.
	 *
	 * n_columns 0: one column that holds whole events, as JSON lines have them.
	 */
	const char *const *columns;
	unsigned n_columns;
};

/* What a column holds. */
struct nr_column {
	size_t sz; /* sizeof(struct nr_column), set by the caller; the library fills in no more bytes */
	/*
	 * NR_FIELD_UINT, NR_FIELD_INT or NR_FIELD_FLOAT: numbers in the byte order of this machine.
	 * NR_FIELD_ARRAY: anything else (whole events, texts, enums, structs, arrays of these), as a
	 * list of values in Python's pickle format, version 4: of dict, list, str, int, float, bool and
	 * None only. It is the fastest to read in Python.
	 */
	enum nr_field_kind kind;
	bool is_bool;	/* numbers 0 and 1 */
	unsigned bytes; /* of a number: 1, 2, 4 or 8 */
	unsigned count; /* numbers in a row: those of an array; else 1 */
	bool is_array;	/* count may be 1 nevertheless */
};

/* -ENOENT: there is no such type or column; -EINVAL: opts are wrong; -ENOMEM. The trace must outlive the
 * bulk. Events that were read from it before are not in the bulk. */
NR_API int nr_bulk_new(struct nr_bulk **out, struct nr_trace *trace,
		       const struct nr_bulk_opts *opts);
NR_API void nr_bulk_free(struct nr_bulk *bulk);

/*
 * Reads up to max events from the trace, and makes a row of each that is wanted. 1: go on; 0: the
 * end; -ENOMEM, or an error of nr_trace_next. The rows of this call are valid until the next one, also
 * if it returned 0 or an error.
 */
NR_API int nr_bulk_next(struct nr_bulk *bulk, size_t max);
/* Rows of the last nr_bulk_next. */
NR_API size_t nr_bulk_rows(const struct nr_bulk *bulk);
/* The rows of a column, and their bytes. NULL: there is no such column. */
NR_API const void *nr_bulk_data(const struct nr_bulk *bulk, unsigned column, size_t *size);
/* -ENOENT: there are no more; -EINVAL: sz is not set. */
NR_API int nr_bulk_column(const struct nr_bulk *bulk, unsigned i, struct nr_column *column);

#ifdef __cplusplus
}
#endif
#endif
