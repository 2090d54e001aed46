// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What numaring top counts: random events against a count that is slow and simple; and its tables of
 * a machine with 64 shards, in 80 columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include "cli/top.h"
#include "seed.h"
#include "types/types.h"

#define CPUS   64
#define TASKS  100000
#define EVENTS 200000

enum { ID_WORK = 3, ID_OTHER = 7 };

struct work {
	uint32_t pid;
	uint32_t tid;
	uint64_t wait_ns;
	char comm[16];
};

struct other {
	uint32_t pid; /* 0: there is no field for the thread */
};

static struct nr_types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int u64 = btf__add_int(btf, "unsigned long", 8, 0);
	int ch = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int text = btf__add_array(btf, ch, ch, 16);
	int work = btf__add_struct(btf, "work", sizeof(struct work));
	struct nr_types *types;
	int other;

	btf__add_field(btf, "pid", u32, 0, 0);
	btf__add_field(btf, "tid", u32, 32, 0);
	btf__add_field(btf, "wait_ns", u64, 64, 0);
	btf__add_field(btf, "comm", text, 128, 0);
	other = btf__add_struct(btf, "other", sizeof(struct other));
	btf__add_field(btf, "value", u32, 0, 0);
	assert_int_equal(nr_types_new(&types, NULL, NULL), 0);
	assert_int_equal(nr_types_add(types, ID_WORK, "work", btf, work), 0);
	assert_int_equal(nr_types_add(types, ID_OTHER, "other", btf, other), 0);
	btf__free(btf);
	return types;
}

/* ---- counting ---- */

struct simple {
	uint64_t types[ID_OTHER + 1], cpus[CPUS], n, tasks;
	uint64_t task[TASKS], longest[TASKS];
	uint64_t waits, longest_wait;
};

static void count_work(struct simple *s, const struct work *w)
{
	s->tasks += !s->task[w->tid]++;
	if (w->wait_ns > s->longest[w->tid])
		s->longest[w->tid] = w->wait_ns;
	if (w->wait_ns > s->longest_wait)
		s->longest_wait = w->wait_ns;
	s->waits += !!w->wait_ns;
}

static void one_event(struct top_count *c, struct simple *s, struct seed *seed, unsigned tasks)
{
	struct work work = { .tid = seed_below(seed, tasks) };
	struct nr_record rec = { .cpu = seed_below(seed, CPUS) };
	const struct nr_event ev = { .rec = &rec, .data = &work, .size = sizeof(work) };
	const struct nr_batch batch = { .events = &ev, .n = 1 };

	rec.id = seed_once_in(seed, 4) ? ID_OTHER : ID_WORK;
	work.pid = work.tid / 2;
	work.wait_ns = seed_once_in(seed, 3) ? 0 : 1ull << seed_below(seed, 40);
	snprintf(work.comm, sizeof(work.comm), "task %u", work.tid);
	s->n++;
	s->types[rec.id]++;
	s->cpus[rec.cpu]++;
	if (rec.id == ID_WORK)
		count_work(s, &work);
	assert_int_equal(top_count_batch(c, &batch), 0);
}

static void compare_tasks(const struct top_tally *t, const struct simple *s)
{
	uint64_t n = t->others;
	char comm[16];

	for (unsigned i = 0; i < t->room; i++) {
		const struct top_task *task = &t->tasks[i];

		if (!task->n)
			continue;
		n += task->n;
		assert_in_range(task->n, 1, s->task[task->tid]);
		if (!t->others) {
			assert_int_equal(task->n, s->task[task->tid]);
			assert_int_equal(task->longest_ns, s->longest[task->tid]);
		}
		assert_int_equal(task->pid, task->tid / 2);
		snprintf(comm, sizeof(comm), "task %d", task->tid);
		assert_string_equal(task->comm, comm);
	}
	assert_int_equal(n, s->types[ID_WORK]);
	if (!t->others)
		assert_int_equal(t->n_tasks, s->tasks);
}

static void compare(const struct top_tally *t, const struct simple *s)
{
	assert_int_equal(t->n, s->n);
	assert_int_equal(t->types[ID_WORK], s->types[ID_WORK]);
	assert_int_equal(t->types[ID_OTHER], s->types[ID_OTHER]);
	assert_memory_equal(t->cpus, s->cpus, sizeof(s->cpus));
	assert_int_equal(t->latencies[0].n, s->waits);
	assert_int_equal(t->latencies[0].max, s->longest_wait);
	compare_tasks(t, s);
}

/* Intervals with more and more tasks, the last one with more than have a place. */
static void test_counts(void **state)
{
	struct seed seed = { seed_first("top counts") };
	struct nr_types *types = make_types();
	struct simple *s = malloc(sizeof(*s));
	struct top_count count;

	(void)state;
	assert_int_equal(top_count_open(&count, types, CPUS), 0);
	assert_int_equal(count.n_latencies, 1);
	for (unsigned tasks = 10; tasks <= TASKS; tasks *= 10) {
		memset(s, 0, sizeof(*s));
		for (unsigned i = 0; i < EVENTS; i++)
			one_event(&count, s, &seed, tasks);
		compare(top_count_take(&count), s);
	}
	assert_true(count.tallies[0].others || count.tallies[1].others);
	assert_int_equal(top_count_take(&count)->n, 0);
	free(s);
	top_count_close(&count);
	nr_types_free(types);
}

/* Records that are too short for their type, of unknown types and of CPUs outside of the table. */
static void test_odd_events(void **state)
{
	struct nr_types *types = make_types();
	struct work work = { .tid = 5, .wait_ns = 9 };
	struct nr_record rec = { .id = ID_WORK };
	struct nr_event ev = { .rec = &rec, .data = &work, .size = 6 };
	const struct nr_batch batch = { .events = &ev, .n = 1 };
	const struct top_tally *t;
	struct top_count count;

	(void)state;
	assert_int_equal(top_count_open(&count, types, CPUS), 0);
	top_count_batch(&count, &batch);
	rec.id = 0xfff0;
	rec.cpu = 0xfff0;
	top_count_batch(&count, &batch);
	t = top_count_take(&count);
	assert_int_equal(t->n, 2);
	assert_int_equal(t->types[ID_WORK], 1);
	assert_int_equal(t->latencies[0].n, 0);
	top_count_close(&count);
	nr_types_free(types);
}

/* ---- tables ---- */

struct machine {
	struct nr_types *types;
	struct nr_topology *topology;
	struct nr_plan *plan;
	struct top_count count;
	struct nr_shard_stats shards[CPUS];
	struct nr_stats stats;
	double consumers[CPUS];
	uint64_t totals[ID_OTHER + 1], longest[1];
	struct top_snapshot snapshot;
};

static void plan_machine(struct machine *m)
{
	const struct nr_topology_opts topology = { .sz = sizeof(topology),
						   .synthetic = "pack:2 [numa] core:32 pu:1" };
	const struct nr_plan_opts plan = { .sz = sizeof(plan), .policy = "cpu" };

	m->types = make_types();
	assert_int_equal(nr_topology_open(&m->topology, &topology), 0);
	assert_int_equal(nr_plan_make(&m->plan, m->topology, &plan), 0);
	assert_int_equal(m->plan->n_shards, CPUS);
	assert_int_equal(top_count_open(&m->count, m->types, CPUS), 0);
}

/* An event of the longest duration on every CPU, and shards that lost a lot. */
static void fill_machine(struct machine *m)
{
	struct work work = { .tid = 4194303, .pid = 4194303, .wait_ns = 123456789012 };
	struct nr_record rec = { .id = ID_WORK };
	struct nr_event ev = { .rec = &rec, .data = &work, .size = sizeof(work) };
	const struct nr_batch batch = { .events = &ev, .n = 1 };
	unsigned n_cpus;

	memcpy(work.comm, "fifteen letters", 16);
	for (rec.cpu = 0; rec.cpu < CPUS; rec.cpu++) {
		m->shards[rec.cpu] = (struct nr_shard_stats){ .ring_bytes = 4096,
							      .fill = 4096,
							      .fill_peak = 4096,
							      .records = 999 * (rec.cpu + 1),
							      .late = 999999,
							      .lag_ns = 123456789012 };
		m->shards[rec.cpu].lost[0] = 999999;
		m->consumers[rec.cpu] = 100;
		top_count_batch(&m->count, &batch);
	}
	m->stats = (struct nr_stats){ .n_shards = CPUS,
				      .shard_stride = sizeof(*m->shards),
				      .shards = m->shards,
				      .duration_ns = 99999999999999,
				      .events_written = 999999999999,
				      .lost_total = 999999999,
				      .lag_ns = 123456789012,
				      .cpu_ns = 1000000000 };
	m->snapshot = (struct top_snapshot){ .count = &m->count,
					     .plan = m->plan,
					     .node_of_cpu = nr_plan_nodes(m->plan, &n_cpus),
					     .tally = top_count_take(&m->count),
					     .stats = &m->stats,
					     .seconds = 1,
					     .types_total = m->totals,
					     .latencies_max = m->longest,
					     .consumer_percent = m->consumers };
}

static void free_machine(struct machine *m)
{
	top_count_close(&m->count);
	nr_plan_free(m->plan);
	nr_topology_free(m->topology);
	nr_types_free(m->types);
	free(m);
}

static void check_width(const struct top_view *view, const struct top_table *table)
{
	char line[TOP_LINE] = "";

	top_table_head(view, line);
	assert_in_range(strlen(line), 1, 80);
	for (unsigned i = 0; i < table->n; i++) {
		top_table_line(view, table->rows[i], line);
		if (strlen(line) > 80)
			fail_msg("%s: %s", view->name, line);
	}
}

static void test_64_shards(void **state)
{
	const unsigned rows[TOP_VIEWS] = { 2, 1, CPUS, 2, CPUS, 1 };
	struct machine *m = calloc(1, sizeof(*m));
	struct top_table table = {};
	char lines[2][TOP_LINE] = {};

	(void)state;
	plan_machine(m);
	fill_machine(m);
	for (unsigned i = 0; i < TOP_VIEWS; i++) {
		top_table_fill(&table, &top_views[i], &m->snapshot);
		assert_int_equal(table.n, rows[i]);
		check_width(&top_views[i], &table);
	}
	top_table_fill(&table, top_view_find("shards"), &m->snapshot);
	assert_int_equal((int)table.rows[0][0].value, CPUS - 1); /* the busiest */
	assert_int_equal((int)table.rows[0][1].value, 1);
	assert_string_equal(table.rows[0][2].text, "63");
	top_table_fill(&table, top_view_find("nodes"), &m->snapshot);
	assert_int_equal((int)table.rows[0][1].value, CPUS / 2);
	assert_int_equal((int)table.rows[0][2].value, CPUS / 2);
	assert_int_equal((int)table.rows[1][7].value, 999999 * CPUS / 2);
	top_summary(&m->snapshot, lines);
	assert_in_range(strlen(lines[0]), 1, 80);
	assert_in_range(strlen(lines[1]), 1, 80);
	free(table.rows);
	free_machine(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_odd_events),
		cmocka_unit_test(test_64_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
