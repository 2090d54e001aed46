// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "call_kinds.h"

#include <linux/futex.h>
#include <stdlib.h>

/* In alphabetical order. */
static const char *const waits[] = {
	"_newselect",	   "accept",	      "accept4",
	"clock_nanosleep", "epoll_pwait",     "epoll_pwait2",
	"epoll_wait",	   "io_getevents",    "io_pgetevents",
	"io_uring_enter",  "mq_timedreceive", "msgrcv",
	"nanosleep",	   "pause",	      "poll",
	"ppoll",	   "pselect6",	      "read",
	"readv",	   "recvfrom",	      "recvmmsg",
	"recvmsg",	   "restart_syscall", "rt_sigsuspend",
	"rt_sigtimedwait", "select",	      "wait4",
	"waitid",
};

static int compare(const void *name, const void *entry)
{
	return strcmp(name, *(const char *const *)entry);
}

static enum call_class kind_of(const char *name)
{
	if (!name)
		return CALL_OTHER;
	if (!strcmp(name, "futex"))
		return CALL_FUTEX;
	if (!strcmp(name, "vfork") || !strcmp(name, "clone") || !strcmp(name, "clone3"))
		return CALL_SPAWNS;
	return bsearch(name, waits, sizeof(waits) / sizeof(waits[0]), sizeof(waits[0]), compare)
		       ? CALL_WAITS
		       : CALL_OTHER;
}

const struct call_kind *call_kinds_get(struct call_kinds *calls, const struct feed_event *e,
				       unsigned field)
{
	static const struct call_kind none = { .kind = CALL_NONE }, unknown = {};
	int64_t nr = feed_int(e, field);
	struct call_kind *c;

	if (nr < 0)
		return &none;
	if (nr >= CALLS_MAX)
		return &unknown;
	c = &calls->list[nr];
	if (!c->known) {
		c->name = feed_name(e, field);
		c->kind = kind_of(c->name);
		c->known = true;
	}
	return c;
}

/* The C libraries take mutexes with FUTEX_WAIT. With the others they wait for conditions, semaphores
 * and threads, but also for read-write locks, and for mutexes with a time-out. */
bool call_kinds_futex_waits(uint64_t op)
{
	op &= FUTEX_CMD_MASK;
	return op == FUTEX_WAIT_BITSET || op == FUTEX_WAIT_REQUEUE_PI;
}
