/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls, by what it means to sleep in them. */
#ifndef NR_REPORT_CALL_KINDS_H
#define NR_REPORT_CALL_KINDS_H

#include "feed.h"

enum call_class {
	CALL_OTHER,
	CALL_NONE,   /* in no call: a kernel thread, or a page fault */
	CALL_WAITS,  /* for work, for time, for another task: to sleep is what it is for */
	CALL_SPAWNS, /* may wait until its child runs another program */
	CALL_FUTEX,  /* a lock, or a wait for work: its arguments tell */
};

struct call_kind {
	const char *name; /* NULL: unknown, or no call */
	enum call_class kind;
	bool known;
};

#define CALLS_MAX 1024

/* A zeroed struct is ready for use. */
struct call_kinds {
	struct call_kind list[CALLS_MAX]; /* by number */
};

/* The call in this field of an event. Valid as long as calls. */
const struct call_kind *call_kinds_get(struct call_kinds *calls, const struct feed_event *e,
				       unsigned field);

/* Is a futex call with these arguments a wait for something else than a lock? */
bool call_kinds_futex_waits(uint64_t op);

#endif
