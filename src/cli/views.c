// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <numaring/symbols.h>
#include "views.h"

/* ---- name = value ---- */

static bool ends_in(const struct nr_field_info *field, const char *end)
{
	size_t n = strlen(field->name), m = strlen(end);

	return n > m && !strcmp(field->name + n - m, end);
}

static bool is_duration(const struct nr_field_info *field)
{
	return field->kind == NR_FIELD_UINT && !field->is_bool && !field->is_enum &&
	       ends_in(field, "_ns");
}

static void put_field(struct put *p, const struct nr_event *ev, const struct nr_field_info *field)
{
	bool spans = is_duration(field);

	put_bytes(p, field->name, strlen(field->name) - (spans ? strlen("_ns") : 0));
	put_bytes(p, " = ", 3);
	if (spans)
		parts_put_duration(p, nr_event_int(ev, field));
	else if (field->is_enum)
		parts_put_enum(p, ev, field);
	else
		parts_put_value(p, ev, field);
}

static void show_fields(struct put *p, const struct nr_event *ev, struct view *view)
{
	for (unsigned i = 0; i < view->n_fields; i++) {
		if (i)
			put_bytes(p, ", ", 2);
		put_field(p, ev, &view->fields[i]);
	}
}

/* ---- making a view ---- */

static bool find(const struct nr_types *types, uint16_t id, const char *name,
		 struct nr_field_info *field)
{
	field->sz = sizeof(*field);
	return name && !nr_types_field(types, id, name, field);
}

static bool find_task(struct parts_task *task, const struct nr_types *types, uint16_t id,
		      const char *comm, const char *pid, const char *tid)
{
	struct parts_task found = {};

	found.has_comm = find(types, id, comm, &found.comm) && found.comm.kind == NR_FIELD_TEXT;
	found.has_pid = find(types, id, pid, &found.pid) && found.pid.kind <= NR_FIELD_INT;
	found.has_tid = find(types, id, tid, &found.tid) && found.tid.kind <= NR_FIELD_INT;
	if (!found.has_comm || !found.has_tid || (pid && !found.has_pid))
		return false;
	*task = found;
	return true;
}

/* The names that sources and tracepoints give to the fields of a task. In the scheduler's events
 * pid is the thread. */
static void guess_task(struct parts_task *task, const struct nr_types *types, uint16_t id)
{
	if (!find_task(task, types, id, "current_comm", "current_pid", "current_tid") &&
	    !find_task(task, types, id, "comm", "pid", "tid") &&
	    !find_task(task, types, id, "comm", "tgid", "pid"))
		find_task(task, types, id, "comm", NULL, "pid");
}

static bool is_same(const struct nr_field_info *a, bool has, const struct nr_field_info *b)
{
	return has && a->inside == b->inside;
}

/* Stacks are printed below the event. */
static bool belongs_to_stack(const struct nr_types *types, uint16_t id,
			     const struct nr_field_info *field)
{
	struct nr_field_info stack;

	if (nr_field_is_stack(field))
		return true;
	return (!strcmp(field->name, "stack_len") || !strcmp(field->name, "n_kernel")) &&
	       find(types, id, "stack", &stack) && nr_field_is_stack(&stack);
}

/* All other fields that the task does not show. */
static int take_fields(struct view *view, const struct nr_types *types, uint16_t id)
{
	const struct parts_task *t = &view->task;
	struct nr_field_info field = { .sz = sizeof(field) };

	for (unsigned i = 0; !nr_types_field_at(types, id, NULL, i, &field); i++) {
		struct nr_field_info *grown;

		if (is_same(&t->comm, t->has_comm, &field) ||
		    is_same(&t->pid, t->has_pid, &field) || is_same(&t->tid, t->has_tid, &field) ||
		    belongs_to_stack(types, id, &field))
			continue;
		grown = realloc(view->fields, (view->n_fields + 1) * sizeof(field));
		if (!grown)
			return -1;
		view->fields = grown;
		view->fields[view->n_fields++] = field;
	}
	view->fn = show_fields;
	return 0;
}

/* Does the type have all fields that this way to show it needs? One with the same name may come
 * from somebody else, or from an older version. */
static bool use_show(struct view *view, const struct show *show, const struct nr_types *types,
		     uint16_t id)
{
	unsigned n = 0;

	while (n < SHOW_FIELDS && show->fields[n])
		n++;
	view->fields = calloc(SHOW_FIELDS, sizeof(*view->fields));
	if (!view->fields || !find_task(&view->task, types, id, show->comm, show->pid, show->tid))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!find(types, id, show->fields[i], &view->fields[i]))
			return false;
	view->n_fields = n;
	view->fn = show->fn;
	return true;
}

static const struct show *find_show(const char *name)
{
	const struct show *const all[] = { shows_tasks, shows_calls };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct show *s = all[i]; s->type; s++)
			if (!strcmp(s->type, name))
				return s;
	return NULL;
}

struct view *view_new(const struct nr_types *types, uint16_t id, void *memory)
{
	struct view *view = calloc(1, sizeof(*view));
	const struct show *show;

	if (!view)
		return NULL;
	view->name = nr_types_name(types, id);
	view->memory = memory;
	show = find_show(view->name);
	if (show && use_show(view, show, types, id))
		return view;
	free(view->fields);
	view->fields = NULL;
	view->task = (struct parts_task){};
	guess_task(&view->task, types, id);
	if (take_fields(view, types, id)) {
		view_free(view);
		return NULL;
	}
	return view;
}

void view_free(struct view *view)
{
	if (view)
		free(view->fields);
	free(view);
}
