// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The views: which rows there are, and what is in them. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "report/text.h"
#include "top.h"

#define TASKS_SHOWN 1000
#define CPU_LIST    13 /* with the 0 at its end */

static void set_text(struct top_cell *cell, const char *text)
{
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

static double rate(const struct top_snapshot *s, uint64_t n)
{
	return s->seconds > 0 ? n / s->seconds : 0;
}

static double percent(const struct top_snapshot *s, uint64_t n)
{
	return s->tally->n ? 100.0 * n / s->tally->n : 0;
}

/* "sched_switch off" of the field sched_switch.off_ns */
static void set_latency(struct top_cell *cell, const struct top_latency *l)
{
	snprintf(cell->text, sizeof(cell->text), "%s %.*s", l->type, (int)strlen(l->field) - 3,
		 l->field);
}

/* ---- types ---- */

static void fill_types(struct top_table *table, const struct top_snapshot *s)
{
	for (unsigned i = 0; i < s->count->n_types; i++) {
		struct top_cell *row;

		if (!s->count->types[i].name)
			continue;
		row = top_table_row(table);
		set_text(&row[0], s->count->types[i].name);
		row[1].value = rate(s, s->tally->types[i]);
		row[2].value = percent(s, s->tally->types[i]);
		row[3].value = s->types_total[i];
	}
}

/* ---- tasks ---- */

static int by_events(const void *a, const void *b)
{
	const struct top_task *x = *(const struct top_task *const *)a;
	const struct top_task *y = *(const struct top_task *const *)b;

	return (x->n < y->n) - (x->n > y->n) ?: (x->tid > y->tid) - (x->tid < y->tid);
}

static void fill_task(struct top_cell *row, const struct top_snapshot *s,
		      const struct top_task *task)
{
	row[0].value = task->tid;
	row[1].value = task->pid;
	set_text(&row[2], task->tid ? safe_text(task->comm).s : "idle");
	row[3].value = rate(s, task->n);
	row[4].value = percent(s, task->n);
	row[5].value = task->longest_ns;
	if (task->longest_ns)
		set_latency(&row[6], &s->count->latencies[task->longest]);
}

static void fill_tasks(struct top_table *table, const struct top_snapshot *s)
{
	const struct top_tally *t = s->tally;
	const struct top_task **list = calloc(t->n_tasks + 1, sizeof(*list));
	unsigned n = 0;

	for (unsigned i = 0; list && i < t->room; i++)
		if (t->tasks[i].n)
			list[n++] = &t->tasks[i];
	if (list)
		qsort(list, n, sizeof(*list), by_events);
	for (unsigned i = 0; i < n && i < TASKS_SHOWN; i++)
		fill_task(top_table_row(table), s, list[i]);
	free(list);
}

/* ---- CPUs and nodes ---- */

/* -1: unknown */
static int node_of(const struct top_snapshot *s, unsigned cpu)
{
	return s->node_of_cpu[cpu]; /* UINT32_MAX becomes -1 */
}

static int shard_of(const struct top_snapshot *s, unsigned cpu)
{
	int node = node_of(s, cpu);

	if (cpu < s->plan->n_cpus && s->plan->cpu_shard[cpu] >= 0)
		return s->plan->cpu_shard[cpu];
	return node >= 0 && (unsigned)node < s->plan->n_nodes ? s->plan->node_shard[node] : -1;
}

/* CPUs of the plan, and those that came online later. */
static bool is_cpu(const struct top_snapshot *s, unsigned cpu)
{
	return s->tally->cpus[cpu] || (cpu < s->plan->n_cpus && s->plan->cpu_shard[cpu] >= 0);
}

static void fill_cpus(struct top_table *table, const struct top_snapshot *s)
{
	for (unsigned cpu = 0; cpu < s->count->n_cpus; cpu++) {
		struct top_cell *row;

		if (!is_cpu(s, cpu))
			continue;
		row = top_table_row(table);
		row[0].value = cpu;
		row[1].value = node_of(s, cpu);
		row[2].value = shard_of(s, cpu);
		row[3].value = rate(s, s->tally->cpus[cpu]);
		row[4].value = percent(s, s->tally->cpus[cpu]);
	}
}

/* Adds up the CPUs of a node. False: it has none. */
static bool fill_node(struct top_cell *row, const struct top_snapshot *s, int node)
{
	unsigned cpus = 0;
	uint64_t n = 0;

	for (unsigned cpu = 0; cpu < s->count->n_cpus; cpu++) {
		if (node_of(s, cpu) != node || !is_cpu(s, cpu))
			continue;
		cpus++;
		n += s->tally->cpus[cpu];
	}
	row[0].value = node;
	row[1].value = cpus;
	row[3].value = rate(s, n);
	row[4].value = percent(s, n);
	return cpus;
}

static double fill_percent(const struct nr_shard_stats *st)
{
	return st->ring_bytes ? 100.0 * st->fill / st->ring_bytes : 0;
}

/* Adds up the shards whose rings are on the node. */
static void fill_node_shards(struct top_cell *row, const struct top_snapshot *s, int node)
{
	for (unsigned i = 0; i < s->plan->n_shards; i++) {
		const struct nr_shard_stats *st = nr_stats_shard(s->stats, i);

		if (nr_plan_shard_at(s->plan, i)->node != node)
			continue;
		row[2].value++;
		if (fill_percent(st) > row[5].value)
			row[5].value = fill_percent(st);
		if (st->lag_ns > row[6].value)
			row[6].value = st->lag_ns;
		for (unsigned cause = 0; cause < NR_LOSS_SLOTS; cause++)
			row[7].value += st->lost[cause];
	}
}

static void fill_nodes(struct top_table *table, const struct top_snapshot *s)
{
	int last = -1;

	for (unsigned cpu = 0; cpu < s->count->n_cpus; cpu++)
		last = node_of(s, cpu) > last ? node_of(s, cpu) : last;
	for (int node = -1; node <= last; node++) {
		struct top_cell row[TOP_COLUMNS] = {};

		if (!fill_node(row, s, node))
			continue;
		fill_node_shards(row, s, node);
		memcpy(top_table_row(table), row, sizeof(row));
	}
}

/* ---- shards ---- */

static uint64_t lost(const struct nr_stats *st, unsigned shard)
{
	uint64_t n = 0;

	for (unsigned cause = 0; cause < NR_LOSS_SLOTS; cause++)
		n += nr_stats_shard(st, shard)->lost[cause];
	return n;
}

static void fill_shard(struct top_cell *row, const struct top_snapshot *s, unsigned i)
{
	const struct nr_plan_shard *p = nr_plan_shard_at(s->plan, i);
	const struct nr_shard_stats *st = nr_stats_shard(s->stats, i);
	uint64_t before = s->before ? nr_stats_shard(s->before, i)->records : 0;

	row[0].value = i;
	row[1].value = p->node;
	nr_cpu_list(row[2].text, CPU_LIST, p->cpus, p->n_cpus);
	row[3].value = rate(s, st->records - before);
	row[4].value = fill_percent(st);
	row[5].value = st->ring_bytes ? 100.0 * st->fill_peak / st->ring_bytes : 0;
	row[6].value = st->lag_ns;
	row[7].value = st->late;
	row[8].value = lost(s->stats, i);
	row[9].value = s->consumer_percent[i];
}

static void fill_shards(struct top_table *table, const struct top_snapshot *s)
{
	for (unsigned i = 0; i < s->plan->n_shards; i++)
		fill_shard(top_table_row(table), s, i);
}

/* ---- latencies ---- */

static void fill_latencies(struct top_table *table, const struct top_snapshot *s)
{
	for (unsigned i = 0; i < s->count->n_latencies; i++) {
		const struct hist *h = &s->tally->latencies[i];
		struct top_cell *row = top_table_row(table);

		set_latency(&row[0], &s->count->latencies[i]);
		row[1].value = rate(s, h->n);
		row[2].value = hist_quantile(h, 500);
		row[3].value = hist_quantile(h, 900);
		row[4].value = hist_quantile(h, 990);
		row[5].value = hist_quantile(h, 999);
		row[6].value = h->max;
		row[7].value = s->latencies_max[i];
	}
}

/* ---- all of them ---- */

const struct top_view top_views[TOP_VIEWS] = {
	{ 't',
	  "types",
	  { { "EVENT", "event", -40, TOP_TEXT },
	    { "EVENTS/s", "rate", 10, TOP_RATE },
	    { "%", "percent", 7, TOP_PERCENT },
	    { "SINCE START", "total", 12, TOP_COUNT } },
	  1,
	  fill_types },
	{ 'p',
	  "tasks",
	  { { "TID", "tid", 8, TOP_NUMBER },
	    { "PID", "pid", 8, TOP_NUMBER },
	    { "COMM", "comm", -16, TOP_TEXT },
	    { "EVENTS/s", "rate", 9, TOP_RATE },
	    { "%", "percent", 6, TOP_PERCENT },
	    { "LONGEST", "longest_ns", 8, TOP_NS },
	    { "OF", "longest", -16, TOP_TEXT } },
	  -1,
	  fill_tasks },
	{ 'c',
	  "cpus",
	  { { "CPU", "cpu", 5, TOP_NUMBER },
	    { "NODE", "node", 5, TOP_NUMBER },
	    { "SHARD", "shard", 6, TOP_NUMBER },
	    { "EVENTS/s", "rate", 10, TOP_RATE },
	    { "%", "percent", 7, TOP_PERCENT } },
	  3,
	  fill_cpus },
	{ 'n',
	  "nodes",
	  { { "NODE", "node", 5, TOP_NUMBER },
	    { "CPUS", "cpus", 5, TOP_NUMBER },
	    { "SHARDS", "shards", 7, TOP_NUMBER },
	    { "EVENTS/s", "rate", 10, TOP_RATE },
	    { "%", "percent", 7, TOP_PERCENT },
	    { "FILL %", "fill_percent", 7, TOP_PERCENT },
	    { "LAG", "lag_ns", 8, TOP_NS },
	    { "LOST", "lost", 8, TOP_COUNT } },
	  3,
	  fill_nodes },
	{ 's',
	  "shards",
	  { { "SHARD", "shard", 5, TOP_NUMBER },
	    { "NODE", "node", 4, TOP_NUMBER },
	    { "CPUS", "cpus", -12, TOP_TEXT },
	    { "EVENTS/s", "rate", 8, TOP_RATE },
	    { "FILL %", "fill_percent", 6, TOP_PERCENT },
	    { "PEAK %", "peak_percent", 6, TOP_PERCENT },
	    { "LAG", "lag_ns", 7, TOP_NS },
	    { "LATE", "late", 6, TOP_COUNT },
	    { "LOST", "lost", 6, TOP_COUNT },
	    { "CPU %", "consumer_percent", 5, TOP_PERCENT } },
	  3,
	  fill_shards },
	{ 'l',
	  "latency",
	  { { "DURATION", "duration", -23, TOP_TEXT },
	    { "COUNT/s", "rate", 7, TOP_RATE },
	    { "P50", "p50_ns", 7, TOP_NS },
	    { "P90", "p90_ns", 7, TOP_NS },
	    { "P99", "p99_ns", 7, TOP_NS },
	    { "P99.9", "p999_ns", 7, TOP_NS },
	    { "MAX", "max_ns", 7, TOP_NS },
	    { "EVER", "ever_ns", 7, TOP_NS } },
	  1,
	  fill_latencies },
};

const struct top_view *top_view_find(const char *name)
{
	for (unsigned i = 0; i < TOP_VIEWS; i++)
		if (!strcmp(top_views[i].name, name))
			return &top_views[i];
	return NULL;
}

const struct top_view *top_view_of_key(int key)
{
	for (unsigned i = 0; i < TOP_VIEWS; i++)
		if (top_views[i].key == key)
			return &top_views[i];
	return NULL;
}
