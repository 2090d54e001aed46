// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "file_names.h"

#define N_IDS (UINT16_MAX + 1)

struct file_names {
	const struct nr_types *types;
	struct file_name **of;	/* [N_IDS] */
	struct file_name **all; /* [n]; the one of no type comes first */
	size_t n, room;
	void *taken; /* their names, for tfind */
};

static int compare(const void *a, const void *b)
{
	return strcasecmp(a, b);
}

/* Makes the name safe in place, which has room for a number. */
static void make_safe(char *name)
{
	for (; *name; name++)
		if ((*name & 0x80) || (!isalnum(*name) && *name != '_'))
			*name = '-';
}

/* A name that no other table has, malloc'ed. */
static char *unique_name(struct file_names *n, const char *type)
{
	size_t len = strlen(type);
	char *name = malloc(len + 16), **found;

	if (!name)
		return NULL;
	strcpy(name, type);
	make_safe(name);
	for (unsigned i = 2; tfind(name, &n->taken, compare); i++)
		sprintf(name + len, "-%u", i);
	found = tsearch(name, &n->taken, compare);
	if (found)
		return name;
	free(name);
	return NULL;
}

static struct file_name *add(struct file_names *n, uint16_t id, const char *type)
{
	struct file_name *table, **all = n->all;

	if (n->n == n->room) {
		n->room = n->room ? 2 * n->room : 64;
		all = reallocarray(all, n->room, sizeof(*all));
		if (!all)
			return NULL;
		n->all = all;
	}
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	n->all[n->n++] = table;
	table->id = id;
	table->name = unique_name(n, type);
	return table->name ? table : NULL;
}

static int add_type(void *ctx, uint16_t id, const char *name)
{
	struct file_names *n = ctx;
	int first = nr_types_id(n->types, name);

	n->of[id] = first == id ? add(n, id, name) : n->of[first];
	return n->of[id] ? 0 : -ENOMEM;
}

int file_names_new(struct file_names **out, const struct nr_types *types)
{
	struct file_names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->types = types;
	n->of = calloc(N_IDS, sizeof(struct file_name *));
	err = n->of && add(n, NR_NO_TYPE, FILE_NAMES_RAW) ? 0 : -ENOMEM;
	if (!err)
		err = nr_types_each(types, add_type, n);
	if (err)
		file_names_free(n);
	else
		*out = n;
	return err;
}

static void keep(void *name)
{
	(void)name;
}

void file_names_free(struct file_names *n)
{
	if (!n)
		return;
	tdestroy(n->taken, keep);
	for (size_t i = 0; i < n->n; i++) {
		free(n->all[i]->name);
		free(n->all[i]);
	}
	free(n->all);
	free(n->of);
	free(n);
}

struct file_name *file_names_of(const struct file_names *n, uint16_t id)
{
	return n->of[id] ?: n->all[0];
}

struct file_name *file_names_at(const struct file_names *n, size_t i)
{
	return i < n->n ? n->all[i] : NULL;
}
