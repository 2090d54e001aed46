// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes stacks out of events. */
#include "stack_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An event within this time of the reading of its id may have had another stack: the kernel takes a
 * stack out of its map while it copies it, and another one can get the id. */
#define STALE_NS 100000

/* ---- fields ---- */

static int grow(struct nr_stack_fields *f, uint16_t type)
{
	struct nr_stack_fields_of *grown;

	if (type < f->n)
		return 0;
	grown = realloc(f->of, (type + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + f->n, 0, (type + 1 - f->n) * sizeof(*grown));
	f->of = grown;
	f->n = type + 1;
	return 0;
}

static int list_fields(struct nr_symbols *s, const struct nr_types *types, uint16_t type,
		       struct nr_stack_fields_of *of)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	of->known = true;
	for (unsigned i = 0; !nr_types_field_at(types, type, NULL, i, &f); i++) {
		int is = nr_field_is_stack(&f) ? 1
			 : nr_is_stack_id(&f)  ? nr_symbols_has_ids(s, type, f.name)
					       : 0;
		struct nr_field_info *grown =
			is > 0 ? realloc(of->list, (of->n + 1) * sizeof(f)) : of->list;

		if (is < 0 || (is && !grown))
			return -ENOMEM;
		of->list = grown;
		if (is)
			of->list[of->n++] = f;
	}
	return 0;
}

/* -ENOENT: there is no field i. */
static int find_field(struct nr_symbols *s, const struct nr_types *types, uint16_t type, unsigned i,
		      const struct nr_field_info **out)
{
	struct nr_stack_fields *f = nr_symbols_fields(s);
	int err;

	if (f->types != types)
		nr_stack_fields_clear(f);
	f->types = types;
	err = grow(f, type);
	if (!err && !f->of[type].known)
		err = list_fields(s, types, type, &f->of[type]);
	if (err)
		return err;
	if (i >= f->of[type].n)
		return -ENOENT;
	*out = &f->of[type].list[i];
	return 0;
}

/* The same without ids, for which there is nothing to keep. */
static int search_field(const struct nr_types *types, uint16_t type, unsigned i,
			struct nr_field_info *out)
{
	*out = (struct nr_field_info){ .sz = sizeof(*out) };
	for (unsigned k = 0; !nr_types_field_at(types, type, NULL, k, out); k++)
		if (nr_field_is_stack(out) && !i--)
			return 0;
	return -ENOENT;
}

/* ---- stacks ---- */

static uint64_t read_field(const struct nr_types *types, const struct nr_event *ev,
			   const char *name)
{
	struct nr_field_info field = { .sz = sizeof(field) };

	return nr_types_field(types, ev->rec->id, name, &field) ? 0 : nr_event_int(ev, &field);
}

static unsigned count_upper(const struct nr_stack *stack)
{
	unsigned n = 0;

	while (n < stack->n && stack->addresses[n] >> 63)
		n++;
	return n;
}

static void take_array(const struct nr_types *types, const struct nr_event *ev,
		       const struct nr_field_info *field, struct nr_stack *stack)
{
	struct nr_field_info n_kernel = { .sz = sizeof(n_kernel) };
	size_t n;

	stack->addresses = nr_event_array(ev, field, &n);
	while (!field->is_tail && n && !stack->addresses[n - 1])
		n--; /* bpf_get_stack fills the rest with 0 */
	stack->n = n;
	stack->n_kernel = count_upper(stack);
	if (field->is_tail && !nr_types_field(types, ev->rec->id, "n_kernel", &n_kernel)) {
		uint64_t said = nr_event_int(ev, &n_kernel);

		stack->n_kernel = said < n ? said : n;
	}
}

static int take_id(struct nr_symbols *s, const struct nr_event *ev,
		   const struct nr_field_info *field, struct nr_stack *stack)
{
	const struct nr_stack_id *found = NULL;
	int err;

	stack->id = field->bits == 32 ? (int32_t)nr_event_int(ev, field)
				      : (int64_t)nr_event_int(ev, field);
	if (stack->id < 0 || stack->id > INT32_MAX) {
		stack->error = stack->id < -4095 || stack->id > 0 ? -ENODATA : (int)stack->id;
		return 0;
	}
	err = nr_symbols_find_id(s, ev->rec->id, field->name, stack->id, &found);
	if (!found) {
		stack->error = -ENODATA;
		return err;
	}
	if (ev->rec->ts + STALE_NS > found->from && ev->rec->ts < found->to + STALE_NS) {
		stack->error = -ESTALE;
		return err;
	}
	stack->addresses = found->addresses;
	stack->n = found->n;
	stack->n_kernel = count_upper(stack);
	return err;
}

static int take(struct nr_symbols *s, const struct nr_types *types, const struct nr_event *ev,
		const struct nr_field_info *field, struct nr_stack *stack)
{
	struct nr_stack full = {
		.sz = stack->sz < sizeof(full) ? stack->sz : sizeof(full),
		.pid = read_field(types, ev, "pid"),
		.ts = ev->rec->ts,
		.field = field->name,
	};
	int err = 0;

	if (nr_field_is_stack(field))
		take_array(types, ev, field, &full);
	else
		err = take_id(s, ev, field, &full);
	if (!err)
		memcpy(stack, &full, full.sz);
	return err;
}

int nr_stack_of(const struct nr_types *types, const struct nr_event *ev, struct nr_stack *stack)
{
	return nr_event_stack(NULL, types, ev, 0, stack);
}

int nr_event_stack(struct nr_symbols *s, const struct nr_types *types, const struct nr_event *ev,
		   unsigned i, struct nr_stack *stack)
{
	const struct nr_field_info *field;
	struct nr_field_info found;
	int err;

	if (!stack->sz)
		return -EINVAL;
	if (s)
		err = find_field(s, types, ev->rec->id, i, &field);
	else
		err = search_field(types, ev->rec->id, i, &found);
	return err ?: take(s, types, ev, s ? field : &found, stack);
}
