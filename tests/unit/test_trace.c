// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Layouts, metadata, packets: what goes in comes out again, through our own reader and through
 * babeltrace2; what is damaged is named and never shown as something else.
 */
#include "trace_help.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <libdeflate.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <bpf/btf.h>
#include "base/bits.h"
#include "base/trace_files.h"
#include "packet/end.h"
#include "packet/metadata.h"

/* ---- types made by hand ---- */

enum { ID_POINT = 1, ID_KINDS = 7, ID_TAIL = 300, ID_BYTE = 0x7ffe };

struct point {
	uint32_t x;
	int16_t y;
};

struct kinds {
	uint8_t u8;
	int8_t i8;
	uint16_t u16;
	int16_t i16;
	uint32_t u32;
	int32_t i32;
	uint64_t u64;
	int64_t i64;
	_Bool flag;
	char text[11];
	uint32_t color; /* enum { RED, GREEN = 5, ALSO_GREEN = 5, NONE = -1 } */
	uint64_t big;	/* enum of 64 bits, unsigned */
	float f;
	double d;
	void *ptr;
	union {
		uint32_t word;
		uint8_t byte[4];
	} u;
	uint32_t b3 : 3; /* the old way: the width is in the integer */
	int32_t b5 : 5;
	uint32_t b24 : 24;
	struct point p;
	struct point ps[2];
	int16_t m[2][3];
	unsigned __int128 wide;
} __attribute__((packed, aligned(1)));

struct tail {
	uint64_t when;
	uint16_t data_len;
	uint16_t data[];
} __attribute__((packed, aligned(8)));

static struct btf *btf;
static struct {
	int u8, i8, u16, i16, u32, i32, u64, i64, ch, boolean, f32, f64, ptr, wide;
	int color, big, u, point, kinds, tail, byte;
} T;

static int array(int type, unsigned n)
{
	return btf__add_array(btf, T.u32, type, n);
}

static void field(const char *name, int type, size_t byte)
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

static int make_btf(void **state)
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

static int free_btf(void **state)
{
	btf__free(btf);
	return remove_scratch(state);
}

static struct nr_types *make_types(void)
{
	struct nr_types *types = NULL;

	assert_int_equal(nr_types_new(&types, listen, NULL), 0);
	assert_int_equal(nr_types_add(types, ID_POINT, "point", btf, T.point), 0);
	assert_int_equal(nr_types_add(types, ID_KINDS, "kinds", btf, T.kinds), 0);
	assert_int_equal(nr_types_add(types, ID_TAIL, "a.tail", btf, T.tail), 0);
	assert_int_equal(nr_types_add(types, ID_BYTE, "byte", btf, T.byte), 0);
	return types;
}

/* ---- traces ---- */

static struct nr_types *types;
static struct nr_writer *writer;
static const char *dir;

static void open_trace(const char *name, struct nr_writer_opts opts)
{
	types = make_types();
	dir = strdup(in_scratch("%s", name));
	opts.log = listen;
	said[0] = 0;
	assert_int_equal(nr_writer_open(&writer, dir, types, &opts), 0);
}

static void close_trace(void)
{
	assert_int_equal(nr_writer_close(writer), 0);
	writer = NULL;
}

static void drop_trace(void)
{
	remove_tree(dir);
	free((char *)dir);
	nr_types_free(types);
}

static int append_late(uint64_t ts, uint64_t was, uint16_t id, const void *data, uint32_t size)
{
	struct nr_record rec = { .ts = was, .id = id, .cpu = 3, .lost = 7 };
	struct nr_event ev = { &rec, data, size, ts == was ? 0 : NR_EVENT_LATE, ts };

	return nr_writer_append(writer, &ev, 1);
}

static void append(uint64_t ts, uint16_t id, const void *data, uint32_t size)
{
	assert_int_equal(append_late(ts, ts, id, data, size), 0);
}

static void append_point(uint64_t ts, uint32_t x)
{
	struct point p = { x, -1 };

	append(ts, ID_POINT, &p, sizeof(p));
}

static void commit(uint64_t watermark, uint64_t lost)
{
	assert_int_equal(nr_writer_commit(writer, watermark, lost), 0);
}

static struct nr_trace *read_trace(void)
{
	struct nr_trace_opts opts = { sizeof(opts), listen, NULL };
	struct nr_trace *trace = NULL;

	assert_int_equal(nr_trace_open(&trace, dir, &opts), 0);
	return trace;
}

static int try_open(void)
{
	struct nr_trace_opts opts = { sizeof(opts), listen, NULL };
	struct nr_trace *trace = NULL;
	int err = nr_trace_open(&trace, dir, &opts);

	said[0] = err ? said[0] : 0;
	nr_trace_close(trace);
	return err;
}

/* The next event is a point with this x. */
static void expect_point(struct nr_trace *trace, uint64_t ts, uint32_t x)
{
	struct nr_event ev;
	struct point p;

	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, ts);
	assert_int_equal(ev.rec->ts, ts);
	assert_int_equal(ev.rec->id, ID_POINT);
	assert_int_equal(ev.rec->cpu, 3);
	assert_int_equal(ev.rec->lost, 7);
	assert_int_equal(ev.flags, 0);
	assert_int_equal(ev.size, sizeof(p));
	assert_int_equal((uintptr_t)ev.data % 8, 0);
	memcpy(&p, ev.data, sizeof(p));
	assert_int_equal(p.x, x);
}

static void expect_end(struct nr_trace *trace)
{
	struct nr_event ev;

	assert_int_equal(nr_trace_next(trace, &ev), 0);
	assert_int_equal(nr_trace_next(trace, &ev), 0);
	nr_trace_close(trace);
}

static void expect_silent_babeltrace(unsigned events)
{
	struct babble b;
	unsigned lines = 0;

	if (!have_babeltrace())
		return;
	b = babeltrace(dir, "--clock-cycles");
	for (const char *p = b.out; *p; p++)
		lines += *p == '\n';
	assert_string_equal(b.err, "");
	assert_int_equal(b.status, 0);
	assert_int_equal(lines, events);
	babble_free(&b);
}

/* ---- types ---- */

static void expect_refused(int err, uint16_t id, const char *name, int type, const char *words)
{
	struct nr_types *t = make_types();

	said[0] = 0;
	assert_int_equal(nr_types_add(t, id, name, btf, type), err);
	if (!strstr(said, words))
		fail_msg("said \"%s\", not \"%s\"", said, words);
	nr_types_free(t);
}

static void test_types_refused(void **state)
{
	int t, inner, rest = array(T.u8, 0);

	(void)state;
	expect_refused(-EEXIST, ID_POINT, "other", T.byte, "id 1 is taken by point");
	expect_refused(-EEXIST, 9, "point", T.byte, "already defined with a different layout");
	expect_refused(-EINVAL, 0x7fff, "x", T.byte, "above 32766");
	expect_refused(-EINVAL, 9, "", T.byte, "cannot be called");
	expect_refused(-EINVAL, 9, "a\"b", T.byte, "cannot be called");
	expect_refused(-EINVAL, 9, "x:late", T.byte, "cannot be called");
	expect_refused(-EINVAL, 9, "numaring:x", T.byte, "cannot be called");
	expect_refused(-EINVAL, 9, "x", T.u32, "not a struct");
	expect_refused(-EINVAL, 9, "x", 100000, "not a struct");

	t = btf__add_struct(btf, "no_len", 8);
	field("len", T.u32, 0);
	field("data", rest, 4);
	expect_refused(-ENOTSUP, 9, "x", t, "needs an unsigned integer member data_len");
	t = btf__add_struct(btf, "signed_len", 8);
	field("data_len", T.i32, 0);
	field("data", rest, 4);
	expect_refused(-ENOTSUP, 9, "x", t, "needs an unsigned integer member data_len");
	inner = btf__add_struct(btf, "inner", 4);
	field("data_len", T.u32, 0);
	field("data", rest, 4);
	t = btf__add_struct(btf, "nested_tail", 4);
	field("in", inner, 0);
	expect_refused(-ENOTSUP, 9, "x", t, "may only be the last member of the event itself");
	t = btf__add_struct(btf, "dollar", 8);
	field("a$b", T.u64, 0);
	expect_refused(-EINVAL, 9, "x", t, "field \"a$b\": use only letters, digits and _");
	t = btf__add_struct(btf, "twice", 8);
	field("a", T.u32, 0);
	field("a", T.u32, 4);
	expect_refused(-EINVAL, 9, "x", t, "two fields are called a");
	t = btf__add_struct(btf, "overlap", 8);
	field("a", T.u32, 0);
	field("b", T.u32, 2);
	expect_refused(-EINVAL, 9, "x", t, "overlaps");
	t = btf__add_struct(btf, "outside", 4);
	field("a", T.u64, 0);
	expect_refused(-EINVAL, 9, "x", t, "overlaps");
	inner = array(T.u64, 1 << 18);
	t = btf__add_struct(btf, "huge", 2u << 20);
	field("a", inner, 0);
	expect_refused(-EINVAL, 9, "x", t, "1 MiB");
	inner = btf__add_fwd(btf, "nowhere", BTF_FWD_STRUCT);
	t = btf__add_struct(btf, "forward", 8);
	field("a", inner, 0);
	expect_refused(-ENOTSUP, 9, "x", t, "of a type that events cannot hold");
}

static void test_types_twice(void **state)
{
	struct nr_types *t = make_types();

	(void)state;
	assert_int_equal(nr_types_add(t, 9, "point", btf, T.point), 0);
	assert_string_equal(nr_types_name(t, 9), "point");
	assert_null(nr_types_name(t, 10));
	assert_null(nr_types_name(t, 0xffff));
	nr_types_free(t);
}

static int count_type(void *ctx, uint16_t id, const char *name)
{
	char *text = ctx;

	sprintf(text + strlen(text), "%u:%s ", id, name);
	return id == ID_TAIL ? 42 : 0;
}

static void test_types_raw(void **state)
{
	struct nr_types *a = make_types(), *b = NULL;
	char text[200] = "";
	uint32_t size;
	const void *raw = nr_types_raw(a, &size);

	(void)state;
	assert_non_null(raw);
	assert_int_equal(nr_types_from_raw(&b, raw, size, listen, NULL), 0);
	assert_int_equal(nr_types_each(b, count_type, text), 42);
	assert_string_equal(text, "1:point 7:kinds 300:a.tail ");
	for (unsigned id = 0; id <= ID_BYTE; id++) {
		assert_int_equal(!nr_types_name(a, id), !nr_types_name(b, id));
		if (nr_types_name(a, id))
			assert_true(
				nr_layout_equal(nr_types_layout(a, id), nr_types_layout(b, id)));
	}
	nr_types_free(b);
	for (uint32_t cut = 0; cut < size; cut++) /* a cut file is refused, whatever is left */
		assert_int_equal(nr_types_from_raw(&b, raw, cut, NULL, NULL), -EBADMSG);
	nr_types_free(a);
}

/* ---- every kind of field, through every way out ---- */

static const struct kinds sample = {
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

static const char *const sample_text =
	"u8 = 255, i8 = -128, u16 = 65535, i16 = -32768, u32 = 4294967295, i32 = -2147483648, "
	"u64 = 18446744073709551615, i64 = -9223372036854775808, flag = true, "
	"text = \"sh \\\"x\\\"\\t\\\\\", color = GREEN (5), big = HUGE (18446744073709551615), "
	"f = 1.5, d = -0.1, ptr = 0xffff888000001000, u = 010203ff, b3 = 5, b5 = -16, "
	"b24 = 11259375, p = { x = 1, y = -2 }, ps = [{ x = 3, y = -4 }, { x = 5, y = -6 }], "
	"m = [[1, 2, 3], [-4, -5, -6]], wide = 02010000000000000000000000000000";

static const char *const sample_json =
	"{\"u8\":255,\"i8\":-128,\"u16\":65535,\"i16\":-32768,\"u32\":4294967295,\"i32\":-"
	"2147483648,"
	"\"u64\":\"18446744073709551615\",\"i64\":\"-9223372036854775808\",\"flag\":true,"
	"\"text\":\"sh "
	"\\\"x\\\"\\t\\\\\",\"color\":\"GREEN\",\"big\":\"HUGE\",\"f\":1.5,\"d\":-0.1,"
	"\"ptr\":\"0xffff888000001000\",\"u\":\"010203ff\",\"b3\":5,\"b5\":-16,\"b24\":11259375,"
	"\"p\":{\"x\":1,\"y\":-2},\"ps\":[{\"x\":3,\"y\":-4},{\"x\":5,\"y\":-6}],"
	"\"m\":[[1,2,3],[-4,-5,-6]],\"wide\":\"02010000000000000000000000000000\"}";

static const char *const sample_csv =
	"255,-128,65535,-32768,4294967295,-2147483648,18446744073709551615,-9223372036854775808,"
	"true,\"sh \"\"x\"\"\t\\\",GREEN,HUGE,1.5,-0.1,0xffff888000001000,010203ff,5,-16,11259375,"
	"1,-2,\"[{\"\"x\"\":3,\"\"y\"\":-4},{\"\"x\"\":5,\"\"y\"\":-6}]\",\"[[1,2,3],[-4,-5,-6]]\","
	"02010000000000000000000000000000";

static const char *const sample_columns =
	"u8,i8,u16,i16,u32,i32,u64,i64,flag,text,color,big,f,d,ptr,u,b3,b5,b24,p.x,p.y,ps,m,wide";

static const char *const sample_babble =
	"{ u8 = 255, i8 = -128, u16 = 65535, i16 = -32768, u32 = 4294967295, i32 = -2147483648, "
	"u64 = 18446744073709551615, i64 = -9223372036854775808, flag = 1, "
	"text = \"sh \\\"x\\\"\\t\\\\\", "
	"color = ( \"GREEN\", \"ALSO_GREEN\" : container = 5 ), "
	"big = ( \"HUGE\" : container = 18446744073709551615 ), f = 1.5, d = -0.1, "
	"ptr = 0xFFFF888000001000, u = [ [0] = 0x1, [1] = 0x2, [2] = 0x3, [3] = 0xFF ], "
	"b3 = 5, b5 = -16, b24 = 11259375, p = { x = 1, y = -2 }";

static struct nr_event make_event(struct nr_record *rec, uint16_t id, const void *data,
				  uint32_t size)
{
	*rec = (struct nr_record){ .ts = 1, .id = id };
	return (struct nr_event){ rec, data, size, 0, 1 };
}

/* As snprintf, at every size of the buffer: what fits, terminated, and the whole length. */
static void expect_format(const struct nr_types *t, const struct nr_event *ev,
			  enum nr_format format, const char *want)
{
	int len = strlen(want);
	char *buf = malloc(len + 2);

	assert_int_equal(nr_types_format(t, ev, format, NULL, 0), len);
	for (int size = 0; size <= len + 1; size++) {
		memset(buf, 'X', len + 2);
		assert_int_equal(nr_types_format(t, ev, format, buf, size), len);
		assert_int_equal(buf[size], 'X');
		if (size)
			assert_int_equal(strlen(buf), size - 1 < len ? size - 1 : len);
		if (size)
			assert_memory_equal(buf, want, strlen(buf));
		if (size == len + 1)
			assert_string_equal(buf, want);
	}
	free(buf);
}

static void test_format(void **state)
{
	struct nr_types *t = make_types();
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, ID_KINDS, &sample, sizeof(sample));
	char buf[300];

	(void)state;
	expect_format(t, &ev, NR_FORMAT_TEXT, sample_text);
	expect_format(t, &ev, NR_FORMAT_JSON, sample_json);
	expect_format(t, &ev, NR_FORMAT_CSV, sample_csv);
	assert_int_equal(nr_types_csv_header(t, ID_KINDS, buf, sizeof(buf)),
			 strlen(sample_columns));
	assert_string_equal(buf, sample_columns);
	assert_int_equal(nr_types_csv_header(t, 5, buf, sizeof(buf)), -ENOENT);
	rec.id = 5;
	assert_int_equal(nr_types_format(t, &ev, NR_FORMAT_TEXT, buf, sizeof(buf)), -ENOENT);
	nr_types_free(t);
}

/* A 64-bit enum as clang 14 leaves it, its values cut to 32 bits: HIGH = 0x100000000 is a 0 here.
 */
static void test_cut_enum(void **state)
{
	uint64_t payload[2] = { 0, 1ull << 32 };
	struct nr_types *t = NULL, *read;
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, 3, payload, sizeof(payload));
	const char *warning = "event type flagged: clang before 15 cuts the values of 64-bit enums";
	uint32_t size, cut, two, flagged;
	const void *raw;

	(void)state;
	cut = btf__add_enum(btf, "flags", 8);
	btf__add_enum_value(btf, "HIGH", 0);
	two = array(cut, 2);
	flagged = btf__add_struct(btf, "flagged", 16);
	field("flags", two, 0);
	assert_int_equal(nr_types_new(&t, listen, NULL), 0);
	said[0] = 0;
	assert_int_equal(nr_types_check(t, 3, "flagged", btf, flagged), 0);
	assert_memory_equal(said, warning, strlen(warning));
	said[0] = 0;
	assert_int_equal(nr_types_add(t, 3, "flagged", btf, flagged), 0);
	assert_string_equal(said, ""); /* once */
	expect_format(t, &ev, NR_FORMAT_TEXT, "flags = [0, 4294967296]");
	raw = nr_types_raw(t, &size);
	assert_int_equal(nr_types_from_raw(&read, raw, size, listen, NULL), 0);
	expect_format(read, &ev, NR_FORMAT_TEXT, "flags = [0, 4294967296]");
	assert_string_equal(said, "");
	nr_types_free(read);
	said[0] = 0;
	assert_int_equal(nr_types_check(t, 4, "kinds", btf, T.kinds), 0);
	assert_string_equal(said, ""); /* has a whole one, BTF_KIND_ENUM64 */
	nr_types_free(t);
}

static void expect_json(const struct kinds *k, const char *want)
{
	struct nr_types *t = make_types();
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, ID_KINDS, k, sizeof(*k));
	char buf[2000];

	assert_true(nr_types_format(t, &ev, NR_FORMAT_JSON, buf, sizeof(buf)) > 0);
	if (!strstr(buf, want))
		fail_msg("%s is not in %s", want, buf);
	nr_types_free(t);
}

static void expect_json_text(const char *bytes, const char *want)
{
	struct kinds k = sample;

	memset(k.text, 0, sizeof(k.text));
	memcpy(k.text, bytes, strnlen(bytes, sizeof(k.text)));
	expect_json(&k, want);
}

static void test_json_corners(void **state)
{
	struct kinds k = sample;

	(void)state;
	k.f = NAN;
	k.d = -INFINITY;
	k.color = -1;
	k.big = 77;
	expect_json(&k, "\"f\":null,\"d\":null,");
	expect_json(&k, "\"color\":\"NONE\",\"big\":77,");
	k.f = 0.1f;
	k.d = 0x1.fffffffffffffp+1023;
	k.color = -2;
	expect_json(&k, "\"f\":0.1,\"d\":1.7976931348623157e+308,");
	expect_json(&k, "\"color\":-2,");
	k.ptr = NULL;
	expect_json(&k, "\"ptr\":\"0x0\"");

	expect_json_text("", "\"text\":\"\",");
	expect_json_text("eleven char", "\"text\":\"eleven char\",");
	expect_json_text("\n\r\x01\x7f", "\"text\":\"\\n\\r\\u0001\\u007f\",");
	expect_json_text("\xc3\xa4\xe2\x82\xac", "\"text\":\"\xc3\xa4\xe2\x82\xac\",");
	expect_json_text("\xf0\x9f\x98\x80", "\"text\":\"\xf0\x9f\x98\x80\",");
	expect_json_text("\xc3(", "\"text\":\"\\u00c3(\",");	      /* no continuation */
	expect_json_text("\xc0\xaf", "\"text\":\"\\u00c0\\u00af\","); /* overlong */
	expect_json_text("\xe0\x80\x80", "\"text\":\"\\u00e0\\u0080\\u0080\","); /* overlong */
	expect_json_text("\xed\xa0\x80", "\"text\":\"\\u00ed\\u00a0\\u0080\","); /* surrogate */
	expect_json_text("\xf4\x90\x80\x80", "\"text\":\"\\u00f4\\u0090\\u0080\\u0080\",");
	expect_json_text("123456789 \xe2\x82", "\"text\":\"123456789 \\u00e2\","); /* cut */
}

/* A double has every integer up to 2^53; what is above is a string, of every kind, in arrays too,
 * and in CSV only inside of an array. */
static void test_large_numbers(void **state)
{
	static const uint64_t two53 = 1ull << 53;
	struct {
		uint64_t u, e;
		int64_t i, list[2];
		uint64_t bits : 54;
	} v = { two53, two53, -(int64_t)two53, { two53 + 1, -(int64_t)two53 - 1 }, two53 };
	struct nr_types *t = NULL;
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, 3, &v, sizeof(v));
	int list = array(T.i64, 2), numbers = btf__add_struct(btf, "numbers", sizeof(v));

	(void)state;
	field("u", T.u64, 0);
	field("e", T.big, 8);
	field("i", T.i64, 16);
	field("list", list, 24);
	assert_int_equal(btf__add_field(btf, "bits", T.u64, 40 * 8, 54), 0);
	assert_int_equal(nr_types_new(&t, listen, NULL), 0);
	assert_int_equal(nr_types_add(t, 3, "numbers", btf, numbers), 0);
	expect_format(t, &ev, NR_FORMAT_JSON,
		      "{\"u\":9007199254740992,\"e\":9007199254740992,\"i\":-9007199254740992,"
		      "\"list\":[\"9007199254740993\",\"-9007199254740993\"],"
		      "\"bits\":9007199254740992}");
	v.u++, v.e++, v.i--, v.bits++;
	expect_format(t, &ev, NR_FORMAT_JSON,
		      "{\"u\":\"9007199254740993\",\"e\":\"9007199254740993\","
		      "\"i\":\"-9007199254740993\","
		      "\"list\":[\"9007199254740993\",\"-9007199254740993\"],"
		      "\"bits\":\"9007199254740993\"}");
	expect_format(t, &ev, NR_FORMAT_CSV,
		      "9007199254740993,9007199254740993,-9007199254740993,"
		      "\"[\"\"9007199254740993\"\",\"\"-9007199254740993\"\"]\",9007199254740993");
	nr_types_free(t);
}

/* What steers a terminal or turns the order of reading is escaped in every format; what is only not
 * English is not. */
static void test_hidden_characters(void **state)
{
	static const struct {
		const char *bytes, *text, *json;
	} rows[] = {
		{ "\x1b[2J\x7f", "\\x1b[2J\\x7f", "\\u001b[2J\\u007f" },
		{ "\xc2\x9b"
		  "2J",
		  "\\u{9b}2J", "\\u009b2J" },				    /* C1 */
		{ "\x9b\x80", "\\x9b\\x80", "\\u009b\\u0080" },		    /* bytes */
		{ "\xc2\x80\xc2\x9f", "\\u{80}\\u{9f}", "\\u0080\\u009f" }, /* ends of C1 */
		{ "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4" },
		{ "\xd8\x9c", "\\u{61c}", "\\u061c" },
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\u{202e}b", "a\\u202eb" },
		{ "\xe2\x80\x8b\xe2\x80\x8f", "\\u{200b}\\u{200f}", "\\u200b\\u200f" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}", "\\u2028\\u2029" },
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}", "\\u2066\\u2069" },
		{ "\xef\xbb\xbf", "\\u{feff}", "\\ufeff" },
		{ "\xf3\xa0\x80\x81", "\\u{e0001}", "\\udb40\\udc01" },
		{ "\xf3\xa0\x84\x80\xe6\x97\xa5", "\xf3\xa0\x84\x80\xe6\x97\xa5",
		  "\xf3\xa0\x84\x80\xe6\x97\xa5" }, /* above the tags; a CJK character */
	};
	struct nr_types *t = NULL;
	struct nr_record rec;
	int text = array(T.ch, 11), line = btf__add_struct(btf, "line", 11);

	(void)state;
	field("text", text, 0);
	assert_int_equal(nr_types_new(&t, listen, NULL), 0);
	assert_int_equal(nr_types_add(t, 3, "line", btf, line), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char payload[12] = "", want[64];
		struct nr_event ev = make_event(&rec, 3, payload, 11);

		strcpy(payload, rows[i].bytes);
		sprintf(want, "text = \"%s\"", rows[i].text);
		expect_format(t, &ev, NR_FORMAT_TEXT, want);
		sprintf(want, "{\"text\":\"%s\"}", rows[i].json);
		expect_format(t, &ev, NR_FORMAT_JSON, want);
		expect_format(t, &ev, NR_FORMAT_CSV, rows[i].text);
	}
	nr_types_free(t);
}

/* Every byte at every place of a text, which is looked at 8 bytes at a time. */
static void test_json_every_byte(void **state)
{
	struct kinds k = sample;
	char want[64];

	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		static const char escaped[] = "\"\\\n\r\t";
		const char *known = strchr(escaped, (int)c);
		char as[8];

		if (known)
			snprintf(as, sizeof(as), "\\%c", "\"\\nrt"[known - escaped]);
		else if (c >= ' ' && c < 0x7f)
			snprintf(as, sizeof(as), "%c", c);
		else
			snprintf(as, sizeof(as), "\\u%04x", c);
		for (int at = 0; at < (int)sizeof(k.text); at++) {
			memset(k.text, 'a', sizeof(k.text));
			k.text[at] = (char)c;
			snprintf(want, sizeof(want), "\"text\":\"%.*s%s%.*s\",", at, "aaaaaaaaaaaa",
				 as, (int)sizeof(k.text) - 1 - at, "aaaaaaaaaaaa");
			expect_json(&k, want);
		}
	}
}

/* A payload that is too short yields its whole fields. */
static void test_format_short(void **state)
{
	struct nr_types *t = make_types();
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, ID_KINDS, &sample, 5);
	union {
		struct tail tail;
		uint8_t bytes[20];
	} u = { .tail = { 1, 3 } };

	(void)state;
	expect_format(t, &ev, NR_FORMAT_JSON, "{\"u8\":255,\"i8\":-128,\"u16\":65535}");
	expect_format(t, &ev, NR_FORMAT_CSV, "255,-128,65535,,,,,,,,,,,,,,,,,,,,,");
	ev.size = 0;
	expect_format(t, &ev, NR_FORMAT_TEXT, "");
	ev = make_event(&rec, ID_TAIL, &u, 13);
	memset(u.bytes + 10, 1, 10);
	expect_format(t, &ev, NR_FORMAT_JSON, "{\"when\":1,\"data_len\":3,\"data\":[257]}");
	ev.size = 9;
	expect_format(t, &ev, NR_FORMAT_JSON, "{\"when\":1}");
	for (ev.size = 0; ev.size <= 20;
	     ev.size++) /* exactly sized, so that ASan sees a step out */
		for (int format = NR_FORMAT_TEXT; format <= NR_FORMAT_CSV; format++) {
			char buf[200];
			void *copy = malloc(ev.size);

			memcpy(copy, &u, ev.size);
			ev.data = copy;
			assert_true(nr_types_format(t, &ev, format, buf, sizeof(buf)) >= 0);
			free(copy);
		}
	nr_types_free(t);
}

static void test_all_kinds(void **state)
{
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;
	char buf[2000];

	(void)state;
	open_trace("kinds", (struct nr_writer_opts){ .start = 10 });
	append(11, ID_KINDS, &sample, sizeof(sample));
	commit(12, 0);
	close_trace();
	trace = read_trace();
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.size, sizeof(sample));
	assert_memory_equal(ev.data, &sample, sizeof(sample));
	assert_true(nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_TEXT, buf, 2000) > 0);
	assert_string_equal(buf, sample_text);
	expect_end(trace);
	expect_silent_babeltrace(1);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-cycles");
		if (!strstr(b.out, sample_babble) || !strstr(b.out, "{ cpu = 3, lost = 7 }") ||
		    !strstr(b.out, " kinds: "))
			fail_msg("babeltrace2 says %s", b.out);
		babble_free(&b);
	}
	drop_trace();
}

/* A struct without members is an event as well, whether it has room or not. */
static void test_no_fields(void **state)
{
	struct nr_writer_opts opts = { .start = 10, .log = listen };
	const uint32_t room = 7;
	struct nr_trace *trace;
	struct nr_event ev;
	char buf[8] = "";
	int empty = btf__add_struct(btf, "empty", 0), many, holes, gap;

	(void)state;
	gap = btf__add_struct(btf, "gap", 4); /* of bit-fields without a name */
	many = array(empty, 3);
	holes = btf__add_struct(btf, "holes", 4);
	field("none", empty, 0);
	field("x", T.u32, 0);
	field("end", empty, 4);
	field("many", many, 4);
	types = make_types();
	assert_int_equal(nr_types_add(types, 20, "empty", btf, empty), 0);
	assert_int_equal(nr_types_add(types, 21, "gap", btf, gap), 0);
	assert_int_equal(nr_types_add(types, 22, "holes", btf, holes), 0);
	dir = strdup(in_scratch("no_fields"));
	assert_int_equal(nr_writer_open(&writer, dir, types, &opts), 0);
	for (unsigned i = 0; i < 6; i++)
		append(11 + i, 20 + i % 3, &room, i % 3 ? 4 : 0);
	assert_int_equal(append_late(20, 15, 20, &room, 0), 0);
	append(21, 21, &room, 4);
	append(22, 22, &room, 4);
	append(23, 20, &room, 0); /* a packet that ends in nothing */
	commit(30, 0);
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.rec->id, 20 + i % 3);
		assert_int_equal(ev.size, i % 3 ? 4 : 0);
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_JSON, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "{\"x\":7}" : "{}");
		nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_CSV, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "7" : "");
		nr_types_csv_header(nr_trace_types(trace), ev.rec->id, buf, sizeof(buf));
		assert_string_equal(buf, i % 3 == 2 ? "x" : "");
	}
	expect_end(trace);
	expect_silent_babeltrace(10);
	drop_trace();
}

/* ---- packets ---- */

static void test_empty(void **state)
{
	struct nr_trace *trace;

	(void)state;
	open_trace("empty", (struct nr_writer_opts){ .start = 1000 });
	close_trace();
	trace = read_trace();
	assert_null(nr_trace_packet(trace));
	expect_end(trace);
	expect_silent_babeltrace(0);
	drop_trace();
}

static void test_one(void **state)
{
	struct nr_trace *trace;
	const struct nr_packet *p;
	struct stat st;

	(void)state;
	open_trace("one", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 77);
	commit(2000, 0);
	stat(in_scratch("one/stream"), &st);
	assert_int_equal(nr_writer_bytes(writer), st.st_size);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 77);
	p = nr_trace_packet(trace);
	assert_int_equal(p->offset, 88);
	assert_int_equal(p->size, 88 + 24);
	assert_int_equal(p->seq, 1);
	assert_int_equal(p->begin, 1500);
	assert_int_equal(p->end, 1500);
	assert_int_equal(p->watermark, 2000);
	assert_int_equal(p->lost, 0);
	expect_end(trace);
	expect_silent_babeltrace(1);
	drop_trace();
}

/* Losses lie between packets; the first and the last packet are no exception, nor is one without
 * events at the very end. */
static void test_loss(void **state)
{
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;

	(void)state;
	open_trace("loss", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 1);
	commit(2000, 5);
	append_point(2500, 2);
	commit(3000, 5);
	append_point(3500, 3);
	commit(4000, 12);
	commit(5000, 14);
	close_trace();
	trace = read_trace();
	while (nr_trace_next(trace, &ev) > 0)
		;
	assert_int_equal(nr_trace_packet(trace)->lost, 14);
	assert_int_equal(nr_trace_packet(trace)->begin, 5000);
	assert_int_equal(nr_trace_packet(trace)->seq, 4);
	expect_end(trace);
	if (have_babeltrace()) {
		const char *at;

		b = babeltrace(dir, "--clock-cycles");
		at = strstr(b.err, "discarded 5 events between [00:00:00.000001000] and "
				   "[00:00:00.000001500]");
		assert_non_null(at);
		at = strstr(at, "discarded 7 events between [00:00:00.000002500] and "
				"[00:00:00.000003500]");
		assert_non_null(at);
		at = strstr(at, "discarded 2 events between [00:00:00.000003500] and "
				"[00:00:00.000005000]");
		assert_non_null(at);
		assert_null(strstr(at + 1, "WARNING"));
		babble_free(&b);
	}
	drop_trace();
}

static void test_late(void **state)
{
	struct point p = { 9, 8 };
	struct nr_trace *trace;
	struct nr_event ev;
	struct babble b;

	(void)state;
	open_trace("late", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 1);
	assert_int_equal(append_late(1600, 1400, ID_POINT, &p, sizeof(p)), 0);
	commit(2000, 0);
	/* The order of the file is the writer's last word: clamped, were it asked for less. */
	assert_int_equal(append_late(1550, 1300, ID_POINT, &p, sizeof(p)), 0);
	commit(2100, 0);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, 1600);
	assert_int_equal(ev.rec->ts, 1400);
	assert_int_equal(ev.rec->id, ID_POINT);
	assert_int_equal(ev.flags, NR_EVENT_LATE);
	assert_int_equal(ev.size, sizeof(p));
	assert_memory_equal(ev.data, &p, sizeof(p));
	assert_int_equal(nr_trace_next(trace, &ev), 1);
	assert_int_equal(ev.ts, 1600);
	assert_int_equal(ev.rec->ts, 1300);
	expect_end(trace);
	expect_silent_babeltrace(3);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-cycles");
		assert_non_null(strstr(b.out, "[00000000000000001600]"));
		assert_non_null(strstr(b.out, "point:late: "));
		assert_non_null(strstr(b.out, "{ late_ts = 1400 }, { x = 9, y = 8 }"));
		babble_free(&b);
	}
	drop_trace();
}

/* Records that do not fit their type are kept as they came. */
static void test_raw(void **state)
{
	union {
		struct tail tail;
		uint8_t bytes[24];
	} u = { .tail = { .when = 5, .data_len = 3 } };
	struct nr_trace *trace;
	struct nr_event ev;

	(void)state;
	open_trace("raw", (struct nr_writer_opts){ .start = 1000 });
	append(1001, 999, "unknown", 7);
	append(1002, ID_POINT, "shor", 4);
	append(1003, ID_TAIL, &u, 15);
	append(1004, ID_TAIL, &u, 9);
	append(1005, 0x7fff, "", 0);
	append(1006, 0xffff, "abc", 3);
	assert_int_equal(append_late(1007, 900, 999, "late", 4), 0);
	append(1008, ID_TAIL, &u, 24); /* too long: what no field covers is dropped */
	commit(2000, 0);
	close_trace();
	expect_silent_babeltrace(8);
	trace = read_trace();
	for (unsigned i = 0; i < 8; i++) {
		static const uint16_t id[] = { 999,    ID_POINT, ID_TAIL, ID_TAIL,
					       0x7fff, 0xffff,	 999,	  ID_TAIL };
		static const uint32_t size[] = { 7, 4, 15, 9, 0, 3, 4, 16 };

		assert_int_equal(nr_trace_next(trace, &ev), 1);
		assert_int_equal(ev.ts, 1001 + i);
		assert_int_equal(ev.rec->ts, i == 6 ? 900 : 1001 + i);
		assert_int_equal(ev.rec->id, id[i]);
		assert_int_equal(ev.size, size[i]);
		assert_int_equal(ev.flags, i == 6 ? NR_EVENT_LATE : 0);
		assert_int_equal((uintptr_t)ev.data % 8, 0);
		if (id[i] == ID_TAIL)
			assert_memory_equal(ev.data, &u, size[i]);
	}
	expect_end(trace);
	drop_trace();
}

/* The last field of a packet may end inside its last 8 bytes, or inside a byte. */
static void test_content_end(void **state)
{
	union {
		struct tail tail;
		uint8_t bytes[64];
	} u = { 0 };
	int bits = btf__add_struct(btf, "bits", 16);
	struct nr_trace *trace;
	struct nr_event ev;

	(void)state;
	assert_int_equal(btf__add_field(btf, "a", T.u32, 0, 3), 0);
	open_trace("ends", (struct nr_writer_opts){ .start = 1000 });
	nr_writer_close(writer);
	assert_int_equal(nr_types_add(types, 2, "bits", btf, bits), 0);
	assert_int_equal(nr_writer_open(&writer, dir, types,
					&(struct nr_writer_opts){ .start = 1000, .force = true }),
			 0);
	for (unsigned i = 0; i < 12; i++) {
		u.tail.data_len = i;
		append(2000 + i, ID_TAIL, &u, 10 + 2 * i);
		commit(2000 + i, 0);
		append(2000 + i, 2, &u, 16);
		commit(2000 + i, 0);
		append(2000 + i, ID_BYTE, &u, 1);
		commit(2000 + i, 0);
		append(2000 + i, 999, &u, i);
		commit(2000 + i, 0);
	}
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(nr_trace_next(trace, &ev), 1);
	expect_end(trace);
	expect_silent_babeltrace(48);
	drop_trace();
}

static void test_growth(void **state)
{
	struct nr_record recs[300];
	struct nr_event evs[300];
	struct point p = { 1, 2 };
	struct nr_trace *trace;

	(void)state;
	open_trace("growth", (struct nr_writer_opts){ .start = 1000, .packet_bytes = 100 });
	assert_int_equal(nr_writer_room(writer), 100);
	append_point(1001, 0);
	assert_int_equal(nr_writer_room(writer), 76);
	for (unsigned i = 0; i < 300; i++) {
		recs[i] = (struct nr_record){ .ts = 2000 + i, .id = ID_POINT, .cpu = 3, .lost = 7 };
		evs[i] = (struct nr_event){ &recs[i], &p, sizeof(p), 0, 2000 + i };
	}
	assert_int_equal(nr_writer_append(writer, evs, 300), 0);
	assert_int_equal(nr_writer_room(writer), 0);
	commit(3000, 0);
	assert_int_equal(nr_writer_room(writer), 100);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1001, 0);
	for (unsigned i = 0; i < 300; i++)
		expect_point(trace, 2000 + i, 1);
	expect_end(trace);
	expect_silent_babeltrace(301);
	drop_trace();
}

static void test_order(void **state)
{
	struct nr_record recs[2] = { { .ts = 1600, .id = ID_POINT },
				     { .ts = 1599, .id = ID_POINT } };
	struct point p = { 1, 2 };
	struct nr_event evs[2] = { { &recs[0], &p, sizeof(p), 0, 1600 },
				   { &recs[1], &p, sizeof(p), 0, 1599 } };
	struct nr_trace *trace;

	(void)state;
	open_trace("order", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 1);
	assert_int_equal(nr_writer_append(writer, evs, 2), -EINVAL);
	assert_non_null(strstr(said, "out of order"));
	append_point(1500, 2); /* nothing of the refused batch is left */
	commit(2000, 0);
	assert_int_equal(append_late(1400, 1400, ID_POINT, &p, sizeof(p)), -EINVAL);
	commit(1000, 0); /* a watermark that goes back does not take the packets' times with it */
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	expect_point(trace, 1500, 2);
	expect_end(trace);
	expect_silent_babeltrace(2);
	drop_trace();
}

/* ---- the clock ---- */

static void expect_time(int64_t offset, uint64_t ts, const char *want)
{
	struct nr_trace *trace;
	struct babble b;

	open_trace("clock", (struct nr_writer_opts){ .start = 0, .clock_offset = offset });
	append_point(ts, 1);
	commit(ts, 0);
	close_trace();
	trace = read_trace();
	assert_int_equal(nr_trace_clock_offset(trace), offset);
	nr_trace_close(trace);
	expect_silent_babeltrace(1);
	if (have_babeltrace()) {
		b = babeltrace(dir, "--clock-seconds");
		if (strncmp(b.out, want, strlen(want)))
			fail_msg("%s is not at the start of %s", want, b.out);
		babble_free(&b);
	}
	drop_trace();
}

static void test_clock(void **state)
{
	(void)state;
	expect_time(1700000000123456789, 5000000001, "[1700000005.123456790]");
	expect_time(0, 1, "[0.000000001]");
	expect_time(-1500000000, 2000000000, "[0.500000000]");
}

/* ---- a disk that does not take it ---- */

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t off);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off);

static struct {
	off_t limit;	     /* the file cannot grow past it, 0: no limit */
	int err;	     /* what it says then */
	size_t most;	     /* bytes taken by one call, 0: all */
	unsigned interrupts; /* of the next calls */
	size_t refused;	     /* calls with so many bytes fail, 0: none */
} disk;

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t off)
{
	if (disk.interrupts) {
		disk.interrupts--;
		errno = EINTR;
		return -1;
	}
	if (disk.most && size > disk.most)
		size = disk.most;
	if ((disk.limit && off >= disk.limit) || (disk.refused && size == disk.refused)) {
		errno = disk.err;
		return -1;
	}
	if (disk.limit && off + (off_t)size > disk.limit)
		size = disk.limit - off;
	return __real_pwrite(fd, data, size, off);
}

static void test_short_writes(void **state)
{
	struct nr_trace *trace;

	(void)state;
	disk.most = 7;
	disk.interrupts = 3;
	open_trace("short", (struct nr_writer_opts){ .start = 1000 });
	for (unsigned i = 0; i < 100; i++)
		append_point(2000 + i, i);
	disk.interrupts = 3;
	commit(3000, 0);
	memset(&disk, 0, sizeof(disk));
	close_trace();
	trace = read_trace();
	for (unsigned i = 0; i < 100; i++)
		expect_point(trace, 2000 + i, i);
	expect_end(trace);
	expect_silent_babeltrace(100);
	drop_trace();
}

/* I5: what commit said it wrote is whole in the file; what it said it did not is written later. */
static void test_disk_full(void **state)
{
	static const int errs[] = { ENOSPC, EIO, EDQUOT, EFBIG };
	struct nr_trace *trace;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		open_trace("full", (struct nr_writer_opts){ .start = 1000 });
		append_point(1500, 1);
		commit(2000, 0);
		append_point(2500, 2);
		append_point(2501, 3);
		disk.limit = nr_writer_bytes(writer) + 100;
		disk.err = errs[i];
		assert_int_equal(nr_writer_commit(writer, 3000, 9), -errs[i]);
		assert_non_null(strstr(said, "full/stream"));
		assert_non_null(strstr(said, strerror(errs[i])));
		stat(in_scratch("full/stream"), &st);
		assert_int_equal(nr_writer_bytes(writer), st.st_size);
		trace = read_trace();
		expect_point(trace, 1500, 1);
		expect_end(trace);
		expect_silent_babeltrace(1);

		append_point(2502, 4); /* goes on while the disk is full */
		disk.limit = 0;
		commit(3100, 0);
		close_trace();
		trace = read_trace();
		expect_point(trace, 1500, 1);
		expect_point(trace, 2500, 2);
		expect_point(trace, 2501, 3);
		expect_point(trace, 2502, 4);
		expect_end(trace);
		expect_silent_babeltrace(4);
		drop_trace();
	}
}

/* The same from the kernel itself: a limit on the size of files, hit in the middle of a packet. */
static void test_file_limit(void **state)
{
	struct rlimit old, limit;
	struct nr_trace *trace;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_trace("limit", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 1);
	commit(2000, 0);
	for (unsigned i = 0; i < 100; i++)
		append_point(2500 + i, 2);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ nr_writer_bytes(writer) + 1000, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(nr_writer_commit(writer, 3000, 0), -EFBIG);
	trace = read_trace();
	expect_point(trace, 1500, 1);
	expect_end(trace);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	commit(3000, 0);
	close_trace();
	trace = read_trace();
	expect_point(trace, 1500, 1);
	for (unsigned i = 0; i < 100; i++)
		expect_point(trace, 2500 + i, 2);
	expect_end(trace);
	expect_silent_babeltrace(101);
	drop_trace();
}

/* A trace that could not be begun leaves nothing behind. */
static void test_full_at_open(void **state)
{
	struct nr_writer_opts opts = { .log = listen };
	struct nr_writer *w = NULL;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("begun"));
	for (disk.limit = 1; disk.limit < 6000; disk.limit += 80) {
		disk.err = ENOSPC;
		if (!nr_writer_open(&w, dir, types, &opts))
			break;
		assert_null(w);
		assert_int_equal(access(dir, F_OK), -1);
	}
	assert_true(disk.limit > 1000);
	disk.limit = 0;
	nr_writer_close(w);
	drop_trace();
}

/* The first packet's error is the one that is told. */
static void test_first_packet_fails(void **state)
{
	struct nr_writer_opts opts = { .log = listen };
	struct nr_writer *w = NULL;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("first"));
	disk.refused = 88;
	disk.err = EIO;
	assert_int_equal(nr_writer_open(&w, dir, types, &opts), -EIO);
	disk.refused = 0;
	assert_non_null(strstr(said, "first/stream"));
	assert_non_null(strstr(said, strerror(EIO)));
	assert_int_equal(access(dir, F_OK), -1);
	drop_trace();
}

/* ---- directories ---- */

static int open_again(bool force)
{
	struct nr_writer_opts opts = { .force = force, .log = listen };
	struct nr_writer *w = NULL;
	int err;

	said[0] = 0;
	err = nr_writer_open(&w, dir, types, &opts);
	assert_int_equal(!w, !!err);
	assert_int_equal(!said[0], !err);
	nr_writer_close(w);
	return err;
}

/* A trace is replaced once the new one is sure to stay, and not while somebody records it. */
static void test_replacing(void **state)
{
	const struct nr_writer_opts opts = { .force = true, .log = listen };
	struct nr_writer *old = NULL, *new = NULL;
	char *before, *after;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("replaced"));
	assert_int_equal(nr_writer_open(&old, dir, types, &opts), 0);
	assert_int_equal(open_again(true), -EBUSY);
	assert_non_null(strstr(said, "is being recorded into"));
	assert_int_equal(nr_writer_close(old), 0);
	before = load_file(in_scratch("replaced/metadata"), NULL);

	assert_int_equal(nr_writer_open(&new, dir, types, &opts), 0);
	nr_writer_discard(new);
	after = load_file(in_scratch("replaced/metadata"), NULL);
	assert_string_equal(before, after);
	assert_int_equal(try_open(), 0);
	free(after);

	assert_int_equal(nr_writer_open(&new, dir, types, &opts), 0);
	nr_writer_keep(new);
	assert_int_equal(access(in_scratch("replaced/.old-stream"), F_OK), -1);
	assert_int_equal(nr_writer_close(new), 0);
	after = load_file(in_scratch("replaced/metadata"), NULL);
	assert_string_not_equal(before, after);
	free(after);
	free(before);
	drop_trace();
}

static void test_directories(void **state)
{
	struct stat st;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("made"));
	assert_int_equal(open_again(false), 0);
	assert_int_equal(open_again(false), -EEXIST);
	assert_non_null(strstr(said, "holds a trace already"));
	assert_int_equal(open_again(true), 0);
	assert_int_equal(try_open(), 0);

	save_file(in_scratch("made/notes.txt"), "x", 1); /* a trace and something else */
	assert_int_equal(open_again(false), -ENOTEMPTY);
	assert_int_equal(open_again(true), -ENOTEMPTY);
	assert_non_null(strstr(said, "notes.txt"));
	assert_int_equal(access(in_scratch("made/notes.txt"), F_OK), 0);
	assert_int_equal(access(in_scratch("made/stream"), F_OK), 0);
	drop_trace();

	types = make_types();
	dir = strdup(in_scratch("empty"));
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(open_again(false), 0);
	stat(dir, &st);
	assert_int_equal(st.st_mode & 07777, 0700);
	save_file(in_scratch("empty/metadata"), "/* CTF 1.8 */\ntrace {};\n", 24);
	assert_int_equal(open_again(true), -ENOTEMPTY); /* somebody else's trace */
	drop_trace();

	types = make_types();
	dir = strdup(in_scratch("file"));
	save_file(dir, "x", 1);
	assert_int_equal(open_again(true), -ENOTDIR);
	free((char *)dir);
	dir = strdup(in_scratch("no/such/parent"));
	assert_int_equal(open_again(false), -ENOENT);
	drop_trace();
}

/* Files are replaced, not written through links. */
static void test_link_is_replaced(void **state)
{
	char *text;

	(void)state;
	types = make_types();
	dir = strdup(in_scratch("links"));
	assert_int_equal(open_again(false), 0);
	save_file(in_scratch("precious"), "precious", 8);
	unlink(in_scratch("links/stream"));
	assert_int_equal(symlink(in_scratch("precious"), in_scratch("links/stream")), 0);
	assert_int_equal(open_again(true), 0);
	text = load_file(in_scratch("precious"), NULL);
	assert_string_equal(text, "precious");
	free(text);
	drop_trace();
}

/* ---- damage ---- */

static void make_small(void)
{
	union {
		struct tail tail;
		uint8_t bytes[20];
	} u = { .tail = { .when = 1, .data_len = 5 } };
	struct point p = { 8, 9 };

	open_trace("small", (struct nr_writer_opts){ .start = 1000 });
	append_point(1500, 1);
	append(1600, ID_TAIL, &u, 20);
	commit(2000, 0);
	assert_int_equal(append_late(2200, 1400, ID_POINT, &p, sizeof(p)), 0);
	append(2300, 999, "raw", 3);
	commit(3000, 2);
	close_trace();
}

/* What a reader got out of the trace: text of all events, and how it ended. */
struct reading {
	char text[2000];
	int end;
};

static void read_all(struct reading *r)
{
	struct nr_trace_opts opts = { sizeof(opts), listen, NULL };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	said[0] = 0;
	r->end = nr_trace_open(&trace, dir, &opts);
	if (r->end)
		return;
	while ((r->end = nr_trace_next(trace, &ev)) > 0 && n < 1500) {
		const char *name = nr_types_name(nr_trace_types(trace), ev.rec->id);

		n += sprintf(r->text + n, "%llu %llu %u %u %s ", (unsigned long long)ev.ts,
			     (unsigned long long)ev.rec->ts, ev.rec->cpu, ev.size, name ?: "-");
		if (nr_types_format(nr_trace_types(trace), &ev, NR_FORMAT_TEXT, r->text + n, 200) >
		    0)
			n += strlen(r->text + n);
		n += sprintf(r->text + n, "\n");
	}
	assert_int_equal(nr_trace_next(trace, &ev), r->end); /* and stays so */
	nr_trace_close(trace);
}

static size_t whole_packets(const uint8_t *stream, size_t size)
{
	struct nr_packet_head h;
	size_t pos = 0;

	while (pos + sizeof(h) <= size) {
		memcpy(&h, stream + pos, sizeof(h));
		if (pos + h.packet_bits / 8 > size)
			break;
		pos += h.packet_bits / 8;
	}
	return pos;
}

static void poke(const char *path, size_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void test_every_byte(void **state)
{
	static const char *const files[] = { "stream", "metadata", ".btf" };
	struct reading good, bad;

	(void)state;
	make_small();
	read_all(&good);
	assert_int_equal(good.end, 0);
	for (unsigned f = 0; f < 3; f++) {
		const char *path = strdup(in_scratch("small/%s", files[f]));
		size_t size;
		char *data = load_file(path, &size);

		for (size_t i = 0; i < size; i++) {
			poke(path, i, data[i] ^ 1 << i % 8);
			read_all(&bad);
			poke(path, i, data[i]);
			if (bad.end != -EBADMSG && bad.end != -EPROTO)
				fail_msg("byte %zu of %s: ended with %d", i, files[f], bad.end);
			if (strncmp(bad.text, good.text, strlen(bad.text)))
				fail_msg("byte %zu of %s: shows %s", i, files[f], bad.text);
			if (!said[0])
				fail_msg("byte %zu of %s: no word about it", i, files[f]);
		}
		free(data);
		free((char *)path);
	}
	read_all(&bad);
	assert_string_equal(good.text, bad.text);
	drop_trace();
}

static void test_cut_off(void **state)
{
	struct reading good, cut;
	size_t size, whole;
	char *data;

	(void)state;
	make_small();
	read_all(&good);
	data = load_file(in_scratch("small/stream"), &size);
	for (size_t n = 0; n < size; n++) {
		save_file(in_scratch("small/stream"), data, n);
		whole = whole_packets((uint8_t *)data, n);
		read_all(&cut);
		/* Not even an empty stream is whole: there is a first packet in every one. */
		assert_int_equal(cut.end, n && n == whole ? 0 : -EBADMSG);
		if (cut.end)
			assert_non_null(strstr(said, "is cut off"));
		assert_int_equal(strncmp(cut.text, good.text, strlen(cut.text)), 0);
		if (n >= whole_packets((uint8_t *)data, 250) && whole > 88)
			assert_non_null(strstr(cut.text, "1600"));
	}
	free(data);
	drop_trace();
}

/* Packets whose checksum is right and whose words are not: refused or harmless, never out of
 * bounds (ASan looks). */
static void test_lies(void **state)
{
	size_t size, start;
	struct nr_packet_head h;
	struct reading r;
	uint8_t *data;

	(void)state;
	make_small();
	data = (uint8_t *)load_file(in_scratch("small/stream"), &size);
	memcpy(&h, data, sizeof(h));
	start = h.packet_bits / 8;
	memcpy(&h, data + start, sizeof(h));
	for (size_t i = 0; i < h.packet_bits / 8; i++)
		for (unsigned v = 0; v < 3; v++) {
			struct nr_packet_head *p = (void *)(data + start);
			uint8_t was = data[start + i];

			data[start + i] = v == 0 ? 0 : v == 1 ? 0xff : was ^ 0x10;
			p->crc = 0;
			p->crc = libdeflate_crc32(0, data + start, h.packet_bits / 8);
			save_file(in_scratch("small/stream"), data, size);
			read_all(&r);
			assert_true(r.end == 0 || r.end == -EBADMSG);
			data[start + i] = was;
		}
	free(data);
	drop_trace();
}

static void test_swapped_packets(void **state)
{
	struct reading r;
	size_t size, first;
	struct nr_packet_head h;
	char *data;

	(void)state;
	make_small();
	data = load_file(in_scratch("small/stream"), &size);
	memcpy(&h, data, sizeof(h));
	first = h.packet_bits / 8;
	save_file(in_scratch("small/stream"), data + first, size - first); /* one is missing */
	read_all(&r);
	assert_int_equal(r.end, -EBADMSG);
	assert_non_null(strstr(said, "missing or duplicated"));
	assert_string_equal(r.text, "");
	free(data);
	drop_trace();
}

/* babeltrace2 reads the trace without .btf. */
static void expect_loss_of_two(void)
{
	struct babble b;

	if (!have_babeltrace())
		return;
	b = babeltrace(dir, "--clock-cycles");
	assert_int_equal(b.status, 0);
	assert_non_null(strstr(b.out, "numaring:raw: "));
	assert_non_null(strstr(b.err, "discarded 2 events"));
	babble_free(&b);
}

static void replace_in(const char *path, const char *from, const char *to)
{
	size_t size;
	char *text = load_file(path, &size), *at = strstr(text, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	save_file(path, text, size);
	free(text);
}

static void test_not_ours(void **state)
{
	struct nr_trace *trace = NULL;

	(void)state;
	make_small();
	unlink(in_scratch("small/.btf"));
	assert_int_equal(try_open(), -ENOENT);
	assert_non_null(strstr(said, ".btf is missing: copy the whole directory, or read it with "
				     "babeltrace2"));
	expect_loss_of_two();
	replace_in(in_scratch("small/metadata"), "tracer_major = 1", "tracer_major = 2");
	assert_int_equal(try_open(), -EPROTO);
	assert_non_null(strstr(said, "version"));
	replace_in(in_scratch("small/metadata"), "numaring trace", "someones trace");
	assert_int_equal(try_open(), -EPROTO);
	unlink(in_scratch("small/metadata"));
	assert_int_equal(try_open(), -ENOENT);
	drop_trace();
	assert_int_equal(nr_trace_open(&trace, in_scratch("nowhere"), NULL), -ENOENT);
	assert_int_equal(nr_trace_open(&trace, "/dev/null", NULL), -ENOTDIR);
	assert_null(trace);
	nr_trace_close(NULL);
	nr_types_free(NULL);
	assert_int_equal(nr_writer_close(NULL), 0);
}

static void test_not_regular(void **state)
{
	(void)state;
	make_small();
	unlink(in_scratch("small/stream"));
	assert_int_equal(mkfifo(in_scratch("small/stream"), 0600), 0); /* must not block */
	assert_int_equal(try_open(), -EBADMSG);
	assert_non_null(strstr(said, "no regular file"));
	drop_trace();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_refused),
		cmocka_unit_test(test_types_twice),
		cmocka_unit_test(test_types_raw),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_cut_enum),
		cmocka_unit_test(test_json_corners),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test(test_hidden_characters),
		cmocka_unit_test(test_format_short),
		cmocka_unit_test(test_json_every_byte),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_no_fields),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_content_end),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_short_writes),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_full_at_open),
		cmocka_unit_test(test_first_packet_fails),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_replacing),
		cmocka_unit_test(test_link_is_replaced),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_swapped_packets),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_not_regular),
	};
	int failed = cmocka_run_group_tests_name("trace", tests, make_btf, free_btf);

	if (failed)
		return 1;
	if (have_babeltrace())
		return 0;
	printf("babeltrace2 is not installed: only our own reader was tested\n");
	return SKIP;
}
