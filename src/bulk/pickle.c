// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "pickle.h"
#include "types/utf8.h"

/* The instructions, by the names that Python's pickletools gives them. */
enum {
	MARK = '(',
	STOP = '.',
	PROTO = 0x80,
	NONE = 'N',
	NEWTRUE = 0x88,
	NEWFALSE = 0x89,
	BININT1 = 'K',
	BININT2 = 'M',
	BININT = 'J',
	LONG1 = 0x8a,
	BINFLOAT = 'G',
	SHORT_BINUNICODE = 0x8c,
	BINUNICODE = 'X',
	EMPTY_LIST = ']',
	APPENDS = 'e',
	EMPTY_DICT = '}',
	SETITEMS = 'u',
	MEMOIZE = 0x94,
	BINGET = 'h',
	LONG_BINGET = 'j',
};

int nr_pickle_init(struct nr_pickle *p, uint32_t n_words)
{
	*p = (struct nr_pickle){ .n_words = n_words };
	p->places = calloc(n_words + 1, sizeof(*p->places));
	return p->places ? 0 : -ENOMEM;
}

void nr_pickle_free(struct nr_pickle *p)
{
	free(p->places);
	free(p->data);
}

/* Where the next n bytes go, which then belong to the pickle; NULL: no memory. */
static uint8_t *put_room(struct nr_pickle *p, size_t n)
{
	size_t cap = (p->size + n) * 2 + 4096;
	uint8_t *grown;

	if (p->size + n > p->cap) {
		grown = p->failed ? NULL : realloc(p->data, cap);
		if (!grown) {
			p->failed = true;
			return NULL;
		}
		p->data = grown;
		p->cap = cap;
	}
	p->size += n;
	return p->data + p->size - n;
}

static inline void put_op(struct nr_pickle *p, uint8_t op)
{
	uint8_t *to = put_room(p, 1);

	if (to)
		*to = op;
}

/* An instruction with an argument of n bytes. */
static inline void put_number(struct nr_pickle *p, uint8_t op, uint64_t v, unsigned n)
{
	uint8_t *to = put_room(p, 1 + n);

	if (!to)
		return;
	*to = op;
	for (unsigned i = 0; i < n; i++)
		to[1 + i] = v >> (8 * i); /* least byte first */
}

void nr_pickle_begin(struct nr_pickle *p)
{
	p->size = p->n_places = 0;
	p->failed = false;
	memset(p->places, 0, p->n_words * sizeof(*p->places));
	put_number(p, PROTO, 4, 1);
	nr_pickle_open_list(p);
}

void nr_pickle_end(struct nr_pickle *p)
{
	nr_pickle_close_list(p);
	put_op(p, STOP);
}

void nr_pickle_none(struct nr_pickle *p)
{
	put_op(p, NONE);
}

void nr_pickle_bool(struct nr_pickle *p, bool v)
{
	put_op(p, v ? NEWTRUE : NEWFALSE);
}

/* In two's complement; a number without a sign needs a ninth byte. */
static void put_long(struct nr_pickle *p, uint64_t v, bool is_signed)
{
	unsigned n = !is_signed && v > INT64_MAX ? 9 : 8;

	put_number(p, LONG1, n, 1);
	put_number(p, v, v >> 8, 7);
	if (n == 9)
		put_op(p, 0);
}

void nr_pickle_int(struct nr_pickle *p, uint64_t v, bool is_signed)
{
	if (v <= UINT8_MAX)
		put_number(p, BININT1, v, 1);
	else if (v <= UINT16_MAX)
		put_number(p, BININT2, v, 2);
	else if (v <= INT32_MAX || (is_signed && (int64_t)v == (int32_t)v))
		put_number(p, BININT, v, 4);
	else
		put_long(p, v, is_signed);
}

void nr_pickle_float(struct nr_pickle *p, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put_op(p, BINFLOAT);
	for (unsigned i = 8; i--;) /* highest byte first */
		put_op(p, bits >> (8 * i));
}

/* The head of a text of n bytes, and where they go; NULL: no memory. */
static uint8_t *open_text(struct nr_pickle *p, size_t n)
{
	if (n <= UINT8_MAX)
		put_number(p, SHORT_BINUNICODE, n, 1);
	else
		put_number(p, BINUNICODE, n, 4);
	return put_room(p, n);
}

static bool is_ascii(const uint8_t *text, size_t n)
{
	uint8_t all = 0;

	for (size_t i = 0; i < n; i++)
		all |= text[i];
	return all < 0x80;
}

/* Copies the text to to unless that is NULL. Returns its bytes. */
static size_t as_utf8(uint8_t *to, const uint8_t *text, size_t n)
{
	size_t size = 0;

	while (n) {
		uint32_t c;
		size_t len = nr_utf8_char(text, n, &c);
		const uint8_t byte[] = { 0xc0 | *text >> 6, 0x80 | (*text & 0x3f) };

		if (to)
			memcpy(to + size, len ? text : byte, len ?: 2);
		size += len ?: 2;
		text += len ?: 1;
		n -= len ?: 1;
	}
	return size;
}

void nr_pickle_text(struct nr_pickle *p, const void *text, size_t n)
{
	bool ascii = is_ascii(text, n);
	uint8_t *to = open_text(p, ascii ? n : as_utf8(NULL, text, n));

	if (to && ascii)
		memcpy(to, text, n);
	else if (to)
		as_utf8(to, text, n);
}

void nr_pickle_word(struct nr_pickle *p, uint32_t number, const char *text)
{
	uint32_t place = p->places[number];

	if (place) {
		place--;
		put_number(p, place <= UINT8_MAX ? BINGET : LONG_BINGET, place,
			   place <= UINT8_MAX ? 1 : 4);
		return;
	}
	p->places[number] = ++p->n_places;
	nr_pickle_text(p, text, strlen(text));
	put_op(p, MEMOIZE);
}

void nr_pickle_open_list(struct nr_pickle *p)
{
	put_number(p, EMPTY_LIST, MARK, 1);
}

void nr_pickle_close_list(struct nr_pickle *p)
{
	put_op(p, APPENDS);
}

void nr_pickle_open_dict(struct nr_pickle *p)
{
	put_number(p, EMPTY_DICT, MARK, 1);
}

void nr_pickle_close_dict(struct nr_pickle *p)
{
	put_op(p, SETITEMS);
}
