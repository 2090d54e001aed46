// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pf_tracks.h"

#include <string.h>

/* Ranks among the rows of a CPU or a thread: the order in which they were needed, after these. */
#define RANK_ROWS 10

static void free_rows(struct pf_row *row)
{
	struct pf_row *next;

	for (; row; row = next) {
		next = row->next;
		free(row->lanes);
		free(row);
	}
}

static void free_process(struct pf_tracks *t, struct pf_process *p)
{
	HASH_DEL(t->processes, p);
	free(p);
}

void pf_thread_forget(struct pf_tracks *t, struct pf_thread *thread)
{
	if (!--thread->process->n_threads)
		free_process(t, thread->process);
	HASH_DEL(t->threads, thread);
	free_rows(thread->rows);
	free(thread);
}

void pf_tracks_close(struct pf_tracks *t)
{
	struct pf_node *node, *next_node;
	struct pf_thread *thread, *next;

	HASH_ITER(hh, t->threads, thread, next)
	pf_thread_forget(t, thread);
	free_rows(t->losses);
	for (unsigned i = 0; i <= UINT16_MAX; i++) {
		if (t->cpus[i])
			free_rows(t->cpus[i]->rows);
		free(t->cpus[i]);
	}
	HASH_ITER(hh, t->nodes, node, next_node)
	{
		HASH_DEL(t->nodes, node);
		free(node);
	}
}

/* ---- CPUs ---- */

/* Of the greatest node: Perfetto sorts rows that are below no other by their names. */
static int node_digits(const struct export_env *env)
{
	uint32_t most = 0;

	for (size_t i = 0; env->node_of_cpu && i < env->n_cpus; i++)
		if (env->node_of_cpu[i] != UINT32_MAX && env->node_of_cpu[i] > most)
			most = env->node_of_cpu[i];
	return snprintf(NULL, 0, "%u", most);
}

static uint64_t node_track(struct pf_tracks *t, uint16_t cpu)
{
	const struct export_env *env = t->env;
	uint32_t number =
		env->node_of_cpu && cpu < env->n_cpus ? env->node_of_cpu[cpu] : UINT32_MAX;
	struct pf_node *node;
	char name[32] = "CPUs";

	HASH_FIND(hh, t->nodes, &number, sizeof(number), node);
	if (node)
		return node->uuid;
	if (number != UINT32_MAX)
		snprintf(name, sizeof(name), "Node %0*u", node_digits(env), number);
	node = memory_new(1, sizeof(*node));
	node->node = number;
	node->uuid = pf_track(t->out, 0, name, number < INT32_MAX ? (int)number : INT32_MAX);
	HASH_ADD(hh, t->nodes, node, sizeof(node->node), node);
	return node->uuid;
}

struct pf_cpu *pf_cpu(struct pf_tracks *t, uint16_t cpu)
{
	struct pf_cpu *c = t->cpus[cpu];
	char name[32];

	if (c)
		return c;
	c = t->cpus[cpu] = memory_new(1, sizeof(*c));
	snprintf(name, sizeof(name), "CPU %u", cpu);
	c->uuid = pf_track(t->out, node_track(t, cpu), name, cpu);
	return c;
}

/* ---- threads ---- */

/* Returns whether it is another one. */
static bool take_name(struct pf_out *o, char *name, const char *comm)
{
	const char *text;

	if (!comm || !strncmp(name, comm, PF_COMM))
		return false;
	text = pf_text(o, comm, strnlen(comm, PF_COMM));
	if (!strcmp(name, text))
		return false;
	snprintf(name, PF_NAME, "%s", text);
	return true;
}

static struct pf_process *get_process(struct pf_tracks *t, int32_t pid)
{
	struct pf_process *p;

	HASH_FIND_INT(t->processes, &pid, p);
	if (p)
		return p;
	p = memory_new(1, sizeof(*p));
	p->pid = pid;
	p->uuid = ++t->out->uuids;
	pf_process(t->out, p->uuid, pid, NULL);
	HASH_ADD_INT(t->processes, pid, p);
	return p;
}

static void rename_thread(struct pf_tracks *t, struct pf_thread *thread)
{
	struct pf_process *p = thread->process;

	pf_thread(t->out, thread->uuid, p->uuid, p->pid, thread->tid, thread->comm);
	if (thread->tid != p->pid)
		return;
	memcpy(p->comm, thread->comm, sizeof(p->comm));
	pf_process(t->out, p->uuid, p->pid, p->comm);
}

static struct pf_thread *new_thread(struct pf_tracks *t, int32_t tid, int32_t pid)
{
	struct pf_thread *thread;

	if (HASH_COUNT(t->threads) >= PF_THREADS_MAX) {
		thread = t->threads;
		t->evict(t->ctx, thread);
		pf_thread_forget(t, thread);
	}
	thread = memory_new(1, sizeof(*thread));
	thread->tid = tid;
	thread->process = get_process(t, pid);
	thread->process->n_threads++;
	thread->uuid = ++t->out->uuids;
	HASH_ADD_INT(t->threads, tid, thread);
	return thread;
}

struct pf_thread *pf_thread_find(struct pf_tracks *t, int32_t tid)
{
	struct pf_thread *thread;

	HASH_FIND_INT(t->threads, &tid, thread);
	return thread;
}

struct pf_thread *pf_thread_get(struct pf_tracks *t, int32_t tid, int32_t pid, const char *comm)
{
	struct pf_thread *thread = pf_thread_find(t, tid);
	bool is_new = !thread;

	if (thread && pid > 0 && thread->process->pid != pid) {
		t->evict(t->ctx, thread);
		pf_thread_forget(t, thread);
		is_new = true;
	}
	if (is_new)
		thread = new_thread(t, tid, pid > 0 ? pid : tid);
	if (take_name(t->out, thread->comm, comm) || is_new)
		rename_thread(t, thread);
	return thread;
}

/* ---- rows ---- */

static struct pf_row *get_row(struct pf_row **rows, const void *key, unsigned *rank)
{
	struct pf_row *row;

	*rank = RANK_ROWS;
	for (; (row = *rows); rows = &row->next, ++*rank)
		if (row->key == key)
			return row;
	row = *rows = memory_new(1, sizeof(*row));
	row->key = key;
	return row;
}

/* The lane that is free for the shortest time. */
static struct pf_lane *free_lane(const struct pf_row *row, uint64_t begin)
{
	struct pf_lane *best = NULL;

	for (unsigned i = 0; i < row->n; i++) {
		struct pf_lane *lane = &row->lanes[i];

		if (lane->end <= begin && (!best || lane->end > best->end))
			best = lane;
	}
	return best;
}

uint64_t pf_row_track(struct pf_tracks *t, struct pf_row **rows, uint64_t parent, const void *key,
		      const char *name, uint64_t begin, uint64_t end)
{
	unsigned rank;
	struct pf_row *row = get_row(rows, key, &rank);
	struct pf_lane *lane = free_lane(row, begin);

	if (!lane) {
		row->lanes = memory_grow(row->lanes, row->n + 1, sizeof(*row->lanes));
		lane = &row->lanes[row->n++];
		lane->uuid = pf_track(t->out, parent, name, (int)rank);
	}
	lane->end = end;
	return lane->uuid;
}

uint64_t pf_losses_track(struct pf_tracks *t, uint64_t begin, uint64_t end)
{
	if (!t->losses_uuid)
		t->losses_uuid = pf_track(t->out, 0, "Losses", 0);
	return pf_row_track(t, &t->losses, t->losses_uuid, "Missing events", "Missing events",
			    begin, end);
}
