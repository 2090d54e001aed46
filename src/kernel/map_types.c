// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "map_types.h"

#include <stdlib.h>
#include <string.h>
#include "constants.h"

/* ---- types ---- */

/* A struct with the type as its only member. */
static int wrap(struct btf *btf, const char *name, uint32_t type, uint32_t size)
{
	int id = btf__add_struct(btf, NULL, size);

	return id < 0 ? id : btf__add_field(btf, name, type, 0, 0) ?: id;
}

/* The bytes of a map whose definition tells no type. */
static int wrap_bytes(struct btf *btf, const char *name, uint32_t size)
{
	bool is_number = size == 1 || size == 2 || size == 4 || size == 8;
	int byte = btf__add_int(btf, "bytes", is_number ? size : 1, 0);
	int index = byte < 0 || is_number ? byte : btf__add_int(btf, "index", 4, 0);
	int type = index < 0 || is_number ? index : btf__add_array(btf, index, byte, size);

	return type < 0 ? type : wrap(btf, name, type, size);
}

/* The variables of a section as the members of a struct. from has the same types as btf, and is not
 * moved by the additions. */
static int wrap_section(struct btf *btf, const struct btf *from, uint32_t section, uint32_t size)
{
	const struct btf_type *t = btf__type_by_id(from, section);
	int id = btf__add_struct(btf, NULL, size), err = 0;

	for (unsigned i = 0; id >= 0 && !err && i < btf_vlen(t); i++) {
		struct nr_variable v;

		if (nr_variable_get(from, t, i, &v))
			err = btf__add_field(btf, v.name, v.type, v.at->offset * 8, 0);
	}
	return id < 0 ? id : err ?: id;
}

static int wrap_part(struct btf *btf, const struct btf *from, const char *name, uint32_t type,
		     uint32_t size)
{
	const struct btf_type *t = type ? btf__type_by_id(from, type) : NULL;

	if (!t || btf_is_void(t))
		return wrap_bytes(btf, name, size);
	return btf_is_datasec(t) ? wrap_section(btf, from, type, size)
				 : wrap(btf, name, type, size);
}

/* With the type that BTF tells, or else as bytes. */
static int add_part(struct nr_types *types, enum nr_map_part part, struct btf *btf,
		    const struct btf *from, const char *name, uint32_t type, uint32_t size)
{
	int id = wrap_part(btf, from, name, type, size);
	int err = id < 0 ? id : nr_types_add(types, part, name, btf, id);

	if (!err || !type)
		return err;
	id = wrap_bytes(btf, name, size);
	return id < 0 ? id : nr_types_add(types, part, name, btf, id);
}

struct nr_types *nr_map_types_new(const struct btf *btf, const struct bpf_map *map)
{
	uint32_t size;
	const void *raw = btf ? btf__raw_data(btf, &size) : NULL;
	struct btf *copy = raw ? btf__new(raw, size) : btf__new_empty();
	struct nr_types *types = NULL;
	int err = copy ? nr_types_new(&types, NULL, NULL) : -ENOMEM;

	err = err
		      ?: add_part(types, NR_MAP_KEY, copy, btf, "key",
				  bpf_map__btf_key_type_id(map), bpf_map__key_size(map));
	err = err
		      ?: add_part(types, NR_MAP_VALUE, copy, btf, "value",
				  bpf_map__btf_value_type_id(map), bpf_map__value_size(map));
	btf__free(copy);
	if (!err)
		return types;
	nr_types_free(types);
	return NULL;
}

const struct nr_field *nr_map_field(const struct nr_types *types, enum nr_map_part part)
{
	const struct nr_field *root = &nr_types_layout(types, part)->root;

	return root->n_kids ? root->kids : root;
}

/* ---- values ---- */

bool nr_map_is_number(const struct nr_field *f)
{
	return f->kind == NR_UINT || f->kind == NR_INT;
}

bool nr_map_can_sum(const struct nr_field *f)
{
	if (f->kind != NR_STRUCT && f->kind != NR_ARRAY)
		return nr_map_is_number(f);
	for (unsigned i = 0; i < f->n_kids; i++)
		if (!nr_map_can_sum(&f->kids[i]))
			return false;
	return f->n_kids;
}

static void sum_number(const struct nr_field *f, uint32_t off, uint8_t *to, const uint8_t *from)
{
	struct nr_field at = *f;

	at.off = off;
	nr_field_store(&at, to, nr_field_load(&at, to) + nr_field_load(&at, from));
}

void nr_map_sum(const struct nr_field *f, uint32_t off, uint8_t *to, const uint8_t *from)
{
	off += f->off;
	if (f->kind == NR_ARRAY)
		for (uint32_t i = 0; i < f->count; i++)
			nr_map_sum(f->kids, off + i * f->stride, to, from);
	else if (f->kind == NR_STRUCT)
		for (unsigned i = 0; i < f->n_kids; i++)
			nr_map_sum(&f->kids[i], off, to, from);
	else
		sum_number(f, off, to, from);
}

void nr_map_print(FILE *out, const struct nr_types *types, enum nr_map_part part, unsigned i,
		  const void *data, size_t size)
{
	const struct nr_record rec = { .id = part };
	const struct nr_event ev = { .rec = &rec, .data = data, .size = size };
	struct nr_field_info field = { .sz = sizeof(field) };
	char text[4096];

	if (nr_types_field_at(types, part, NULL, i, &field) ||
	    nr_event_format(&ev, &field, NR_FORMAT_TEXT, text, sizeof(text)) < 0)
		return;
	fputs(text, out);
	if (strlen(text) == sizeof(text) - 1)
		fputs("...", out);
}

/* ---- histograms ---- */

const char *nr_map_slots_unit(const char *name)
{
	const char *slots = "slots";

	if (strncmp(name, slots, strlen(slots)))
		return NULL;
	name += strlen(slots);
	return !*name ? name : *name == '_' ? name + 1 : NULL;
}

static bool is_slots(const struct nr_field *f)
{
	return f->kind == NR_ARRAY && nr_map_is_number(f->kids) && f->name &&
	       nr_map_slots_unit(f->name);
}

const struct nr_field *nr_map_slots(const struct nr_field *value, uint32_t *off)
{
	*off = value->off;
	for (unsigned i = 0; value->kind == NR_STRUCT && i < value->n_kids; i++)
		if (is_slots(&value->kids[i])) {
			*off += value->kids[i].off;
			return &value->kids[i];
		}
	return NULL;
}
