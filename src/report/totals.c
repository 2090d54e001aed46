// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "totals.h"

#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "memory.h"
#include "text.h"

void totals_close(struct totals *t)
{
	free(t->list);
	free(t->table);
}

static uint64_t hash(const struct totals_key *key)
{
	uint64_t words[sizeof(*key) / 8], h = 0;

	memcpy(words, key, sizeof(*key));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
	return h;
}

/* The key's place in the table: that of its index, or a free one. */
static uint32_t *find(const struct totals *t, const struct totals_key *key)
{
	for (unsigned i = hash(key);; i++) {
		uint32_t *slot = &t->table[i & (t->table_size - 1)];

		if (!*slot || !memcmp(&t->list[*slot - 1].key, key, sizeof(*key)))
			return slot;
	}
}

static void grow(struct totals *t)
{
	t->room = t->room ? 2 * t->room : 64;
	t->list = memory_grow(t->list, t->room, sizeof(*t->list));
	free(t->table);
	t->table_size = 2 * t->room;
	t->table = memory_new(t->table_size, sizeof(*t->table));
	for (unsigned i = 0; i < t->n; i++)
		*find(t, &t->list[i].key) = i + 1;
}

static struct total *total_of(struct totals *t, const struct totals_key *key)
{
	static const struct totals_key others = { .name = "(others)" };
	uint32_t *slot;

	if (t->n == t->room)
		grow(t);
	slot = find(t, key);
	if (!*slot && t->n >= TOTALS_MAX && key != &others)
		return total_of(t, &others);
	if (!*slot) {
		t->list[t->n] = (struct total){ .key = *key };
		*slot = ++t->n;
	}
	return &t->list[*slot - 1];
}

void totals_add(struct totals *t, const struct totals_key *key, uint64_t ns)
{
	struct total *total = total_of(t, key);

	total->n++;
	total->sum += ns;
	total->max = total->max > ns ? total->max : ns;
}

static int compare(const void *a, const void *b)
{
	const struct total *x = a, *y = b;

	return (x->sum < y->sum) - (x->sum > y->sum);
}

void totals_sort(struct totals *t)
{
	if (t->n)
		qsort(t->list, t->n, sizeof(*t->list), compare);
}

void totals_print(const struct totals *t, FILE *out, const char *what, const char *n, unsigned rows)
{
	fprintf(out, "%-24s %10s %10s %10s\n", what, n, "TOTAL", "LONGEST");
	for (unsigned i = 0; i < t->n && i < rows; i++) {
		const struct total *total = &t->list[i];

		fprintf(out, "%-24s %10" PRIu64 " %10s %10s\n",
			name_text(total->key.name, total->key.id).s, total->n,
			duration(total->sum).s, duration(total->max).s);
	}
	if (t->n > rows)
		fprintf(out, "and %u more\n", t->n - rows);
}

json_t *totals_json(const struct totals *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < t->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name",
						      safe_text(t->list[i].key.name).s, "id",
						      (json_int_t)t->list[i].key.id, "n",
						      (json_int_t)t->list[i].n, "sum_ns",
						      (json_int_t)t->list[i].sum, "max_ns",
						      (json_int_t)t->list[i].max));
	return list;
}
