// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events as text, JSON and CSV: every kind of field, every hostile character, every truncated
 * payload. */
#include "types_help.h"

#include <errno.h>
#include <math.h>
#include "types/types.h"

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

static struct nr_event make_event(struct nr_record *rec, uint16_t id, const void *data,
				  uint32_t size)
{
	*rec = (struct nr_record){ .ts = 1, .id = id };
	return (struct nr_event){ rec, data, size, 0, 1 };
}

/* Like snprintf, for every size of the buffer: the fitting part, terminated, and the whole
 * length. */
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

/* The fields one by one are the event. */
static void test_single_fields(void **state)
{
	struct nr_types *t = make_types();
	struct nr_field_info f = { .sz = sizeof(f) };
	struct nr_record rec;
	struct nr_event ev = make_event(&rec, ID_KINDS, &sample, sizeof(sample));
	char all[1000], value[300];
	int n = 0;

	(void)state;
	for (unsigned i = 0; !nr_types_field_at(t, ID_KINDS, NULL, i, &f); i++) {
		assert_true(nr_event_format(&ev, &f, NR_FORMAT_JSON, value, sizeof(value)) > 0);
		n += sprintf(all + n, "%c\"%s\":%s", i ? ',' : '{', f.name, value);
	}
	sprintf(all + n, "}");
	assert_string_equal(all, sample_json);
	assert_int_equal(nr_types_field(t, ID_KINDS, "p.y", &f), 0);
	assert_int_equal(nr_event_format(&ev, &f, NR_FORMAT_TEXT, value, sizeof(value)), 2);
	assert_string_equal(value, "-2");
	assert_int_equal(nr_types_field(t, ID_KINDS, "ps", &f), 0);
	nr_event_format(&ev, &f, NR_FORMAT_CSV, value, sizeof(value));
	assert_string_equal(value, "\"[{\"\"x\"\":3,\"\"y\"\":-4},{\"\"x\"\":5,\"\"y\"\":-6}]\"");
	ev.size = 1;
	assert_int_equal(nr_event_format(&ev, &f, NR_FORMAT_TEXT, value, sizeof(value)), 0);
	assert_int_equal(nr_event_format(&ev, &f, 7, value, sizeof(value)), -EINVAL);
	nr_types_free(t);
}

/* A 64-bit enum as clang 14 writes it, with values cut to 32 bits: HIGH = 0x100000000 becomes 0. */
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
	assert_int_equal(nr_types_new(&t, hear, NULL), 0);
	said[0] = 0;
	assert_int_equal(nr_types_check(t, 3, "flagged", btf, flagged), 0);
	assert_memory_equal(said, warning, strlen(warning));
	said[0] = 0;
	assert_int_equal(nr_types_add(t, 3, "flagged", btf, flagged), 0);
	assert_string_equal(said, ""); /* once */
	expect_format(t, &ev, NR_FORMAT_TEXT, "flags = [0, 4294967296]");
	raw = nr_types_raw(t, &size);
	assert_int_equal(nr_types_from_raw(&read, raw, size, hear, NULL), 0);
	expect_format(read, &ev, NR_FORMAT_TEXT, "flags = [0, 4294967296]");
	assert_string_equal(said, "");
	nr_types_free(read);
	said[0] = 0;
	assert_int_equal(nr_types_check(t, 4, "kinds", btf, T.kinds), 0);
	assert_string_equal(said, ""); /* has a complete one, BTF_KIND_ENUM64 */
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
	expect_json_text("\xc3(", "\"text\":\"\\u00c3(\",");	      /* no continuation byte */
	expect_json_text("\xc0\xaf", "\"text\":\"\\u00c0\\u00af\","); /* overlong */
	expect_json_text("\xe0\x80\x80", "\"text\":\"\\u00e0\\u0080\\u0080\","); /* overlong */
	expect_json_text("\xed\xa0\x80", "\"text\":\"\\u00ed\\u00a0\\u0080\","); /* surrogate */
	expect_json_text("\xf4\x90\x80\x80", "\"text\":\"\\u00f4\\u0090\\u0080\\u0080\",");
	expect_json_text("123456789 \xe2\x82", "\"text\":\"123456789 \\u00e2\","); /* cut */
}

/* A double holds every integer up to 2^53. Larger integers are strings, for every kind of integer
 * and in arrays; in CSV only inside arrays. */
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
	assert_int_equal(nr_types_new(&t, hear, NULL), 0);
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

/* Characters that control a terminal or change the reading order are escaped in every format. Other
 * characters outside ASCII are not. */
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
	assert_int_equal(nr_types_new(&t, hear, NULL), 0);
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

/* Every byte at every position of a text; the code reads 8 bytes at a time. */
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

/* A truncated payload shows its complete fields. */
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
	     ev.size++) /* exactly sized, so that ASan notices an access past the end */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	      cmocka_unit_test(test_single_fields),
		cmocka_unit_test(test_cut_enum),      cmocka_unit_test(test_json_corners),
		cmocka_unit_test(test_large_numbers), cmocka_unit_test(test_hidden_characters),
		cmocka_unit_test(test_format_short),  cmocka_unit_test(test_json_every_byte),
	};

	return !!cmocka_run_group_tests_name("text", tests, make_btf, free_btf);
}
