// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include "align.h"
#include "layout.h"

/* BTF may come from an untrusted file, so everything that it makes grow has a limit. */
#define MAX_SIZE   (1u << 20) /* bytes of one event */
#define MAX_FIELDS 4096
#define MAX_DEPTH  16
#define MAX_CHAIN  32 /* typedefs and qualifiers in a row, arrays in arrays */

struct compiler {
	const struct btf *btf;
	const char *event;
	const struct nr_logger *log;
	const struct nr_field *root;
	unsigned n_fields;
	bool cut_enums;
	/* The last array without elements at top level: the tail, unless a field follows. */
	const char *tail_name;
	uint32_t tail_type;
	uint32_t tail_off;
};

static int add_members(struct compiler *c, struct nr_field *st, const struct btf_type *t,
		       uint32_t base, unsigned depth);

__attribute__((format(printf, 3, 4))) static int refuse(const struct compiler *c, int err,
							const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	nr_log(c->log, NR_LOG_ERROR, "event type %s: %s", c->event, text);
	return err;
}

/* For messages: an array's element has no name. */
static const char *label(const struct nr_field *f)
{
	return f->name ?: "[]";
}

static const struct btf_type *resolve(const struct btf *btf, uint32_t id)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t || !(btf_is_typedef(t) || btf_is_mod(t) || btf_is_type_tag(t)))
			return t;
		id = t->type;
	}
	return NULL;
}

/* The bytes of a type; UINT64_MAX if its size is unknown or an array is too large. */
static uint64_t size_of(const struct btf *btf, uint32_t id)
{
	uint64_t count = 1;

	for (int i = 0; i < MAX_CHAIN; i++) {
		const struct btf_type *t = resolve(btf, id);

		if (!t)
			return UINT64_MAX;
		if (btf_is_ptr(t))
			return count * 8;
		if (btf_is_int(t) || btf_is_composite(t) || btf_is_any_enum(t) || btf_is_float(t))
			return count * t->size;
		if (!btf_is_array(t))
			return UINT64_MAX;
		count *= btf_array(t)->nelems;
		if (count > MAX_SIZE)
			return UINT64_MAX;
		id = btf_array(t)->type;
	}
	return UINT64_MAX;
}

static bool is_identifier(const char *s)
{
	if (!s || !*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!(*s == '_' || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
		      (*s >= 'A' && *s <= 'Z')))
			return false;
	return true;
}

/* BPF compilers give char no encoding of its own, so its name decides. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	const char *name;

	if (!t || !btf_is_int(t) || t->size != 1 || (btf_int_encoding(t) & BTF_INT_BOOL))
		return false;
	name = btf__str_by_offset(btf, t->name_off);
	return (btf_int_encoding(t) & BTF_INT_CHAR) || (name && !strcmp(name, "char"));
}

static int compile_bytes(struct compiler *c, struct nr_field *f, uint64_t size)
{
	if (f->off % 8 || !size || size > MAX_SIZE)
		return refuse(c, -EINVAL, "field %s has an invalid offset or size", label(f));
	f->kind = NR_BYTES;
	f->count = size;
	f->stride = 8;
	f->bits = size * 8;
	return 0;
}

static int compile_int(struct compiler *c, struct nr_field *f, const struct btf_type *t,
		       unsigned bits)
{
	unsigned enc = btf_int_encoding(t);

	if (t->size > 8 && !bits)
		return compile_bytes(c, f, t->size);
	if (!bits) { /* maybe a bit-field as compilers wrote it before BTF had kind_flag */
		bits = btf_int_bits(t);
		f->off += btf_int_offset(t);
	}
	if (!bits || bits > 64 || bits > t->size * 8)
		return refuse(c, -EINVAL, "integer %s has %u bits", label(f), bits);
	f->kind = enc & BTF_INT_BOOL ? NR_BOOL : enc & BTF_INT_SIGNED ? NR_INT : NR_UINT;
	f->is_signed = f->kind == NR_INT;
	f->bits = bits;
	return 0;
}

static uint64_t enum_value(const struct btf_type *t, unsigned i)
{
	if (btf_is_enum64(t))
		return btf_enum64_value(&btf_enum64(t)[i]);
	return (int64_t)btf_enum(t)[i].val;
}

/* An enum of up to 32 bits without kind_flag is unsigned, or its compiler does not know the flag
 * (clang before 15). It counts as signed if a value looks negative. If that is wrong, only its
 * values from 2^31 up are shown as negative. */
static bool enum_is_signed(const struct btf_type *t)
{
	if (btf_kflag(t) || btf_is_enum64(t))
		return btf_kflag(t);
	for (unsigned i = 0; i < btf_vlen(t); i++)
		if (btf_enum(t)[i].val < 0)
			return true;
	return false;
}

/* A stable insertion from the end, because most enums are declared in order. */
static void insert_value(struct nr_field *f, uint64_t value, char *name)
{
	unsigned i = f->n_values++;

	for (; i && (f->is_signed ? (int64_t)f->values[i - 1].value > (int64_t)value
				  : f->values[i - 1].value > value);
	     i--)
		f->values[i] = f->values[i - 1];
	f->values[i] = (struct nr_enum_value){ value, name };
}

static int compile_enum(struct compiler *c, struct nr_field *f, const struct btf_type *t,
			unsigned bits)
{
	bool cut;

	f->kind = NR_ENUM;
	f->bits = bits ?: t->size * 8;
	f->is_signed = enum_is_signed(t);
	if (t->size > 8 || !t->size || f->bits > t->size * 8)
		return refuse(c, -EINVAL, "enum %s has %u bits", label(f), f->bits);
	c->n_fields += btf_vlen(t) / 16; /* values take memory too */
	/* A value of BTF_KIND_ENUM has 32 bits; clang before 15 stores the low half in it. */
	cut = btf_is_enum(t) && t->size > 4;
	c->cut_enums |= cut;
	if (cut || !btf_vlen(t)) {
		f->kind = f->is_signed ? NR_INT : NR_UINT;
		return 0;
	}
	f->values = calloc(btf_vlen(t), sizeof(*f->values));
	if (!f->values)
		return -ENOMEM;
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		uint32_t at =
			btf_is_enum64(t) ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
		const char *name = btf__str_by_offset(c->btf, at);
		uint64_t value = enum_value(t, i);
		char *copy;

		if (!is_identifier(name))
			return refuse(c, -EINVAL, "enum %s has a value with an invalid name",
				      label(f));
		if (nr_extend(value, f->bits, f->is_signed) != value)
			continue; /* the bit-field is too small for this value */
		copy = strdup(name);
		if (!copy)
			return -ENOMEM;
		insert_value(f, value, copy);
	}
	return 0;
}

static const struct nr_field *find_kid(const struct nr_field *st, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(st->kids[i].name, name))
			return &st->kids[i];
	return NULL;
}

/* Names an anonymous union after its offset. Appends underscores until the name differs from all
 * other members, at most one for each. */
static int name_union(const struct nr_field *st, struct nr_field *f)
{
	char name[MAX_FIELDS + 32], *copy;
	int n = sprintf(name, "union_%u", f->off / 8);

	while (find_kid(st, st->n_kids, name)) {
		name[n++] = '_';
		name[n] = 0;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	free(f->name);
	f->name = copy;
	f->name_len = n;
	return 0;
}

/* Call after all members of the struct were added. */
static int name_unions(struct nr_field *st)
{
	int err = 0;

	for (unsigned i = 0; !err && i < st->n_kids; i++)
		if (!*st->kids[i].name)
			err = name_union(st, &st->kids[i]);
	return err;
}

static int compile_type(struct compiler *c, struct nr_field *f, uint32_t id, unsigned bits,
			unsigned depth);

static int compile_array(struct compiler *c, struct nr_field *f, const struct btf_array *arr,
			 unsigned depth)
{
	uint64_t size = size_of(c->btf, arr->type);
	int err;

	if (!size || size > MAX_SIZE || size * arr->nelems > MAX_SIZE)
		return refuse(c, -ENOTSUP,
			      "array %s has elements without a size, or is larger than 1 MiB",
			      label(f));
	f->count = arr->nelems;
	f->stride = size * 8;
	f->bits = f->count * f->stride;
	if (is_char(c->btf, resolve(c->btf, arr->type))) {
		f->kind = NR_TEXT;
		return 0;
	}
	f->kind = NR_ARRAY;
	f->kids = calloc(1, sizeof(*f->kids));
	if (!f->kids)
		return -ENOMEM;
	f->n_kids = 1;
	err = compile_type(c, f->kids, arr->type, 0, depth + 1);
	if (err)
		return err;
	if (f->kids->bits != f->stride || f->kids->off)
		return refuse(c, -ENOTSUP, "array %s has elements that do not fill their bytes",
			      label(f));
	return 0;
}

static int compile_struct(struct compiler *c, struct nr_field *f, const struct btf_type *t,
			  unsigned depth)
{
	int err;

	if (t->size > MAX_SIZE)
		return refuse(c, -ENOTSUP, "larger than 1 MiB");
	f->kind = NR_STRUCT;
	f->bits = t->size * 8;
	err = add_members(c, f, t, 0, depth + 1) ?: name_unions(f);
	if (!err && !f->n_kids) /* it has unnamed bit-fields only */
		err = compile_bytes(c, f, t->size);
	return err;
}

static int compile_type(struct compiler *c, struct nr_field *f, uint32_t id, unsigned bits,
			unsigned depth)
{
	const struct btf_type *t = resolve(c->btf, id);

	if (++c->n_fields > MAX_FIELDS || depth > MAX_DEPTH)
		return refuse(c, -ENOTSUP, "more than %u fields, or nested deeper than %u",
			      MAX_FIELDS, MAX_DEPTH);
	if (!t)
		return refuse(c, -EINVAL, "field %s has no type", label(f));
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return compile_int(c, f, t, bits);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return compile_enum(c, f, t, bits);
	case BTF_KIND_PTR:
		f->kind = NR_PTR;
		f->bits = 64;
		return 0;
	case BTF_KIND_FLOAT:
		if (t->size != 4 && t->size != 8)
			return compile_bytes(c, f, t->size);
		f->kind = NR_FLOAT;
		f->bits = t->size * 8;
		return 0;
	case BTF_KIND_UNION:
		return compile_bytes(c, f, t->size);
	case BTF_KIND_ARRAY:
		return compile_array(c, f, btf_array(t), depth);
	case BTF_KIND_STRUCT:
		return compile_struct(c, f, t, depth);
	default:
		return refuse(c, -ENOTSUP, "field %s is of a type that events cannot hold",
			      label(f));
	}
}

static struct nr_field *new_kid(struct nr_field *st, const char *name)
{
	struct nr_field *kids = st->kids, *f;

	if (!(st->n_kids & (st->n_kids - 1))) /* the capacity doubles at powers of two */
		kids = reallocarray(st->kids, st->n_kids ? 2 * st->n_kids : 1, sizeof(*kids));
	if (!kids)
		return NULL;
	st->kids = kids;
	f = &kids[st->n_kids];
	memset(f, 0, sizeof(*f));
	f->name = strdup(name);
	if (!f->name)
		return NULL;
	f->name_len = strlen(name);
	st->n_kids++;
	return f;
}

/* name_unions names anonymous unions later. */
static int check_name(struct compiler *c, const struct nr_field *st, const struct nr_field *f)
{
	if (!*f->name && f->kind == NR_BYTES)
		return 0;
	if (!is_identifier(f->name))
		return refuse(c, -EINVAL, "field \"%s\": use only letters, digits and _ in names",
			      f->name);
	if (find_kid(st, st->n_kids - 1, f->name))
		return refuse(c, -EINVAL, "two fields are called %s", f->name);
	return 0;
}

/* Members of a C struct have ascending offsets. */
static int check_kid(struct compiler *c, const struct nr_field *st)
{
	const struct nr_field *f = &st->kids[st->n_kids - 1];
	const struct nr_field *prev = st->n_kids > 1 ? f - 1 : NULL;
	bool single = f->kind != NR_STRUCT && f->kind != NR_ARRAY && f->kind != NR_TEXT;

	if ((prev && f->off < prev->off + prev->bits) || (uint64_t)f->off + f->bits > st->bits ||
	    (!single && f->off % 8))
		return refuse(c, -EINVAL, "field %s overlaps another or its struct's end", f->name);
	if ((f->kind == NR_PTR || f->kind == NR_FLOAT) && f->off % 8)
		return refuse(c, -EINVAL, "field %s starts inside a byte", f->name);
	return check_name(c, st, f);
}

static int add_field(struct compiler *c, struct nr_field *st, const char *name, uint32_t type,
		     uint32_t off, unsigned bits, unsigned depth)
{
	struct nr_field *f = new_kid(st, name);
	int err;

	if (!f)
		return -ENOMEM;
	f->off = off;
	err = compile_type(c, f, type, bits, depth);
	return err ?: check_kid(c, st);
}

/* A member without size: an empty struct, an array of empty structs, or an array without elements.
 * The latter is the tail if it is at top level and no field follows. */
static int add_empty(struct compiler *c, struct nr_field *st, const struct btf_type *t,
		     const char *name, uint32_t type, uint32_t off, bool last)
{
	if (!btf_is_array(t) || btf_array(t)->nelems)
		return 0;
	if (st == c->root) {
		c->tail_name = name;
		c->tail_type = type;
		c->tail_off = off;
		return 0;
	}
	return !last ? 0
		     : refuse(c, -ENOTSUP,
			      "%s[] in the nested struct %s: an array without a length may only be "
			      "the last member of the event itself",
			      name, label(st));
}

static int add_member(struct compiler *c, struct nr_field *st, const struct btf_type *t, unsigned i,
		      uint32_t base, unsigned depth)
{
	const struct btf_member *m = &btf_members(t)[i];
	const char *name = btf__str_by_offset(c->btf, m->name_off);
	const struct btf_type *mt = resolve(c->btf, m->type);
	uint32_t rel = btf_member_bit_offset(t, i), off = base + rel;
	uint64_t size = size_of(c->btf, m->type);

	if (!mt || !name || rel > MAX_SIZE * 8 || off > MAX_SIZE * 8)
		return refuse(c, -EINVAL, "a member has an invalid type, name or offset");
	if (size == UINT64_MAX)
		return refuse(c, -ENOTSUP,
			      "field %s has no size, or is of a type that events cannot hold",
			      name);
	if (!size)
		return add_empty(c, st, mt, name, m->type, off, i + 1 == btf_vlen(t));
	if (st == c->root)
		c->tail_name = NULL;
	if (!*name && btf_is_struct(mt)) {
		if (++c->n_fields > MAX_FIELDS || depth > MAX_DEPTH || off % 8)
			return refuse(c, -ENOTSUP, "an anonymous struct is nested too deeply");
		return add_members(c, st, mt, off, depth + 1);
	}
	return add_field(c, st, name, m->type, off, btf_member_bitfield_size(t, i), depth);
}

static int add_members(struct compiler *c, struct nr_field *st, const struct btf_type *t,
		       uint32_t base, unsigned depth)
{
	int err;

	for (unsigned i = 0; i < btf_vlen(t); i++) {
		err = add_member(c, st, t, i, base, depth);
		if (err)
			return err;
	}
	return 0;
}

static int find_len(const struct compiler *c, struct nr_layout *layout)
{
	const struct nr_field *tail = layout->tail;

	for (unsigned i = 0; i + 1 < layout->root.n_kids; i++) {
		const struct nr_field *f = &layout->root.kids[i];

		if (f->kind == NR_UINT && f->name_len == tail->name_len + 4 &&
		    !memcmp(f->name, tail->name, tail->name_len) &&
		    !strcmp(f->name + tail->name_len, "_len")) {
			layout->len = f;
			return 0;
		}
	}
	return refuse(c, -ENOTSUP,
		      "the last member %s[] needs an unsigned integer member %s_len before it that "
		      "holds its number of elements",
		      tail->name, tail->name);
}

static int add_tail(struct compiler *c, struct nr_layout *layout)
{
	const char *name = c->tail_name;
	int err;

	if (!name)
		return 0;
	err = add_field(c, &layout->root, name, c->tail_type, c->tail_off, 0, 1);
	if (err)
		return err;
	layout->tail = &layout->root.kids[layout->root.n_kids - 1];
	layout->root.kids[layout->root.n_kids - 1].tail = true;
	layout->size = layout->tail->off / 8;
	return find_len(c, layout);
}

static int compile_root(struct compiler *c, struct nr_layout *layout, uint32_t id)
{
	const struct btf_type *t = resolve(c->btf, id);
	int err;

	if (!t || !btf_is_composite(t) || t->size > MAX_SIZE)
		return refuse(c, -EINVAL, "not a struct or union of at most 1 MiB");
	c->root = &layout->root;
	layout->root.kind = NR_STRUCT;
	layout->root.bits = t->size * 8;
	layout->size = t->size;
	if (btf_is_union(t))
		err = t->size ? add_field(c, &layout->root, "bytes", id, 0, 0, 1) : 0;
	else
		err = add_members(c, &layout->root, t, 0, 1) ?: add_tail(c, layout);
	return err ?: name_unions(&layout->root);
}

static void number_words(struct nr_field *f, uint32_t *n)
{
	f->word = *n;
	*n += 1 + f->n_values;
	for (unsigned i = 0; i < f->n_kids; i++)
		number_words(&f->kids[i], n);
}

int nr_layout_new(struct nr_layout **out, const struct btf *btf, uint32_t type_id, const char *name,
		  const struct nr_logger *log)
{
	struct compiler c = { .btf = btf, .event = name, .log = log };
	struct nr_layout *layout = calloc(1, sizeof(*layout));
	int err = -ENOMEM;

	if (layout)
		err = compile_root(&c, layout, type_id);
	if (err) {
		nr_layout_free(layout);
		return err;
	}
	layout->cut_enums = c.cut_enums;
	number_words(&layout->root, &layout->n_words);
	nr_layout_align(layout);
	*out = layout;
	return 0;
}

static void field_clear(struct nr_field *f)
{
	for (unsigned i = 0; i < f->n_kids; i++)
		field_clear(&f->kids[i]);
	for (unsigned i = 0; i < f->n_values; i++)
		free(f->values[i].name);
	free(f->kids);
	free(f->values);
	free(f->name);
}

void nr_layout_free(struct nr_layout *layout)
{
	if (!layout)
		return;
	field_clear(&layout->root);
	free(layout);
}

static bool field_equal(const struct nr_field *a, const struct nr_field *b)
{
	if (a->kind != b->kind || a->is_signed != b->is_signed || a->tail != b->tail ||
	    a->off != b->off || a->bits != b->bits || a->count != b->count ||
	    a->stride != b->stride || a->n_kids != b->n_kids || a->n_values != b->n_values ||
	    strcmp(a->name ?: "", b->name ?: ""))
		return false;
	for (unsigned i = 0; i < a->n_values; i++)
		if (a->values[i].value != b->values[i].value ||
		    strcmp(a->values[i].name, b->values[i].name))
			return false;
	for (unsigned i = 0; i < a->n_kids; i++)
		if (!field_equal(&a->kids[i], &b->kids[i]))
			return false;
	return true;
}

bool nr_layout_equal(const struct nr_layout *a, const struct nr_layout *b)
{
	return a->size == b->size && field_equal(&a->root, &b->root);
}
