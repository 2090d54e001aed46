// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sched.h"

#include "sched_tasks.h"

/* Bits of enum sched_state in the events. */
#define INTERRUPTIBLE	0x1
#define UNINTERRUPTIBLE 0x2
#define STOPPED		0x4
#define TRACED		0x8
#define EXIT_STATES	(16 | 32 | 128) /* EXIT_DEAD, ZOMBIE, DEAD: the CPU is left for good */
#define IDLE		0x402
#define FROZEN		0x8000

/* A wake-up may come just before the switch-out that it makes undone, and show so in the order. */
#define EARLY_NS 1000000

/* More than between the kernel's look at the clock for off_ns and the time of the event. */
#define OFF_NS 1000000

enum {
	SWITCH_PREV_PID,
	SWITCH_PREV_TGID,
	SWITCH_PREV_STATE,
	SWITCH_PREV_CALL,
	SWITCH_PREEMPT,
	SWITCH_PREV_COMM,
	SWITCH_NEXT_PID,
	SWITCH_NEXT_TGID,
	SWITCH_NEXT_COMM,
	SWITCH_OFF,
};
enum {
	WAKEUP_PID,
	WAKEUP_TGID,
	WAKEUP_CPU,
	WAKEUP_COMM,
	WAKEUP_WAKER,
	WAKEUP_WAKER_COMM,
	WAKEUP_CONTEXT,
	WAKEUP_IS_NEW,
};
enum { MIGRATE_PID, MIGRATE_FROM, MIGRATE_TO };
enum { CALL_NR, CALL_TID, CALL_ARGS };
enum { IRQ_NS, IRQ_NAME };

void sched_open(struct sched *s, const struct nr_types *types)
{
	s->types = types;
	sched_tasks_open(s);
	cpus_open(&s->cpus);
}

void sched_close(struct sched *s)
{
	sched_tasks_close(s);
	cpus_close(&s->cpus);
}

/* ---- events ---- */

static void wait_here(struct sched *s, struct sched_task *t, uint64_t ts)
{
	cpus_wait(&s->cpus, t->cpu, ts, 1);
	t->irq_time = cpus_irq_time(&s->cpus, t->cpu);
}

/* Where it is ready is t->cpu, which must be set before. */
static void enter(struct sched *s, struct sched_task *t, enum sched_state state, uint64_t ts)
{
	struct sched_stretch *past;

	if (t->state != SCHED_UNKNOWN) {
		past = &t->past[t->n++ % SCHED_STRETCHES];
		past->begin = t->since;
		past->end = ts;
		past->state = t->state;
		past->cpu = t->cpu;
		past->call = t->call;
		if (t->state == SCHED_SLEEPS)
			past->wake = t->wake;
	}
	t->state = state;
	t->since = ts;
	if (state == SCHED_READY)
		wait_here(s, t, ts);
}

/* To sleep is what the task is for just now: nobody waits for it to go on. */
static bool sleeps_by_design(const struct sched_task *t, unsigned state)
{
	if (state == IDLE || !(state & (INTERRUPTIBLE | UNINTERRUPTIBLE)))
		return true;
	if (state & UNINTERRUPTIBLE)
		return false;
	return t->call->kind == CALL_NONE || t->call->kind == CALL_WAITS ||
	       (t->call->kind == CALL_FUTEX && t->futex_waits);
}

/* What keeps a task from its call, whose purpose does not matter then; NULL: nothing. */
static const struct call_kind *stop_of(unsigned state)
{
	static const struct call_kind signal = { .name = "a stop by a signal" },
				      tracer = { .name = "a stop by its tracer" },
				      freezer = { .name = "the freezer" };

	switch (state) {
	case STOPPED:
		return &signal;
	case TRACED:
		return &tracer;
	case FROZEN:
		return &freezer;
	}
	return NULL;
}

static void sleep_in(struct sched *s, struct sched_task *t, const struct feed_event *e,
		     unsigned state)
{
	t->call = stop_of(state) ?: call_kinds_get(&s->calls, e, SWITCH_PREV_CALL);
	t->by_design = sleeps_by_design(t, state);
	if (t->early.ts && t->early.ts + EARLY_NS > e->ts)
		t->wake = t->early;
}

/* What it did stays for a while: it may have woken a task that has not yet woken the next one. */
static void end(struct sched *s, struct sched_task *t, uint64_t ts)
{
	sched_stop_waiting(s, t, ts);
	sched_forget_note(s, t);
	enter(s, t, SCHED_UNKNOWN, ts);
	t->out = t->wake.ts = t->early.ts = t->n_places = 0;
	sched_tasks_ended(s, t);
}

static void leave(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = sched_tasks_get(s, tid, e->ts);
	unsigned state = feed_int(e, SWITCH_PREV_STATE);

	if (state & EXIT_STATES) {
		end(s, t, e->ts);
		return;
	}
	feed_text(e, SWITCH_PREV_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_PREV_TGID);
	t->slept = state && !feed_int(e, SWITCH_PREEMPT);
	sched_stop_waiting(s, t, e->ts);
	t->cpu = e->cpu;
	enter(s, t, t->slept ? SCHED_SLEEPS : SCHED_READY, e->ts);
	t->out = e->ts;
	t->wake.ts = t->n_places = 0;
	if (t->slept)
		sleep_in(s, t, e, state);
	t->early.ts = 0;
}

/* The kernel knows when it left a CPU last, also if that was lost, or on a CPU that is not recorded. */
static bool ran_unseen(const struct sched_task *t, const struct feed_event *e)
{
	uint64_t off = feed_int(e, SWITCH_OFF);

	return off && e->ts - off > t->since + OFF_NS;
}

static void start(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = sched_tasks_get(s, tid, e->ts);

	t->split = ran_unseen(t, e);
	feed_text(e, SWITCH_NEXT_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_NEXT_TGID);
	if (t->state == SCHED_READY || t->state == SCHED_SLEEPS)
		s->starts(s->ctx, t, e);
	sched_forget_note(s, t);
	sched_stop_waiting(s, t, e->ts);
	if (t->split)
		t->state = SCHED_UNKNOWN; /* not all the time */
	enter(s, t, SCHED_RUNS, e->ts);
	t->out = t->wake.ts = t->early.ts = t->n_places = 0;
	t->cpu = e->cpu;
}

void sched_on_switch(void *state, const struct feed_event *e)
{
	int32_t prev = feed_int(e, SWITCH_PREV_PID), next = feed_int(e, SWITCH_NEXT_PID);
	const struct cpu_run *run;
	struct sched *s = state;
	char comm[FEED_COMM], next_comm[FEED_COMM];

	feed_text(e, SWITCH_PREV_COMM, comm, sizeof(comm));
	feed_text(e, SWITCH_NEXT_COMM, next_comm, sizeof(next_comm));
	run = cpus_switch(&s->cpus, e->cpu, e->ts, prev, comm, next, next_comm);
	if (run && s->ran)
		s->ran(s->ctx, run);
	if (prev)
		leave(s, e, prev);
	if (next)
		start(s, e, next);
}

/* The event may come from the CPU of the woken task. */
static unsigned waker_cpu(const struct sched *s, const struct feed_event *e, int32_t waker)
{
	const struct sched_task *t = waker ? sched_find(s, waker) : NULL;

	return t && t->state == SCHED_RUNS ? t->cpu : e->cpu;
}

static struct sched_wake wake_of(const struct sched *s, const struct feed_event *e)
{
	struct sched_wake w = {
		.ts = e->ts,
		.context = feed_int(e, WAKEUP_CONTEXT),
		.tid = feed_int(e, WAKEUP_WAKER),
		.is_new = feed_int(e, WAKEUP_IS_NEW),
	};

	w.cpu = waker_cpu(s, e, w.tid);
	feed_text(e, WAKEUP_WAKER_COMM, w.comm, sizeof(w.comm));
	return w;
}

/* A lock is not released by an interrupt; a task that ends such a sleep is the child. */
static bool ended_by_design(const struct sched_task *t)
{
	if (t->state != SCHED_SLEEPS)
		return false;
	return (t->call->kind == CALL_FUTEX && t->wake.context == SCHED_BY_HARDIRQ) ||
	       (t->call->kind == CALL_SPAWNS && t->wake.context == SCHED_BY_TASK);
}

void sched_on_wakeup(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t = sched_tasks_get(s, feed_int(e, WAKEUP_PID), e->ts);
	struct sched_wake wake = wake_of(s, e);

	if (wake.is_new) { /* the number may have been another task's */
		sched_tasks_forget(s, t, e->ts);
		t = sched_tasks_get(s, feed_int(e, WAKEUP_PID), e->ts);
		t->slept = true;
	} else if (t->state == SCHED_RUNS) {
		t->early = wake;
		return;
	} else if (t->state == SCHED_READY) {
		return;
	} else if (t->state == SCHED_UNKNOWN) {
		t->slept = true; /* since before the first event */
	}
	feed_text(e, WAKEUP_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, WAKEUP_TGID);
	t->wake = wake;
	if (ended_by_design(t))
		t->by_design = true;
	t->cpu = feed_int(e, WAKEUP_CPU);
	enter(s, t, SCHED_READY, e->ts);
	t->n_places = 0;
	if (s->wakes)
		s->wakes(s->ctx, t);
}

void sched_on_migrate(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t = sched_find(s, feed_int(e, MIGRATE_PID));

	if (!t)
		return;
	if (t->n_places < SCHED_PLACES)
		t->places[t->n_places++] = (struct sched_place){
			.cpu = feed_int(e, MIGRATE_FROM),
			.until = e->ts,
			.irq_ns = cpus_irq_time(&s->cpus, t->cpu) - t->irq_time,
		};
	sched_stop_waiting(s, t, e->ts);
	t->cpu = feed_int(e, MIGRATE_TO);
	if (t->state == SCHED_READY)
		wait_here(s, t, e->ts);
}

void sched_on_call(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t;
	const uint64_t *args;
	size_t n;

	if (call_kinds_get(&s->calls, e, CALL_NR)->kind != CALL_FUTEX)
		return;
	args = feed_words(e, CALL_ARGS, &n);
	t = sched_tasks_get(s, feed_int(e, CALL_TID), e->ts);
	t->futex_waits = n > 1 && call_kinds_futex_waits(args[1]);
}

static void on_irq(struct sched *s, const struct feed_event *e, struct cpu_irq irq)
{
	uint64_t ns = feed_int(e, IRQ_NS);

	irq.begin = e->ts - ns;
	irq.end = e->ts;
	if (ns)
		cpus_irq(&s->cpus, e->cpu, &irq);
}

void sched_on_hardirq(void *state, const struct feed_event *e)
{
	struct cpu_irq irq = {};

	feed_text(e, IRQ_NAME, irq.name, sizeof(irq.name));
	on_irq(state, e, irq);
}

void sched_on_softirq(void *state, const struct feed_event *e)
{
	struct cpu_irq irq = { .soft = true };

	snprintf(irq.name, sizeof(irq.name), "%s", feed_name(e, IRQ_NAME) ?: "?");
	on_irq(state, e, irq);
}

void sched_on_stack(void *state, const struct feed_event *e)
{
	struct sched *s = state;

	saved_stack_take(&sched_tasks_get(s, feed_int(e, 0), e->ts)->slept_at, s->types, e->ev);
}

void sched_on_waker_stack(void *state, const struct feed_event *e)
{
	struct sched *s = state;

	saved_stack_take(&sched_tasks_get(s, feed_int(e, 0), e->ts)->woken_at, s->types, e->ev);
}
