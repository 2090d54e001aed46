// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sched.h"

#include <string.h>
#include "memory.h"

#define NR_CPUS	      65536
#define FIRST_BUCKETS 1024

/* States in which a task leaves its CPU for the last time. */
#define EXIT_STATES (16 | 32 | 128) /* EXIT_DEAD, ZOMBIE, DEAD */

enum {
	SWITCH_PREV_PID,
	SWITCH_PREV_STATE,
	SWITCH_PREEMPT,
	SWITCH_PREV_COMM,
	SWITCH_NEXT_PID,
	SWITCH_NEXT_COMM,
	SWITCH_PREV_TGID,
	SWITCH_NEXT_TGID,
};
enum { WAKEUP_PID, WAKEUP_CPU, WAKEUP_COMM, WAKEUP_IS_NEW, WAKEUP_TGID };
enum { MIGRATE_PID, MIGRATE_FROM, MIGRATE_TO };

void sched_open(struct sched *s)
{
	s->n_buckets = FIRST_BUCKETS;
	s->buckets = memory_new(s->n_buckets, sizeof(*s->buckets));
	s->cpus = memory_new(NR_CPUS, sizeof(*s->cpus));
}

static void free_list(struct sched_task *t)
{
	while (t) {
		struct sched_task *next = t->next;

		free(t);
		t = next;
	}
}

void sched_close(struct sched *s)
{
	for (unsigned i = 0; i < s->n_buckets; i++)
		free_list(s->buckets[i]);
	free_list(s->free);
	for (unsigned i = 0; i < NR_CPUS; i++)
		free(s->cpus[i]);
	free(s->buckets);
	free(s->cpus);
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

static void forget(struct sched *s, struct sched_task *t)
{
	struct sched_task **p = bucket(s, t->tid);

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->next = s->free;
	s->free = t;
	s->n_tasks--;
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

/* ---- CPUs ---- */

static struct sched_cpu *cpu_of(struct sched *s, unsigned cpu)
{
	if (!s->cpus[cpu]) {
		s->cpus[cpu] = memory_new(1, sizeof(**s->cpus));
		s->cpus[cpu]->tid = -1;
	}
	return s->cpus[cpu];
}

/* The CPU goes on with another task. */
static void run(struct sched_cpu *c, const struct feed_event *e, int32_t prev, int32_t next)
{
	if (c->tid == prev) {
		struct sched_run *r = &c->runs[c->n++ % SCHED_RUNS_KEPT];

		*r = (struct sched_run){ .begin = c->since, .end = e->ts, .tid = prev };
		memcpy(r->comm, c->comm, sizeof(r->comm));
	}
	c->tid = next;
	c->since = e->ts;
	feed_text(e, SWITCH_NEXT_COMM, c->comm, sizeof(c->comm));
}

static void add_share(struct sched_shares *sum, const struct sched_run *r, uint64_t ns)
{
	struct sched_share share = { .ns = ns, .tid = r->tid };
	unsigned i;

	for (i = 0; i < sum->n && sum->list[i].tid != r->tid; i++)
		;
	if (i < sum->n) {
		share.ns += sum->list[i].ns;
		sum->n--;
		memmove(&sum->list[i], &sum->list[i + 1], (sum->n - i) * sizeof(share));
	}
	memcpy(share.comm, r->comm, sizeof(share.comm));
	for (i = 0; i < sum->n && sum->list[i].ns >= share.ns; i++)
		;
	if (i == SCHED_SHARES)
		return;
	if (sum->n == SCHED_SHARES)
		sum->n--;
	memmove(&sum->list[i + 1], &sum->list[i], (sum->n - i) * sizeof(share));
	sum->list[i] = share;
	sum->n++;
}

static void add_run(struct sched_shares *sum, const struct sched_run *r, uint64_t begin,
		    uint64_t end)
{
	uint64_t from = r->begin > begin ? r->begin : begin, to = r->end < end ? r->end : end;

	if (to <= from)
		return;
	sum->known += to - from;
	if (r->tid)
		add_share(sum, r, to - from);
	else
		sum->idle += to - from;
}

void sched_add_shares(const struct sched *s, struct sched_shares *sum, unsigned cpu, uint64_t begin,
		      uint64_t end, uint64_t now)
{
	const struct sched_cpu *c = cpu < NR_CPUS ? s->cpus[cpu] : NULL;
	uint64_t kept;

	if (!c)
		return;
	if (c->tid >= 0) {
		struct sched_run r = { .begin = c->since, .end = now, .tid = c->tid };

		memcpy(r.comm, c->comm, sizeof(r.comm));
		add_run(sum, &r, begin, end);
	}
	kept = c->n < SCHED_RUNS_KEPT ? c->n : SCHED_RUNS_KEPT;
	for (uint64_t i = 1; i <= kept; i++) {
		const struct sched_run *r = &c->runs[(c->n - i) % SCHED_RUNS_KEPT];

		if (r->end <= begin)
			break;
		add_run(sum, r, begin, end);
	}
}

/* ---- events ---- */

static void enter(struct sched_task *t, enum sched_state state, uint64_t ts)
{
	t->state = state;
	t->since = ts;
}

static void leave(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = get(s, tid);
	int64_t state = feed_int(e, SWITCH_PREV_STATE);

	if (state & EXIT_STATES) {
		forget(s, t);
		return;
	}
	feed_text(e, SWITCH_PREV_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_PREV_TGID);
	t->out = e->ts;
	t->woken = t->moved = 0;
	t->cpu = e->cpu;
	t->slept = state && !feed_int(e, SWITCH_PREEMPT);
	enter(t, t->slept ? SCHED_SLEEPS : SCHED_READY, e->ts);
}

static void start(struct sched *s, const struct feed_event *e, int32_t tid)
{
	struct sched_task *t = get(s, tid);

	feed_text(e, SWITCH_NEXT_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, SWITCH_NEXT_TGID);
	if (t->state == SCHED_READY || t->state == SCHED_SLEEPS)
		s->starts(s->ctx, t, e);
	t->out = t->woken = t->moved = 0;
	t->cpu = e->cpu;
	enter(t, SCHED_RUNS, e->ts);
}

void sched_on_switch(void *state, const struct feed_event *e)
{
	int32_t prev = feed_int(e, SWITCH_PREV_PID), next = feed_int(e, SWITCH_NEXT_PID);
	struct sched *s = state;

	run(cpu_of(s, e->cpu), e, prev, next);
	if (prev)
		leave(s, e, prev);
	if (next)
		start(s, e, next);
}

void sched_on_wakeup(void *state, const struct feed_event *e)
{
	struct sched *s = state;
	struct sched_task *t = get(s, feed_int(e, WAKEUP_PID));

	if (feed_int(e, WAKEUP_IS_NEW)) {
		t->out = 0;
		t->slept = true;
	} else if (t->state == SCHED_RUNS || t->state == SCHED_READY) {
		return; /* it was about to sleep, and does not */
	}
	feed_text(e, WAKEUP_COMM, t->comm, sizeof(t->comm));
	t->pid = feed_int(e, WAKEUP_TGID);
	t->woken = e->ts;
	t->cpu = feed_int(e, WAKEUP_CPU);
	t->moved = 0;
	enter(t, SCHED_READY, e->ts);
}

void sched_on_migrate(void *state, const struct feed_event *e)
{
	struct sched_task *t = sched_find(state, feed_int(e, MIGRATE_PID));

	if (!t)
		return;
	t->from_cpu = feed_int(e, MIGRATE_FROM);
	t->cpu = feed_int(e, MIGRATE_TO);
	t->moved = e->ts;
}
