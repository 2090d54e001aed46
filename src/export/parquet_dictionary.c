// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "parquet_dictionary.h"

#define N_SLOTS (4 * PARQUET_DICTIONARY_MAX)

static uint64_t mix(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static uint64_t hash_text(const uint8_t *p, size_t len)
{
	uint64_t h = len, word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = mix(h ^ word);
	}
	word = 0;
	memcpy(&word, p, len);
	return mix(h ^ word);
}

static uint64_t hash(const struct parquet_values *v, size_t i, bool is_text)
{
	const uint8_t *text;
	size_t len;

	if (!is_text)
		return mix(parquet_numbers(v)[i]);
	text = parquet_text(v, i, &len);
	return hash_text(text, len);
}

static bool equal(const struct parquet_values *v, size_t a, size_t b, bool is_text)
{
	const uint8_t *x, *y;
	size_t x_len, y_len;

	if (!is_text)
		return parquet_numbers(v)[a] == parquet_numbers(v)[b];
	x = parquet_text(v, a, &x_len);
	y = parquet_text(v, b, &y_len);
	return x_len == y_len && !memcmp(x, y, x_len);
}

/* The entry of value i, which is added if it is new. */
static uint32_t find(struct parquet_dictionary *d, const struct parquet_values *v, uint32_t i,
		     bool is_text)
{
	size_t slot = hash(v, i, is_text) % N_SLOTS;
	const uint32_t *first = (const uint32_t *)d->first.at;

	for (; d->slots[slot]; slot = (slot + 1) % N_SLOTS)
		if (equal(v, first[d->slots[slot] - 1], i, is_text))
			return d->slots[slot] - 1;
	d->slots[slot] = ++d->n;
	bytes_add(&d->first, &i, sizeof(i));
	return d->n - 1;
}

struct entry {
	uint64_t number;
	uint32_t first, at;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* Sorts the entries, since zstd takes less for numbers that rise. */
static int sort(struct parquet_dictionary *d, const struct parquet_values *v)
{
	uint32_t *first = (uint32_t *)d->first.at, *indices = (uint32_t *)d->indices.at;
	struct entry *entries = calloc(d->n, sizeof(*entries));
	uint32_t *to = d->slots; /* needed no more: where an entry goes */

	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n; i++)
		entries[i] = (struct entry){ parquet_numbers(v)[first[i]], first[i], i };
	qsort(entries, d->n, sizeof(*entries), compare);
	for (uint32_t i = 0; i < d->n; i++) {
		first[i] = entries[i].first;
		to[entries[i].at] = i;
	}
	for (size_t i = 0; i < v->n; i++)
		indices[i] = to[indices[i]];
	free(entries);
	return 0;
}

int parquet_dictionary_make(struct parquet_dictionary *d, const struct parquet_values *v,
			    enum parquet_type type)
{
	size_t most = v->n / 2 < PARQUET_DICTIONARY_MAX ? v->n / 2 + 1 : PARQUET_DICTIONARY_MAX;

	if (!d->slots)
		d->slots = malloc(N_SLOTS * sizeof(*d->slots));
	if (!d->slots)
		return -ENOMEM;
	memset(d->slots, 0, N_SLOTS * sizeof(*d->slots));
	d->first.len = d->indices.len = d->n = 0;
	for (size_t i = 0; i < v->n; i++) {
		uint32_t entry = find(d, v, i, type == PARQUET_BYTES);

		bytes_add(&d->indices, &entry, sizeof(entry));
		if (d->n > most)
			return -E2BIG;
	}
	if (d->first.failed || d->indices.failed)
		return -ENOMEM;
	return type == PARQUET_BYTES ? 0 : sort(d, v);
}

void parquet_dictionary_free(struct parquet_dictionary *d)
{
	free(d->slots);
	bytes_free(&d->first);
	bytes_free(&d->indices);
}
