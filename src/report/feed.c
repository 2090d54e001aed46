// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "feed.h"

#include <errno.h>

static bool is_whole(const struct nr_field_info *f)
{
	return (f->kind == NR_FIELD_UINT || f->kind == NR_FIELD_INT) && f->bit_offset % 8 == 0 &&
	       (f->bits == 8 || f->bits == 16 || f->bits == 32 || f->bits == 64);
}

int feed_bind(struct feed_field *fields, const struct feed_type *type, const struct nr_types *types,
	      uint16_t id, const char **missing)
{
	for (unsigned i = 0; i < FEED_FIELDS_MAX && type->fields[i]; i++) {
		const char *name = type->fields[i];
		bool optional = *name == '?';
		struct feed_field *f = &fields[i];

		f->info.sz = sizeof(f->info);
		f->is_there = !nr_types_field(types, id, name + optional, &f->info);
		if (!f->is_there && !optional) {
			*missing = name;
			return -ENOENT;
		}
		if (!f->is_there || !is_whole(&f->info))
			continue;
		f->offset = f->info.bit_offset / 8;
		f->size = f->info.bits / 8;
		f->is_signed = f->info.kind == NR_FIELD_INT;
	}
	return 0;
}

const uint64_t *feed_words(const struct feed_event *e, unsigned i, size_t *n)
{
	const void *words = NULL;

	*n = 0;
	if (e->fields[i].is_there && e->fields[i].info.bits == 64)
		words = nr_event_array(e->ev, &e->fields[i].info, n);
	return words;
}

const char *feed_name(const struct feed_event *e, unsigned i)
{
	if (!e->fields[i].is_there)
		return NULL;
	return nr_field_enum_name(&e->fields[i].info, feed_int(e, i));
}
