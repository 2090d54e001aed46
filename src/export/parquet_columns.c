// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include "parquet_columns.h"
#include "thrift.h"

/* Numbers of Parquet's metadata. */
enum repetition { REQUIRED, OPTIONAL, REPEATED };
enum converted { UTF8 = 0, LIST = 3, UINT_8 = 11, INT_8 = 15 };
enum logical { LOGICAL_STRING = 1, LOGICAL_LIST = 3, LOGICAL_TIMESTAMP = 8, LOGICAL_INTEGER = 10 };
enum { UNIT_NANOS = 3 };

/* The way to a field. */
struct walk {
	struct parquet_columns *c;
	const struct nr_types *types;
	uint16_t id;
	const struct walk *up;
	const char *name;
	const struct nr_field_info *list; /* the array around it, or NULL */
};

static const char *const common[] = { "time", "cpu", "lost", "late" };

/* ---- the schema ---- */

static struct thrift begin_element(struct parquet_columns *c)
{
	c->n_schema++;
	return (struct thrift){ .out = &c->schema };
}

static void add_group(const struct walk *w, enum repetition repetition, unsigned children)
{
	struct thrift t = begin_element(w->c);

	thrift_i32(&t, 3, repetition);
	thrift_text(&t, 4, w->name);
	thrift_i32(&t, 5, children);
	thrift_end(&t);
}

static void add_list_group(const struct walk *w)
{
	struct thrift t = begin_element(w->c);

	thrift_i32(&t, 3, OPTIONAL);
	thrift_text(&t, 4, w->name);
	thrift_i32(&t, 5, 1);
	thrift_i32(&t, 6, LIST);
	thrift_struct(&t, 10);
	thrift_empty(&t, LOGICAL_LIST);
	thrift_end(&t);
	thrift_end(&t);
}

static void put_timestamp(struct thrift *t)
{
	thrift_struct(t, 10);
	thrift_struct(t, LOGICAL_TIMESTAMP);
	thrift_bool(t, 1, false);
	thrift_struct(t, 2);
	thrift_empty(t, UNIT_NANOS);
	thrift_end(t);
	thrift_end(t);
	thrift_end(t);
}

static void put_integer(struct thrift *t, unsigned bits, bool is_signed)
{
	thrift_i32(t, 6, (is_signed ? INT_8 : UINT_8) + __builtin_ctz(bits / 8));
	thrift_struct(t, 10);
	thrift_struct(t, LOGICAL_INTEGER);
	thrift_i8(t, 1, bits);
	thrift_bool(t, 2, is_signed);
	thrift_end(t);
	thrift_end(t);
}

static void put_string(struct thrift *t)
{
	thrift_i32(t, 6, UTF8);
	thrift_struct(t, 10);
	thrift_empty(t, LOGICAL_STRING);
	thrift_end(t);
}

/* bits: of an integer. */
static void add_leaf(const struct walk *w, const struct parquet_column *col, unsigned bits)
{
	struct thrift t = begin_element(w->c);

	thrift_i32(&t, 1, col->type);
	thrift_i32(&t, 3, col->max_def && !col->in_list ? OPTIONAL : REQUIRED);
	thrift_text(&t, 4, w->name);
	if (col->source == PARQUET_TIME)
		put_timestamp(&t);
	else if (col->is_utf8)
		put_string(&t);
	else if (col->type == PARQUET_INT32 || col->type == PARQUET_INT64)
		put_integer(&t, bits, col->is_signed);
	thrift_end(&t);
}

/* ---- columns ---- */

static void add_path(struct bytes *b, const struct walk *w, struct parquet_column *col)
{
	if (!w->up)
		return;
	add_path(b, w->up, col);
	bytes_add(b, w->name, strlen(w->name) + 1);
	col->n_path++;
}

static int add_column(const struct walk *w, struct parquet_column col, unsigned bits)
{
	struct parquet_columns *c = w->c;
	struct parquet_column *grown = c->at;
	struct bytes path = {};

	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		grown = reallocarray(grown, c->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		c->at = grown;
	}
	add_leaf(w, &col, bits);
	add_path(&path, w, &col);
	col.path = (char *)path.at;
	c->at[c->n++] = col;
	return path.failed ? -ENOMEM : 0;
}

static enum parquet_source source_of(const struct nr_field_info *f)
{
	switch (f->kind) {
	case NR_FIELD_TEXT:
		return PARQUET_TEXT;
	case NR_FIELD_FLOAT:
		return PARQUET_REAL;
	default:
		return f->is_enum ? PARQUET_ENUM : PARQUET_NUMBER;
	}
}

/* The bits that hold an integer or a bit-field. */
static unsigned whole_bits(unsigned bits)
{
	unsigned whole = 8;

	while (whole < bits)
		whole *= 2;
	return whole;
}

static enum parquet_type type_of(enum parquet_source source, const struct nr_field_info *f)
{
	if (source == PARQUET_REAL)
		return f->bits == 32 ? PARQUET_FLOAT : PARQUET_DOUBLE;
	if (source != PARQUET_NUMBER)
		return PARQUET_BYTES;
	if (f->is_bool)
		return PARQUET_BOOLEAN;
	return f->bits > 32 ? PARQUET_INT64 : PARQUET_INT32;
}

static int add_value(const struct walk *w, const struct nr_field_info *f,
		     enum parquet_source source)
{
	struct parquet_column col = {
		.source = source,
		.type = type_of(source, f),
		.is_signed = f->kind == NR_FIELD_INT,
		.is_utf8 =
			source == PARQUET_ENUM || source == PARQUET_TEXT || source == PARQUET_JSON,
		.field = *f,
		.max_def = 1,
	};

	if (w->list) {
		col.in_list = true;
		col.list = *w->list;
		col.max_def = 2;
		col.max_rep = 1;
	}
	return add_column(w, col, whole_bits(f->bits));
}

static int add_field(struct walk *w, const struct nr_field_info *f);

static unsigned count_members(const struct walk *w, const struct nr_field_info *f);

/* A struct without members inside another one is left out. */
static bool is_empty(const struct walk *w, const struct nr_field_info *f)
{
	return f->kind == NR_FIELD_STRUCT && !count_members(w, f);
}

/* f: a struct, or NULL for the event itself. */
static unsigned count_members(const struct walk *w, const struct nr_field_info *f)
{
	struct nr_field_info member = { .sz = sizeof(member) };
	unsigned n = 0;

	for (unsigned i = 0; !nr_types_field_at(w->types, w->id, f, i, &member); i++)
		n += !is_empty(w, &member);
	return n;
}

static bool is_common(const char *name)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (!strcasecmp(name, common[i]))
			return true;
	return false;
}

/* A field that is called as a column that all tables have gets another name. */
static const char *rename_field(const struct walk *w, const char *name, char *other, size_t size)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	if (!is_common(name))
		return name;
	snprintf(other, size, "field_%s", name);
	while (!nr_types_field(w->types, w->id, other, &f) && strlen(other) + 1 < size)
		strcat(other, "_");
	return other;
}

static int add_members(const struct walk *w, const struct nr_field_info *f)
{
	struct nr_field_info member = { .sz = sizeof(member) };
	int err = 0;

	for (unsigned i = 0; !err && !nr_types_field_at(w->types, w->id, f, i, &member); i++) {
		struct walk down = *w;
		char other[64];

		down.up = w;
		down.name = f ? member.name : rename_field(w, member.name, other, sizeof(other));
		err = is_empty(w, &member) ? 0 : add_field(&down, &member);
	}
	return err;
}

static int add_list(struct walk *w, const struct nr_field_info *f, const struct nr_field_info *elem)
{
	struct walk list = *w, element;

	add_list_group(w);
	list.up = w;
	list.name = "list";
	add_group(&list, REPEATED, 1);
	element = list;
	element.up = &list;
	element.name = "element";
	element.list = f;
	return add_field(&element, elem);
}

static int add_field(struct walk *w, const struct nr_field_info *f)
{
	struct nr_field_info elem = { .sz = sizeof(elem) };

	if (f->kind == NR_FIELD_STRUCT) {
		add_group(w, REQUIRED, count_members(w, f));
		return add_members(w, f);
	}
	if (f->kind != NR_FIELD_ARRAY)
		return add_value(w, f, source_of(f));
	if (nr_types_field_at(w->types, w->id, f, 0, &elem))
		return add_value(w, f, PARQUET_RAW);
	if (w->list || is_empty(w, &elem))
		return add_value(w, f, PARQUET_JSON);
	return add_list(w, f, &elem);
}

static int add_own(const struct walk *root, const char *name, struct parquet_column col,
		   unsigned bits)
{
	struct walk w = *root;

	w.up = root;
	w.name = name;
	root->c->n_top++;
	return add_column(&w, col, bits);
}

static int add_common(const struct walk *w)
{
	struct parquet_column time = { .source = PARQUET_TIME,
				       .type = PARQUET_INT64,
				       .is_signed = true };
	struct parquet_column cpu = { .source = PARQUET_CPU, .type = PARQUET_INT32 };
	struct parquet_column lost = { .source = PARQUET_LOST, .type = PARQUET_INT32 };
	struct parquet_column late = { .source = PARQUET_LATE,
				       .type = PARQUET_INT64,
				       .max_def = 1 };

	return add_own(w, common[0], time, 64) ?: add_own(w, common[1], cpu, 16)
	       ?: add_own(w, common[2], lost, 32) ?: add_own(w, common[3], late, 64);
}

static int add_raw(const struct walk *w)
{
	struct parquet_column id = { .source = PARQUET_ID, .type = PARQUET_INT32 };
	struct parquet_column data = { .source = PARQUET_DATA, .type = PARQUET_BYTES };

	return add_own(w, "id", id, 16) ?: add_own(w, "data", data, 0);
}

int parquet_columns_open(struct parquet_columns *c, const struct nr_types *types, uint16_t id)
{
	struct walk root = { .c = c, .types = types, .id = id };
	int err;

	*c = (struct parquet_columns){};
	err = add_common(&root);
	if (!err && id == NR_NO_TYPE)
		return add_raw(&root);
	c->n_top += count_members(&root, NULL);
	err = err ?: add_members(&root, NULL);
	return err || !c->schema.failed ? err : -ENOMEM;
}

void parquet_columns_close(struct parquet_columns *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->at[i].path);
	free(c->at);
	bytes_free(&c->schema);
}
