/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packets of a Perfetto trace, on one sequence. Strings are written once and then named by their
 * number, until there are too many: then the sequence begins anew.
 *
 * A slice is written when it has ended, with its begin and its end. So no slice stays open in the
 * file, and on each track the begins and ends alternate in the order of time.
 */
#ifndef NR_EXPORT_PF_OUT_H
#define NR_EXPORT_PF_OUT_H

#include <obstack.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "perfetto.pb-c.h"
#include "report/memory.h"

/* Strings, frames and stacks that are kept; above, the sequence begins anew. */
#define PF_INTERNED_MAX 65536

/* What strings are for. */
enum pf_use { PF_EVENT, PF_ARG, PF_FUNCTION, PF_PATH };

/* The number of a string that is used often. All 0: none yet. */
struct pf_name {
	uint64_t iid;
	unsigned round;
};

struct pf_string;

struct pf_out {
	FILE *file;
	uint8_t *buf;
	size_t len, size;
	bool failed;	      /* writing */
	unsigned round;	      /* counts beginnings of the sequence */
	unsigned n_interned;  /* in this round */
	uint64_t iids, uuids; /* given so far */
	uint64_t flows;	      /* likewise */
	struct pf_string *strings;
	struct obstack arena; /* of the event that is being written */
	void *arena_begin;
	Pf__TracePacket packets[2];
	Pf__TrackEvent events[2];
};

/* Arguments of an event, in the arena. Zeroed: none. */
struct pf_args {
	Pf__DebugAnnotation **list;
	unsigned n, room;
	size_t bytes; /* that they take at most */
};

/* clock_offset: CLOCK_MONOTONIC -> ns since the epoch. */
void pf_out_open(struct pf_out *o, FILE *file, int64_t clock_offset, uint64_t now);
void pf_out_close(struct pf_out *o);
/* Before each event: frees the arena, and begins the sequence anew if it is time. */
void pf_out_next(struct pf_out *o);
int pf_out_flush(struct pf_out *o);

/* The number of a string. */
uint64_t pf_intern(struct pf_out *o, enum pf_use use, const char *string);
static inline uint64_t pf_intern_name(struct pf_out *o, enum pf_use use, struct pf_name *name,
				      const char *string)
{
	if (name->round != o->round)
		*name = (struct pf_name){ pf_intern(o, use, string), o->round };
	return name->iid;
}
/* Writes interned data; counts them. */
void pf_out_interned(struct pf_out *o, Pf__InternedData *data);

/* Text that is not terminated, as UTF-8 in the arena: other bytes are escaped. */
char *pf_text(struct pf_out *o, const char *text, size_t len);

/* A new argument, named by name or, if that is NULL, without a name. */
Pf__DebugAnnotation *pf_arg(struct pf_out *o, struct pf_args *args, uint64_t name_iid);
void pf_arg_uint(struct pf_out *o, struct pf_args *args, const char *name, uint64_t value);
void pf_arg_int(struct pf_out *o, struct pf_args *args, const char *name, int64_t value);
void pf_arg_text(struct pf_out *o, struct pf_args *args, const char *name, const char *value);
void pf_set_text(struct pf_args *args, Pf__DebugAnnotation *arg, char *text);

/* A track below parent (0: none), by rank among its siblings. Returns its uuid. */
uint64_t pf_track(struct pf_out *o, uint64_t parent, const char *name, int rank);
void pf_process(struct pf_out *o, uint64_t uuid, int32_t pid, const char *name);
void pf_thread(struct pf_out *o, uint64_t uuid, uint64_t parent, int32_t pid, int32_t tid,
	       const char *name);

struct pf_event {
	uint64_t track, name, begin, end;
	const struct pf_args *args;
	uint64_t flow; /* 0: none; of an instant it begins there, of a slice it ends at its begin */
	uint64_t callstack;
};

void pf_slice(struct pf_out *o, const struct pf_event *e);
void pf_instant(struct pf_out *o, const struct pf_event *e); /* at begin */

struct pf_sample {
	uint64_t ts;
	uint32_t cpu, pid, tid;
	uint64_t callstack;
	bool in_kernel;
};
void pf_sample(struct pf_out *o, const struct pf_sample *s);

#endif
