/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes structs in Thrift's compact protocol, which Parquet's metadata are in. Fields go in the order
 * of their ids. */
#ifndef NR_EXPORT_THRIFT_H
#define NR_EXPORT_THRIFT_H

#include "bytes.h"

enum thrift_type {
	THRIFT_TRUE = 1,
	THRIFT_FALSE,
	THRIFT_I8,
	THRIFT_I16,
	THRIFT_I32,
	THRIFT_I64,
	THRIFT_DOUBLE,
	THRIFT_BINARY,
	THRIFT_LIST,
	THRIFT_STRUCT = 12,
};

struct thrift {
	struct bytes *out;
	unsigned depth;
	int16_t last[8]; /* [depth], the field before */
};

void thrift_bool(struct thrift *t, int16_t field, bool v);
void thrift_i8(struct thrift *t, int16_t field, int8_t v);
void thrift_i32(struct thrift *t, int16_t field, int32_t v);
void thrift_i64(struct thrift *t, int16_t field, int64_t v);
void thrift_binary(struct thrift *t, int16_t field, const void *data, size_t size);
void thrift_text(struct thrift *t, int16_t field, const char *text);
/* A struct, up to the thrift_end that belongs to it. */
void thrift_struct(struct thrift *t, int16_t field);
/* Ends a struct; at the outermost level, the whole. */
void thrift_end(struct thrift *t);
/* A struct without fields, as one of a union's kinds. */
void thrift_empty(struct thrift *t, int16_t field);
/* A list, whose n elements follow. */
void thrift_list(struct thrift *t, int16_t field, enum thrift_type type, size_t n);
/* Elements: numbers, texts, and structs up to thrift_end. */
void thrift_element_i32(struct thrift *t, int32_t v);
void thrift_element_text(struct thrift *t, const char *text);
void thrift_element_struct(struct thrift *t);

#endif
