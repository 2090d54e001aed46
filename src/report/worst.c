// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "worst.h"

#include <string.h>
#include "memory.h"

void worst_init(struct worst *w, unsigned max, size_t size, void (*drop)(void *item))
{
	*w = (struct worst){ .size = size, .max = max, .drop = drop };
	w->ranks = memory_new(max, sizeof(*w->ranks));
	w->items = memory_new(max, size);
}

static void drop(const struct worst *w, void *item)
{
	if (w->drop)
		w->drop(item);
}

void worst_close(struct worst *w)
{
	for (unsigned i = 0; i < w->n; i++)
		drop(w, worst_at(w, i));
	free(w->ranks);
	free(w->items);
}

void worst_add(struct worst *w, uint64_t rank, void *item)
{
	unsigned i;

	if (!worst_takes(w, rank)) {
		drop(w, item);
		return;
	}
	if (w->n == w->max)
		drop(w, worst_at(w, --w->n));
	for (i = w->n; i && w->ranks[i - 1] < rank; i--)
		;
	memmove(w->ranks + i + 1, w->ranks + i, (w->n - i) * sizeof(*w->ranks));
	memmove(w->items + (i + 1) * w->size, w->items + i * w->size, (w->n - i) * w->size);
	w->ranks[i] = rank;
	memcpy(worst_at(w, i), item, w->size);
	w->n++;
}

json_t *worst_json(const struct worst *w, json_t *(*json)(const void *item, const void *ctx),
		   const void *ctx)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < w->n; i++)
		json_array_append_new(list, json(worst_at(w, i), ctx));
	return list;
}
