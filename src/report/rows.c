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

static void make_table(struct rows *r)
{
	free(r->table);
	r->table_size = 2 * r->room;
	r->table = memory_new(r->table_size, sizeof(*r->table));
	for (unsigned i = 0; i < r->n; i++)
		*find(r, r->list[i]) = i + 1;
}

static void grow(struct rows *r)
{
	r->room = r->room ? 2 * r->room : 64;
	r->list = memory_grow(r->list, r->room, sizeof(*r->list));
	make_table(r);
}

static void *new_row(struct rows *r, const void *key)
{
	void *row = memory_new(1, r->size);

	if (r->n == r->room)
		grow(r);
	memcpy(row, key, r->key_size);
	r->list[r->n] = row;
	*find(r, row) = ++r->n;
	return row;
}

static void make_shared(struct rows *r)
{
	char key[r->key_size];

	memset(key, 0xff, sizeof(key));
	if (r->others)
		memcpy(key, r->others, sizeof(key));
	r->shared = new_row(r, key);
}

/* The half that ranks lowest goes to the shared row. */
static void fold(struct rows *r)
{
	unsigned kept = ROWS_MAX / 2;

	rows_sort(r, r->rank);
	for (unsigned i = kept; i < r->n; i++) {
		if (r->list[i] == r->shared)
			continue;
		r->fold(r->shared, r->list[i]);
		free(r->list[i]);
	}
	r->list[kept] = r->shared;
	r->n = kept + 1;
	make_table(r);
}

void *rows_get(struct rows *r, const void *key)
{
	uint32_t *slot = r->n ? find(r, key) : NULL;

	if (slot && *slot)
		return r->list[*slot - 1];
	if (r->n < ROWS_MAX)
		return new_row(r, key);
	if (!r->shared)
		make_shared(r);
	if (!r->fold)
		return r->shared;
	fold(r);
	return new_row(r, key);
}

struct order {
	uint64_t (*rank)(const void *row);
	const void *last;
};

static int by_rank(const void *a, const void *b, void *ctx)
{
	const void *row_a = *(void *const *)a, *row_b = *(void *const *)b;
	const struct order *order = ctx;
	uint64_t x, y;

	if (row_a == order->last || row_b == order->last)
		return (row_a == order->last) - (row_b == order->last);
	x = order->rank(row_a);
	y = order->rank(row_b);
	return (x < y) - (x > y);
}

void rows_sort(struct rows *r, uint64_t (*rank)(const void *row))
{
	struct order order = { rank, r->shared };

	if (r->n)
		qsort_r(r->list, r->n, sizeof(*r->list), by_rank, &order);
}

json_t *rows_json(const struct rows *r, json_t *(*json)(const void *row, const void *ctx),
		  const void *ctx)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n; i++)
		json_array_append_new(list, json(r->list[i], ctx));
	return list;
}
