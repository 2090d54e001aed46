// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>
#include "types.h"

#define TAG_PREFIX "numaring:"
#define MAX_NAME   127
#define MAX_DEPTH  64

int nr_types_new(struct nr_types **out, nr_log_fn log, void *log_ctx)
{
	struct nr_types *types = calloc(1, sizeof(*types));

	if (!types)
		return -ENOMEM;
	types->log = (struct nr_logger){ log, log_ctx };
	types->btf = btf__new_empty();
	if (!types->btf) {
		free(types);
		return -ENOMEM;
	}
	*out = types;
	return 0;
}

void nr_types_free(struct nr_types *types)
{
	if (!types)
		return;
	for (uint32_t i = 0; i < types->n_ids; i++) {
		free(types->by_id[i].name);
		nr_layout_free(types->by_id[i].layout);
	}
	free(types->by_id);
	btf__free(types->btf);
	free(types);
}

const char *nr_types_name(const struct nr_types *types, uint16_t id)
{
	return id < types->n_ids ? types->by_id[id].name : NULL;
}

int nr_types_id(const struct nr_types *types, const char *name)
{
	for (uint32_t id = 0; id < types->n_ids; id++)
		if (types->by_id[id].name && !strcmp(types->by_id[id].name, name))
			return id;
	return -ENOENT;
}

int nr_types_each(const struct nr_types *types, int (*fn)(void *ctx, uint16_t id, const char *name),
		  void *ctx)
{
	for (uint32_t id = 0; id < types->n_ids; id++) {
		int ret = types->by_id[id].name ? fn(ctx, id, types->by_id[id].name) : 0;

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- names and ids ---- */

/* The name is written to the metadata; other tools use it in file names and columns. */
static bool is_valid_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > MAX_NAME || !strncmp(name, TAG_PREFIX, strlen(TAG_PREFIX)))
		return false;
	if (len >= 5 && !strcmp(name + len - 5, ":late"))
		return false;
	for (; *name; name++)
		if (!(*name >= '0' && *name <= '9') && !(*name >= 'a' && *name <= 'z') &&
		    !(*name >= 'A' && *name <= 'Z') && !strchr("_-.:", *name))
			return false;
	return true;
}

static int check_new(const struct nr_types *types, uint16_t id, const char *name)
{
	if (!is_valid_name(name)) {
		nr_log(&types->log, NR_LOG_ERROR,
		       "invalid event type name \"%.*s\": use 1 to %d letters, digits and _ - . :, "
		       "not starting with numaring: and not ending with :late",
		       MAX_NAME, name, MAX_NAME);
		return -EINVAL;
	}
	if (id >= NR_RAW_ID) {
		nr_log(&types->log, NR_LOG_ERROR,
		       "event type %s: id %u is too large: use at most %u", name, id,
		       NR_RAW_ID - 1);
		return -EINVAL;
	}
	if (nr_types_name(types, id)) {
		nr_log(&types->log, NR_LOG_ERROR, "event type %s: id %u is taken by %s", name, id,
		       nr_types_name(types, id));
		return -EEXIST;
	}
	return 0;
}

static int check_layout(const struct nr_types *types, const char *name,
			const struct nr_layout *layout)
{
	for (uint32_t i = 0; i < types->n_ids; i++) {
		const struct nr_type *t = &types->by_id[i];

		if (t->name && !strcmp(t->name, name) && !nr_layout_equal(t->layout, layout)) {
			nr_log(&types->log, NR_LOG_ERROR,
			       "event type %s is already defined with a different layout", name);
			return -EEXIST;
		}
	}
	return 0;
}

static int grow(struct nr_types *types, uint16_t id)
{
	struct nr_type *by_id;

	if (id < types->n_ids)
		return 0;
	by_id = reallocarray(types->by_id, id + 1, sizeof(*by_id));
	if (!by_id)
		return -ENOMEM;
	memset(&by_id[types->n_ids], 0, (id + 1 - types->n_ids) * sizeof(*by_id));
	types->by_id = by_id;
	types->n_ids = id + 1;
	return 0;
}

/* ---- copying the BTF of an event ---- */

struct copier {
	struct btf *dst;
	const struct btf *src;
	uint32_t *ids; /* by id in src: the id in dst; 0: not copied yet */
	unsigned depth;
};

static int copy_type(struct copier *c, uint32_t id);

static const char *name_of(const struct copier *c, uint32_t off)
{
	return btf__str_by_offset(c->src, off) ?: "";
}

static int copy_enum(struct copier *c, const struct btf_type *t)
{
	bool wide = btf_is_enum64(t);
	int id = wide ? btf__add_enum64(c->dst, name_of(c, t->name_off), t->size, btf_kflag(t))
		      : btf__add_enum(c->dst, name_of(c, t->name_off), t->size);

	for (unsigned i = 0; id > 0 && i < btf_vlen(t); i++) {
		const struct btf_enum64 *e64 = btf_enum64(t);
		const struct btf_enum *e = btf_enum(t);
		int err = wide ? btf__add_enum64_value(c->dst, name_of(c, e64[i].name_off),
						       btf_enum64_value(&e64[i]))
			       : btf__add_enum_value(c->dst, name_of(c, e[i].name_off), e[i].val);

		if (err)
			return err;
	}
	return id;
}

/* Old compilers stored a bit-field in its integer type; the copy has today's form. */
static int copy_member(struct copier *c, const struct btf_type *t, unsigned i)
{
	const struct btf_member *m = &btf_members(t)[i];
	const struct btf_type *mt = btf__type_by_id(c->src, m->type);
	int resolved = mt && !btf_is_int(mt) ? btf__resolve_type(c->src, m->type) : 0;
	uint32_t off = btf_member_bit_offset(t, i), bits = btf_member_bitfield_size(t, i);

	if (resolved > 0)
		mt = btf__type_by_id(c->src, resolved);
	if (mt && btf_is_int(mt) && !bits && btf_int_bits(mt) != mt->size * 8) {
		bits = btf_int_bits(mt);
		off += btf_int_offset(mt);
	}
	return btf__add_field(c->dst, name_of(c, m->name_off), c->ids[m->type], off, bits);
}

static int copy_composite(struct copier *c, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	int id, err;

	for (unsigned i = 0; i < btf_vlen(t); i++) {
		id = copy_type(c, m[i].type);
		if (id < 0)
			return id;
	}
	id = btf_is_union(t) ? btf__add_union(c->dst, name_of(c, t->name_off), t->size)
			     : btf__add_struct(c->dst, name_of(c, t->name_off), t->size);
	for (unsigned i = 0; id > 0 && i < btf_vlen(t); i++) {
		err = copy_member(c, t, i);
		if (err)
			return err;
	}
	return id;
}

static int copy_array(struct copier *c, const struct btf_array *arr)
{
	int elem = copy_type(c, arr->type), index = elem < 0 ? elem : copy_type(c, arr->index_type);

	return index < 0 ? index : btf__add_array(c->dst, index, elem, arr->nelems);
}

static int copy_new(struct copier *c, const struct btf_type *t)
{
	int id;

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(c->dst, name_of(c, t->name_off), t->size, btf_int_encoding(t));
	case BTF_KIND_FLOAT:
		return btf__add_float(c->dst, name_of(c, t->name_off), t->size);
	case BTF_KIND_PTR: /* void *: its target is not in the event */
		return btf__add_ptr(c->dst, 0);
	case BTF_KIND_ARRAY:
		return copy_array(c, btf_array(t));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(c, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return copy_enum(c, t);
	case BTF_KIND_TYPEDEF:
		id = copy_type(c, t->type);
		return id < 0 ? id : btf__add_typedef(c->dst, name_of(c, t->name_off), id);
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy_type(c, t->type);
	default:
		return -ENOTSUP;
	}
}

/* Returns the id in dst or a negative errno. */
static int copy_type(struct copier *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->src, id);
	int copy;

	if (!t || c->depth > MAX_DEPTH)
		return -EINVAL;
	if (c->ids[id])
		return c->ids[id];
	c->depth++;
	copy = copy_new(c, t);
	c->depth--;
	if (copy > 0)
		c->ids[id] = copy;
	return copy;
}

static int copy_event(struct nr_types *types, uint16_t id, const char *name, const struct btf *btf,
		      uint32_t type_id)
{
	struct copier c = { .dst = types->btf, .src = btf };
	char tag[sizeof(TAG_PREFIX) + MAX_NAME + 8];
	int ret = -ENOMEM;

	c.ids = calloc(btf__type_cnt(btf), sizeof(*c.ids));
	if (c.ids)
		ret = copy_type(&c, type_id);
	if (ret > 0) {
		snprintf(tag, sizeof(tag), TAG_PREFIX "%u:%s", id, name);
		ret = btf__add_decl_tag(types->btf, tag, ret, -1);
	}
	if (ret < 0)
		nr_log(&types->log, NR_LOG_ERROR, "event type %s: cannot copy its BTF: %s", name,
		       strerror(-ret));
	free(c.ids);
	return ret < 0 ? ret : 0;
}

/* Compiles the layout of a type that may be added. */
static int check(struct nr_layout **layout, const struct nr_types *types, uint16_t id,
		 const char *name, const struct btf *btf, uint32_t type_id)
{
	int err = check_new(types, id, name)
			  ?: nr_layout_new(layout, btf, type_id, name, &types->log);

	return err ?: check_layout(types, name, *layout);
}

int nr_types_check(const struct nr_types *types, uint16_t id, const char *name,
		   const struct btf *btf, uint32_t type_id)
{
	struct nr_layout *layout = NULL;
	int err = check(&layout, types, id, name, btf, type_id);

	if (!err && layout->cut_enums)
		nr_log(&types->log, NR_LOG_WARN,
		       "event type %s: clang before 15 cuts the values of 64-bit enums, so they "
		       "are "
		       "shown as numbers; build with clang 15 or newer",
		       name);
	nr_layout_free(layout);
	return err;
}

/* src NULL: the type is already in types->btf. */
static int add(struct nr_types *types, uint16_t id, const char *name, const struct btf *src,
	       uint32_t type_id)
{
	struct nr_layout *layout = NULL;
	char *copy = NULL;
	int err;

	err = check(&layout, types, id, name, src ?: types->btf, type_id) ?: grow(types, id);
	if (err)
		goto out;
	copy = strdup(name);
	err = !copy ? -ENOMEM : src ? copy_event(types, id, name, src, type_id) : 0;
	if (err)
		goto out;
	types->by_id[id] = (struct nr_type){ copy, layout };
	layout = NULL;
	copy = NULL;
out:
	free(copy);
	nr_layout_free(layout);
	return err;
}

int nr_types_add(struct nr_types *types, uint16_t id, const char *name, const struct btf *btf,
		 uint32_t type_id)
{
	return add(types, id, name, btf, type_id);
}

/* ---- the file .btf ---- */

const void *nr_types_raw(const struct nr_types *types, uint32_t *size)
{
	return btf__raw_data(types->btf, size);
}

/* libbpf trusts hdr_len, and some versions do not check the rest. */
static bool is_valid_header(const void *data, uint32_t size)
{
	struct btf_header h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	return h.magic == BTF_MAGIC && h.version == BTF_VERSION && h.hdr_len == sizeof(h) &&
	       h.type_off % 4 == 0 && h.type_len % 4 == 0 &&
	       (uint64_t)h.type_off + h.type_len <= h.str_off &&
	       (uint64_t)sizeof(h) + h.str_off + h.str_len <= size;
}

/* Adds the type with the tag "numaring:ID:NAME". */
static int add_tagged(struct nr_types *types, uint32_t tag_id)
{
	const struct btf_type *t = btf__type_by_id(types->btf, tag_id);
	const char *tag = btf__str_by_offset(types->btf, t->name_off);
	unsigned long id;
	char *name;

	if (!tag || strncmp(tag, TAG_PREFIX, strlen(TAG_PREFIX)))
		return 0;
	tag += strlen(TAG_PREFIX);
	id = strtoul(tag, &name, 10);
	if (*tag < '0' || *tag > '9' || *name != ':' || id >= NR_RAW_ID)
		return -EBADMSG;
	return add(types, id, name + 1, NULL, t->type);
}

int nr_types_from_raw(struct nr_types **out, const void *data, uint32_t size, nr_log_fn log,
		      void *log_ctx)
{
	struct nr_types *types = NULL;
	struct btf *btf = NULL;
	int err;

	if (!is_valid_header(data, size))
		return -EBADMSG;
	btf = btf__new(data, size);
	if (!btf)
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	err = nr_types_new(&types, log, log_ctx);
	if (err)
		goto out;
	btf__free(types->btf);
	types->btf = btf;
	btf = NULL;
	for (uint32_t i = 1; !err && i < btf__type_cnt(types->btf); i++)
		if (btf_is_decl_tag(btf__type_by_id(types->btf, i)))
			err = add_tagged(types, i);
	if (err) {
		err = err == -ENOMEM ? err : -EBADMSG;
		goto out;
	}
	*out = types;
	types = NULL;
out:
	nr_types_free(types);
	btf__free(btf);
	return err;
}
