/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The worst cases so far: the n with the highest rank, of equal ones the first. */
#ifndef NR_REPORT_WORST_H
#define NR_REPORT_WORST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worst {
	size_t size; /* bytes of a case, and how many to keep */
	unsigned max;
	void (*drop)(void *item); /* frees what a case holds; NULL: nothing */

	unsigned n;
	uint64_t *ranks; /* [n], the highest first */
	char *items;	 /* [n] */
};

void worst_init(struct worst *w, unsigned max, size_t size, void (*drop)(void *item));
void worst_close(struct worst *w);

/* Would a case of this rank be kept? */
static inline bool worst_takes(const struct worst *w, uint64_t rank)
{
	return w->n < w->max || (w->max && rank > w->ranks[w->n - 1]);
}

/* Copies the case, which now belongs to w; drops it, or the one that it pushes out. */
void worst_add(struct worst *w, uint64_t rank, void *item);

/* What json makes of each case, as a list. */
json_t *worst_json(const struct worst *w, json_t *(*json)(const void *item, const void *ctx),
		   const void *ctx);

static inline void *worst_at(const struct worst *w, unsigned i)
{
	return w->items + i * w->size;
}

#endif
