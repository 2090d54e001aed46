// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <numaring/record.h>
#include "events.h"

/* What one NR_EVENT declares. Its variable is a struct of three members: two pointers to arrays,
 * whose lengths are version and id, and an empty array of the event's type. */
struct declaration {
	uint32_t version;
	uint32_t id;
	uint32_t type_id;
	const char *name; /* of the type */
};

static uint32_t pointee(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_ptr(t) ? t->type : 0;
}

static uint32_t array_length(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, pointee(btf, id));

	return t && btf_is_array(t) ? btf_array(t)->nelems : UINT32_MAX;
}

static uint32_t element_type(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_array(t) ? btf_array(t)->type : 0;
}

static const struct btf_type *find_variable(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_var(t) ? t : NULL;
}

static const char *type_name(const struct btf *btf, const struct btf_type *t)
{
	return t ? btf__name_by_offset(btf, t->name_off) : NULL;
}

static int read_declaration(const struct btf *btf, uint32_t var_id, struct declaration *d)
{
	const struct btf_type *var = find_variable(btf, var_id);
	const struct btf_type *t = var ? btf__type_by_id(btf, var->type) : NULL;
	const struct btf_member *m;

	if (!t)
		return -EINVAL;
	if (!btf_is_struct(t) || btf_vlen(t) != 3)
		return -EPROTO;
	m = btf_members(t);
	*d = (struct declaration){
		.version = array_length(btf, m[0].type),
		.id = array_length(btf, m[1].type),
		.type_id = element_type(btf, m[2].type),
	};
	d->name = type_name(btf, btf__type_by_id(btf, d->type_id));
	return d->version == NR_RECORD_VERSION ? 0 : -EPROTO;
}

static int check_declaration(const char *object, const struct btf *btf, uint32_t var_id,
			     struct declaration *d, const struct nr_logger *log)
{
	int err = read_declaration(btf, var_id, d);

	if (err == -EPROTO) {
		nr_log(log, NR_LOG_ERROR,
		       "%s was built with another version of numaring.bpf.h (%d, this is %d): "
		       "rebuild it with the header of this numaring",
		       object, (int)d->version, NR_RECORD_VERSION);
		return err;
	}
	if (err || d->id >= NR_OBJECT_IDS || !d->name) {
		nr_log(log, NR_LOG_ERROR, "%s: its table of events is damaged: build it again",
		       object);
		return -EINVAL;
	}
	return 0;
}

/* Checks all declarations before one is registered, and stores them in by_id. */
static int check_events(const char *object, const struct btf *btf, const struct btf_type *section,
			uint16_t id_base, const struct nr_types *types, struct declaration *by_id,
			const struct nr_logger *log)
{
	for (int i = 0; i < btf_vlen(section); i++) {
		struct declaration d = { .version = UINT32_MAX };
		int err =
			check_declaration(object, btf, btf_var_secinfos(section)[i].type, &d, log);

		if (!err && by_id[d.id].name) {
			nr_log(log, NR_LOG_ERROR,
			       "%s: the event types %s and %s both have the number %u", object,
			       by_id[d.id].name, d.name, d.id);
			return -EEXIST;
		}
		err = err ?: nr_types_check(types, id_base + d.id, d.name, btf, d.type_id);
		if (err)
			return err;
		by_id[d.id] = d;
	}
	return 0;
}

int nr_events_register(const char *object, const struct btf *btf, uint16_t id_base,
		       struct nr_types *types, const struct nr_logger *log)
{
	int section = btf ? btf__find_by_name_kind(btf, ".numaring", BTF_KIND_DATASEC) : -ENOENT;
	struct declaration by_id[NR_OBJECT_IDS] = {};
	int err;

	if (section < 0) {
		nr_log(log, NR_LOG_ERROR,
		       "%s declares no event: it needs NR_EVENT of numaring.bpf.h, and clang's -g",
		       object);
		return -EINVAL;
	}
	err = check_events(object, btf, btf__type_by_id(btf, section), id_base, types, by_id, log);
	for (unsigned id = 0; !err && id < NR_OBJECT_IDS; id++)
		if (by_id[id].name)
			err = nr_types_add(types, id_base + id, by_id[id].name, btf,
					   by_id[id].type_id);
	return err;
}

const struct btf_var_secinfo *nr_constant_find(const struct btf *btf, const char *name)
{
	int section = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	const struct btf_type *t = section < 0 ? NULL : btf__type_by_id(btf, section);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];
		const char *found = type_name(btf, find_variable(btf, v->type));

		if (found && !strcmp(found, name))
			return v;
	}
	return NULL;
}
