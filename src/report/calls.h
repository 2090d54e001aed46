/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The system calls that threads are in, and how long they were off their CPU in them, from the events
 * of the sources "syscalls" and, if it was recorded, "sched".
 */
#ifndef NR_REPORT_CALLS_H
#define NR_REPORT_CALLS_H

#include "feed.h"

#define CALL_ARGS 6

/* Who woke a thread up. */
struct waker {
	int32_t tid;	/* 0: an interrupt of an idle CPU; -1: not known */
	bool interrupt; /* the waker is only the task that was interrupted */
	bool unknown;	/* or may be */
	char comm[FEED_COMM];
};

struct call {
	struct call *next; /* that is free */
	int32_t tid;
	int64_t nr;
	uint64_t enter; /* 0: it is free */
	uint64_t args[CALL_ARGS];
	uint64_t off;	  /* ns off its CPU; this and the following: if calls.sched */
	uint64_t wait;	  /* of these, ready to run */
	uint64_t longest; /* the longest stretch off its CPU; who ended it: */
	struct waker waker;
	struct waker last; /* the latest wake-up */
};

#define CALLS_MAX_TID (1u << 22) /* the kernel's PID_MAX_LIMIT */
/* Of more calls at a time, those that began first are forgotten: their threads may have ended in them. */
#define CALLS_MAX_OPEN (1u << 17)

struct calls {
	struct call **by_tid; /* [CALLS_MAX_TID]; NULL: in none, or it was not seen to enter it */
	struct call **list;   /* [n]: all */
	unsigned n, room, n_open;
	struct call *free;
	bool sched; /* events of the source "sched" are recorded */
};

void calls_open(struct calls *c, const struct nr_types *types);
void calls_close(struct calls *c);

/* The call that the thread leaves, by its number if that is known (0 or more); NULL: it was not seen to
 * enter it. Valid until the next enter. */
struct call *calls_leave(struct calls *c, int32_t tid, int64_t nr);

/* The event types. The state of a report that uses them begins with a struct calls. */
void calls_on_enter(void *c, const struct feed_event *e);
void calls_on_switch(void *c, const struct feed_event *e);
void calls_on_wakeup(void *c, const struct feed_event *e);

#define CALLS_EVENTS                                                                               \
	{ "?sys_enter", "syscalls", { "tid", "args", "nr" }, calls_on_enter },                     \
		{ "?sched_switch",                                                                 \
		  "sched",                                                                         \
		  { "next_pid", "off_ns", "wait_ns" },                                             \
		  calls_on_switch },                                                               \
	{                                                                                          \
		"?sched_wakeup", "sched", { "pid", "waker_pid", "context", "waker_comm" },         \
			calls_on_wakeup                                                            \
	}

#endif
