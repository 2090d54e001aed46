// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "query.h"

/* A place in a tail is not behind this. */
#define MAX_BITS (1u << 30)

struct walk {
	struct nr_query *q;
	const char *at;
	const char *whole; /* path */
	const char *path;  /* what is left of it */
	struct nr_place *place;
};

static const struct nr_field *kid(const struct nr_field *st, const char *name, size_t len)
{
	for (unsigned i = 0; i < st->n_kids; i++)
		if (st->kids[i].name_len == len && !memcmp(st->kids[i].name, name, len))
			return &st->kids[i];
	return NULL;
}

static int is_array_error(struct walk *w)
{
	int len = w->path - w->whole;

	return nr_query_error(w->q, w->at, "%.*s is an array: name an element, as in %.*s[0]", len,
			      w->whole, len, w->whole);
}

/* Goes on to the member that the path begins with, after a dot unless it is the first. */
static int enter_member(struct walk *w)
{
	struct nr_field *leaf = &w->place->leaf;
	const char *name = w->path + (*w->path == '.');
	size_t len = strcspn(name, ".[");
	const struct nr_field *f = leaf->kind == NR_STRUCT ? kid(leaf, name, len) : NULL;
	uint32_t base = leaf->off;

	if (leaf->kind == NR_ARRAY || leaf->kind == NR_BYTES)
		return is_array_error(w);
	if (!f)
		return -ENOENT;
	*leaf = *f;
	leaf->off += base;
	w->path = name + len;
	return 0;
}

/* Goes on to the element of the index that the path begins with. */
static int enter_element(struct walk *w)
{
	static const struct nr_field byte = { .kind = NR_UINT, .bits = 8 };
	struct nr_field *leaf = &w->place->leaf, array = *leaf;
	unsigned long i = strtoul(w->path + 1, NULL, 10);
	int len = w->path - w->whole;

	if (array.kind != NR_ARRAY && array.kind != NR_BYTES)
		return nr_query_error(w->q, w->at, "%.*s is no array", len, w->whole);
	if (array.tail && i > MAX_BITS / array.stride)
		return nr_query_error(w->q, w->at, "the index %lu is too large", i);
	if (!array.tail && i >= array.count)
		return nr_query_error(w->q, w->at, "%.*s has only %u element%s", len, w->whole,
				      array.count, array.count == 1 ? "" : "s");
	if (array.tail) {
		w->place->in_tail = true;
		w->place->tail_index = i;
	}
	*leaf = array.kind == NR_BYTES ? byte : *array.kids;
	leaf->off = array.off + i * array.stride;
	w->path += strcspn(w->path, "]") + 1;
	return 0;
}

/* Is what the path leads to something that can be compared? */
static int check_leaf(struct walk *w)
{
	const struct nr_field *leaf = &w->place->leaf;

	switch (leaf->kind) {
	case NR_STRUCT:
		return nr_query_error(w->q, w->at, "%s is a struct: name a member, as in %s.%s",
				      w->whole, w->whole, leaf->n_kids ? leaf->kids[0].name : "x");
	case NR_ARRAY:
	case NR_BYTES:
		return is_array_error(w);
	default:
		return 0;
	}
}

int nr_place_find(struct nr_query *q, const char *at, uint16_t id, const char *path,
		  struct nr_place *place)
{
	const struct nr_layout *layout = nr_types_layout(q->types, id);
	struct walk w = { .q = q, .at = at, .whole = path, .path = path, .place = place };
	int err;

	if (!layout)
		return -ENOENT;
	*place = (struct nr_place){ .leaf = layout->root, .layout = layout };
	err = enter_member(&w);
	while (!err && *w.path)
		err = *w.path == '[' ? enter_element(&w) : enter_member(&w);
	return err ?: check_leaf(&w);
}
