// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sched.h"

#include "memory.h"

#define FIRST_BUCKETS 1024

/* Bits of enum sched_state in the events. */
#define INTERRUPTIBLE	0x1
#define UNINTERRUPTIBLE 0x2
#define EXIT_STATES	(16 | 32 | 128) /* EXIT_DEAD, ZOMBIE, DEAD: the CPU is left for good */
#define IDLE		0x402

/* A wake-up may come just before the switch-out that it makes undone, and show so in the order. */
#define EARLY_NS 1000000

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
	s->n_buckets = FIRST_BUCKETS;
	s->buckets = memory_new(s->n_buckets, sizeof(*s->buckets));
	cpus_open(&s->cpus);
}

static void forget_note(struct sched *s, struct sched_task *t)
{
	if (t->note)
		s->forget(t->note);
	t->note = NULL;
}

static void forget_stacks(struct sched_task *t)
{
	free(t->slept_at);
	free(t->woken_at);
	t->slept_at = t->woken_at = NULL;
}

static void free_list(struct sched_task *t)
{
	while (t) {
		struct sched_task *next = t->next;

		forget_stacks(t);
		free(t);
		t = next;
	}
}

void sched_close(struct sched *s)
{
	for (struct sched_task *t = sched_each(s, NULL); t; t = sched_each(s, t))
		forget_note(s, t);
	for (unsigned i = 0; i < s->n_buckets; i++)
		free_list(s->buckets[i]);
	free_list(s->free);
	free(s->buckets);
	cpus_close(&s->cpus);
}

/* ---- tasks ---- */

static struct sched_task **bucket(const struct sched *s, int32_t tid)
{
	return &s->buckets[(uint32_t)tid * 0x9e3779b1u >> 7 & (s->n_buckets - 1)];
}

struct sched_task *sched_find(const struct sched *s, int32_t tid)
{
	struct sched_task *t = *bucket(s, tid);

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

static void add_buckets(struct sched *s)
{
	struct sched_task **old = s->buckets;
	unsigned n = s->n_buckets;

	s->n_buckets *= 2;
	s->buckets = memory_new(s->n_buckets, sizeof(*s->buckets));
	for (unsigned i = 0; i < n; i++) {
		while (old[i]) {
			struct sched_task *t = old[i], **b = bucket(s, t->tid);

			old[i] = t->next;
			t->next = *b;
			*b = t;
		}
	}
	free(old);
}

static struct sched_task *get(struct sched *s, int32_t tid)
{
	struct sched_task *t = sched_find(s, tid), **b;

	if (t)
		return t;
	if (s->n_tasks++ == s->n_buckets)
		add_buckets(s);
	t = s->free;
	if (t)
		s->free = t->next;
	else
		t = memory_new(1, sizeof(*t));
	b = bucket(s, tid);
	*t = (struct sched_task){ .next = *b, .tid = tid };
	*b = t;
	return t;
}

struct sched_task *sched_each(const struct sched *s, const struct sched_task *t)
{
	unsigned i = 0;

	if (t && t->next)
		return t->next;
	if (t)
		i = bucket(s, t->tid) - s->buckets + 1;
	while (i < s->n_buckets && !s->buckets[i])
		i++;
	return i < s->n_buckets ? s->buckets[i] : NULL;
}

/* ---- events ---- */

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
		cpus_wait(&s->cpus, t->cpu, ts, 1);
}

/* The task waits no more for t->cpu, and may change it. */
static void stop_waiting(struct sched *s, const struct sched_task *t, uint64_t ts)
{
	if (t->state == SCHED_READY)
		cpus_wait(&s->cpus, t->cpu, ts, -1);
}

static void forget(struct sched *s, struct sched_task *t, uint64_t ts)
{
	struct sched_task **p = bucket(s, t->tid);

	stop_waiting(s, t, ts);
	forget_note(s, t);
	forget_stacks(t);
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->next = s->free;
	s->free = t;
	s->n_tasks--;
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

static void sleep_in(struct sched *s, struct sched_task *t, const struct feed_event *e,
		     unsigned state)
{
	t->call = call_kinds_get(&s->calls, e, SWITCH_PREV_CALL);
	t->by_design = sleeps_by_design(t, state);
	if (t->early.ts && t->early.ts + EARLY_NS > e->ts)
		t->wake = t->early;
}

static void leave(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = get(s, tid);
	unsigned state = feed_int(e, SWITCH_PREV_STATE);

	if (state & EXIT_STATES) {
		forget(s, t, e->ts);
		return;
	}
	feed_text(e, SWITCH_PREV_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_PREV_TGID);
	t->slept = state && !feed_int(e, SWITCH_PREEMPT);
	stop_waiting(s, t, e->ts);
	t->cpu = e->cpu;
	enter(s, t, t->slept ? SCHED_SLEEPS : SCHED_READY, e->ts);
	t->out = e->ts;
	t->wake.ts = t->moved = 0;
	if (t->slept)
		sleep_in(s, t, e, state);
	t->early.ts = 0;
}

static void start(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = get(s, tid);

	feed_text(e, SWITCH_NEXT_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_NEXT_TGID);
	if (t->state == SCHED_READY || t->state == SCHED_SLEEPS)
		s->starts(s->ctx, t, e);
	forget_note(s, t);
	stop_waiting(s, t, e->ts);
	enter(s, t, SCHED_RUNS, e->ts);
	t->out = t->wake.ts = t->early.ts = t->moved = 0;
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
	struct sched_task *t = get(s, feed_int(e, WAKEUP_PID));
	struct sched_wake wake = wake_of(s, e);

	if (wake.is_new) { /* the number may have been another task's */
		forget(s, t, e->ts);
		t = get(s, feed_int(e, WAKEUP_PID));
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
	t->moved = 0;
	if (s->wakes)
		s->wakes(s->ctx, t);
}

void sched_on_migrate(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t = sched_find(s, feed_int(e, MIGRATE_PID));

	if (!t)
		return;
	t->from_cpu = feed_int(e, MIGRATE_FROM);
	stop_waiting(s, t, e->ts);
	t->cpu = feed_int(e, MIGRATE_TO);
	if (t->state == SCHED_READY)
		cpus_wait(&s->cpus, t->cpu, e->ts, 1);
	t->moved = e->ts;
}

void sched_on_call(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t;
	const uint64_t *args;
	size_t n;

	if (call_kinds_get(&s->calls, e, CALL_NR)->kind != CALL_FUTEX)
		return;
	args = nr_event_array(e->ev, &e->fields[CALL_ARGS].info, &n);
	t = get(s, feed_int(e, CALL_TID));
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

	saved_stack_take(&get(s, feed_int(e, 0))->slept_at, s->types, e->ev);
}

void sched_on_waker_stack(void *state, const struct feed_event *e)
{
	struct sched *s = state;

	saved_stack_take(&get(s, feed_int(e, 0))->woken_at, s->types, e->ev);
}
