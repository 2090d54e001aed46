// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "thrift.h"

static void header(struct thrift *t, int16_t field, enum thrift_type type)
{
	int delta = field - t->last[t->depth];

	t->last[t->depth] = field;
	if (delta > 0 && delta < 16) {
		bytes_add_u8(t->out, delta << 4 | type);
		return;
	}
	bytes_add_u8(t->out, type);
	bytes_add_zigzag(t->out, field);
}

void thrift_bool(struct thrift *t, int16_t field, bool v)
{
	header(t, field, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_i8(struct thrift *t, int16_t field, int8_t v)
{
	header(t, field, THRIFT_I8);
	bytes_add_u8(t->out, v);
}

void thrift_i32(struct thrift *t, int16_t field, int32_t v)
{
	header(t, field, THRIFT_I32);
	bytes_add_zigzag(t->out, v);
}

void thrift_i64(struct thrift *t, int16_t field, int64_t v)
{
	header(t, field, THRIFT_I64);
	bytes_add_zigzag(t->out, v);
}

static void put_binary(struct thrift *t, const void *data, size_t size)
{
	bytes_add_varint(t->out, size);
	bytes_add(t->out, data, size);
}

void thrift_binary(struct thrift *t, int16_t field, const void *data, size_t size)
{
	header(t, field, THRIFT_BINARY);
	put_binary(t, data, size);
}

void thrift_text(struct thrift *t, int16_t field, const char *text)
{
	thrift_binary(t, field, text, strlen(text));
}

void thrift_struct(struct thrift *t, int16_t field)
{
	header(t, field, THRIFT_STRUCT);
	thrift_element_struct(t);
}

void thrift_end(struct thrift *t)
{
	bytes_add_u8(t->out, 0);
	if (t->depth)
		t->depth--;
}

void thrift_empty(struct thrift *t, int16_t field)
{
	thrift_struct(t, field);
	thrift_end(t);
}

void thrift_list(struct thrift *t, int16_t field, enum thrift_type type, size_t n)
{
	header(t, field, THRIFT_LIST);
	if (n < 15) {
		bytes_add_u8(t->out, n << 4 | type);
		return;
	}
	bytes_add_u8(t->out, 0xf0 | type);
	bytes_add_varint(t->out, n);
}

void thrift_element_i32(struct thrift *t, int32_t v)
{
	bytes_add_zigzag(t->out, v);
}

void thrift_element_text(struct thrift *t, const char *text)
{
	put_binary(t, text, strlen(text));
}

void thrift_element_struct(struct thrift *t)
{
	t->last[++t->depth] = 0;
}
