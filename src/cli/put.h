/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line of text that grows. Numbers are written without printf, because a trace has millions of
 * lines. */
#ifndef NR_PUT_H
#define NR_PUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct put {
	char *buf;
	size_t len, size;
	bool failed; /* no memory: the line is not complete */
};

/* Makes room for n more bytes and returns where they go; NULL: no memory. */
static inline char *put_room(struct put *p, size_t n)
{
	size_t size = (p->len + n) * 2;
	char *grown;

	if (p->len + n <= p->size)
		return p->buf + p->len;
	grown = realloc(p->buf, size);
	if (!grown) {
		p->failed = true;
		return NULL;
	}
	p->buf = grown;
	p->size = size;
	return p->buf + p->len;
}

static inline void put_bytes(struct put *p, const char *bytes, size_t n)
{
	char *to = put_room(p, n);

	if (!to)
		return;
	memcpy(to, bytes, n);
	p->len += n;
}

static inline void put_str(struct put *p, const char *s)
{
	put_bytes(p, s, strlen(s));
}

/* In decimal, with zeros in front if it has fewer digits. */
static inline void put_digits(struct put *p, uint64_t v, unsigned digits)
{
	char text[20], *at = text + sizeof(text);

	do
		*--at = '0' + v % 10;
	while ((v /= 10) || (size_t)(text + sizeof(text) - at) < digits);
	put_bytes(p, at, text + sizeof(text) - at);
}

static inline void put_uint(struct put *p, uint64_t v)
{
	put_digits(p, v, 1);
}

static inline void put_int(struct put *p, int64_t v)
{
	if (v < 0)
		put_bytes(p, "-", 1);
	put_uint(p, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static inline void put_hex(struct put *p, uint64_t v)
{
	char text[16], *at = text + sizeof(text);

	do
		*--at = "0123456789abcdef"[v % 16];
	while (v /= 16);
	put_bytes(p, "0x", 2);
	put_bytes(p, at, text + sizeof(text) - at);
}

/* Spaces up to column, and one if the line is already there. */
static inline void put_column(struct put *p, size_t column)
{
	size_t n = p->len < column ? column - p->len : 1;
	char *to = put_room(p, n);

	if (!to)
		return;
	memset(to, ' ', n);
	p->len += n;
}

#endif
