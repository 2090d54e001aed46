// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How the events of the sources sched, exec and sample are shown. */
#include <signal.h>
#include "views.h"

#define NICE_0 120 /* the priority of most threads */

static uint64_t value(const struct nr_event *ev, const struct view *view, unsigned i)
{
	return nr_event_int(ev, &view->fields[i]);
}

static void put_span(struct put *p, const char *what, uint64_t ns)
{
	if (!ns) /* unknown */
		return;
	put_str(p, what);
	parts_put_duration(p, ns);
}

enum { STATE, CALL, PREEMPT, NEXT_COMM, NEXT_TGID, NEXT_PID, NEXT_PRIO, OFF, WAIT, NODE };

static void show_switch(struct put *p, const struct nr_event *ev, struct view *view)
{
	const struct nr_field_info *f = view->fields;

	put_str(p, "[");
	parts_put_enum(p, ev, &f[STATE]);
	if (value(ev, view, PREEMPT))
		put_str(p, ", preempted");
	if ((int64_t)value(ev, view, CALL) >= 0) {
		put_str(p, " in ");
		parts_put_enum(p, ev, &f[CALL]);
	}
	put_str(p, "] ==> ");
	parts_put_who(p, ev, &f[NEXT_COMM], &f[NEXT_TGID], &f[NEXT_PID]);
	if (value(ev, view, NEXT_PRIO) != NICE_0) {
		put_str(p, " prio ");
		put_int(p, value(ev, view, NEXT_PRIO));
	}
	put_span(p, ", off ", value(ev, view, OFF));
	put_span(p, ", waited ", value(ev, view, WAIT));
	if ((int64_t)value(ev, view, NODE) >= 0) {
		put_str(p, ", memory on node ");
		put_uint(p, value(ev, view, NODE));
	}
}

enum { COMM, TGID, PID, CPU, CONTEXT, IS_NEW };

/* The context of a waker, as a phrase. */
static void put_context(struct put *p, const struct nr_event *ev, const struct nr_field_info *field)
{
	const char *name = nr_field_enum_name(field, nr_event_int(ev, field));

	if (!name || !strcmp(name, "WAKE_TASK"))
		return;
	if (!strcmp(name, "WAKE_HARDIRQ"))
		put_str(p, ", from a hard interrupt");
	else if (!strcmp(name, "WAKE_SOFTIRQ"))
		put_str(p, ", from a soft interrupt");
	else
		put_str(p, ", from somewhere");
}

static void show_wakeup(struct put *p, const struct nr_event *ev, struct view *view)
{
	const struct nr_field_info *f = view->fields;

	put_str(p, value(ev, view, IS_NEW) ? "creates " : "wakes ");
	parts_put_who(p, ev, &f[COMM], &f[TGID], &f[PID]);
	put_str(p, " on cpu ");
	put_uint(p, value(ev, view, CPU));
	put_context(p, ev, &f[CONTEXT]);
}

enum { FROM_CPU, TO_CPU, FROM_NODE, TO_NODE };

static void show_migrate(struct put *p, const struct nr_event *ev, struct view *view)
{
	put_str(p, "cpu ");
	put_uint(p, value(ev, view, FROM_CPU));
	put_str(p, " -> ");
	put_uint(p, value(ev, view, TO_CPU));
	if (value(ev, view, FROM_NODE) == value(ev, view, TO_NODE))
		return;
	put_str(p, ", node ");
	put_uint(p, value(ev, view, FROM_NODE));
	put_str(p, " -> ");
	put_uint(p, value(ev, view, TO_NODE));
}

enum { PARENT_PID, CHILD_PID, CHILD_TID };

static void show_fork(struct put *p, const struct nr_event *ev, struct view *view)
{
	bool is_thread = value(ev, view, CHILD_PID) == value(ev, view, PARENT_PID);

	put_str(p, is_thread ? "thread " : "process ");
	put_uint(p, value(ev, view, CHILD_TID));
}

enum { FILENAME, ARGS };

static void show_exec(struct put *p, const struct nr_event *ev, struct view *view)
{
	parts_put_text(p, ev, &view->fields[FILENAME]);
	put_str(p, ": ");
	parts_put_text(p, ev, &view->fields[ARGS]);
}

enum { STATUS, SIGNAL, CORE, LIFETIME };

static void show_exit(struct put *p, const struct nr_event *ev, struct view *view)
{
	uint64_t signal = value(ev, view, SIGNAL);

	if (signal) {
		const char *name = sigabbrev_np(signal);

		put_str(p, name ? "SIG" : "signal ");
		if (name)
			put_str(p, name);
		else
			put_uint(p, signal);
	} else {
		put_str(p, "status ");
		put_int(p, value(ev, view, STATUS));
	}
	if (value(ev, view, CORE))
		put_str(p, ", core dumped");
	put_span(p, ", lived ", value(ev, view, LIFETIME));
}

/* The stack stands below the line. */
static void show_sample(struct put *p, const struct nr_event *ev, struct view *view)
{
	size_t n;

	nr_event_array(ev, &view->fields[0], &n);
	put_str(p, "stack of ");
	put_uint(p, n);
}

const struct show shows_tasks[] = {
	{ "sched_switch",
	  "prev_comm",
	  "prev_tgid",
	  "prev_pid",
	  { "prev_state", "prev_syscall", "preempt", "next_comm", "next_tgid", "next_pid",
	    "next_prio", "off_ns", "wait_ns", "next_mem_node" },
	  show_switch },
	{ "sched_wakeup",
	  "waker_comm",
	  "waker_tgid",
	  "waker_pid",
	  { "comm", "tgid", "pid", "target_cpu", "context", "is_new" },
	  show_wakeup },
	{ "sched_migrate",
	  "comm",
	  "tgid",
	  "pid",
	  { "from_cpu", "to_cpu", "from_node", "to_node" },
	  show_migrate },
	{ "process_fork", "comm", "pid", "tid", { "pid", "child_pid", "child_tid" }, show_fork },
	{ "process_exec", "comm", "pid", "tid", { "filename", "args" }, show_exec },
	{ "process_exit",
	  "comm",
	  "pid",
	  "tid",
	  { "status", "signal", "core_dumped", "lifetime_ns" },
	  show_exit },
	{ "sample", "comm", "pid", "tid", { "stack" }, show_sample },
	{ 0 },
};
