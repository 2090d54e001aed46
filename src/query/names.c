// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include "query.h"

static const struct {
	const char *name;
	enum nr_subject subject;
} pseudo_names[] = {
	{ "cpu", NR_SUBJECT_CPU },	 { "node", NR_SUBJECT_NODE }, { "type", NR_SUBJECT_TYPE },
	{ "pid", NR_SUBJECT_PID },	 { "tid", NR_SUBJECT_TID },   { "comm", NR_SUBJECT_COMM },
	{ "cgroup", NR_SUBJECT_CGROUP },
};

#define N_PSEUDO_NAMES (sizeof(pseudo_names) / sizeof(*pseudo_names))

/* Fields that a pseudo-name means: those of the first group of which a type has one. */
static const char *const pid_fields[][NR_MAX_PLACES] = {
	{ "current_pid" },
	{ "tgid", "prev_tgid", "next_tgid" },
	{ "pid" },
	{ "prev_pid", "next_pid" },
};

static const char *const tid_fields[][NR_MAX_PLACES] = {
	{ "current_tid" },
	{ "tid" },
	{ "pid", "prev_pid", "next_pid" }, /* only beside a tgid: else they are processes */
};

static const char *const comm_fields[][NR_MAX_PLACES] = {
	{ "current_comm" },
	{ "comm" },
	{ "prev_comm", "next_comm" },
};

/* ---- nearest names ---- */

struct try_fields {
	struct nr_query *q;
	struct nr_near *near;
	const char *type; /* NULL: of all */
	unsigned left;	  /* names that may still be tried: a hostile trace has many */
};

static void try_members(struct try_fields *t, const struct nr_field *st, const char *prefix)
{
	char path[256];

	for (unsigned i = 0; i < st->n_kids && t->left; i++, t->left--) {
		const struct nr_field *f = &st->kids[i];

		if (snprintf(path, sizeof(path), "%s%s", prefix, f->name) >= (int)sizeof(path) - 1)
			continue;
		nr_near_try(t->near, path);
		if (f->kind == NR_STRUCT) {
			strcat(path, ".");
			try_members(t, f, path);
		}
	}
}

static int try_type_fields(void *ctx, uint16_t id, const char *name)
{
	struct try_fields *t = ctx;

	if (!t->type || !strcmp(t->type, name))
		try_members(t, &nr_types_layout(t->q->types, id)->root, "");
	return 0;
}

static int try_type(void *ctx, uint16_t id, const char *name)
{
	(void)id;
	nr_near_try(ctx, name);
	return 0;
}

/* field: it may also have been meant as one. */
static int no_type(struct nr_query *q, const char *at, const char *name, size_t len, bool field)
{
	struct nr_near near;
	char hint[200];

	nr_near_begin(&near, name, len);
	nr_types_each(q->types, try_type, &near);
	return nr_query_error(
		q, at, "there is no event type %.*s%s", (int)len, name,
		nr_near_hint(&near, field ? ", and no such field" : "", hint, sizeof(hint)));
}

/* Does any type have the field, or the type that the name is about? */
static bool is_field(struct nr_query *q, const struct nr_term *term, const char *path)
{
	struct nr_place place;
	bool quiet = q->quiet, found = false;

	q->quiet = true;
	for (uint32_t id = 0; id < q->types->n_ids && !found; id++) {
		const char *name = nr_types_name(q->types, id);

		if (name && (!term->type || !strcmp(term->type, name)))
			found = nr_place_find(q, term->at, id, path, &place) != -ENOENT;
	}
	q->quiet = quiet;
	return found;
}

/* The part before the first dot, which is no field: an event type was meant. */
static bool has_wrong_type(struct nr_query *q, const struct nr_term *term, size_t *len)
{
	char part[128];

	*len = strcspn(term->path, ".[");
	if (term->path[*len] != '.' || *len >= sizeof(part))
		return false;
	memcpy(part, term->path, *len);
	part[*len] = 0;
	return !is_field(q, term, part);
}

/* The name is neither a field of some type nor a pseudo-name. */
static int no_field(struct nr_query *q, const struct nr_term *term)
{
	struct nr_near near;
	struct try_fields fields = { q, &near, term->type, 100000 };
	size_t len = strcspn(term->path, "[");
	char hint[200];

	nr_near_begin(&near, term->path, len);
	for (unsigned i = 0; !term->type && i < N_PSEUDO_NAMES; i++)
		nr_near_try(&near, pseudo_names[i].name);
	nr_types_each(q->types, try_type_fields, &fields);
	if (term->type)
		return nr_query_error(q, term->at, "%s has no field %s%s", term->type, term->path,
				      nr_near_hint(&near, "", hint, sizeof(hint)));
	if (!*near.name && has_wrong_type(q, term, &len))
		return no_type(q, term->at, term->path, len, true);
	if (nr_types_id(q->types, term->path) >= 0)
		return nr_query_error(q, term->at,
				      "%s is an event type: use type == \"%s\", or %s.FIELD",
				      term->path, term->path, term->path);
	return nr_query_error(q, term->at, "no event type has the field %s%s", term->path,
			      nr_near_hint(&near, "", hint, sizeof(hint)));
}

/* ---- what a name means ---- */

/* TYPE.field, the longest TYPE that there is. */
static int split(struct nr_query *q, struct nr_term *term)
{
	size_t len = strlen(term->path);
	char *type = nr_query_alloc(q, len + 1);

	if (!type)
		return -ENOMEM;
	memcpy(type, term->path, len);
	for (char *dot = strrchr(type, '.'); dot; dot = strrchr(type, '.')) {
		*dot = 0;
		if (nr_types_id(q->types, type) < 0)
			continue;
		term->type = type;
		term->path += dot + 1 - type;
		return 0;
	}
	return 0;
}

static int resolve_cgroup(struct nr_query *q, struct nr_term *term)
{
	const struct nr_item *item = term->items;

	if (!q->opts.recording)
		return nr_query_error(
			q, term->at,
			"events do not carry their cgroup: use cgroup in the --filter "
			"of record");
	if (term->op != NR_OP_EQ || item->low->kind != NR_TOKEN_TEXT || item->low->text.is_glob)
		return nr_query_error(q, term->at,
				      "cgroup can only be compared as in cgroup == \"PATH\"");
	if (q->cgroup)
		return nr_query_error(q, term->at, "cgroup can be given only once");
	q->cgroup = item->low->text.bytes;
	return 0;
}

int nr_name_resolve(struct nr_query *q, struct nr_term *term)
{
	int err;

	if (term->type) {
		if (nr_types_id(q->types, term->type) < 0)
			return no_type(q, term->at, term->type, strlen(term->type), false);
		return is_field(q, term, term->path) ? 0 : no_field(q, term);
	}
	for (unsigned i = 0; i < N_PSEUDO_NAMES; i++)
		if (!strcmp(term->path, pseudo_names[i].name))
			term->subject = pseudo_names[i].subject;
	if (term->subject == NR_SUBJECT_CGROUP)
		return resolve_cgroup(q, term);
	if (term->subject == NR_SUBJECT_NODE && !q->opts.node_of_cpu)
		return nr_query_error(q, term->at,
				      "the nodes of the CPUs are unknown, so node cannot be "
				      "compared");
	if (term->subject != NR_SUBJECT_FIELD)
		return 0;
	err = split(q, term);
	if (err)
		return err;
	return is_field(q, term, term->path) ? 0 : no_field(q, term);
}

/* ---- the fields of one type ---- */

/* Those of the names that the type has. */
static int find_group(struct nr_query *q, const struct nr_term *term, uint16_t id,
		      const char *const *names, struct nr_place *places)
{
	bool quiet = q->quiet;
	int n = 0;

	q->quiet = true;
	for (unsigned i = 0; i < NR_MAX_PLACES && names[i]; i++)
		n += !nr_place_find(q, term->at, id, names[i], &places[n]);
	q->quiet = quiet;
	return n;
}

static int find_groups(struct nr_query *q, const struct nr_term *term, uint16_t id,
		       const char *const (*groups)[NR_MAX_PLACES], unsigned n_groups,
		       struct nr_place *places)
{
	int n = 0;

	for (unsigned i = 0; i < n_groups && !n; i++)
		n = find_group(q, term, id, groups[i], places);
	return n;
}

static int find_tids(struct nr_query *q, const struct nr_term *term, uint16_t id,
		     struct nr_place *places)
{
	bool has_tgid = find_group(q, term, id, pid_fields[1], places);

	return find_groups(q, term, id, tid_fields, has_tgid ? 3 : 2, places);
}

static int find_field(struct nr_query *q, const struct nr_term *term, uint16_t id,
		      struct nr_place *place)
{
	const char *name = nr_types_name(q->types, id);
	int err;

	if (!name || (term->type && strcmp(term->type, name)))
		return 0;
	err = nr_place_find(q, term->at, id, term->path, place);
	return err == -ENOENT ? 0 : err ?: 1;
}

int nr_name_places(struct nr_query *q, const struct nr_term *term, uint16_t id,
		   struct nr_place *places)
{
	switch (term->subject) {
	case NR_SUBJECT_FIELD:
		return find_field(q, term, id, places);
	case NR_SUBJECT_CPU:
	case NR_SUBJECT_NODE:
		places[0] = (struct nr_place){
			.leaf = { .name = (char *)term->path, .kind = NR_UINT, .bits = 16 },
			.is_cpu = true,
		};
		return 1;
	case NR_SUBJECT_PID:
		return find_groups(q, term, id, pid_fields, 4, places);
	case NR_SUBJECT_TID:
		return find_tids(q, term, id, places);
	case NR_SUBJECT_COMM:
		return find_groups(q, term, id, comm_fields, 3, places);
	case NR_SUBJECT_TYPE:
	case NR_SUBJECT_CGROUP:
		break;
	}
	return 0;
}
