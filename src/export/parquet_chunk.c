// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <zstd.h>
#include "parquet_chunk.h"
#include "parquet_encode.h"

#define LEVEL	  9  /* of zstd */
#define TRY_AGAIN 16 /* chunks for which an encoding is kept */
#define MAX_STATS 64 /* bytes of a text that can be a least or greatest value */

/* Numbers of Parquet's metadata. */
enum page_type { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };
enum encoding {
	PLAIN = 0,
	RLE = 3,
	DELTA_BINARY_PACKED = 5,
	RLE_DICTIONARY = 8,
};
enum { CODEC_ZSTD = 6 };

/* How values are written. */
enum way {
	WAY_DICTIONARY,
	WAY_DICTIONARY_BYTES, /* its indices have whole bytes */
	WAY_DELTA,
	WAY_PLAIN,
	N_WAYS,
};

static const enum encoding encodings[] = {
	[WAY_DICTIONARY] = RLE_DICTIONARY,
	[WAY_DICTIONARY_BYTES] = RLE_DICTIONARY,
	[WAY_DELTA] = DELTA_BINARY_PACKED,
	[WAY_PLAIN] = PLAIN,
};

/* The pages written in one way. */
struct pages {
	struct bytes out;
	enum way way;
	size_t data_at; /* where the data page begins */
	uint64_t size;	/* before compression */
};

/* The least or the greatest value. */
struct bound {
	uint8_t data[MAX_STATS];
	size_t len;
};

struct parquet_chunks {
	ZSTD_CCtx *zstd;
	struct parquet_values values;
	struct parquet_dictionary dictionary;
	struct bytes body; /* of a page, before compression */
	struct pages best, other;
	bool has_bounds;
	struct bound least, greatest;
};

int parquet_chunks_new(struct parquet_chunks **out)
{
	struct parquet_chunks *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->zstd = ZSTD_createCCtx();
	if (!c->zstd) {
		free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void parquet_chunks_free(struct parquet_chunks *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->zstd);
	parquet_values_free(&c->values);
	parquet_dictionary_free(&c->dictionary);
	bytes_free(&c->body);
	bytes_free(&c->best.out);
	bytes_free(&c->other.out);
	free(c);
}

/* ---- values ---- */

/* Bytes of a number in the PLAIN encoding; 0: a bit. */
static unsigned plain_size(enum parquet_type type)
{
	return type == PARQUET_BOOLEAN ? 0 : type == PARQUET_INT32 || type == PARQUET_FLOAT ? 4 : 8;
}

/* A name, or the number in decimal if it has none. */
static size_t enum_text(const struct parquet_column *col, uint64_t v, char *buf, size_t size,
			const char **text)
{
	*text = nr_field_enum_name(&col->field, v);
	if (*text)
		return strlen(*text);
	*text = buf;
	return col->is_signed ? snprintf(buf, size, "%" PRId64, (int64_t)v)
			      : snprintf(buf, size, "%" PRIu64, v);
}

/* The bytes of value i of a column of texts, bytes or names. buf: for a number. */
static const void *text_of(const struct parquet_chunks *c, const struct parquet_column *col,
			   size_t i, char *buf, size_t size, size_t *len)
{
	const char *text;

	if (col->source != PARQUET_ENUM)
		return parquet_text(&c->values, i, len);
	*len = enum_text(col, parquet_numbers(&c->values)[i], buf, size, &text);
	return text;
}

static void put_plain_text(struct parquet_chunks *c, const struct parquet_column *col, size_t i)
{
	char buf[24];
	size_t len;
	const void *text = text_of(c, col, i, buf, sizeof(buf), &len);

	bytes_add_le(&c->body, len, 4);
	bytes_add(&c->body, text, len);
}

static void put_plain(struct parquet_chunks *c, const struct parquet_column *col)
{
	if (col->type != PARQUET_BYTES) {
		parquet_put_plain(&c->body, parquet_numbers(&c->values), c->values.n,
				  plain_size(col->type));
		return;
	}
	for (size_t i = 0; i < c->values.n; i++)
		put_plain_text(c, col, i);
}

static void put_entries(struct parquet_chunks *c, const struct parquet_column *col)
{
	const uint32_t *first = (const uint32_t *)c->dictionary.first.at;

	for (size_t i = 0; i < c->dictionary.n; i++) {
		if (col->type == PARQUET_BYTES)
			put_plain_text(c, col, first[i]);
		else
			bytes_add_le(&c->body, parquet_numbers(&c->values)[first[i]],
				     plain_size(col->type));
	}
}

static void put_indices(struct parquet_chunks *c, bool whole_bytes)
{
	const struct parquet_dictionary *d = &c->dictionary;
	const uint32_t *indices = (const uint32_t *)d->indices.at;
	unsigned width = d->n ? parquet_width(d->n - 1) : 0;

	if (whole_bytes)
		width = (width + 7) & ~7u;
	bytes_add_u8(&c->body, width);
	if (whole_bytes)
		parquet_put_packed(&c->body, indices, c->values.n, width);
	else
		parquet_put_rle(&c->body, indices, c->values.n, width);
}

static void put_values(struct parquet_chunks *c, const struct parquet_column *col, enum way way)
{
	const uint64_t *numbers = parquet_numbers(&c->values);
	size_t n = c->values.n;

	switch (way) {
	case WAY_DICTIONARY:
	case WAY_DICTIONARY_BYTES:
		put_indices(c, way == WAY_DICTIONARY_BYTES);
		break;
	case WAY_DELTA:
		parquet_put_delta(&c->body, numbers, n, 8 * plain_size(col->type));
		break;
	default:
		put_plain(c, col);
	}
}

/* ---- pages ---- */

/* Levels of a page: their bytes, and then they. */
static void put_levels(struct bytes *out, const struct bytes *levels, size_t n, unsigned max)
{
	size_t at = out->len;

	if (!max)
		return;
	bytes_add_le(out, 0, 4);
	parquet_put_rle(out, (const uint32_t *)levels->at, n, parquet_width(max));
	for (unsigned i = 0; i < 4 && !out->failed; i++)
		out->at[at + i] = (out->len - at - 4) >> 8 * i;
}

static void put_page_header(struct bytes *out, enum page_type type, size_t size, size_t compressed,
			    size_t values, enum encoding encoding)
{
	struct thrift t = { .out = out };

	thrift_i32(&t, 1, type);
	thrift_i32(&t, 2, size);
	thrift_i32(&t, 3, compressed);
	thrift_struct(&t, type == DATA_PAGE ? 5 : 7);
	thrift_i32(&t, 1, values);
	thrift_i32(&t, 2, encoding);
	if (type == DATA_PAGE) {
		thrift_i32(&t, 3, RLE);
		thrift_i32(&t, 4, RLE);
	}
	thrift_end(&t);
	thrift_end(&t);
}

/* Compresses the body to a page. */
static int add_page(struct parquet_chunks *c, struct pages *p, enum page_type type, size_t values,
		    enum encoding encoding)
{
	size_t most = ZSTD_compressBound(c->body.len), size, head;
	uint8_t *to = c->body.failed ? NULL : bytes_room(&p->out, most + 64);

	if (!to)
		return -ENOMEM;
	/* The header, which has the compressed size, goes before it. */
	size = ZSTD_compressCCtx(c->zstd, to + 64, most, c->body.at, c->body.len, LEVEL);
	if (ZSTD_isError(size))
		return -ENOMEM;
	head = p->out.len;
	put_page_header(&p->out, type, c->body.len, size, values, encoding);
	if (p->out.failed)
		return -ENOMEM;
	p->size += p->out.len - head + c->body.len;
	memmove(p->out.at + p->out.len, to + 64, size);
	bytes_took(&p->out, size);
	return 0;
}

static int add_dictionary_page(struct parquet_chunks *c, struct pages *p,
			       const struct parquet_column *col)
{
	c->body.len = 0;
	put_entries(c, col);
	return add_page(c, p, DICTIONARY_PAGE, c->dictionary.n, PLAIN);
}

static int add_data_page(struct parquet_chunks *c, struct pages *p,
			 const struct parquet_column *col)
{
	const struct parquet_values *v = &c->values;

	c->body.len = 0;
	put_levels(&c->body, &v->rep, v->n_levels, col->max_rep);
	put_levels(&c->body, &v->def, v->n_levels, col->max_def);
	put_values(c, col, p->way);
	p->data_at = p->out.len;
	return add_page(c, p, DATA_PAGE, v->n_levels, encodings[p->way]);
}

/* ---- ways ---- */

static bool is_integer(const struct parquet_column *col)
{
	return col->type == PARQUET_INT32 || col->type == PARQUET_INT64;
}

static bool has_dictionary(enum way way)
{
	return way == WAY_DICTIONARY || way == WAY_DICTIONARY_BYTES;
}

static bool suits(const struct parquet_column *col, enum way way)
{
	if (has_dictionary(way))
		return col->type != PARQUET_BOOLEAN;
	if (way == WAY_DELTA)
		return is_integer(col);
	return true;
}

static int make_dictionary(struct parquet_chunks *c, const struct parquet_column *col)
{
	return parquet_dictionary_make(&c->dictionary, &c->values,
				       col->source == PARQUET_ENUM ? PARQUET_INT64 : col->type);
}

/* Makes the pages in this way, and keeps them if they are shorter than the best ones. */
static int try_way(struct parquet_chunks *c, const struct parquet_column *col, enum way way)
{
	struct pages *p = &c->other, swap;
	int err = 0;

	p->out.len = p->size = 0;
	p->way = way;
	if (has_dictionary(way))
		err = make_dictionary(c, col) ?: add_dictionary_page(c, p, col);
	if (err == -E2BIG)
		return 0;
	err = err ?: add_data_page(c, p, col);
	if (err || (c->best.out.len && c->best.out.len <= p->out.len))
		return err;
	swap = c->best;
	c->best = c->other;
	c->other = swap;
	return 0;
}

static int try_all(struct parquet_chunks *c, const struct parquet_column *col)
{
	int err = 0;

	if (!c->values.n)
		return try_way(c, col, WAY_PLAIN);
	for (enum way way = 0; !err && way < N_WAYS; way++)
		if (suits(col, way))
			err = try_way(c, col, way);
	return err;
}

/* ---- the least and the greatest value ---- */

static int compare_numbers(const struct parquet_column *col, uint64_t a, uint64_t b)
{
	if (col->is_signed)
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	return (a > b) - (a < b);
}

static void set_number(struct bound *b, const struct parquet_column *col, uint64_t v)
{
	b->len = plain_size(col->type) ?: 1;
	for (size_t i = 0; i < b->len; i++)
		b->data[i] = v >> 8 * i;
}

static void bound_numbers(struct parquet_chunks *c, const struct parquet_column *col)
{
	const uint64_t *v = parquet_numbers(&c->values);
	uint64_t least = v[0], greatest = v[0];

	for (size_t i = 1; i < c->values.n; i++) {
		if (compare_numbers(col, v[i], least) < 0)
			least = v[i];
		if (compare_numbers(col, v[i], greatest) > 0)
			greatest = v[i];
	}
	set_number(&c->least, col, least);
	set_number(&c->greatest, col, greatest);
	c->has_bounds = true;
}

/* Texts by their bytes. */
static int compare_bound(const void *text, size_t len, const struct bound *b)
{
	int order = memcmp(text, b->data, len < b->len ? len : b->len);

	return order ?: (len > b->len) - (len < b->len);
}

static void widen(struct parquet_chunks *c, const void *text, size_t len, bool first)
{
	struct bound b = { .len = len };

	memcpy(b.data, text, len);
	if (first || compare_bound(text, len, &c->least) < 0)
		c->least = b;
	if (first || compare_bound(text, len, &c->greatest) > 0)
		c->greatest = b;
}

/* Of texts only those in a dictionary, and only if all are short. */
static void bound_texts(struct parquet_chunks *c, const struct parquet_column *col)
{
	const uint32_t *first = (const uint32_t *)c->dictionary.first.at;

	for (size_t i = 0; i < c->dictionary.n; i++) {
		char buf[24];
		size_t len;
		const void *text = text_of(c, col, first[i], buf, sizeof(buf), &len);

		if (len > MAX_STATS)
			return;
		widen(c, text, len, !i);
	}
	c->has_bounds = c->dictionary.n;
}

static void find_bounds(struct parquet_chunks *c, const struct parquet_column *col)
{
	c->has_bounds = false;
	if (!c->values.n)
		return;
	if (col->is_utf8 && has_dictionary(c->best.way))
		bound_texts(c, col);
	else if (is_integer(col) || col->type == PARQUET_BOOLEAN)
		bound_numbers(c, col);
}

/* ---- */

int parquet_chunk_make(struct parquet_chunks *c, struct parquet_column *col,
		       const struct rows *rows, int64_t clock_offset)
{
	int err = parquet_values_read(&c->values, col, rows, clock_offset);

	c->best.out.len = 0;
	if (!err && c->values.n && col->chunks % TRY_AGAIN)
		err = try_way(c, col, col->way);
	if (!err && !c->best.out.len)
		err = try_all(c, col);
	if (err)
		return err;
	col->way = c->best.way;
	col->chunks += !!c->values.n;
	find_bounds(c, col);
	return 0;
}

const struct bytes *parquet_chunk_pages(const struct parquet_chunks *c)
{
	return &c->best.out;
}

uint64_t parquet_chunk_size(const struct parquet_chunks *c)
{
	return c->best.size;
}

static void put_statistics(const struct parquet_chunks *c, struct thrift *t)
{
	thrift_struct(t, 12);
	thrift_i64(t, 3, c->values.n_levels - c->values.n);
	if (c->has_bounds) {
		thrift_binary(t, 5, c->greatest.data, c->greatest.len);
		thrift_binary(t, 6, c->least.data, c->least.len);
	}
	thrift_end(t);
}

static void put_encodings(const struct parquet_chunks *c, struct thrift *t)
{
	thrift_list(t, 2, THRIFT_I32, has_dictionary(c->best.way) ? 3 : 2);
	if (has_dictionary(c->best.way))
		thrift_element_i32(t, PLAIN);
	thrift_element_i32(t, RLE);
	thrift_element_i32(t, encodings[c->best.way]);
}

static void put_path(const struct parquet_column *col, struct thrift *t)
{
	const char *name = col->path;

	thrift_list(t, 3, THRIFT_BINARY, col->n_path);
	for (unsigned i = 0; i < col->n_path; i++, name += strlen(name) + 1)
		thrift_element_text(t, name);
}

void parquet_chunk_describe(const struct parquet_chunks *c, const struct parquet_column *col,
			    struct thrift *t, uint64_t offset)
{
	thrift_element_struct(t);
	thrift_i64(t, 2, 0); /* deprecated, and has to be there */
	thrift_struct(t, 3);
	thrift_i32(t, 1, col->type);
	put_encodings(c, t);
	put_path(col, t);
	thrift_i32(t, 4, CODEC_ZSTD);
	thrift_i64(t, 5, c->values.n_levels);
	thrift_i64(t, 6, c->best.size);
	thrift_i64(t, 7, c->best.out.len);
	thrift_i64(t, 9, offset + c->best.data_at);
	if (has_dictionary(c->best.way))
		thrift_i64(t, 11, offset);
	put_statistics(c, t);
	thrift_end(t);
	thrift_end(t);
}
