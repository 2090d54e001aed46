/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes that grow. After a failed allocation nothing more is added. */
#ifndef NR_EXPORT_BYTES_H
#define NR_EXPORT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	uint8_t *at;
	size_t len, size;
	bool failed;
};

/* Room for n more bytes, which bytes_took then adds; NULL: no memory. */
static inline uint8_t *bytes_room(struct bytes *b, size_t n)
{
	size_t size = b->len + n;
	uint8_t *grown;

	if (size <= b->size && !b->failed)
		return b->at + b->len;
	size += size / 2 + 64;
	grown = b->failed ? NULL : realloc(b->at, size);
	if (!grown) {
		b->failed = true;
		return NULL;
	}
	b->at = grown;
	b->size = size;
	return b->at + b->len;
}

static inline void bytes_took(struct bytes *b, size_t n)
{
	b->len += n;
}

static inline void bytes_add(struct bytes *b, const void *data, size_t n)
{
	uint8_t *to = bytes_room(b, n);

	if (!to || !n)
		return;
	memcpy(to, data, n);
	b->len += n;
}

static inline void bytes_add_str(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

static inline void bytes_add_u8(struct bytes *b, uint8_t v)
{
	bytes_add(b, &v, 1);
}

/* n bytes of v, the lowest first. */
static inline void bytes_add_le(struct bytes *b, uint64_t v, unsigned n)
{
	uint8_t le[8];

	for (unsigned i = 0; i < n; i++)
		le[i] = v >> 8 * i;
	bytes_add(b, le, n);
}

/* Seven bits a byte, the lowest first (LEB128). */
static inline void bytes_add_varint(struct bytes *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		bytes_add_u8(b, v | 0x80);
	bytes_add_u8(b, v);
}

/* Signed: small numbers of either sign are short. */
static inline void bytes_add_zigzag(struct bytes *b, int64_t v)
{
	bytes_add_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static inline void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){};
}

#endif
