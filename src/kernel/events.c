// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include <numaring/record.h>
#include "events.h"

/* The row of NR_EVENT: two pointers to arrays whose length is the number, and no elements of the
 * type. */
struct event_row {
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

static uint32_t element(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_array(t) ? btf_array(t)->type : 0;
}

static const struct btf_type *variable(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	return t && btf_is_var(t) ? t : NULL;
}

static const char *type_name(const struct btf *btf, const struct btf_type *t)
{
	return t ? btf__name_by_offset(btf, t->name_off) : NULL;
}

static int read_row(const struct btf *btf, uint32_t var_id, struct event_row *row)
{
	const struct btf_type *var = variable(btf, var_id);
	const struct btf_type *t = var ? btf__type_by_id(btf, var->type) : NULL;
	const struct btf_member *m;

	if (!t)
		return -EINVAL;
	if (!btf_is_struct(t) || btf_vlen(t) != 3)
		return -EPROTO;
	m = btf_members(t);
	*row = (struct event_row){
		.version = array_length(btf, m[0].type),
		.id = array_length(btf, m[1].type),
		.type_id = element(btf, m[2].type),
	};
	row->name = type_name(btf, btf__type_by_id(btf, row->type_id));
	return row->version == NR_RECORD_VERSION ? 0 : -EPROTO;
}

static int check_row(const char *object, const struct btf *btf, uint32_t var_id,
		     struct event_row *row, const struct nr_logger *log)
{
	int err = read_row(btf, var_id, row);

	if (err == -EPROTO) {
		nr_log(log, NR_LOG_ERROR,
		       "%s was built with another version of numaring.bpf.h (%d, this is %d): "
		       "build it again with the header of this numaring",
		       object, (int)row->version, NR_RECORD_VERSION);
		return err;
	}
	if (err || row->id >= NR_OBJECT_IDS || !row->name) {
		nr_log(log, NR_LOG_ERROR, "%s: its table of events is damaged: build it again",
		       object);
		return -EINVAL;
	}
	return 0;
}

/* All of them, into rows by their numbers, before one is entered. */
static int check_events(const char *object, const struct btf *btf, const struct btf_type *table,
			uint16_t id_base, const struct nr_types *types, struct event_row *rows,
			const struct nr_logger *log)
{
	for (int i = 0; i < btf_vlen(table); i++) {
		struct event_row row = { .version = UINT32_MAX };
		int err = check_row(object, btf, btf_var_secinfos(table)[i].type, &row, log);

		if (!err && rows[row.id].name) {
			nr_log(log, NR_LOG_ERROR,
			       "%s: the event types %s and %s both have the number %u", object,
			       rows[row.id].name, row.name, row.id);
			return -EEXIST;
		}
		err = err ?: nr_types_check(types, id_base + row.id, row.name, btf, row.type_id);
		if (err)
			return err;
		rows[row.id] = row;
	}
	return 0;
}

int nr_events_enter(const char *object, const struct btf *btf, uint16_t id_base,
		    struct nr_types *types, const struct nr_logger *log)
{
	int section = btf ? btf__find_by_name_kind(btf, ".numaring", BTF_KIND_DATASEC) : -ENOENT;
	struct event_row rows[NR_OBJECT_IDS] = {};
	int err;

	if (section < 0) {
		nr_log(log, NR_LOG_ERROR,
		       "%s declares no event: it needs NR_EVENT of numaring.bpf.h, and clang's -g",
		       object);
		return -EINVAL;
	}
	err = check_events(object, btf, btf__type_by_id(btf, section), id_base, types, rows, log);
	for (unsigned id = 0; !err && id < NR_OBJECT_IDS; id++)
		if (rows[id].name)
			err = nr_types_add(types, id_base + id, rows[id].name, btf,
					   rows[id].type_id);
	return err;
}

const struct btf_var_secinfo *nr_constant_find(const struct btf *btf, const char *name)
{
	int section = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	const struct btf_type *t = section < 0 ? NULL : btf__type_by_id(btf, section);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_var_secinfo *v = &btf_var_secinfos(t)[i];
		const char *found = type_name(btf, variable(btf, v->type));

		if (found && !strcmp(found, name))
			return v;
	}
	return NULL;
}
