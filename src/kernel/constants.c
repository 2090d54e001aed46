// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "constants.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "name_list.h"
#include "types/layout.h"

#define MAX_CHAIN 32 /* qualifiers, typedefs and arrays around a type */

/* What is set: all of a variable, or a part of it. */
struct part {
	const char *path;
	const struct nr_field *field;
	uint32_t off;  /* bits from the start of the variable */
	uint8_t *data; /* of the variable */
	const struct nr_logger *log;
};

/* ---- variables ---- */

/* numaring.bpf.h declares these, and the collector sets them. */
static bool is_ours(const char *name)
{
	static const char *const names[] = { "nr_id_base",   "nr_only_tgid",	"nr_follow",
					     "nr_cgroup_id", "nr_cgroup_level", "nr_hidden_tgid",
					     "nr_tests" };

	for (size_t i = 0; i < NR_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool holds_variables(const char *section)
{
	return section && (!strncmp(section, ".rodata", 7) || !strncmp(section, ".data", 5) ||
			   !strncmp(section, ".bss", 4));
}

bool nr_variable_get(const struct btf *btf, const struct btf_type *section, unsigned i,
		     struct nr_variable *out)
{
	const struct btf_var_secinfo *at = &btf_var_secinfos(section)[i];
	const struct btf_type *var = btf__type_by_id(btf, at->type);
	const char *name = var && btf_is_var(var) ? btf__name_by_offset(btf, var->name_off) : NULL;

	if (!name || !*name || strchr(name, '.') || is_ours(name))
		return false;
	*out = (struct nr_variable){ name, btf__name_by_offset(btf, section->name_off), at,
				     var->type };
	return true;
}

/* Calls fn for each variable, until it returns true. */
static bool each_variable(const struct btf *btf, bool (*fn)(void *ctx, const struct nr_variable *v),
			  void *ctx)
{
	struct nr_variable v;

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_datasec(t) || !holds_variables(btf__name_by_offset(btf, t->name_off)))
			continue;
		for (unsigned i = 0; i < btf_vlen(t); i++)
			if (nr_variable_get(btf, t, i, &v) && fn(ctx, &v))
				return true;
	}
	return false;
}

struct search {
	const char *name;
	size_t len;
	struct nr_variable found;
};

static bool is_wanted(void *ctx, const struct nr_variable *v)
{
	struct search *s = ctx;
	bool same = strlen(v->name) == s->len && !strncmp(v->name, s->name, s->len);

	if (same)
		s->found = *v;
	return same;
}

static bool list_variable(void *ctx, const struct nr_variable *v)
{
	nr_name_list_add(ctx, v->name);
	return false;
}

static int refuse_unknown(const struct nr_object *o, const char *name, const struct nr_logger *log)
{
	struct nr_name_list list;

	nr_name_list_begin(&list, name);
	each_variable(bpf_object__btf(o->obj), list_variable, &list);
	if (list.n)
		nr_log(log, NR_LOG_ERROR, "%s has no constant \"%s\": %s", o->name, name,
		       nr_name_list_advice(&list));
	else
		nr_log(log, NR_LOG_ERROR,
		       "%s has no constant \"%s\": it has none at all; declare one as \"const "
		       "volatile int NAME = VALUE;\" outside of functions",
		       o->name, name);
	return -ENOENT;
}

static int find_variable(const struct nr_object *o, const char *path, struct nr_variable *out,
			 const struct nr_logger *log)
{
	struct search s = { .name = path, .len = strcspn(path, ".[") };
	char name[256];

	if (each_variable(bpf_object__btf(o->obj), is_wanted, &s)) {
		*out = s.found;
		return 0;
	}
	snprintf(name, sizeof(name), "%.*s", (int)s.len, path);
	return refuse_unknown(o, name, log);
}

/* The compiler replaces a constant by its value unless the constant is volatile. */
static bool is_volatile(const struct btf *btf, uint32_t type)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		const struct btf_type *t = btf__type_by_id(btf, type);

		if (!t || btf_is_volatile(t))
			return t;
		if (!btf_is_mod(t) && !btf_is_typedef(t) && !btf_is_array(t))
			return false;
		type = btf_is_array(t) ? btf_array(t)->type : t->type;
	}
	return false;
}

static int check_volatile(const struct nr_object *o, const struct nr_variable *v,
			  const struct nr_logger *log)
{
	if (strncmp(v->section, ".rodata", 7) || is_volatile(bpf_object__btf(o->obj), v->type))
		return 0;
	nr_log(log, NR_LOG_ERROR,
	       "cannot set %s of %s: the compiler has already used its value; declare it as const "
	       "volatile",
	       v->name, o->name);
	return -EINVAL;
}

/* The layout of a struct whose only member is the variable. */
static int make_layout(const struct btf *btf, const struct nr_variable *v, struct nr_layout **out)
{
	const struct nr_logger silent = {};
	uint32_t size;
	const void *raw = btf__raw_data(btf, &size);
	struct btf *copy = raw ? btf__new(raw, size) : NULL;
	int id = copy ? btf__add_struct(copy, NULL, v->at->size) : -ENOMEM;
	int err = id < 0 ? id : btf__add_field(copy, v->name, v->type, 0, 0);

	err = err ?: nr_layout_new(out, copy, id, v->name, &silent);
	btf__free(copy);
	return err;
}

/* ---- values ---- */

static uint64_t largest(const struct nr_field *f)
{
	return UINT64_MAX >> (64 - f->bits + f->is_signed);
}

static int refuse_value(const struct part *p, const char *value, int err)
{
	const struct nr_field *f = p->field;
	uint64_t most = largest(f);

	if (f->is_signed)
		nr_log(p->log, NR_LOG_ERROR,
		       "invalid value \"%s\" of %s: it is signed and has %u bits; use a number "
		       "from %" PRId64 " to %" PRId64,
		       value, p->path, f->bits, (int64_t)(-most - 1), (int64_t)most);
	else
		nr_log(p->log, NR_LOG_ERROR,
		       "invalid value \"%s\" of %s: it is unsigned and has %u bits; use a number "
		       "from 0 to %" PRIu64,
		       value, p->path, f->bits, most);
	return err;
}

static void store(const struct part *p, uint64_t v)
{
	struct nr_field at = *p->field;

	at.off = p->off;
	nr_field_store(&at, p->data, v);
}

/* Decimal, or hexadecimal after 0x. 0, -EINVAL or -ERANGE. */
static int parse_number(const struct nr_field *f, const char *value, uint64_t *out)
{
	bool negative = *value == '-';
	const char *digits = value + negative;
	bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
	uint64_t v;
	char *end;

	digits += hex ? 2 : 0;
	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return -EINVAL;
	errno = 0;
	v = strtoull(digits, &end, hex ? 16 : 10);
	if (errno || (negative && v && !f->is_signed) ||
	    v > largest(f) + (negative && f->is_signed))
		return -ERANGE;
	*out = negative ? -v : v;
	return 0;
}

/* A byte may be given as a character: x, or 'x', as '7' is not 7. */
static bool parse_character(const struct nr_field *f, const char *value, uint64_t *out)
{
	size_t len = strlen(value);
	bool quoted = len == 3 && value[0] == '\'' && value[2] == '\'';

	if (f->bits != 8 || (!quoted && len != 1))
		return false;
	*out = (uint8_t)value[quoted];
	return quoted || value[0] < '0' || value[0] > '9';
}

static int set_number(const struct part *p, const char *value)
{
	uint64_t v;
	int err = parse_character(p->field, value, &v) ? 0 : parse_number(p->field, value, &v);

	if (err)
		return refuse_value(p, value, err);
	store(p, v);
	return 0;
}

static int set_bool(const struct part *p, const char *value)
{
	bool is_true = !strcmp(value, "true") || !strcmp(value, "1");

	if (!is_true && strcmp(value, "false") && strcmp(value, "0")) {
		nr_log(p->log, NR_LOG_ERROR, "invalid value \"%s\" of %s: use true or false", value,
		       p->path);
		return -EINVAL;
	}
	store(p, is_true);
	return 0;
}

static int refuse_enumerator(const struct part *p, const char *word)
{
	struct nr_name_list list;

	nr_name_list_begin(&list, word);
	for (unsigned i = 0; i < p->field->n_values; i++)
		nr_name_list_add(&list, p->field->values[i].name);
	nr_log(p->log, NR_LOG_ERROR, "invalid value \"%s\" of the enum %s: %s", word, p->path,
	       nr_name_list_advice(&list));
	return -EINVAL;
}

/* A name, or the number of one. */
static bool find_enumerator(const struct nr_field *f, const char *word, uint64_t *out)
{
	uint64_t v;

	for (unsigned i = 0; i < f->n_values; i++)
		if (!strcmp(f->values[i].name, word)) {
			*out = f->values[i].value;
			return true;
		}
	if (parse_number(f, word, &v) || !nr_field_value(f, v))
		return false;
	*out = v;
	return true;
}

/* NAME|NAME sets flags. */
static int set_enum(const struct part *p, const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;
	uint64_t sum = 0, v = 0;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, "|"))) {
		err = find_enumerator(p->field, word, &v) ? 0 : refuse_enumerator(p, word);
		sum |= v;
	}
	free(copy);
	if (!err)
		store(p, sum);
	return err;
}

static int set_text(const struct part *p, const char *value)
{
	size_t len = strlen(value), room = p->field->count;

	if (len >= room) {
		nr_log(p->log, NR_LOG_ERROR,
		       "invalid value \"%s\" of %s: use a text of at most %zu bytes, because a 0 "
		       "follows it",
		       value, p->path, room ? room - 1 : 0);
		return -ERANGE;
	}
	memset(p->data + p->off / 8, 0, room);
	memcpy(p->data + p->off / 8, value, len);
	return 0;
}

static int set_part(const struct part *p, const char *value);
static int refuse_struct(const struct part *p, const char *element);

static unsigned count_words(const char *list)
{
	unsigned n = *list != 0;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static int set_elements(const struct part *p, char *list)
{
	struct part element = { p->path, p->field->kids, p->off, p->data, p->log };
	char *word;
	int err = 0;

	while (!err && (word = strsep(&list, ","))) {
		err = set_part(&element, word);
		element.off += p->field->stride;
	}
	return err;
}

/* Elements that are not given become 0, as in C. */
static int set_array(const struct part *p, const char *value)
{
	unsigned n = count_words(value);
	char *copy;
	int err;

	if (p->field->kids->kind == NR_STRUCT) {
		const struct part element = { p->path, p->field->kids, p->off, p->data, p->log };

		return refuse_struct(&element, "[0]");
	}
	if (n > p->field->count) {
		nr_log(p->log, NR_LOG_ERROR,
		       "invalid value \"%s\" of %s: it has room for %u element%s", value, p->path,
		       p->field->count, p->field->count == 1 ? "" : "s");
		return -ERANGE;
	}
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	memset(p->data + p->off / 8, 0, p->field->bits / 8);
	err = n ? set_elements(p, copy) : 0;
	free(copy);
	return err;
}

/* element: "[0]", if it is one of an array that the path names. */
static int refuse_struct(const struct part *p, const char *element)
{
	char names[512];
	size_t len = 0;

	for (unsigned i = 0; i < p->field->n_kids && len < sizeof(names); i++)
		len += snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
				p->field->kids[i].name);
	nr_log(p->log, NR_LOG_ERROR,
	       "%s%s is a struct: set its members one by one, as in %s%s.%s=...; "
	       "it has %s",
	       p->path, element, p->path, element, p->field->kids[0].name, names);
	return -EINVAL;
}

static int set_part(const struct part *p, const char *value)
{
	switch (p->field->kind) {
	case NR_UINT:
	case NR_INT:
		return set_number(p, value);
	case NR_BOOL:
		return set_bool(p, value);
	case NR_ENUM:
		return set_enum(p, value);
	case NR_TEXT:
		return set_text(p, value);
	case NR_ARRAY:
		return set_array(p, value);
	case NR_STRUCT:
		return refuse_struct(p, "");
	default:
		nr_log(p->log, NR_LOG_ERROR,
		       "cannot set %s: it is a pointer, a union, a floating-point number or a "
		       "number of more than 64 bits",
		       p->path);
		return -EINVAL;
	}
}

/* ---- paths ---- */

static int refuse_member(const struct part *p, const char *name, size_t len)
{
	char wanted[128];
	struct nr_name_list list;

	snprintf(wanted, sizeof(wanted), "%.*s", (int)len, name);
	nr_name_list_begin(&list, wanted);
	for (unsigned i = 0; i < p->field->n_kids && p->field->kind == NR_STRUCT; i++)
		nr_name_list_add(&list, p->field->kids[i].name);
	if (list.n)
		nr_log(p->log, NR_LOG_ERROR, "there is no member \"%s\" in %s: %s", wanted, p->path,
		       nr_name_list_advice(&list));
	else
		nr_log(p->log, NR_LOG_ERROR,
		       "there is no member \"%s\" in %s: what is before the "
		       "dot is not a struct",
		       wanted, p->path);
	return -ENOENT;
}

static int step_to_member(struct part *p, const char **rest)
{
	const char *name = *rest + 1;
	size_t len = strcspn(name, ".[");

	for (unsigned i = 0; p->field->kind == NR_STRUCT && i < p->field->n_kids; i++) {
		const struct nr_field *kid = &p->field->kids[i];

		if (kid->name_len != len || strncmp(kid->name, name, len))
			continue;
		p->off += kid->off;
		p->field = kid;
		*rest = name + len;
		return 0;
	}
	return refuse_member(p, name, len);
}

static int step_to_element(struct part *p, const char **rest)
{
	char *end;
	unsigned long i = strtoul(*rest + 1, &end, 10);

	if (p->field->kind != NR_ARRAY || (*rest)[1] < '0' || (*rest)[1] > '9' || *end != ']' ||
	    i >= p->field->count) {
		nr_log(p->log, NR_LOG_ERROR,
		       p->field->kind == NR_ARRAY
			       ? "there is no element \"%.*s\" in %s: use [0] to [%u]"
			       : "there is no element \"%.*s\" in %s: what is before it is not an "
				 "array",
		       (int)strcspn(*rest, "."), *rest, p->path, p->field->count - 1);
		return -ENOENT;
	}
	p->off += i * p->field->stride;
	p->field = p->field->kids;
	*rest = end + 1;
	return 0;
}

static int follow_path(struct part *p)
{
	const char *rest = p->path + strcspn(p->path, ".[");
	int err = 0;

	while (!err && *rest)
		if (*rest == '.')
			err = step_to_member(p, &rest);
		else if (*rest == '[')
			err = step_to_element(p, &rest);
		else
			err = refuse_member(p, rest, strlen(rest));
	return err;
}

static int set_variable(const struct nr_layout *layout, const char *path, const char *value,
			uint8_t *data, const struct nr_logger *log)
{
	struct part p = { path, layout->root.kids, layout->root.kids->off, data, log };

	return follow_path(&p) ?: set_part(&p, value);
}

/* Changes a copy of the section's data, so that a wrong value leaves it as it is. */
static int set_in_section(struct nr_object *o, const struct nr_variable *v,
			  const struct nr_layout *layout, const char *path, const char *value,
			  const struct nr_logger *log)
{
	struct bpf_map *map = nr_object_section(o, v->section);
	size_t size = 0;
	const void *data = map ? bpf_map__initial_value(map, &size) : NULL;
	uint8_t *copy;
	int err;

	if (!data || (size_t)v->at->offset + v->at->size > size) {
		nr_log(log, NR_LOG_ERROR, "%s: its section %s is damaged: build it again", o->name,
		       v->section);
		return -EINVAL;
	}
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, size);
	err = set_variable(layout, path, value, copy + v->at->offset, log)
		      ?: bpf_map__set_initial_value(map, copy, size);
	free(copy);
	return err;
}

int nr_constant_set(struct nr_object *o, const char *path, const char *value,
		    const struct nr_logger *log)
{
	struct nr_layout *layout = NULL;
	struct nr_variable v;
	int err = find_variable(o, path, &v, log) ?: check_volatile(o, &v, log);

	if (err)
		return err;
	err = make_layout(bpf_object__btf(o->obj), &v, &layout);
	if (err || !layout->root.n_kids) {
		nr_log(log, NR_LOG_ERROR, "cannot set %s of %s: %s", v.name, o->name,
		       err == -ENOMEM ? nr_reason(err) : "it has no type that takes a value");
		err = err ?: -EINVAL;
	} else {
		err = set_in_section(o, &v, layout, path, value, log);
	}
	nr_layout_free(layout);
	return err;
}
