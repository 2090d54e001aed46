// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "syscalls": which calls take long or fail, for whom, and who ended their wait. */
#include "syscalls.h"

#include <string.h>
#include "call_names.h"
#include "memory.h"

/* ---- events ---- */

enum { NR, TID, DURATION, ERROR, COMM };

/* Not those that read: they may wait for a disk. */
static bool waits_by_design(const struct call_kind *call)
{
	return call->kind == CALL_FUTEX || (call->kind == CALL_WAITS && !call_reads(call->name)) ||
	       (call->kind == CALL_SPAWNS && !strcmp(call->name, "vfork"));
}

static struct call_row *row_of(struct syscalls *s, const struct feed_event *e)
{
	int64_t nr = feed_int(e, NR);
	struct call_row *row = rows_get(&s->rows, &nr);

	if (!row->name) {
		row->name = feed_name(e, NR) ?: "?";
		row->waits = waits_by_design(call_kinds_get(&s->kinds, e, NR));
	}
	return row;
}

static void count_error(struct syscalls *s, const struct feed_event *e)
{
	struct error_key key = { .nr = feed_int(e, NR), .error = feed_int(e, ERROR) };
	struct error_row *row = rows_get(&s->errors, &key);

	if (!row->n++)
		row->name = feed_name(e, ERROR) ?: "?";
	s->failed++;
}

/* Calls that wait by design are worse than none, but less bad than all others. */
static uint64_t rank_of(const struct call_row *row, uint64_t ns)
{
	return ns / 2 | (row->waits ? 0 : 1ull << 63);
}

static void add_long(struct syscalls *s, const struct feed_event *e, const struct call_row *row,
		     const struct call *call)
{
	struct long_call c = {
		.pair = { .begin = e->ts - feed_int(e, DURATION), .end = e->ts },
		.row = row,
		.tid = feed_int(e, TID),
		.error = feed_int(e, ERROR) ? feed_name(e, ERROR) ?: "?" : NULL,
		.entered = call,
		.sched = s->calls.sched,
	};

	feed_text(e, COMM, c.comm, sizeof(c.comm));
	if (call)
		c.call = *call;
	pairs_add(s->pairs, &c.pair);
}

static void on_exit_call(void *state, const struct feed_event *e)
{
	struct syscalls *s = state;
	struct call *call = calls_leave(&s->calls, feed_int(e, TID), feed_int(e, NR));
	struct totals_key task = { .id = feed_int(e, TID) };
	uint64_t ns = feed_int(e, DURATION);
	struct call_row *row;

	if (!e->passes)
		return;
	row = row_of(s, e);
	s->n++;
	if (feed_int(e, ERROR)) {
		row->errors++;
		count_error(s, e);
	}
	if (!ns) /* it was entered before the recording */
		return;
	hist_add(&row->took, ns);
	hist_add(&s->took, ns);
	feed_text(e, COMM, task.name, FEED_COMM);
	totals_add(&s->tasks, &task, ns);
	if (worst_takes(&s->worst, rank_of(row, ns)))
		add_long(s, e, row, call);
}

static void syscalls_pair(void *state, struct pair *pair)
{
	struct long_call *c = (struct long_call *)pair;
	struct syscalls *s = state;

	worst_add(&s->worst, rank_of(c->row, pair->end - pair->begin), c);
}

static void *syscalls_open(const struct report_env *env, struct pairs *pairs)
{
	struct syscalls *s = memory_new(1, sizeof(*s));

	s->env = env;
	s->pairs = pairs;
	calls_open(&s->calls, env->types);
	s->rows = (struct rows){ .size = sizeof(struct call_row), .key_size = sizeof(int64_t) };
	s->errors = (struct rows){ .size = sizeof(struct error_row),
				   .key_size = sizeof(struct error_key) };
	worst_init(&s->worst, env->worst, sizeof(struct long_call), NULL);
	return s;
}

static void clear_row(void *row)
{
	hist_clear(&((struct call_row *)row)->took);
}

static void syscalls_close(void *state)
{
	struct syscalls *s = state;

	calls_close(&s->calls);
	rows_close(&s->rows, clear_row);
	rows_close(&s->errors, NULL);
	totals_close(&s->tasks);
	worst_close(&s->worst);
	hist_clear(&s->took);
	free(s);
}

static uint64_t row_rank(const void *p)
{
	const struct call_row *row = p;

	return rank_of(row, row->took.sum);
}

static uint64_t error_rank(const void *row)
{
	return ((const struct error_row *)row)->n;
}

static void syscalls_end(void *state, uint64_t end)
{
	struct syscalls *s = state;

	(void)end;
	rows_sort(&s->rows, row_rank);
	rows_sort(&s->errors, error_rank);
	totals_sort(&s->tasks);
}

static const struct feed_type events[] = {
	{ "sys_exit", "syscalls", { "nr", "tid", "duration_ns", "error", "comm" }, on_exit_call },
	CALLS_EVENTS,
	{},
};

const struct report report_syscalls = {
	.name = "syscalls",
	.about = "which calls take long or fail, for whom, and who ended their wait",
	.sources = "syscalls,sched",
	.events = events,
	.pair_size = sizeof(struct long_call),
	.open = syscalls_open,
	.close = syscalls_close,
	.pair = syscalls_pair,
	.end = syscalls_end,
	.print = syscalls_print,
	.json = syscalls_json,
};
