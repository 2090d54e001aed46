/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tracepoints by name: objects with one program each, which is attached to up to NR_TP_MAX
 * tracepoints. */
#ifndef NR_TRACEPOINTS_H
#define NR_TRACEPOINTS_H

#include "object.h"
#include "sources.h"
#include "tracefs.h"

/* At most so many in one specification. */
#define NR_TRACEPOINTS_MOST 2048

/* Does a specification have the form of a pattern for several names? */
bool nr_tracepoint_is_pattern(const char *spec);

/* Does SOURCE:ARGS, or GROUP:EVENT, name tracepoints? What follows the colon decides, because sched,
 * syscalls, block and irq are sources and groups of tracepoints: it belongs to a source unless that
 * takes no arguments, or it is a pattern or the name of a tracepoint. source and args: what
 * nr_source_find found. */
bool nr_tracepoint_is_meant(const char *spec, const struct nr_source *source, const char *args);

/* Lists the tracepoints of a specification, GROUP:EVENT or a pattern. At least one: otherwise
 * -ENOENT, logged with the nearest name; -EINVAL, -E2BIG: the pattern is too wide. */
int nr_tracepoints_find(struct nr_tracepoint_list *list, const struct nr_tracefs *fs,
			const char *spec, const struct nr_logger *log);
/* Why this kernel must not, or cannot, run a program at the tracepoint; NULL: it may. */
const char *nr_tracepoint_refusal(const struct nr_tracefs *fs, const char *name);

int nr_tracepoints_open(struct nr_object *o, const struct nr_logger *log);
/* Is this an object of nr_tracepoints_open? Has it room for one more? */
bool nr_tracepoints_are_in(const struct nr_object *o);
bool nr_tracepoints_have_room(const struct nr_object *o);
/* Adds a tracepoint to the object and its event type to types. Errors are logged. */
int nr_tracepoints_add(struct nr_object *o, struct nr_tracefs *fs, const char *name,
		       uint16_t id_base, struct nr_types *types, const struct nr_logger *log);
/* Adds only the event type of a tracepoint to types. Errors are logged. */
int nr_tracepoint_add_type(struct nr_tracefs *fs, const char *name, uint16_t id,
			   struct nr_types *types, const struct nr_logger *log);
/* Tells the program of the object about all tracepoints that were added. */
int nr_tracepoints_seal(struct nr_object *o, const struct nr_logger *log);
/* Opens a tracepoint by its number, so that a program can be attached to it. The descriptor or a
 * negative errno. */
int nr_tracepoint_open(uint32_t id);

#endif
