// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "report_help.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include "types/types.h"

#define MAX_TYPES  16
#define MAX_FIELDS 24
#define MAX_SIZE   1024

struct story_field {
	uint32_t offset, size;
	bool is_text;
};

struct story {
	struct btf *btf;
	struct nr_types *types;
	struct story_type {
		const char *name;
		struct story_field fields[MAX_FIELDS];
		unsigned n;
		uint32_t size;
	} list[MAX_TYPES];
	unsigned n;
	struct report_env env;
	struct report_run *run;
	void (*fn)(void *ctx, const struct nr_event *ev);
	void *ctx;
	uint32_t lost[8];
	uint64_t all_lost, lost_before;
	char *text;
	json_t *json;
};

struct story *story_new(void)
{
	struct story *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->btf = btf__new_empty();
	assert_int_equal(nr_types_new(&s->types, NULL, NULL), 0);
	return s;
}

void story_free(struct story *s)
{
	if (s->run)
		report_run_close(s->run);
	json_decref(s->json);
	nr_types_free(s->types);
	btf__free(s->btf);
	free(s->text);
	free(s);
}

/* ---- types ---- */

static int add_enum(struct btf *btf, char *names)
{
	int id = btf__add_enum(btf, NULL, 4), value = 0;
	char *name;

	while ((name = strsep(&names, ",)")) && *name)
		btf__add_enum_value(btf, name, value++);
	return id;
}

/* Returns the BTF type of a kind, and its size. */
static int add_kind(struct btf *btf, char *kind, uint32_t *size)
{
	int bits = atoi(kind + 1), chars, word;

	*size = *kind == 't'   ? bits
		: *kind == 'e' ? 4
		: *kind == 'a' ? bits * 8
		: *kind == 'w' ? bits * 4
			       : bits / 8;
	switch (*kind) {
	case 'e':
		return add_enum(btf, kind + 2);
	case 't':
		chars = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
		return btf__add_array(btf, chars, chars, bits);
	case 'a':
		word = btf__add_int(btf, "unsigned long", 8, 0);
		return btf__add_array(btf, word, word, bits);
	case 'w':
		word = btf__add_int(btf, "unsigned int", 4, 0);
		return btf__add_array(btf, word, word, bits);
	default:
		return btf__add_int(btf, kind, *size, *kind == 's' ? BTF_INT_SIGNED : 0);
	}
}

void story_type(struct story *s, const char *name, const char *fields)
{
	struct story_type *t = &s->list[s->n++];
	char *copy = strdup(fields), *rest = copy, *field;
	const char *names[MAX_FIELDS];
	int ids[MAX_FIELDS], id;

	t->name = name;
	while ((field = strsep(&rest, " "))) {
		struct story_field *f = &t->fields[t->n];
		char *kind = strchr(field, ':');

		*kind++ = 0;
		names[t->n] = field;
		ids[t->n] = add_kind(s->btf, kind, &f->size);
		f->is_text = *kind == 't';
		f->offset = (t->size + 7) / 8 * 8;
		t->size = f->offset + f->size;
		t->n++;
	}
	t->size = (t->size + 7) / 8 * 8;
	id = btf__add_struct(s->btf, name, t->size);
	for (unsigned i = 0; i < t->n; i++)
		assert_int_equal(
			btf__add_field(s->btf, names[i], ids[i], t->fields[i].offset * 8, 0), 0);
	assert_int_equal(nr_types_add(s->types, s->n, name, s->btf, id), 0);
	free(copy);
}

/* ---- events ---- */

void story_begin_filtered(struct story *s, const char *name, uint64_t begin, const char *filter)
{
	const struct report *report = report_find(name);
	char why[256] = "";

	assert_non_null(report);
	s->env = (struct report_env){
		.types = s->types, .worst = 10, .begin = begin, .filter = filter
	};
	s->run = report_run_open(&report, 1, &s->env, why, sizeof(why));
	if (!s->run)
		fail_msg("%s", why);
}

void story_begin(struct story *s, const char *name, uint64_t begin)
{
	story_begin_filtered(s, name, begin, NULL);
}

void story_tell(struct story *s, void (*fn)(void *ctx, const struct nr_event *ev), void *ctx)
{
	s->fn = fn;
	s->ctx = ctx;
}

const struct nr_types *story_types(const struct story *s)
{
	return s->types;
}

static const struct story_type *type_of(const struct story *s, const char *name)
{
	const struct story_type *t = s->list;

	while (strcmp(t->name, name))
		assert_true(++t < s->list + s->n);
	return t;
}

static void give(struct story *s, uint64_t ts, unsigned cpu, const struct story_type *t,
		 const void *data, uint32_t size, bool passes)
{
	struct nr_record rec = {
		.ts = ts, .cpu = cpu, .lost = s->lost[cpu], .id = t - s->list + 1
	};
	struct nr_event ev = { .rec = &rec, .data = data, .size = size, .ts = ts };

	if (s->fn)
		s->fn(s->ctx, &ev);
	else
		report_run_event(s->run, &ev, passes);
}

static void put(struct story *s, uint64_t ts, unsigned cpu, const char *name, va_list args,
		bool passes)
{
	const struct story_type *t = type_of(s, name);
	_Alignas(8) char data[MAX_SIZE] = {};

	for (unsigned i = 0; i < t->n; i++) {
		const struct story_field *f = &t->fields[i];
		long long value;

		if (f->is_text) {
			snprintf(data + f->offset, f->size, "%s", va_arg(args, const char *));
			continue;
		}
		value = va_arg(args, long long);
		memcpy(data + f->offset, &value, f->size < 8 ? f->size : 8); /* little-endian */
	}
	give(s, ts, cpu, t, data, t->size, passes);
}

void story_bytes(struct story *s, uint64_t ts, unsigned cpu, const char *name, const void *bytes,
		 uint32_t size)
{
	const struct story_type *t = type_of(s, name);
	uint32_t room = size < t->size ? size : t->size;
	void *data = malloc(room ? room : 1); /* of exactly this size, for the address sanitizer */

	memcpy(data, bytes, room);
	give(s, ts, cpu, t, data, room, true);
	free(data);
}

void story_event(struct story *s, uint64_t ts, unsigned cpu, const char *type, ...)
{
	va_list args;

	va_start(args, type);
	put(s, ts, cpu, type, args, true);
	va_end(args);
}

void story_filtered(struct story *s, uint64_t ts, unsigned cpu, const char *type, ...)
{
	va_list args;

	va_start(args, type);
	put(s, ts, cpu, type, args, false);
	va_end(args);
}

void story_lose(struct story *s, unsigned cpu, unsigned n)
{
	s->lost[cpu] += n;
	s->all_lost += n;
}

void story_lost_before(struct story *s, unsigned cpu, unsigned n)
{
	s->lost[cpu] += n;
	s->lost_before += n;
	report_run_before(s->run, s->lost_before);
}

/* ---- what the report says ---- */

void story_end(struct story *s, uint64_t ts)
{
	size_t size;
	FILE *out = open_memstream(&s->text, &size);

	report_run_end(s->run, ts, s->all_lost);
	report_run_print(s->run, out);
	fclose(out);
	s->json = report_run_json(s->run);
	assert_non_null(s->json);
}

const char *story_text(struct story *s)
{
	return s->text;
}

json_t *story_json(struct story *s, const char *path)
{
	char *copy = strdup(path), *rest = copy, *key;
	json_t *at = s->json;

	while (at && (key = strsep(&rest, ".")))
		at = json_is_array(at) ? json_array_get(at, atoi(key)) : json_object_get(at, key);
	free(copy);
	if (!at)
		fail_msg("%s is not in the JSON", path);
	return at;
}

int64_t story_number(struct story *s, const char *path)
{
	json_t *value = story_json(s, path);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

const char *story_string(struct story *s, const char *path)
{
	json_t *value = story_json(s, path);

	assert_true(json_is_string(value));
	return json_string_value(value);
}
