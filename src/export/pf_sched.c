// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The source "sched" in a Perfetto trace: what runs on the CPUs, and the states of the threads. */
#include <string.h>
#include "pf_state.h"

/* ---- CPUs ---- */

static void write_run(struct pf *pf, struct pf_cpu *c, uint64_t end, const char *incomplete)
{
	struct pf_run *run = &c->run;
	struct pf_args args = {};
	struct pf_event e = {
		.track = c->uuid, .begin = run->now.begin, .end = end, .args = &args
	};

	e.name = pf_intern(&pf->out, PF_EVENT, run->comm);
	pf_arg_int(&pf->out, &args, "tid", run->tid);
	pf_arg_int(&pf->out, &args, "pid", run->pid);
	pf_arg_int(&pf->out, &args, "prio", run->prio);
	if (run->wait_ns)
		pf_arg_uint(&pf->out, &args, "wait_ns", run->wait_ns);
	if (run->off_ns)
		pf_arg_uint(&pf->out, &args, "off_ns", run->off_ns);
	if (incomplete)
		pf_arg_text(&pf->out, &args, "incomplete", incomplete);
	pf_write(pf, &e, &run->now.written);
}

/* Nothing is known about the CPU from then on. */
void pf_cut_cpu(struct pf *pf, struct pf_cpu *c, uint64_t at, const char *why)
{
	if (c->run.now.begin && c->run.tid)
		write_run(pf, c, at, why);
	c->run.now.begin = 0;
}

/* Something else has begun since then, and it is not recorded when: maybe before the floor. */
static void lose_begin(const struct pf *pf, struct pf_now *now, uint64_t since)
{
	if (since >= pf->floor)
		now->written = pf->now;
}

/* What begins at an unknown time began at the floor if nothing is known since then. Returns whether
 * that is so. */
static bool begin_at_floor(const struct pf *pf, struct pf_now *now)
{
	bool known = now->written <= pf->floor && pf->floor < pf->now;

	now->begin = known ? pf->floor : 0;
	return known;
}

static void leave_cpu(struct pf *pf, struct pf_cpu *c, const struct pf_thread *prev)
{
	struct pf_run *run = &c->run;
	int32_t tid = prev ? prev->tid : 0;
	const char *incomplete = NULL;

	if (run->now.begin && run->tid != tid) {
		uint64_t since = run->now.begin;

		pf_cut_cpu(pf, c, since, PF_MISSING);
		lose_begin(pf, &run->now, since);
	}
	if (!run->now.begin && prev && begin_at_floor(pf, &run->now)) {
		run->tid = tid;
		run->pid = prev->process->pid;
		run->prio = 0;
		run->off_ns = run->wait_ns = 0;
		memcpy(run->comm, prev->comm, sizeof(run->comm));
		incomplete = PF_BEFORE;
	}
	if (run->now.begin && prev)
		write_run(pf, c, pf->now, incomplete);
	run->now.written = pf->now;
}

/* ---- threads ---- */

static const struct word {
	const char *state, *word;
} words[] = {
	{ "SLEEPING", "Sleeping" }, { "UNINTERRUPTIBLE", "Uninterruptible" },
	{ "STOPPED", "Stopped" },   { "TRACED", "Traced" },
	{ "PARKED", "Parked" },	    { "IDLE", "Idle" },
	{ "FROZEN", "Frozen" },	    { "RTLOCK", "Waiting for a lock" },
	{ "DEAD", "Dead" },	    { "ZOMBIE", "Dead" },
	{ "EXIT_DEAD", "Dead" },
};

static const char *word_of(const char *state)
{
	for (unsigned i = 0; state && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].state, state))
			return words[i].word;
	return "Off the CPU";
}

static uint64_t state_name(struct pf *pf, const struct pf_thread *t)
{
	char text[96];

	switch (t->state) {
	case PF_RUNNING:
		return pf_intern(&pf->out, PF_EVENT, "Running");
	case PF_RUNNABLE:
		return pf_intern(&pf->out, PF_EVENT, "Runnable");
	case PF_PREEMPTED:
		return pf_intern(&pf->out, PF_EVENT, "Runnable (preempted)");
	case PF_OFF:
	case PF_UNKNOWN:
		break;
	}
	if (!t->call_name)
		return pf_intern(&pf->out, PF_EVENT, t->how);
	snprintf(text, sizeof(text), "%s in %s", t->how, t->call_name);
	return pf_intern(&pf->out, PF_EVENT, text);
}

static uint64_t state_track(struct pf *pf, struct pf_thread *t)
{
	if (!t->state_uuid)
		t->state_uuid = pf_track(&pf->out, t->uuid, "State", 0);
	return t->state_uuid;
}

static void write_state(struct pf *pf, struct pf_thread *t, uint64_t end, struct pf_args *args)
{
	struct pf_event e = { .begin = t->now.begin, .end = end, .args = args, .flow = t->flow };

	e.track = state_track(pf, t);
	e.name = state_name(pf, t);
	if (t->state == PF_RUNNING || t->state == PF_RUNNABLE)
		pf_arg_uint(&pf->out, args, "cpu", t->cpu);
	pf_write(pf, &e, &t->now.written);
	t->flow = 0;
}

void pf_cut_thread(struct pf *pf, struct pf_thread *t, uint64_t at, const char *why)
{
	struct pf_args args = {};

	if (t->state != PF_UNKNOWN) {
		if (why)
			pf_arg_text(&pf->out, &args, "incomplete", why);
		write_state(pf, t, at > t->now.begin ? at : t->now.begin, &args);
	}
	t->state = PF_UNKNOWN;
}

static void set_state(struct pf_thread *t, enum pf_state state, uint64_t begin)
{
	t->state = state;
	t->now.begin = begin;
	t->flow = 0;
}

/* The thread has been in this state until now, as an event says. If that is not what is known of it,
 * an event is missing. */
static void end_state(struct pf *pf, struct pf_thread *t, enum pf_state state, uint64_t end,
		      struct pf_args *args)
{
	if (t->state != PF_UNKNOWN && t->state != state) {
		pf_cut_thread(pf, t, t->now.begin, PF_MISSING);
		lose_begin(pf, &t->now, t->now.begin);
	}
	if (t->state == PF_UNKNOWN) {
		if (!begin_at_floor(pf, &t->now))
			return;
		t->state = state;
		pf_arg_text(&pf->out, args, "incomplete", PF_BEFORE);
	}
	write_state(pf, t, end, args);
}

static bool is_runnable(const struct pf_thread *t)
{
	return t->state == PF_RUNNABLE || t->state == PF_PREEMPTED;
}

enum {
	PREV_PID,
	PREV_TGID,
	PREV_COMM,
	PREV_STATE,
	PREEMPT,
	PREV_SYSCALL,
	NEXT_PID,
	NEXT_TGID,
	NEXT_COMM,
	NEXT_PRIO,
	OFF_NS,
	WAIT_NS,
};

static struct pf_thread *thread_of(struct pf *pf, const struct feed_event *e, unsigned tid,
				   unsigned pid, unsigned comm)
{
	char name[PF_COMM];
	int32_t number = feed_int(e, tid);

	if (number <= 0)
		return NULL;
	feed_text(e, comm, name, sizeof(name));
	return pf_thread_get(&pf->tracks, number, feed_int(e, pid), name);
}

static void leave_state(struct pf *pf, struct pf_thread *t, const struct feed_event *e)
{
	struct pf_args args = {};
	bool preempted = feed_int(e, PREEMPT), ready = !feed_int(e, PREV_STATE);

	t->cpu = e->cpu;
	end_state(pf, t, PF_RUNNING, pf->now, &args);
	t->now.written = pf->now;
	if (preempted || ready) {
		set_state(t, preempted ? PF_PREEMPTED : PF_RUNNABLE, pf->now);
		return;
	}
	set_state(t, PF_OFF, pf->now);
	t->how = word_of(feed_name(e, PREV_STATE));
	t->call_name = feed_int(e, PREV_SYSCALL) < 0 ? NULL : feed_name(e, PREV_SYSCALL);
}

/* The thread was off the CPUs since this time and waited for one since that time, as the switch says. */
static void fill_in(struct pf *pf, struct pf_thread *t, uint64_t off, uint64_t wait)
{
	struct pf_args args = {};
	/* Within a stretch with a loss, the switch is all that is known. */
	uint64_t floor = pf->floor < pf->now ? pf->floor : 0;

	if (t->state == PF_RUNNING)
		pf_cut_thread(pf, t, off ? off : t->now.begin, PF_MISSING);
	if (t->state == PF_UNKNOWN && off && off < (wait ? wait : pf->now)) {
		set_state(t, PF_OFF, off > floor ? off : floor);
		t->how = "Off the CPU";
		t->call_name = NULL;
	}
	if (t->state == PF_OFF && (wait || off)) {
		write_state(pf, t, wait ? wait : pf->now, &args);
		t->state = PF_UNKNOWN;
	}
	if (t->state == PF_UNKNOWN && wait)
		set_state(t, PF_RUNNABLE, wait > floor ? wait : floor);
}

static uint64_t before(const struct pf *pf, uint64_t ns)
{
	return ns && ns < pf->now ? pf->now - ns : 0;
}

static void enter_state(struct pf *pf, struct pf_thread *t, const struct feed_event *e)
{
	struct pf_args args = {};

	if (!is_runnable(t))
		fill_in(pf, t, before(pf, feed_int(e, OFF_NS)), before(pf, feed_int(e, WAIT_NS)));
	if (is_runnable(t))
		write_state(pf, t, pf->now, &args);
	else
		pf_cut_thread(pf, t, t->now.begin, PF_MISSING);
	set_state(t, PF_RUNNING, pf->now);
	t->cpu = e->cpu;
}

static void enter_cpu(struct pf *pf, struct pf_cpu *c, const struct pf_thread *next,
		      const struct feed_event *e)
{
	struct pf_run *run = &c->run;

	run->now.begin = pf->now;
	run->tid = next ? next->tid : 0;
	if (!next)
		return;
	run->pid = next->process->pid;
	run->prio = feed_int(e, NEXT_PRIO);
	run->off_ns = feed_int(e, OFF_NS);
	run->wait_ns = feed_int(e, WAIT_NS);
	memcpy(run->comm, next->comm, sizeof(run->comm));
}

static bool is_dead(const struct pf_thread *t)
{
	return t->state == PF_OFF && !strcmp(t->how, "Dead");
}

void pf_end_thread(struct pf *pf, struct pf_thread *t)
{
	pf_cut_call(pf, t, pf->now, NULL);
	if (!is_dead(t))
		pf_cut_thread(pf, t, pf->now, NULL);
	pf_thread_forget(&pf->tracks, t);
}

void pf_on_switch(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct pf_cpu *c = pf_cpu(&pf->tracks, e->cpu);
	struct pf_thread *prev = thread_of(pf, e, PREV_PID, PREV_TGID, PREV_COMM), *next;

	leave_cpu(pf, c, prev);
	if (prev) {
		leave_state(pf, prev, e);
		if (is_dead(prev))
			pf_end_thread(pf, prev);
	}
	next = thread_of(pf, e, NEXT_PID, NEXT_TGID, NEXT_COMM);
	if (next)
		enter_state(pf, next, e);
	enter_cpu(pf, c, next, e);
}

/* ---- wake-ups ---- */

enum { PID, TGID, COMM, TARGET_CPU, WAKER_PID, WAKER_TGID, WAKER_COMM, CONTEXT, IS_NEW };

static const char *context_word(const char *context)
{
	if (context && !strcmp(context, "WAKE_HARDIRQ"))
		return "hardirq";
	if (context && !strcmp(context, "WAKE_SOFTIRQ"))
		return "softirq";
	return NULL;
}

/* Where the wake-up shows: the thread that woke, or the CPU if it was in an interrupt. */
static void write_waking(struct pf *pf, const struct feed_event *e, struct pf_thread *waker,
			 const struct pf_thread *woken, uint64_t flow)
{
	struct pf_type *type = pf->types[e->ev->rec->id];
	struct pf_cpu *c = pf_cpu(&pf->tracks, e->cpu);
	struct pf_args args = {};
	struct pf_event event = { .begin = pf->now, .args = &args, .flow = flow };
	char text[PF_NAME + 8];

	snprintf(text, sizeof(text), "wakes %s", woken->comm);
	event.name = pf_intern(&pf->out, PF_EVENT, text);
	event.track = waker ? waker->uuid
			    : pf_row_track(&pf->tracks, &c->rows, c->uuid, type, "wake-ups",
					   pf->now, pf->now);
	pf_fields_add(&pf->out, &args, &type->fields, e->ev, NULL);
	pf_instant(&pf->out, &event);
}

static void end_sleep(struct pf *pf, struct pf_thread *t, const struct pf_thread *waker,
		      const char *interrupt)
{
	struct pf_args args = {};

	pf_arg_text(&pf->out, &args, "woken_by",
		    interrupt ? interrupt
		    : waker   ? waker->comm
			      : "idle");
	if (waker && !interrupt)
		pf_arg_int(&pf->out, &args, "waker_tid", waker->tid);
	if (t->state == PF_UNKNOWN) {
		t->how = "Off the CPU";
		t->call_name = NULL;
	}
	end_state(pf, t, PF_OFF, pf->now, &args);
}

void pf_on_wakeup(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	const char *interrupt = context_word(feed_name(e, CONTEXT));
	struct pf_thread *t = pf_thread_find(&pf->tracks, feed_int(e, PID)), *waker;
	bool is_new = feed_int(e, IS_NEW);
	uint64_t flow = 0;

	if (t && is_new && t->state != PF_UNKNOWN)
		pf_end_thread(pf, t);
	thread_of(pf, e, WAKER_PID, WAKER_TGID, WAKER_COMM); /* may forget another */
	t = thread_of(pf, e, PID, TGID, COMM);
	if (!t)
		return;
	waker = pf_thread_find(&pf->tracks, feed_int(e, WAKER_PID));
	if (t->state == PF_OFF || t->state == PF_UNKNOWN) {
		if (!is_new)
			end_sleep(pf, t, waker, interrupt);
		set_state(t, PF_RUNNABLE, pf->now);
		t->now.written = pf->now;
		t->cpu = feed_int(e, TARGET_CPU);
		flow = t->flow = ++pf->out.flows;
	}
	write_waking(pf, e, interrupt ? NULL : waker, t, flow);
}
