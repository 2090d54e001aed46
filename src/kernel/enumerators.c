// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>
#include "enumerators.h"
#include "kernel_btf.h"

struct nr_enumerator {
	const char *name;
	uint64_t value;
};

static void add_values(struct nr_enumerators *e, const struct btf_type *t)
{
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		struct nr_enumerator *to = &e->list[e->n++];

		if (btf_is_enum64(t)) {
			to->name = btf__name_by_offset(e->btf, btf_enum64(t)[i].name_off);
			to->value = btf_enum64_value(&btf_enum64(t)[i]);
		} else {
			to->name = btf__name_by_offset(e->btf, btf_enum(t)[i].name_off);
			to->value = btf_kflag(t) ? (uint64_t)btf_enum(t)[i].val
						 : (uint32_t)btf_enum(t)[i].val;
		}
	}
}

static size_t count(const struct btf *btf)
{
	size_t n = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
		if (btf_is_any_enum(btf__type_by_id(btf, id)))
			n += btf_vlen(btf__type_by_id(btf, id));
	return n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct nr_enumerator *)a)->name,
		      ((const struct nr_enumerator *)b)->name);
}

/* Without BTF or memory there are no names. */
static void read_all(struct nr_enumerators *e)
{
	e->is_read = true;
	e->btf = nr_kernel_btf_get();
	if (e->btf)
		e->list = calloc(count(e->btf) + 1, sizeof(*e->list));
	if (!e->list)
		return;
	for (uint32_t id = 1; id < btf__type_cnt(e->btf); id++)
		if (btf_is_any_enum(btf__type_by_id(e->btf, id)))
			add_values(e, btf__type_by_id(e->btf, id));
	qsort(e->list, e->n, sizeof(*e->list), compare);
}

bool nr_enumerators_find(struct nr_enumerators *e, const char *name, size_t len, uint64_t *value)
{
	char key[128];
	const struct nr_enumerator wanted = { .name = key }, *found, *end;

	if (len >= sizeof(key))
		return false;
	memcpy(key, name, len);
	key[len] = 0;
	if (!e->is_read)
		read_all(e);
	found = e->n ? bsearch(&wanted, e->list, e->n, sizeof(*e->list), compare) : NULL;
	if (!found)
		return false;
	while (found > e->list && !compare(found - 1, &wanted))
		found--;
	*value = found->value;
	for (end = e->list + e->n; found < end && !compare(found, &wanted); found++)
		if (found->value != *value)
			return false;
	return true;
}

void nr_enumerators_clear(struct nr_enumerators *e)
{
	nr_kernel_btf_put(e->btf);
	free(e->list);
	*e = (struct nr_enumerators){};
}
