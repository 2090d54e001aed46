/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parts of the lines of numaring cat. */
#ifndef NR_PARTS_H
#define NR_PARTS_H

#include <numaring/event.h>
#include "put.h"

/* Fields that name a task. */
struct parts_task {
	struct nr_field_info comm, pid, tid;
	bool has_comm, has_pid, has_tid;
};

/* "comm:tid", or "comm:pid/tid" if the thread is not the first of its process. */
void parts_put_task(struct put *p, const struct nr_event *ev, const struct parts_task *task);
/* The same from three fields. */
void parts_put_who(struct put *p, const struct nr_event *ev, const struct nr_field_info *comm,
		   const struct nr_field_info *pid, const struct nr_field_info *tid);
/* A text without quotes; what would upset a terminal is escaped. */
void parts_put_text(struct put *p, const struct nr_event *ev, const struct nr_field_info *field);
/* The name of an enum's value, or its number. */
void parts_put_enum(struct put *p, const struct nr_event *ev, const struct nr_field_info *field);
/* Any field, as NR_FORMAT_TEXT has it. */
void parts_put_value(struct put *p, const struct nr_event *ev, const struct nr_field_info *field);
void parts_put_duration(struct put *p, uint64_t ns);

#endif
