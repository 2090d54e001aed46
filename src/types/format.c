// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prints payloads as text, JSON and CSV from the layout. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "types.h"
#include "utf8.h"

/* Like snprintf: bytes that do not fit are counted, not written. */
struct out {
	char *buf;
	size_t size;
	size_t len;
	enum nr_format format;
	bool quoted; /* in a quoted CSV column, where quotes are doubled */
};

static void put_raw(struct out *o, const char *s, size_t n)
{
	if (o->len + n < o->size)
		memcpy(o->buf + o->len, s, n);
	else if (o->len < o->size)
		memcpy(o->buf + o->len, s, o->size - o->len);
	o->len += n;
}

static void put_doubled(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_raw(o, s[i] == '"' ? "\"\"" : &s[i], s[i] == '"' ? 2 : 1);
}

static inline void put(struct out *o, const char *s, size_t n)
{
	if (__builtin_expect(o->quoted, 0))
		put_doubled(o, s, n);
	else
		put_raw(o, s, n);
}

#define PUT(o, literal) put(o, literal, sizeof(literal) - 1)

/* ---- numbers ---- */

static const char digits[201] = "000102030405060708091011121314151617181920212223242526272829303132"
				"3334353637383940414243444546"
				"474849505152535455565758596061626364656667686970717273747576777879"
				"8081828384858687888990919293"
				"949596979899";

static void put_u64(struct out *o, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	for (; v >= 100; v /= 100) {
		p -= 2;
		memcpy(p, &digits[v % 100 * 2], 2);
	}
	if (v >= 10) {
		p -= 2;
		memcpy(p, &digits[v * 2], 2);
	} else {
		*--p = '0' + v;
	}
	put(o, p, text + sizeof(text) - p);
}

static void put_int(struct out *o, uint64_t v, bool is_signed)
{
	if (is_signed && (int64_t)v < 0) {
		PUT(o, "-");
		v = -v;
	}
	put_u64(o, v);
}

/* JSON readers store numbers as doubles, which hold all integers up to 2^53 and only some above. So
 * larger numbers are strings in JSON. */
static void put_number(struct out *o, uint64_t v, bool is_signed)
{
	uint64_t size = is_signed && (int64_t)v < 0 ? -v : v;
	bool quote = size > 1ull << 53 && o->format == NR_FORMAT_JSON;

	if (quote)
		PUT(o, "\"");
	put_int(o, v, is_signed);
	if (quote)
		PUT(o, "\"");
}

static void put_hex(struct out *o, uint64_t v)
{
	char text[18], *p = text + sizeof(text);

	do
		*--p = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	*--p = 'x';
	*--p = '0';
	put(o, p, text + sizeof(text) - p);
}

static void put_hex_bytes(struct out *o, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char two[2] = { "0123456789abcdef"[data[i] >> 4],
				"0123456789abcdef"[data[i] & 15] };

		put(o, two, 2);
	}
}

/* Prints with the smaller of two precisions that reads back as the same number. The decimal point
 * is that of the locale. */
static void print_float(char *text, size_t size, double v, bool single)
{
	snprintf(text, size, "%.*g", single ? 6 : 15, v);
	if (single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)
		return;
	snprintf(text, size, "%.*g", single ? 9 : 17, v);
}

static void put_float(struct out *o, const struct nr_field *f, const uint8_t *p)
{
	char text[64];
	size_t n = 0;
	double v;
	float single;

	if (f->bits == 32) {
		memcpy(&single, p, sizeof(single));
		v = single;
	} else {
		memcpy(&v, p, sizeof(v));
	}
	if (!isfinite(v) && o->format == NR_FORMAT_JSON) {
		PUT(o, "null");
		return;
	}
	print_float(text, sizeof(text), v, f->bits == 32);
	/* Any byte that is not a digit, a sign or an exponent belongs to the decimal point. */
	for (const char *t = text; isfinite(v) && *t; t++) {
		if (strchr("0123456789+-e", *t))
			text[n++] = *t;
		else if (!n || text[n - 1] != '.')
			text[n++] = '.';
	}
	put(o, text, n ?: strlen(text));
}

/* ---- text ---- */

/* Characters that control a terminal or the text direction, or are invisible. They are escaped,
 * because different texts must look different. */
static bool is_hidden(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0x80, 0x9f },	      /* C1 */
		{ 0xad, 0xad },	      /* soft hyphen */
		{ 0x61c, 0x61c },     /* bidirectional mark */
		{ 0x180e, 0x180e },   /* no width */
		{ 0x200b, 0x200f },   /* no width, bidirectional marks */
		{ 0x2028, 0x202e },   /* ends of line and paragraph, bidirectional embedding */
		{ 0x2060, 0x206f },   /* no width, bidirectional isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* annotations */
		{ 0xe0000, 0xe007f }, /* tags */
	};

	for (size_t i = 0; i < NR_ARRAY_SIZE(ranges); i++)
		if (c <= ranges[i][1])
			return c >= ranges[i][0];
	return false;
}

static bool is_plain(const struct out *o, uint8_t c)
{
	if (c >= 0x7f)
		return false;
	if (o->format == NR_FORMAT_CSV)
		return c >= ' ' || c == '\n' || c == '\r' || c == '\t';
	return c >= ' ' && c != '"' && c != '\\';
}

/* JSON: \uXXXX, a pair of them above U+FFFF. Other formats: \u{X}. */
static void put_escaped_char(struct out *o, uint32_t c)
{
	char text[16];
	int n;

	if (o->format != NR_FORMAT_JSON)
		n = sprintf(text, "\\u{%x}", c);
	else if (c < 0x10000)
		n = sprintf(text, "\\u%04x", c);
	else
		n = sprintf(text, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
	put(o, text, n);
}

/* An ASCII byte, or a byte of no valid character, which JSON cannot tell from the character of that
 * number. */
static void put_escaped_byte(struct out *o, uint8_t c)
{
	const char *known = "\"\"\\\\\nn\rr\tt";
	char text[8];

	for (const char *k = known; *k; k += 2)
		if (k[0] == (char)c) {
			put(o, (char[]){ '\\', k[1] }, 2);
			return;
		}
	if (o->format == NR_FORMAT_JSON)
		put_escaped_char(o, c);
	else
		put(o, text, sprintf(text, "\\x%02x", c));
}

#define EACH(byte) ((byte)*0x0101010101010101ull)

/* Is one of the 8 bytes zero? */
static inline bool has_zero(uint64_t v)
{
	return (v - EACH(1)) & ~v & EACH(0x80);
}

/* Are all 8 bytes plain in every format? */
static inline bool all_plain(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	/* a byte has its high bit set or is below ' ', so subtracting ' ' borrows */
	if ((v | ((v - EACH(' ')) & ~v)) & EACH(0x80))
		return false;
	return !has_zero(v ^ EACH('"')) && !has_zero(v ^ EACH('\\')) && !has_zero(v ^ EACH(0x7f));
}

static size_t plain_run(const struct out *o, const uint8_t *p, size_t n)
{
	size_t run = 0;

	while (run + 8 <= n && all_plain(p + run))
		run += 8;
	if (run && n - run < 8 && all_plain(p + n - 8)) /* the rest, overlapping what was checked */
		return n;
	while (run < n && is_plain(o, p[run]))
		run++;
	return run;
}

/* Puts the first character after a plain run. Returns its bytes. */
static size_t put_char(struct out *o, const uint8_t *p, size_t n)
{
	uint32_t c = 0;
	size_t len = *p >= 0x80 ? nr_utf8_char(p, n, &c) : 0;

	if (!len)
		put_escaped_byte(o, *p);
	else if (is_hidden(c))
		put_escaped_char(o, c);
	else
		put(o, (const char *)p, len);
	return len ?: 1;
}

static void put_chars(struct out *o, const uint8_t *p, size_t n)
{
	while (n) {
		size_t run = plain_run(o, p, n);

		if (run)
			put(o, (const char *)p, run);
		else
			run = put_char(o, p, n);
		p += run;
		n -= run;
	}
}

static void put_text(struct out *o, const uint8_t *p, size_t n)
{
	bool csv = o->format == NR_FORMAT_CSV, quote = !csv;

	n = strnlen((const char *)p, n);
	for (size_t i = 0; csv && i < n && !quote; i++)
		quote = p[i] == '"' || p[i] == ',' || p[i] == '\n' || p[i] == '\r';
	if (quote)
		PUT(o, "\"");
	o->quoted |= csv && quote;
	put_chars(o, p, n);
	if (csv)
		o->quoted = false;
	if (quote)
		PUT(o, "\"");
}

/* ---- values ---- */

static void put_json_quote(struct out *o)
{
	if (o->format == NR_FORMAT_JSON)
		PUT(o, "\"");
}

static void put_enum(struct out *o, const struct nr_field *f, uint64_t v)
{
	const struct nr_enum_value *known = nr_field_value(f, v);

	if (!known) {
		put_number(o, v, f->is_signed);
		return;
	}
	put_json_quote(o);
	put(o, known->name, strlen(known->name));
	put_json_quote(o);
	if (o->format != NR_FORMAT_TEXT)
		return;
	PUT(o, " (");
	put_int(o, v, f->is_signed);
	PUT(o, ")");
}

static void put_members(struct out *o, const struct nr_layout *layout, const struct nr_field *st,
			struct nr_part s);

static void put_value(struct out *o, const struct nr_layout *layout, const struct nr_field *f,
		      struct nr_part s);

static void put_array(struct out *o, const struct nr_layout *layout, const struct nr_field *f,
		      struct nr_part s)
{
	uint32_t n = nr_field_count(layout, f, s);

	s.base += f->off / 8;
	PUT(o, "[");
	for (uint32_t i = 0; i < n; i++, s.base += f->stride / 8) {
		if (i)
			put(o, ", ", o->format == NR_FORMAT_TEXT ? 2 : 1);
		put_value(o, layout, f->kids, s);
	}
	PUT(o, "]");
}

static void put_struct(struct out *o, const struct nr_layout *layout, const struct nr_field *f,
		       struct nr_part s)
{
	s.base += f->off / 8;
	if (o->format == NR_FORMAT_TEXT)
		PUT(o, "{ ");
	else
		PUT(o, "{");
	put_members(o, layout, f, s);
	if (o->format == NR_FORMAT_TEXT)
		PUT(o, " }");
	else
		PUT(o, "}");
}

static void put_bool(struct out *o, bool v)
{
	if (v)
		PUT(o, "true");
	else
		PUT(o, "false");
}

static void put_value(struct out *o, const struct nr_layout *layout, const struct nr_field *f,
		      struct nr_part s)
{
	const uint8_t *p = s.base + f->off / 8;

	switch (f->kind) {
	case NR_UINT:
	case NR_INT:
		put_number(o, nr_field_load(f, s.base), f->is_signed);
		break;
	case NR_BOOL:
		put_bool(o, nr_field_load(f, s.base));
		break;
	case NR_ENUM:
		put_enum(o, f, nr_field_load(f, s.base));
		break;
	case NR_FLOAT:
		put_float(o, f, p);
		break;
	case NR_PTR:
		put_json_quote(o);
		put_hex(o, nr_field_load(f, s.base));
		put_json_quote(o);
		break;
	case NR_TEXT:
		put_text(o, p, f->tail ? nr_field_count(layout, f, s) : f->count);
		break;
	case NR_BYTES:
		put_json_quote(o);
		put_hex_bytes(o, p, f->count);
		put_json_quote(o);
		break;
	case NR_STRUCT:
		put_struct(o, layout, f, s);
		break;
	case NR_ARRAY:
		put_array(o, layout, f, s);
		break;
	}
}

/* ,"name": written at once where it fits and needs no doubled quotes; most of the text are keys. */
static inline void put_key(struct out *o, const struct nr_field *f, bool first)
{
	size_t n = f->name_len + 3 + !first;
	char *p;

	if (o->quoted || o->len + n >= o->size) {
		put(o, ",", first ? 0 : 1);
		PUT(o, "\"");
		put(o, f->name, f->name_len);
		PUT(o, "\":");
		return;
	}
	p = o->buf + o->len;
	*p = ',';
	p += !first;
	*p++ = '"';
	memcpy(p, f->name, f->name_len);
	memcpy(p + f->name_len, "\":", 2);
	o->len += n;
}

static void put_members(struct out *o, const struct nr_layout *layout, const struct nr_field *st,
			struct nr_part s)
{
	bool json = o->format == NR_FORMAT_JSON, first = true;

	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct nr_field *f = &st->kids[i];

		if (!nr_field_is_present(layout, f, s))
			continue;
		if (json) {
			put_key(o, f, first);
		} else {
			put(o, ", ", first ? 0 : 2);
			put(o, f->name, f->name_len);
			PUT(o, " = ");
		}
		first = false;
		put_value(o, layout, f, s);
	}
}

/* ---- CSV: one column per field, nested structs flattened, an array as one column of JSON ---- */

static void put_csv_array(struct out *o, const struct nr_layout *layout, const struct nr_field *f,
			  struct nr_part s)
{
	PUT(o, "\"");
	o->quoted = true;
	o->format = NR_FORMAT_JSON;
	put_array(o, layout, f, s);
	o->format = NR_FORMAT_CSV;
	o->quoted = false;
	PUT(o, "\"");
}

static void put_columns(struct out *o, const struct nr_layout *layout, const struct nr_field *st,
			struct nr_part s, bool *comma)
{
	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct nr_field *f = &st->kids[i];

		if (f->kind == NR_STRUCT) {
			put_columns(o, layout, f, (struct nr_part){ s.base + f->off / 8, s.end },
				    comma);
			continue;
		}
		if (*comma)
			PUT(o, ",");
		*comma = true;
		if (!nr_field_is_present(layout, f, s))
			continue;
		if (f->kind == NR_ARRAY)
			put_csv_array(o, layout, f, s);
		else
			put_value(o, layout, f, s);
	}
}

struct path {
	const struct path *up;
	const struct nr_field *f;
};

static void put_path(struct out *o, const struct path *path)
{
	if (path->up) {
		put_path(o, path->up);
		PUT(o, ".");
	}
	put(o, path->f->name, path->f->name_len);
}

static void put_titles(struct out *o, const struct nr_field *st, const struct path *up, bool *comma)
{
	for (unsigned i = 0; i < st->n_kids; i++) {
		struct path path = { up, &st->kids[i] };

		if (path.f->kind == NR_STRUCT) {
			put_titles(o, path.f, &path, comma);
			continue;
		}
		if (*comma)
			PUT(o, ",");
		*comma = true;
		put_path(o, &path);
	}
}

/* ---- */

static int finish(struct out *o)
{
	if (o->size)
		o->buf[o->len < o->size ? o->len : o->size - 1] = 0;
	return o->len > INT32_MAX ? -EOVERFLOW : (int)o->len;
}

int nr_types_format(const struct nr_types *types, const struct nr_event *ev, enum nr_format format,
		    char *buf, size_t size)
{
	const struct nr_layout *layout = nr_types_layout(types, ev->rec->id);
	struct out o = { .buf = buf, .size = size, .format = format };
	struct nr_part s = { ev->data, (const uint8_t *)ev->data + ev->size };
	bool comma = false;

	if (!layout)
		return -ENOENT;
	switch (format) {
	case NR_FORMAT_TEXT:
		put_members(&o, layout, &layout->root, s);
		break;
	case NR_FORMAT_JSON:
		put_struct(&o, layout, &layout->root, s);
		break;
	case NR_FORMAT_CSV:
		put_columns(&o, layout, &layout->root, s, &comma);
		break;
	default:
		return -EINVAL;
	}
	return finish(&o);
}

int nr_event_format(const struct nr_event *ev, const struct nr_field_info *field,
		    enum nr_format format, char *buf, size_t size)
{
	const struct nr_field *f = field->inside;
	struct out o = { .buf = buf, .size = size, .format = format };
	struct nr_part s = { (const uint8_t *)ev->data + (field->bit_offset - f->off) / 8,
			     (const uint8_t *)ev->data + ev->size };

	if ((unsigned)format > NR_FORMAT_CSV)
		return -EINVAL;
	if (!nr_field_is_present(field->layout, f, s))
		return finish(&o);
	if (format == NR_FORMAT_CSV && f->kind == NR_ARRAY)
		put_csv_array(&o, field->layout, f, s);
	else
		put_value(&o, field->layout, f, s);
	return finish(&o);
}

int nr_types_csv_header(const struct nr_types *types, uint16_t id, char *buf, size_t size)
{
	const struct nr_layout *layout = nr_types_layout(types, id);
	struct out o = { .buf = buf, .size = size, .format = NR_FORMAT_CSV };
	bool comma = false;

	if (!layout)
		return -ENOENT;
	put_titles(&o, &layout->root, NULL, &comma);
	return finish(&o);
}
