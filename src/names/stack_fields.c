// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stack_fields.h"

#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

bool nr_field_is_stack(const struct nr_field_info *f)
{
	return f->kind == NR_FIELD_ARRAY && f->elem_kind == NR_FIELD_UINT && f->bits == 64 &&
	       !(f->bit_offset % 64) && ends_with(f->name, "stack");
}

bool nr_is_stack_id(const struct nr_field_info *f)
{
	return (f->kind == NR_FIELD_INT || f->kind == NR_FIELD_UINT) && !f->is_enum &&
	       !f->is_pointer && (f->bits == 32 || f->bits == 64) && ends_with(f->name, "stack_id");
}

static int has_stack(void *ctx, uint16_t id, const char *name)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	(void)name;
	for (unsigned i = 0; !nr_types_field_at(ctx, id, NULL, i, &f); i++)
		if (nr_field_is_stack(&f))
			return 1;
	return 0;
}

bool nr_have_stacks(const struct nr_types *types)
{
	return nr_types_each(types, has_stack, (void *)types);
}

void nr_stack_fields_clear(struct nr_stack_fields *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->of[i].list);
	free(f->of);
	*f = (struct nr_stack_fields){};
}
