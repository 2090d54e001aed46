// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts events, on the merge thread: some nanoseconds for each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "top.h"

#define TASKS_MIN 1024
#define TASKS_MAX 65536

/* How many events ahead their payload is fetched: it is in the cache of the CPU that wrote it. */
#define AHEAD 8

/* ---- what to read of a type ---- */

/* Finds the first of these fields that is an integer of 32 bits. Returns its offset or -1. */
static int find_id(const struct nr_types *types, uint16_t id, const char *const names[])
{
	struct nr_field_info f = { .sz = sizeof(f) };

	for (unsigned i = 0; names[i]; i++)
		if (!nr_types_field(types, id, names[i], &f) && f.kind <= NR_FIELD_INT &&
		    f.bits == 32 && f.bit_offset % 8 == 0)
			return f.bit_offset / 8;
	return -1;
}

static int find_text(const struct nr_types *types, uint16_t id, const char *const names[],
		     unsigned *size)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	for (unsigned i = 0; names[i]; i++) {
		if (nr_types_field(types, id, names[i], &f) || f.kind != NR_FIELD_TEXT || !f.count)
			continue;
		*size = f.count < TOP_COMM ? f.count : TOP_COMM;
		return f.bit_offset / 8;
	}
	return -1;
}

/* Of a switch, the task that comes to the CPU: the durations are those of its absence. */
static void find_task(struct top_type *t, const struct nr_types *types, uint16_t id)
{
	static const char *const tids[] = { "current_tid", "tid", "pid", "next_pid", NULL };
	static const char *const pids[] = { "current_pid", "tgid", "next_tgid", "pid", NULL };
	static const char *const comms[] = { "current_comm", "comm", "next_comm", NULL };

	t->tid = find_id(types, id, tids);
	t->pid = find_id(types, id, pids);
	t->comm = find_text(types, id, comms, &t->comm_size);
}

static bool is_duration(const struct nr_field_info *f)
{
	size_t len = strlen(f->name);

	return f->kind == NR_FIELD_UINT && f->bits == 64 && f->bit_offset % 8 == 0 && len > 3 &&
	       !strcmp(f->name + len - 3, "_ns");
}

static int find_latencies(struct top_count *c, struct top_type *t, const struct nr_types *types,
			  uint16_t id)
{
	struct nr_field_info f = { .sz = sizeof(f) };

	for (unsigned i = 0;
	     t->n_latencies < TOP_LATENCIES && !nr_types_field_at(types, id, NULL, i, &f); i++) {
		struct top_latency *grown;

		if (!is_duration(&f))
			continue;
		grown = reallocarray(c->latencies, c->n_latencies + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		c->latencies = grown;
		t->latencies[t->n_latencies].offset = f.bit_offset / 8;
		t->latencies[t->n_latencies++].index = c->n_latencies;
		c->latencies[c->n_latencies++] = (struct top_latency){ t->name, f.name };
	}
	return 0;
}

struct finder {
	struct top_count *count;
	const struct nr_types *types;
};

static int add_type(void *ctx, uint16_t id, const char *name)
{
	struct finder *f = ctx;
	struct top_count *c = f->count;
	struct top_type *grown = reallocarray(c->types, id + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->types = grown;
	for (; c->n_types <= id; c->n_types++) /* ids may have gaps */
		c->types[c->n_types] = (struct top_type){ .tid = -1 };
	c->types[id].name = name;
	find_task(&c->types[id], f->types, id);
	return find_latencies(c, &c->types[id], f->types, id);
}

/* ---- tallies ---- */

static int open_tally(struct top_tally *t, const struct top_count *c)
{
	t->types = calloc(c->n_types + 1, sizeof(*t->types));
	t->cpus = calloc(c->n_cpus + 1, sizeof(*t->cpus));
	t->latencies = calloc(c->n_latencies + 1, sizeof(*t->latencies));
	t->tasks = calloc(TASKS_MIN, sizeof(*t->tasks));
	t->room = TASKS_MIN;
	return t->types && t->cpus && t->latencies && t->tasks ? 0 : -ENOMEM;
}

static void clear_tally(struct top_tally *t, const struct top_count *c)
{
	memset(t->types, 0, c->n_types * sizeof(*t->types));
	memset(t->cpus, 0, c->n_cpus * sizeof(*t->cpus));
	memset(t->tasks, 0, t->room * sizeof(*t->tasks));
	for (unsigned i = 0; i < c->n_latencies; i++)
		hist_clear(&t->latencies[i]);
	t->n = t->n_tasks = t->others = 0;
}

static void close_tally(struct top_tally *t, const struct top_count *c)
{
	for (unsigned i = 0; t->latencies && i < c->n_latencies; i++)
		hist_clear(&t->latencies[i]);
	free(t->types);
	free(t->cpus);
	free(t->latencies);
	free(t->tasks);
}

int top_count_open(struct top_count *c, const struct nr_types *types, unsigned n_cpus)
{
	struct finder finder = { c, types };
	int err;

	*c = (struct top_count){ .n_cpus = n_cpus, .now = &c->tallies[0] };
	pthread_mutex_init(&c->lock, NULL);
	err = nr_types_each(types, add_type, &finder);
	for (unsigned i = 0; !err && i < 2; i++)
		err = open_tally(&c->tallies[i], c);
	return err;
}

void top_count_close(struct top_count *c)
{
	for (unsigned i = 0; i < 2; i++)
		close_tally(&c->tallies[i], c);
	free(c->types);
	free(c->latencies);
	pthread_mutex_destroy(&c->lock);
}

const struct top_tally *top_count_take(struct top_count *c)
{
	struct top_tally *taken = c->now;
	struct top_tally *next = &c->tallies[taken == &c->tallies[0]];

	clear_tally(next, c);
	pthread_mutex_lock(&c->lock);
	c->now = next;
	pthread_mutex_unlock(&c->lock);
	return taken;
}

/* ---- tasks ---- */

static unsigned place_of(int32_t tid, unsigned room)
{
	return (uint32_t)tid * 0x9e3779b1u >> 8 & (room - 1);
}

/* The task's place, or a free one. The table is at most three quarters full. */
static struct top_task *find_place(struct top_task *tasks, unsigned room, int32_t tid)
{
	unsigned at = place_of(tid, room);

	while (tasks[at].n && tasks[at].tid != tid)
		at = (at + 1) & (room - 1);
	return &tasks[at];
}

static bool grow(struct top_tally *t)
{
	unsigned room = 4 * t->room;
	struct top_task *tasks = t->room < TASKS_MAX ? calloc(room, sizeof(*tasks)) : NULL;

	if (!tasks)
		return false;
	for (unsigned i = 0; i < t->room; i++)
		if (t->tasks[i].n)
			*find_place(tasks, room, t->tasks[i].tid) = t->tasks[i];
	free(t->tasks);
	t->tasks = tasks;
	t->room = room;
	return true;
}

static uint32_t id_at(const struct nr_event *ev, int offset)
{
	uint32_t id = 0;

	if (offset >= 0 && offset + sizeof(id) <= ev->size)
		memcpy(&id, (const char *)ev->data + offset, sizeof(id));
	return id;
}

static struct top_task *new_task(struct top_tally *t, const struct nr_event *ev,
				 const struct top_type *type, int32_t tid)
{
	struct top_task *task;

	if (t->n_tasks >= t->room / 4 * 3 && !grow(t))
		return NULL;
	task = find_place(t->tasks, t->room, tid);
	task->tid = tid;
	task->pid = id_at(ev, type->pid);
	if (type->comm >= 0 && type->comm + type->comm_size <= ev->size)
		memcpy(task->comm, (const char *)ev->data + type->comm, type->comm_size);
	t->n_tasks++;
	return task;
}

/* NULL: there is no place left for it. */
static struct top_task *task_of(struct top_tally *t, const struct nr_event *ev,
				const struct top_type *type)
{
	int32_t tid = id_at(ev, type->tid);
	struct top_task *task = find_place(t->tasks, t->room, tid);

	if (!task->n)
		task = new_task(t, ev, type, tid);
	if (task)
		task->n++;
	else
		t->others++;
	return task;
}

/* ---- events ---- */

static void count_latencies(struct top_tally *t, const struct nr_event *ev,
			    const struct top_type *type, struct top_task *task)
{
	for (unsigned i = 0; i < type->n_latencies; i++) {
		unsigned offset = type->latencies[i].offset, index = type->latencies[i].index;
		uint64_t ns = 0;

		if (offset + sizeof(ns) <= ev->size)
			memcpy(&ns, (const char *)ev->data + offset, sizeof(ns));
		if (!ns) /* unknown */
			continue;
		hist_add(&t->latencies[index], ns);
		if (task && ns > task->longest_ns) {
			task->longest_ns = ns;
			task->longest = index;
		}
	}
}

static void count_event(const struct top_count *c, struct top_tally *t, const struct nr_event *ev)
{
	const struct top_type *type;
	struct top_task *task = NULL;

	t->n++;
	if (ev->rec->cpu < c->n_cpus)
		t->cpus[ev->rec->cpu]++;
	if (ev->rec->id >= c->n_types)
		return;
	type = &c->types[ev->rec->id];
	t->types[ev->rec->id]++;
	if (type->tid >= 0)
		task = task_of(t, ev, type);
	count_latencies(t, ev, type, task);
}

int top_count_batch(void *ctx, const struct nr_batch *batch)
{
	struct top_count *c = ctx;

	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < batch->n; i++) {
		if (i + AHEAD < batch->n)
			__builtin_prefetch(batch->events[i + AHEAD].data);
		count_event(c, c->now, &batch->events[i]);
	}
	pthread_mutex_unlock(&c->lock);
	return 0;
}
