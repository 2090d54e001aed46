// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/bits.h"
#include "format_type.h"

/* A member of the struct; its BTF type is added before the struct, its field afterwards. */
struct member {
	char name[128];
	int type;
	uint32_t off; /* in the event */
};

#define MAX_MEMBERS 256

struct maker {
	const struct nr_tp_format *format;
	struct btf *btf;
	struct nr_tp_config *config;
	const struct nr_tp_format_field *tail;
	struct member members[MAX_MEMBERS];
	unsigned n_members;
	uint32_t size; /* of the event before the tail */
};

/* The place in the event of a place in the record. */
static uint32_t in_event(uint32_t off)
{
	return off - NR_TP_COMMON + sizeof(struct nr_current);
}

static int add_int(struct btf *btf, uint32_t size, bool is_signed)
{
	static const char *const names[] = {
		[1] = "__u8", [2] = "__u16", [4] = "__u32", [8] = "__u64"
	};
	static const char *const signed_names[] = {
		[1] = "__s8", [2] = "__s16", [4] = "__s32", [8] = "__s64"
	};

	return btf__add_int(btf, is_signed ? signed_names[size] : names[size], size,
			    is_signed ? BTF_INT_SIGNED : 0);
}

static int add_enum(struct btf *btf, const struct nr_tp_format_field *f)
{
	int id = btf__add_enum64(btf, NULL, f->size, f->is_signed), err = 0;

	for (unsigned i = 0; id > 0 && !err && i < f->n_values; i++)
		err = btf__add_enum64_value(btf, f->values[i].name, f->values[i].value);
	return err ?: id;
}

static int add_element(struct btf *btf, const struct nr_tp_format_field *f)
{
	if (f->n_values)
		return add_enum(btf, f);
	switch (f->kind) {
	case NR_TP_TEXT:
		return btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	case NR_TP_PTR:
		return f->elem_size == 8 ? btf__add_ptr(btf, 0) : add_int(btf, f->elem_size, false);
	case NR_TP_BOOL:
		return btf__add_int(btf, "bool", f->elem_size, BTF_INT_BOOL);
	case NR_TP_INT:
		break;
	}
	return add_int(btf, f->elem_size, f->is_signed);
}

static int add_array(struct btf *btf, const struct nr_tp_format_field *f, uint32_t n)
{
	int elem = add_element(btf, f), index = elem < 0 ? elem : add_int(btf, 4, false);

	return index < 0 ? index : btf__add_array(btf, index, elem, n);
}

static int add_member(struct maker *m, const char *name, const char *suffix, int type, uint32_t off)
{
	struct member *member = &m->members[m->n_members];

	if (type < 0 || m->n_members == MAX_MEMBERS)
		return type < 0 ? type : -E2BIG;
	if (snprintf(member->name, sizeof(member->name), "%s%s", name, suffix) >=
	    (int)sizeof(member->name))
		return -ENAMETOOLONG;
	member->type = type;
	member->off = off;
	m->n_members++;
	return 0;
}

static int add_current(struct maker *m)
{
	const struct nr_tp_format_field comm = { .kind = NR_TP_TEXT,
						 .is_array = true,
						 .elem_size = 1 };
	int number = add_int(m->btf, 4, false);

	return add_member(m, "current_pid", "", number, offsetof(struct nr_current, current_pid))
		       ?: add_member(m, "current_tid", "", number,
				     offsetof(struct nr_current, current_tid))
		       ?: add_member(m, "current_comm", "",
				     add_array(m->btf, &comm,
					       sizeof(((struct nr_current *)NULL)->current_comm)),
				     offsetof(struct nr_current, current_comm));
}

static bool has_field(const struct nr_tp_format *format, const char *name, const char *suffix)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < format->n_fields; i++)
		if (!strncmp(format->fields[i].name, name, len) &&
		    !strcmp(format->fields[i].name + len, suffix))
			return true;
	return false;
}

/* Another field may have the name that the array's length gets: then the array is NAME_data. */
static const char *suffix_of(const struct maker *m, const struct nr_tp_format_field *f)
{
	return has_field(m->format, f->name, "_len") ? "_data" : "";
}

static bool has_len(const struct maker *m, const struct nr_tp_format_field *f)
{
	return f->where && (f == m->tail || f->kind != NR_TP_TEXT);
}

/* A field in the record, or the number of elements where the place of an array is. */
static int add_fixed(struct maker *m, const struct nr_tp_format_field *f)
{
	char suffix[16] = "";
	int type;

	if (f->where && !has_len(m, f))
		return 0;
	if (f->where) {
		snprintf(suffix, sizeof(suffix), "%s_len", suffix_of(m, f));
		type = add_int(m->btf, 4, false);
	} else if (f->is_array) {
		type = add_array(m->btf, f, f->size / f->elem_size);
	} else {
		type = add_element(m->btf, f);
	}
	return add_member(m, f->name, suffix, type, in_event(f->off));
}

/* An array of variable length, behind the record. */
static int add_dynamic(struct maker *m, const struct nr_tp_format_field *f)
{
	struct nr_tp_dynamic *d = &m->config->dynamic[m->config->n_dynamic];
	bool is_tail = f == m->tail;

	if (m->config->n_dynamic == NR_TP_DYNAMIC || f->off % 4)
		return -E2BIG;
	m->config->n_dynamic++;
	*d = (struct nr_tp_dynamic){
		.at = f->off,
		.to = m->size,
		.shift = __builtin_ctz(f->elem_size),
		.is_rel = f->where == NR_TP_REL_LOC,
		.is_tail = is_tail,
		.is_text = f->kind == NR_TP_TEXT,
	};
	m->size += is_tail ? 0 : NR_TP_BOUND;
	return add_member(m, f->name, has_len(m, f) ? suffix_of(m, f) : "",
			  add_array(m->btf, f, is_tail ? 0 : NR_TP_BOUND / f->elem_size), d->to);
}

/* The bytes of the record that are at fixed places, and the last array of variable length. */
static void measure(struct maker *m)
{
	uint32_t end = NR_TP_COMMON;

	for (unsigned i = 0; i < m->format->n_fields; i++) {
		const struct nr_tp_format_field *f = &m->format->fields[i];

		end = f->off + f->size > end ? f->off + f->size : end;
		m->tail = f->where ? f : m->tail;
	}
	m->config->copy = end - NR_TP_COMMON;
	m->size = (in_event(end) + 7) & ~7u;
}

static int add_members(struct maker *m)
{
	int err = add_current(m);

	measure(m);
	if (m->size >= NR_TP_HEAD - NR_TP_DYNAMIC * NR_TP_BOUND)
		return -E2BIG;
	for (unsigned i = 0; !err && i < m->format->n_fields; i++)
		err = add_fixed(m, &m->format->fields[i]);
	for (unsigned i = 0; !err && i < m->format->n_fields; i++)
		if (m->format->fields[i].where)
			err = add_dynamic(m, &m->format->fields[i]);
	m->config->head = m->size;
	return err;
}

int nr_tp_format_type(const struct nr_tp_format *format, const char *name, struct btf *btf,
		      struct nr_tp_config *config)
{
	struct maker m = { .format = format, .btf = btf, .config = config };
	int id, err;

	*config = (struct nr_tp_config){};
	err = add_members(&m);
	if (err)
		return err;
	id = btf__add_struct(btf, name, m.size);
	for (unsigned i = 0; id > 0 && !err && i < m.n_members; i++)
		err = btf__add_field(btf, m.members[i].name, m.members[i].type,
				     m.members[i].off * 8, 0);
	return err ?: id;
}
