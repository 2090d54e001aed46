/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the format file of a tracepoint: which fields its record has, and which names its print
 * format gives to their values.
 */
#ifndef NR_FORMAT_FILE_H
#define NR_FORMAT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nr_tp_format_value {
	uint64_t value; /* extended to 64 bits by its sign */
	char *name;	/* an identifier */
};

/* Where the bytes of a field are. */
enum nr_tp_format_where {
	NR_TP_FIXED,	/* in the record, at off */
	NR_TP_DATA_LOC, /* off has a u32: bytes << 16 | offset in the record */
	NR_TP_REL_LOC,	/* the same, with an offset from the end of this u32 */
};

enum nr_tp_format_kind {
	NR_TP_INT,
	NR_TP_BOOL,
	NR_TP_PTR,
	NR_TP_TEXT, /* array of char */
};

struct nr_tp_format_field {
	char *name;
	enum nr_tp_format_where where;
	enum nr_tp_format_kind kind; /* of an element */
	bool is_signed;
	bool is_array;
	uint32_t off;
	uint32_t size;	    /* bytes at off */
	uint32_t elem_size; /* 1, 2, 4 or 8; size if it is no array */
	/* From the print format; none for most fields. */
	struct nr_tp_format_value *values;
	unsigned n_values;
};

struct nr_tp_format {
	uint32_t id;			   /* what perf_event_open takes */
	struct nr_tp_format_field *fields; /* without those that all records have, in order */
	unsigned n_fields;
};

/* Finds the value of a symbol of the kernel that stands in a print format. */
struct nr_tp_symbols {
	bool (*find)(void *ctx, const char *name, size_t len, uint64_t *value);
	void *ctx;
};

/* symbols NULL: none are known. -EINVAL: this is no format file; -ENOMEM. */
int nr_tp_format_parse(struct nr_tp_format **out, const char *text,
		       const struct nr_tp_symbols *symbols);
void nr_tp_format_free(struct nr_tp_format *format);

/* format_print.c: reads the names of values from a print format into the fields. */
int nr_tp_format_read_names(struct nr_tp_format *format, const char *print,
			    const struct nr_tp_symbols *symbols);

#endif
