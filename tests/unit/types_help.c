// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "types_help.h"

struct btf *btf;
struct made_types T;

int array(int type, unsigned n)
{
	return btf__add_array(btf, T.u32, type, n);
}

void field(const char *name, int type, size_t byte)
{
	assert_int_equal(btf__add_field(btf, name, type, byte * 8, 0), 0);
}

#define FIELD(s, name, type) field(#name, type, offsetof(struct s, name))

static void make_numbers(void)
{
	T.u8 = btf__add_int(btf, "unsigned char", 1, 0);
	T.i8 = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	T.ch = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	T.u16 = btf__add_int(btf, "unsigned short", 2, 0);
	T.i16 = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	T.u32 = btf__add_int(btf, "unsigned int", 4, 0);
	T.i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	T.u64 = btf__add_int(btf, "unsigned long", 8, 0);
	T.i64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	T.wide = btf__add_int(btf, "unsigned __int128", 16, 0);
	T.boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	T.f32 = btf__add_float(btf, "float", 4);
	T.f64 = btf__add_float(btf, "double", 8);
	T.ptr = btf__add_ptr(btf, 0);
	T.color = btf__add_enum(btf, "color", 4);
	btf__add_enum_value(btf, "RED", 0);
	btf__add_enum_value(btf, "GREEN", 5);
	btf__add_enum_value(btf, "ALSO_GREEN", 5);
	btf__add_enum_value(btf, "NONE", -1);
	T.big = btf__add_enum64(btf, "big", 8, false);
	btf__add_enum64_value(btf, "HUGE", UINT64_MAX);
	btf__add_enum64_value(btf, "SMALL", 1);
}

/* An integer as BTF without kind_flag describes a bit-field: bits and offset inside the integer. */
static int old_bits(int like, unsigned offset, unsigned bits)
{
	const struct btf_type *t = btf__type_by_id(btf, like);
	unsigned enc = btf_int_encoding(t);
	int id = btf__add_int(btf, "bits", 4, enc);

	*(uint32_t *)(btf__type_by_id(btf, id) + 1) = enc << 24 | offset << 16 | bits;
	return id;
}

static void make_kinds(void)
{
	int text = array(T.ch, 11), ps = array(T.point, 2), row = array(T.i16, 3);
	int m = array(row, 2), b3 = old_bits(T.u32, 0, 3), b5 = old_bits(T.i32, 3, 5);
	int b24 = old_bits(T.u32, 8, 24);
	int kept = btf__add_const(btf, btf__add_typedef(btf, "kept_t", T.u64));
	size_t bits = offsetof(struct kinds, u) + 4;

	T.kinds = btf__add_struct(btf, "kinds", sizeof(struct kinds));
	FIELD(kinds, u8, T.u8);
	FIELD(kinds, i8, T.i8);
	FIELD(kinds, u16, T.u16);
	FIELD(kinds, i16, T.i16);
	FIELD(kinds, u32, T.u32);
	FIELD(kinds, i32, T.i32);
	FIELD(kinds, u64, kept);
	FIELD(kinds, i64, T.i64);
	FIELD(kinds, flag, T.boolean);
	FIELD(kinds, text, text);
	FIELD(kinds, color, T.color);
	FIELD(kinds, big, T.big);
	FIELD(kinds, f, T.f32);
	FIELD(kinds, d, T.f64);
	FIELD(kinds, ptr, T.ptr);
	FIELD(kinds, u, T.u);
	field("b3", b3, bits);
	field("b5", b5, bits);
	field("b24", b24, bits);
	FIELD(kinds, p, T.point);
	FIELD(kinds, ps, ps);
	FIELD(kinds, m, m);
	FIELD(kinds, wide, T.wide);
}

int make_btf(void **state)
{
	int four, rest;

	if (make_scratch(state))
		return -1;
	btf = btf__new_empty();
	make_numbers();
	four = array(T.u8, 4);
	T.u = btf__add_union(btf, "", 4);
	field("word", T.u32, 0);
	field("byte", four, 0);
	T.point = btf__add_struct(btf, "point", sizeof(struct point));
	FIELD(point, x, T.u32);
	FIELD(point, y, T.i16);
	make_kinds();
	rest = array(T.u16, 0);
	T.tail = btf__add_struct(btf, "tail", sizeof(struct tail));
	FIELD(tail, when, T.u64);
	FIELD(tail, data_len, T.u16);
	field("data", rest, 10);
	T.byte = btf__add_struct(btf, "byte", 1);
	field("value", T.u8, 0);
	return 0;
}

int free_btf(void **state)
{
	btf__free(btf);
	return remove_scratch(state);
}

struct nr_types *make_types(void)
{
	struct nr_types *types = NULL;

	assert_int_equal(nr_types_new(&types, hear, NULL), 0);
	assert_int_equal(nr_types_add(types, ID_POINT, "point", btf, T.point), 0);
	assert_int_equal(nr_types_add(types, ID_KINDS, "kinds", btf, T.kinds), 0);
	assert_int_equal(nr_types_add(types, ID_TAIL, "a.tail", btf, T.tail), 0);
	assert_int_equal(nr_types_add(types, ID_BYTE, "byte", btf, T.byte), 0);
	return types;
}

const struct kinds sample = {
	.u8 = 255,
	.i8 = -128,
	.u16 = 65535,
	.i16 = -32768,
	.u32 = UINT32_MAX,
	.i32 = INT32_MIN,
	.u64 = UINT64_MAX,
	.i64 = INT64_MIN,
	.flag = 1,
	.text = "sh \"x\"\t\\",
	.color = 5,
	.big = UINT64_MAX,
	.f = 1.5f,
	.d = -0.1,
	.ptr = (void *)0xffff888000001000,
	.u.byte = { 1, 2, 3, 0xff },
	.b3 = 5,
	.b5 = -16,
	.b24 = 0xabcdef,
	.p = { 1, -2 },
	.ps = { { 3, -4 }, { 5, -6 } },
	.m = { { 1, 2, 3 }, { -4, -5, -6 } },
	.wide = 0x0102,
};

const char *const sample_text =
	"u8 = 255, i8 = -128, u16 = 65535, i16 = -32768, u32 = 4294967295, i32 = -2147483648, "
	"u64 = 18446744073709551615, i64 = -9223372036854775808, flag = true, "
	"text = \"sh \\\"x\\\"\\t\\\\\", color = GREEN (5), big = HUGE (18446744073709551615), "
	"f = 1.5, d = -0.1, ptr = 0xffff888000001000, u = 010203ff, b3 = 5, b5 = -16, "
	"b24 = 11259375, p = { x = 1, y = -2 }, ps = [{ x = 3, y = -4 }, { x = 5, y = -6 }], "
	"m = [[1, 2, 3], [-4, -5, -6]], wide = 02010000000000000000000000000000";
