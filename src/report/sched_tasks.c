// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sched_tasks.h"

#include "memory.h"

#define FIRST_BUCKETS 1024

void sched_tasks_open(struct sched *s)
{
	s->n_buckets = FIRST_BUCKETS;
	s->buckets = memory_new(s->n_buckets, sizeof(*s->buckets));
}

void sched_forget_note(struct sched *s, struct sched_task *t)
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

void sched_tasks_close(struct sched *s)
{
	for (struct sched_task *t = sched_each(s, NULL); t; t = sched_each(s, t))
		sched_forget_note(s, t);
	for (unsigned i = 0; i < s->n_buckets; i++)
		free_list(s->buckets[i]);
	free_list(s->free);
	free(s->buckets);
}

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

void sched_stop_waiting(struct sched *s, const struct sched_task *t, uint64_t ts)
{
	if (t->state == SCHED_READY)
		cpus_wait(&s->cpus, t->cpu, ts, -1);
}

void sched_tasks_forget(struct sched *s, struct sched_task *t, uint64_t ts)
{
	struct sched_task **p = bucket(s, t->tid);

	sched_stop_waiting(s, t, ts);
	sched_forget_note(s, t);
	forget_stacks(t);
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->next = s->free;
	s->free = t;
	s->n_tasks--;
}

void sched_tasks_ended(struct sched *s, const struct sched_task *t)
{
	struct sched_end *oldest = &s->ended[s->n_ended++ % SCHED_ENDED];
	struct sched_task *old = oldest->ts ? sched_find(s, oldest->tid) : NULL;

	if (old && old->state == SCHED_UNKNOWN && old->since == oldest->ts)
		sched_tasks_forget(s, old, t->since);
	*oldest = (struct sched_end){ t->tid, t->since };
}

/* Forgets the tasks that have done nothing for longest, at least a quarter: they may have ended where
 * records are missing. */
static void forget_idle(struct sched *s, uint64_t now)
{
	for (uint64_t age = now / 2; s->n_tasks > SCHED_TASKS_MAX / 4 * 3; age /= 2) {
		struct sched_task *t = sched_each(s, NULL), *next;

		for (; t; t = next) {
			next = sched_each(s, t);
			if (now - t->since >= age)
				sched_tasks_forget(s, t, now);
		}
	}
}

struct sched_task *sched_tasks_get(struct sched *s, int32_t tid, uint64_t now)
{
	struct sched_task *t = sched_find(s, tid), **b;

	if (t)
		return t;
	if (s->n_tasks == SCHED_TASKS_MAX)
		forget_idle(s, now);
	if (s->n_tasks++ == s->n_buckets)
		add_buckets(s);
	t = s->free;
	if (t)
		s->free = t->next;
	else
		t = memory_new(1, sizeof(*t));
	b = bucket(s, tid);
	*t = (struct sched_task){ .next = *b, .tid = tid, .since = now };
	*b = t;
	return t;
}
