// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes a trace for tables.sh: `tables DIR`, with fields of every kind at their limits, records that
 * are too short for their type or belong to none, and names that need care as names of files.
 * `tables DIR many` writes 300,000 events of one type and one of each of 500 others.
 */
#include <bpf/btf.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trace_writer.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

struct pos {
	int32_t x;
	uint32_t y;
};

struct pair {
	uint32_t a;
	char name[4];
	uint16_t in[2];
};

struct kinds {
	int8_t s8;
	uint8_t u8;
	int16_t s16;
	uint16_t u16;
	int32_t s32;
	uint32_t u32;
	int64_t s64;
	uint64_t u64;
	float f32;
	uint32_t colour;
	double f64;
	int32_t level;
	uint8_t bits; /* two bit-fields */
	_Bool flag;
	uint16_t cpu;
	uint64_t ptr;
	char text[16];
	struct pos pos;
	uint16_t list[3];
	uint8_t bytes[6];
	int64_t deep[2][2];
	struct pair pairs[2];
	uint32_t colours[2];
	uint8_t choice[8];
	uint32_t n;
	uint32_t pad;
	uint64_t tail[];
};

#define N_MANY	300000
#define N_TYPES 500 /* more than the files that an export has open */

static struct btf *btf;
static int types[16]; /* of BTF */
enum { S8T, U8T, S16T, U16T, S32T, U32T, S64T, U64T, F32T, F64T, BOOLT, CHART };

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void add_numbers(void)
{
	static const char *const names[] = { "s8",  "u8",  "s16", "u16", "s32",	  "u32",
					     "s64", "u64", "f32", "f64", "_Bool", "char" };

	for (unsigned i = S8T; i <= U64T; i++)
		types[i] = btf__add_int(btf, names[i], 1 << i / 2, i % 2 ? 0 : BTF_INT_SIGNED);
	types[F32T] = btf__add_float(btf, "float", 4);
	types[F64T] = btf__add_float(btf, "double", 8);
	types[BOOLT] = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	types[CHART] = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
}

static int array(int type, unsigned n)
{
	return btf__add_array(btf, types[U32T], type, n);
}

static int add_enum(const char *name, const char *a, int64_t va, const char *b, int64_t vb)
{
	int type = btf__add_enum(btf, name, 4);

	need(!btf__add_enum_value(btf, a, va) && !btf__add_enum_value(btf, b, vb), "enum");
	return type;
}

struct field {
	const char *name;
	int type;
	size_t at;
	unsigned bit, bits;
};

static int add_struct(const char *name, size_t size, const struct field *fields, unsigned n)
{
	int type = btf__add_struct(btf, name, size);

	for (unsigned i = 0; i < n; i++)
		need(!btf__add_field(btf, fields[i].name, fields[i].type,
				     8 * fields[i].at + fields[i].bit, fields[i].bits),
		     fields[i].name);
	return type;
}

#define AT(member) offsetof(struct kinds, member)

static int add_kinds(void)
{
	const struct field xy[] = { { "x", types[S32T], 0, 0, 0 }, { "y", types[U32T], 4, 0, 0 } };
	const struct field anb[] = { { "a", types[U32T], 0, 0, 0 },
				     { "name", array(types[CHART], 4), 4, 0, 0 },
				     { "in", array(types[U16T], 2), 8, 0, 0 } };
	int pos = add_struct("pos", sizeof(struct pos), xy, 2);
	int pair = add_struct("pair", sizeof(struct pair), anb, 3);
	int colour = add_enum("colour", "RED", 1, "GREEN", 2);
	int level = add_enum("level", "LOW", -1, "HIGH", 1);
	int deep = array(array(types[S64T], 2), 2), ptr = btf__add_ptr(btf, types[U64T]);
	int choice = btf__add_union(btf, "choice", 8);

	need(!btf__add_field(btf, "a", types[U64T], 0, 0), "union");

	const struct field fields[] = {
		{ "s8", types[S8T], AT(s8), 0, 0 },
		{ "u8", types[U8T], AT(u8), 0, 0 },
		{ "s16", types[S16T], AT(s16), 0, 0 },
		{ "u16", types[U16T], AT(u16), 0, 0 },
		{ "s32", types[S32T], AT(s32), 0, 0 },
		{ "u32", types[U32T], AT(u32), 0, 0 },
		{ "s64", types[S64T], AT(s64), 0, 0 },
		{ "u64", types[U64T], AT(u64), 0, 0 },
		{ "f32", types[F32T], AT(f32), 0, 0 },
		{ "colour", colour, AT(colour), 0, 0 },
		{ "f64", types[F64T], AT(f64), 0, 0 },
		{ "level", level, AT(level), 0, 0 },
		{ "low_bits", types[U8T], AT(bits), 0, 3 },
		{ "high_bits", types[S8T], AT(bits), 3, 5 },
		{ "flag", types[BOOLT], AT(flag), 0, 0 },
		{ "cpu", types[U16T], AT(cpu), 0, 0 },
		{ "ptr", ptr, AT(ptr), 0, 0 },
		{ "text", array(types[CHART], 16), AT(text), 0, 0 },
		{ "pos", pos, AT(pos), 0, 0 },
		{ "list", array(types[U16T], 3), AT(list), 0, 0 },
		{ "bytes", array(types[U8T], 6), AT(bytes), 0, 0 },
		{ "deep", deep, AT(deep), 0, 0 },
		{ "pairs", array(pair, 2), AT(pairs), 0, 0 },
		{ "colours", array(colour, 2), AT(colours), 0, 0 },
		{ "choice", choice, AT(choice), 0, 0 },
		{ "tail_len", types[U32T], AT(n), 0, 0 },
		{ "tail", array(types[U64T], 0), AT(tail), 0, 0 },
	};
	return add_struct("kinds", sizeof(struct kinds), fields, ARRAY_SIZE(fields));
}

static int add_note(void)
{
	const struct field fields[] = { { "text_len", types[U32T], 0, 0, 0 },
					{ "text", array(types[CHART], 0), 4, 0, 0 } };

	return add_struct("note", 4, fields, 2);
}

static int add_small(void)
{
	const struct field fields[] = { { "value", types[U64T], 0, 0, 0 },
					{ "time", types[U32T], 8, 0, 0 },
					{ "field_time", types[U32T], 12, 0, 0 } };

	return add_struct("small", 16, fields, 3);
}

enum { KINDS = 1, NOTE, SMALL, SMALL_AGAIN, EMPTY, COLON, UPPER, LONG, MANY };

static struct nr_types *make_types(bool many)
{
	struct nr_types *t = NULL;
	char name[256];
	int small, empty;

	btf = btf__new_empty();
	add_numbers();
	need(!nr_types_new(&t, NULL, NULL), "types");
	need(!nr_types_add(t, KINDS, "kinds", btf, add_kinds()), "kinds");
	need(!nr_types_add(t, NOTE, "note", btf, add_note()), "note");
	small = add_small();
	empty = btf__add_struct(btf, "nothing", 0);
	need(!nr_types_add(t, SMALL, "small", btf, small), "small");
	need(!nr_types_add(t, SMALL_AGAIN, "small", btf, small), "small");
	need(!nr_types_add(t, EMPTY, "nothing", btf, empty), "empty");
	need(!nr_types_add(t, COLON, "group:name", btf, small), "colon");
	need(!nr_types_add(t, UPPER, "Small", btf, small), "upper");
	memset(name, 'n', 127); /* the most that a type may have */
	name[127] = 0;
	need(!nr_types_add(t, LONG, name, btf, small), "long");
	for (unsigned i = 0; many && i < N_TYPES; i++) {
		snprintf(name, sizeof(name), "many_%u", i);
		need(!nr_types_add(t, MANY + i, name, btf, small), name);
	}
	return t;
}

static uint32_t lost; /* of each CPU */
static struct writer *writer;
static struct nr_account account = { .end = UINT64_MAX / 4 };
static uint64_t now = 1000000007;

static void write_event(uint16_t id, const void *data, uint32_t size, uint32_t flags)
{
	/* A payload is 8-byte aligned. */
	uint64_t aligned[64] = {};
	const struct nr_record rec = {
		.ts = flags ? now - 500 : now, .id = id, .cpu = account.written % 3, .lost = lost
	};
	const struct nr_event ev = {
		.rec = &rec, .data = aligned, .size = size, .flags = flags, .ts = now
	};

	memcpy(aligned, data, size);
	need(!writer_append(writer, &ev, 1), "append");
	account.written++;
	account.late += !!flags;
	now += 1 + account.written % 1000;
	if (account.written % 10000 == 0)
		need(!writer_commit(writer, now, 0), "commit");
}

/* The tail's elements are behind the struct. */
static void write_kinds(const struct kinds *k, const uint64_t *tail, uint32_t flags)
{
	char data[400] = {};

	memcpy(data, k, sizeof(*k));
	if (k->n)
		memcpy(data + sizeof(*k), tail, 8 * k->n);
	write_event(KINDS, data, sizeof(*k) + 8 * k->n, flags);
}

static void write_all_kinds(void)
{
	const uint64_t tail[] = { 0, UINT64_MAX, 1ull << 53, (1ull << 53) + 1 };
	const struct kinds all[] = {
		{ .f32 = -0.0f, .f64 = -0.0, .n = 0 },
		{ INT8_MIN,
		  UINT8_MAX,
		  INT16_MIN,
		  UINT16_MAX,
		  INT32_MIN,
		  UINT32_MAX,
		  INT64_MIN,
		  UINT64_MAX,
		  INFINITY,
		  1,
		  -INFINITY,
		  -1,
		  0xff,
		  true,
		  7,
		  UINT64_MAX,
		  "0123456789abcdef",
		  { INT32_MIN, UINT32_MAX },
		  { 1, 2, 3 },
		  { 0, 1, 2, 253, 254, 255 },
		  { { INT64_MIN, -1 }, { 0, INT64_MAX } },
		  { { 1, "abcd", { 1, 2 } }, { UINT32_MAX, "", { 3, 65535 } } },
		  { 1, 2 },
		  "choice",
		  4,
		  0 },
		{ INT8_MAX,
		  0,
		  INT16_MAX,
		  0,
		  INT32_MAX,
		  0,
		  INT64_MAX,
		  0,
		  NAN,
		  2,
		  NAN,
		  1,
		  0x83,
		  false,
		  UINT16_MAX,
		  1,
		  "a\xff\xc3(z",
		  { 0, 0 },
		  { 0, 65535, 0 },
		  {},
		  {},
		  { { 2, "\xc3\xa9", {} }, {} },
		  { 3, UINT32_MAX },
		  {},
		  1,
		  0 },
		{ -1,
		  1,
		  -1,
		  1,
		  -1,
		  1,
		  -1,
		  1,
		  16777216.0f,
		  77,
		  DBL_MAX,
		  5,
		  1,
		  true,
		  1,
		  0xffffffff81000000,
		  "\xe2\x82\xac\n\t\"\\,",
		  { -1, 1 },
		  {},
		  {},
		  {},
		  {},
		  { 0, 1 },
		  {},
		  2,
		  0 },
		{ .f32 = 1.5f,
		  .f64 = DBL_TRUE_MIN,
		  .colour = UINT32_MAX,
		  .level = -7,
		  .text = "\xed\xa0\x80" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		write_kinds(&all[i], tail, i == 3 ? NR_EVENT_LATE : 0);
	/* Too short for their type, down to nothing. */
	for (size_t size = sizeof(all[1]); size; size = size > 7 ? size - 7 : 0)
		write_event(KINDS, &all[1], size, 0);
	write_event(KINDS, &all[1], 0, 0);
}

static void write_note(const char *text, uint32_t len)
{
	char data[400];

	memcpy(data, &len, 4);
	memcpy(data + 4, text, len);
	write_event(NOTE, data, 4 + len, 0);
}

static void write_small(uint16_t id, uint64_t value)
{
	const struct {
		uint64_t value;
		uint32_t time, field_time;
	} small = { value, value >> 32, 1 };

	write_event(id, &small, sizeof(small), 0);
}

static void write_odd(void)
{
	char text[300];

	write_all_kinds();
	lost = UINT32_MAX / 3;
	memset(text, 'x', sizeof(text));
	write_note("", 0);
	write_note("note", 4);
	write_note(text, sizeof(text));
	write_small(SMALL, 1);
	write_small(SMALL_AGAIN, 2);
	write_small(COLON, 3);
	write_small(UPPER, 4);
	write_small(LONG, 5);
	write_event(EMPTY, "", 0, 0);
	write_event(999, "\x01\xff raw", 6, 0);
	write_event(65000, "", 0, 0);
}

/* Values of every encoding: what repeats, what grows, and what is random. */
static void write_many(void)
{
	uint64_t random = 1;

	for (unsigned i = 0; i < N_MANY; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		write_small(SMALL, i < N_MANY / 3 ? random : i % 7 ? 42 : i);
		if (i % (N_MANY / N_TYPES) == 0)
			write_small(MANY + i / (N_MANY / N_TYPES), i);
	}
}

int main(int argc, char **argv)
{
	const struct writer_opts opts = { .start = 1000000000,
					  .clock_offset = 1795976911000000001 };
	bool many = argc == 3;
	struct nr_types *t = make_types(many);

	need(argc >= 2, "usage: tables DIR [many]");
	need(!writer_open(&writer, argv[1], t, &opts), "open");
	if (many)
		write_many();
	else
		write_odd();
	need(!writer_commit(writer, now, many ? 0 : UINT32_MAX), "commit");
	account.end = now;
	account.reserved = account.written;
	account.lost_total = many ? 0 : UINT32_MAX;
	need(!writer_finish(writer, &account), "finish");
	writer_close(writer);
	nr_types_free(t);
	btf__free(btf);
	return 0;
}
