/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The columns of a table: what all events have, and the fields of one event type. A struct is a group,
 * an array is a list. An array inside an array is the text of its JSON.
 */
#ifndef NR_PARQUET_COLUMNS_H
#define NR_PARQUET_COLUMNS_H

#include <numaring/event.h>
#include "bytes.h"

/* Physical types, by Parquet's numbers. */
enum parquet_type {
	PARQUET_BOOLEAN = 0,
	PARQUET_INT32 = 1,
	PARQUET_INT64 = 2,
	PARQUET_FLOAT = 4,
	PARQUET_DOUBLE = 5,
	PARQUET_BYTES = 6,
};

/* What a value is made of. */
enum parquet_source {
	PARQUET_TIME,
	PARQUET_CPU,
	PARQUET_LOST,
	PARQUET_LATE, /* the record's own time, if it is late */
	PARQUET_ID,   /* of a record that belongs to no type */
	PARQUET_DATA, /* its bytes */
	PARQUET_NUMBER,
	PARQUET_REAL,
	PARQUET_ENUM, /* names; a value without a name in decimal */
	PARQUET_TEXT,
	PARQUET_RAW,  /* the bytes of a union or a 128-bit number */
	PARQUET_JSON, /* the field as JSON */
};

struct parquet_column {
	enum parquet_source source;
	enum parquet_type type;
	bool is_signed, is_utf8;
	struct nr_field_info field;
	bool in_list; /* the field is of each element of this array: */
	struct nr_field_info list;
	unsigned max_def, max_rep; /* levels */
	char *path;		   /* names, each with its 0 byte */
	unsigned n_path;
	unsigned chunks, way; /* for parquet_chunk.c: how the chunks are written */
};

struct parquet_columns {
	struct parquet_column *at;
	unsigned n, room;
	struct bytes schema; /* SchemaElements without the root */
	unsigned n_schema, n_top;
};

/* Columns of the type; NR_NO_TYPE: of records of no type. Returns 0 or -ENOMEM. */
int parquet_columns_open(struct parquet_columns *c, const struct nr_types *types, uint16_t id);
void parquet_columns_close(struct parquet_columns *c);

#endif
