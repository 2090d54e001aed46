// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "rows.h"

#include <string.h>
#include "memory.h"

void rows_close(struct rows *r, void (*clear)(void *row))
{
	for (unsigned i = 0; i < r->n; i++) {
		if (clear)
			clear(r->list[i]);
		free(r->list[i]);
	}
	free(r->list);
	free(r->table);
}

static unsigned hash(const struct rows *r, const void *key)
{
	uint64_t h = 0, word;

	for (size_t i = 0; i < r->key_size; i += sizeof(word)) {
		memcpy(&word, (const char *)key + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	return h;
}

/* The key's place in the table: that of its index, or a free one. */
static uint32_t *find(const struct rows *r, const void *key)
{
	for (unsigned i = hash(r, key);; i++) {
		uint32_t *slot = &r->table[i & (r->table_size - 1)];

		if (!*slot || !memcmp(r->list[*slot - 1], key, r->key_size))
			return slot;
	}
}

static void grow(struct rows *r)
{
	r->room = r->room ? 2 * r->room : 64;
	r->list = memory_grow(r->list, r->room, sizeof(*r->list));
	free(r->table);
	r->table_size = 2 * r->room;
	r->table = memory_new(r->table_size, sizeof(*r->table));
	for (unsigned i = 0; i < r->n; i++)
		*find(r, r->list[i]) = i + 1;
}

static void *new_row(struct rows *r, const void *key, uint32_t *slot)
{
	void *row = memory_new(1, r->size);

	memcpy(row, key, r->key_size);
	r->list[r->n] = row;
	*slot = ++r->n;
	return row;
}

void *rows_get(struct rows *r, const void *key)
{
	char shared[r->key_size];
	uint32_t *slot;

	if (r->n == r->room)
		grow(r);
	slot = find(r, key);
	if (*slot)
		return r->list[*slot - 1];
	if (r->n < ROWS_MAX)
		return new_row(r, key, slot);
	memset(shared, 0xff, sizeof(shared));
	slot = find(r, shared);
	return *slot ? r->list[*slot - 1] : new_row(r, shared, slot);
}

bool rows_is_shared(const struct rows *r, const void *row)
{
	const unsigned char *key = row;

	for (size_t i = 0; i < r->key_size; i++)
		if (key[i] != 0xff)
			return false;
	return true;
}

static int by_rank(const void *a, const void *b, void *ctx)
{
	uint64_t (*rank)(const void *row) = *(uint64_t(**)(const void *))ctx;
	uint64_t x = rank(*(void *const *)a), y = rank(*(void *const *)b);

	return (x < y) - (x > y);
}

void rows_sort(struct rows *r, uint64_t (*rank)(const void *row))
{
	if (r->n)
		qsort_r(r->list, r->n, sizeof(*r->list), by_rank, &rank);
}
