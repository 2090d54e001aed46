// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pf_fields.h"

#include <jansson.h>
#include <string.h>

struct pf_field {
	struct nr_field_info info;
	struct pf_name name;
	struct pf_fields inside; /* of a struct */
};

void pf_fields_open(struct pf_fields *f, const struct nr_types *types, uint16_t id,
		    const struct nr_field_info *parent)
{
	struct nr_field_info info = { .sz = sizeof(info) };

	*f = (struct pf_fields){};
	while (!nr_types_field_at(types, id, parent, f->n, &info)) {
		f->list = memory_grow(f->list, f->n + 1, sizeof(*f->list));
		f->list[f->n++] = (struct pf_field){ .info = info };
	}
	for (unsigned i = 0; i < f->n; i++)
		if (f->list[i].info.kind == NR_FIELD_STRUCT)
			pf_fields_open(&f->list[i].inside, types, id, &f->list[i].info);
}

void pf_fields_close(struct pf_fields *f)
{
	for (unsigned i = 0; i < f->n; i++)
		pf_fields_close(&f->list[i].inside);
	free(f->list);
}

static bool is_there(const struct nr_event *ev, const struct nr_field_info *info)
{
	return info->bit_offset + (uint64_t)info->bits <= ev->size * 8ull;
}

static void set_int(struct pf_args *args, Pf__DebugAnnotation *arg, const struct nr_event *ev,
		    const struct nr_field_info *info)
{
	uint64_t value = nr_event_int(ev, info);
	const char *name = info->is_enum ? nr_field_enum_name(info, value) : NULL;

	if (name) {
		pf_set_text(args, arg, (char *)name);
	} else if (info->is_bool) {
		arg->has_bool_value = true;
		arg->bool_value = value;
	} else if (info->is_pointer) {
		arg->has_pointer_value = true;
		arg->pointer_value = value;
	} else if (info->kind == NR_FIELD_INT) {
		arg->has_int_value = true;
		arg->int_value = (int64_t)value;
	} else {
		arg->has_uint_value = true;
		arg->uint_value = value;
	}
}

static void set_float(Pf__DebugAnnotation *arg, const struct nr_event *ev,
		      const struct nr_field_info *info)
{
	const char *at = (const char *)ev->data + info->bit_offset / 8;
	float single;

	arg->has_double_value = true;
	if (info->bits == 64) {
		memcpy(&arg->double_value, at, 8);
		return;
	}
	memcpy(&single, at, sizeof(single));
	arg->double_value = single;
}

static void set_entries(struct pf_args *args, Pf__DebugAnnotation *arg,
			const struct pf_args *inside)
{
	arg->dict_entries = inside->list;
	arg->n_dict_entries = inside->n;
	args->bytes += inside->bytes;
}

static void set_elements(struct pf_args *args, Pf__DebugAnnotation *arg,
			 const struct pf_args *inside)
{
	arg->array_values = inside->list;
	arg->n_array_values = inside->n;
	args->bytes += inside->bytes;
}

static void set_words(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		      const struct nr_event *ev, const struct nr_field_info *info)
{
	struct pf_args list = {};
	size_t n;
	const uint64_t *words = nr_event_array(ev, info, &n);

	for (size_t i = 0; i < n; i++) {
		Pf__DebugAnnotation *element = pf_arg(o, &list, 0);

		element->has_int_value = info->elem_kind == NR_FIELD_INT;
		element->has_uint_value = !element->has_int_value;
		memcpy(&element->uint_value, (const char *)words + 8 * i, 8);
		element->int_value = (int64_t)element->uint_value;
	}
	set_elements(args, arg, &list);
}

static void set_json(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		     json_t *value);

static void set_object(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		       json_t *object)
{
	struct pf_args entries = {};
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value)
		set_json(o, &entries, pf_arg(o, &entries, pf_intern(o, PF_ARG, key)), value);
	set_entries(args, arg, &entries);
}

static void set_list(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		     json_t *array)
{
	struct pf_args list = {};
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value) set_json(o, &list, pf_arg(o, &list, 0), value);
	set_elements(args, arg, &list);
}

static void set_json(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		     json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_object(value)) {
		set_object(o, args, arg, value);
	} else if (json_is_array(value)) {
		set_list(o, args, arg, value);
	} else if (json_is_integer(value)) {
		arg->has_int_value = true;
		arg->int_value = json_integer_value(value);
	} else if (json_is_real(value)) {
		arg->has_double_value = true;
		arg->double_value = json_real_value(value);
	} else if (json_is_boolean(value)) {
		arg->has_bool_value = true;
		arg->bool_value = json_is_true(value);
	} else {
		pf_set_text(args, arg, pf_text(o, text ? text : "null", text ? strlen(text) : 4));
	}
}

/* Arrays of all kinds, by the library's own JSON. */
static void set_array(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		      const struct nr_event *ev, const struct nr_field_info *info)
{
	int len = nr_event_format(ev, info, NR_FORMAT_JSON, NULL, 0);
	char *text = obstack_alloc(&o->arena, len < 0 ? 1 : (size_t)len + 1);
	json_t *value;

	*text = '\0';
	if (len > 0)
		nr_event_format(ev, info, NR_FORMAT_JSON, text, (size_t)len + 1);
	value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (value)
		set_json(o, args, arg, value);
	else
		pf_set_text(args, arg, text);
	json_decref(value);
}

static void set_value(struct pf_out *o, struct pf_args *args, Pf__DebugAnnotation *arg,
		      struct pf_field *f, const struct nr_event *ev)
{
	struct pf_args inside = {};
	const char *text;
	size_t len;

	switch (f->info.kind) {
	case NR_FIELD_UINT:
	case NR_FIELD_INT:
		set_int(args, arg, ev, &f->info);
		break;
	case NR_FIELD_FLOAT:
		set_float(arg, ev, &f->info);
		break;
	case NR_FIELD_TEXT:
		text = nr_event_text(ev, &f->info, &len);
		pf_set_text(args, arg, pf_text(o, text, len));
		break;
	case NR_FIELD_ARRAY:
		if (f->info.bits == 64 && f->info.elem_kind <= NR_FIELD_INT)
			set_words(o, args, arg, ev, &f->info);
		else
			set_array(o, args, arg, ev, &f->info);
		break;
	case NR_FIELD_STRUCT:
		pf_fields_add(o, &inside, &f->inside, ev, NULL);
		set_entries(args, arg, &inside);
		break;
	}
}

void pf_fields_add(struct pf_out *o, struct pf_args *args, struct pf_fields *f,
		   const struct nr_event *ev, const char *except)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct pf_field *field = &f->list[i];
		uint64_t name;

		if (!is_there(ev, &field->info) || (except && !strcmp(field->info.name, except)))
			continue;
		name = pf_intern_name(o, PF_ARG, &field->name, field->info.name);
		set_value(o, args, pf_arg(o, args, name), field, ev);
	}
}
