/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How numaring cat shows the events of one type: which task they belong to, and what else. */
#ifndef NR_VIEWS_H
#define NR_VIEWS_H

#include "parts.h"

#define SHOW_FIELDS 12

struct view;

/* Writes what an event says, without its task. */
typedef void show_fn(struct put *p, const struct nr_event *ev, struct view *view);

/* An event type that is not shown as "name = value". */
struct show {
	const char *type;
	const char *comm, *pid, *tid;	 /* the fields of its task */
	const char *fields[SHOW_FIELDS]; /* that fn needs, in the order of view.fields */
	show_fn *fn;
};

struct view {
	const char *name; /* of the event type */
	struct parts_task task;
	show_fn *fn;
	struct nr_field_info *fields;
	unsigned n_fields;
	void *memory; /* that all views share; fn's own */
};

/* Ordered by nothing; the last one has no type. */
extern const struct show shows_tasks[], shows_calls[];

/* NULL: no memory. */
struct view *view_new(const struct nr_types *types, uint16_t id, void *memory);
void view_free(struct view *view);

#endif
