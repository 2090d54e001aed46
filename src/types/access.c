// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads single fields of events, for programs that know them by name. */
#include <errno.h>
#include <string.h>
#include "types.h"

static enum nr_field_kind public_kind(const struct nr_field *f)
{
	switch (f->kind) {
	case NR_INT:
		return NR_FIELD_INT;
	case NR_ENUM:
		return f->is_signed ? NR_FIELD_INT : NR_FIELD_UINT;
	case NR_FLOAT:
		return NR_FIELD_FLOAT;
	case NR_TEXT:
		return NR_FIELD_TEXT;
	case NR_BYTES:
	case NR_ARRAY:
		return NR_FIELD_ARRAY;
	case NR_STRUCT:
		return NR_FIELD_STRUCT;
	case NR_UINT:
	case NR_BOOL:
	case NR_PTR:
		break;
	}
	return NR_FIELD_UINT;
}

static bool is_sequence(const struct nr_field *f)
{
	return f->kind == NR_TEXT || f->kind == NR_BYTES || f->kind == NR_ARRAY;
}

/* base: bits from the start of the payload to the struct around f. */
static int describe(struct nr_field_info *out, const struct nr_layout *layout,
		    const struct nr_field *f, uint32_t base)
{
	struct nr_field_info full = {
		.sz = out->sz < sizeof(full) ? out->sz : sizeof(full),
		.name = f->name,
		.kind = public_kind(f),
		.is_bool = f->kind == NR_BOOL,
		.is_enum = f->kind == NR_ENUM,
		.is_tail = f->tail,
		.is_pointer = f->kind == NR_PTR,
		.bit_offset = base + f->off,
		.bits = is_sequence(f) ? f->stride : f->bits,
		.count = is_sequence(f) ? f->count : 0,
		.inside = f,
		.layout = layout,
		.elem_kind = f->kind == NR_ARRAY ? public_kind(f->kids) : NR_FIELD_UINT,
	};

	if (!out->sz)
		return -EINVAL;
	memcpy(out, &full, full.sz);
	return 0;
}

const struct nr_field *nr_field_find(const struct nr_field *st, const char *path, uint32_t *base)
{
	size_t len = strcspn(path, ".");

	for (unsigned i = 0; i < st->n_kids; i++) {
		const struct nr_field *f = &st->kids[i];

		if (f->name_len != len || strncmp(f->name, path, len))
			continue;
		if (!path[len])
			return f;
		if (f->kind != NR_STRUCT)
			return NULL;
		*base += f->off;
		return nr_field_find(f, path + len + 1, base);
	}
	return NULL;
}

int nr_types_field(const struct nr_types *types, uint16_t id, const char *path,
		   struct nr_field_info *field)
{
	const struct nr_layout *layout = nr_types_layout(types, id);
	uint32_t base = 0;
	const struct nr_field *f = layout ? nr_field_find(&layout->root, path, &base) : NULL;

	return f ? describe(field, layout, f, base) : -ENOENT;
}

int nr_types_field_at(const struct nr_types *types, uint16_t id, const struct nr_field_info *parent,
		      unsigned i, struct nr_field_info *field)
{
	const struct nr_layout *layout = nr_types_layout(types, id);
	const struct nr_field *st = parent ? parent->inside : layout ? &layout->root : NULL;

	if (!layout || i >= st->n_kids)
		return -ENOENT;
	return describe(field, layout, &st->kids[i], parent ? parent->bit_offset : 0);
}

const char *nr_field_enum_name(const struct nr_field_info *field, uint64_t value)
{
	const struct nr_field *f = field->inside;
	const struct nr_enum_value *known = f->kind == NR_ENUM ? nr_field_value(f, value) : NULL;

	return known ? known->name : NULL;
}

int nr_field_enum_value(const struct nr_field_info *field, const char *name, uint64_t *value)
{
	const struct nr_field *f = field->inside;

	for (unsigned i = 0; f->kind == NR_ENUM && i < f->n_values; i++) {
		if (strcmp(f->values[i].name, name))
			continue;
		*value = f->values[i].value;
		return 0;
	}
	return -ENOENT;
}

const char *nr_field_enum_at(const struct nr_field_info *field, unsigned i, uint64_t *value)
{
	const struct nr_field *f = field->inside;

	if (f->kind != NR_ENUM || i >= f->n_values)
		return NULL;
	*value = f->values[i].value;
	return f->values[i].name;
}

/* Bytes of the payload from the field on. */
static size_t bytes_left(const struct nr_event *ev, const struct nr_field_info *field)
{
	uint32_t off = field->bit_offset / 8;

	return off < ev->size ? ev->size - off : 0;
}

uint64_t nr_event_int(const struct nr_event *ev, const struct nr_field_info *field)
{
	const struct nr_field *f = field->inside;
	const uint8_t *base = (const uint8_t *)ev->data + (field->bit_offset - f->off) / 8;

	if (is_sequence(f) || f->kind == NR_STRUCT || f->kind == NR_FLOAT)
		return 0;
	if (bytes_left(ev, field) * 8 < field->bit_offset % 8 + f->bits)
		return 0;
	return nr_field_load(f, base);
}

const void *nr_event_array(const struct nr_event *ev, const struct nr_field_info *field,
			   size_t *count)
{
	const struct nr_field *f = field->inside;
	const struct nr_layout *layout = field->layout;
	size_t present = is_sequence(f) ? bytes_left(ev, field) / (f->stride / 8) : 0;
	uint64_t said = f->count;

	if (f->tail)
		said = ev->size < layout->size ? 0 : nr_layout_tail_count(layout, ev->data);
	*count = said < present ? said : present;
	return (const uint8_t *)ev->data + field->bit_offset / 8;
}

const char *nr_event_text(const struct nr_event *ev, const struct nr_field_info *field, size_t *len)
{
	const char *text = nr_event_array(ev, field, len);

	*len = *len ? strnlen(text, *len) : 0;
	return text;
}
