// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "faults": who waits for memory, who faults, and what moves between nodes. */
#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "memory.h"
#include "report.h"
#include "rows.h"
#include "text.h"
#include "totals.h"
#include "worst.h"

/* Page faults of a process. */
struct fault_row {
	struct fault_key {
		char comm[FEED_COMM];
		uint64_t pid;
	} key;
	uint64_t n, user, write;
};

/* A thread that waited until the kernel had freed or moved pages. */
struct stall {
	struct pair pair;
	bool compacts;	    /* else it reclaims */
	const char *detail; /* enum reclaim_kind or compaction_status */
	uint64_t reclaimed; /* pages */
	unsigned order;
	int32_t tid;
	char comm[FEED_COMM];
};

/* Pages that moved to another place, for a reason. */
struct migrate_row {
	int64_t reason; /* the key */
	const char *name;
	uint64_t succeeded, failed;
};

/* Tasks that NUMA balancing moved from node to node, or could not. */
struct move_row {
	struct move_key {
		int32_t from, to;
		int64_t kind;
	} key;
	const char *name;
	uint64_t n;
};

struct faults {
	const struct report_env *env;
	struct rows tasks, migrates, moves;
	struct totals stalled; /* by thread */
	struct worst worst;
	struct hist stalls;
	uint64_t n, migrated, moved, end;
};

/* ---- events ---- */

static void fold_tasks(void *others, const void *row)
{
	const struct fault_row *from = row;
	struct fault_row *to = others;

	to->n += from->n;
	to->user += from->user;
	to->write += from->write;
}

static void on_fault(void *state, const struct feed_event *e)
{
	struct faults *f = state;
	struct fault_key key = { .pid = feed_int(e, 0) };
	struct fault_row one = { .n = 1, .user = feed_int(e, 2), .write = feed_int(e, 3) };

	if (!e->passes)
		return;
	feed_text(e, 1, key.comm, sizeof(key.comm));
	fold_tasks(rows_get(&f->tasks, &key), &one);
	f->n++;
}

enum { DURATION, TID, COMM, DETAIL, ORDER, RECLAIMED };

static void on_stall(struct faults *f, const struct feed_event *e, struct stall *stall)
{
	uint64_t ns = feed_int(e, DURATION);
	struct totals_key task = { .id = feed_int(e, TID) };

	if (!e->passes || !ns) /* 0: the begin was not seen */
		return;
	stall->pair = (struct pair){ .begin = e->ts - ns, .end = e->ts };
	stall->tid = task.id;
	stall->detail = feed_name(e, DETAIL) ?: "?";
	feed_text(e, COMM, stall->comm, sizeof(stall->comm));
	memcpy(task.name, stall->comm, sizeof(stall->comm));
	totals_add(&f->stalled, &task, ns);
	hist_add(&f->stalls, ns);
	worst_add(&f->worst, ns, stall);
}

static void on_reclaim(void *state, const struct feed_event *e)
{
	struct stall stall = {
		.order = feed_int(e, ORDER),
		.reclaimed = feed_int(e, RECLAIMED),
	};

	on_stall(state, e, &stall);
}

static void on_compact(void *state, const struct feed_event *e)
{
	struct stall stall = { .compacts = true };

	on_stall(state, e, &stall);
}

static void on_migrate(void *state, const struct feed_event *e)
{
	int64_t reason = feed_int(e, 0);
	struct faults *f = state;
	struct migrate_row *row;

	if (!e->passes)
		return;
	row = rows_get(&f->migrates, &reason);
	row->name = feed_name(e, 0) ?: "?";
	row->succeeded += feed_int(e, 1);
	row->failed += feed_int(e, 2);
	f->migrated += feed_int(e, 1);
}

static void on_move(void *state, const struct feed_event *e)
{
	struct move_key key = { .kind = feed_int(e, 0),
				.from = feed_int(e, 1),
				.to = feed_int(e, 2) };
	struct faults *f = state;
	struct move_row *row;

	if (!e->passes)
		return;
	row = rows_get(&f->moves, &key);
	row->name = feed_name(e, 0) ?: "?";
	row->n++;
	f->moved += strcmp(row->name, "STICK") != 0;
}

static uint64_t task_rank(const void *row)
{
	return ((const struct fault_row *)row)->n;
}

static void *faults_open(const struct report_env *env, struct pairs *pairs)
{
	static const struct fault_key others = { .comm = "(others)" };
	struct faults *f = memory_new(1, sizeof(*f));

	(void)pairs; /* the kernel's part measures, so losses do not change how long a stall was */
	f->env = env;
	f->tasks = (struct rows){ .size = sizeof(struct fault_row),
				  .key_size = sizeof(struct fault_key),
				  .others = &others,
				  .fold = fold_tasks,
				  .rank = task_rank };
	f->migrates =
		(struct rows){ .size = sizeof(struct migrate_row), .key_size = sizeof(int64_t) };
	f->moves = (struct rows){ .size = sizeof(struct move_row),
				  .key_size = sizeof(struct move_key) };
	worst_init(&f->worst, env->worst, sizeof(struct stall), NULL);
	return f;
}

static void faults_close(void *state)
{
	struct faults *f = state;

	rows_close(&f->tasks, NULL);
	rows_close(&f->migrates, NULL);
	rows_close(&f->moves, NULL);
	totals_close(&f->stalled);
	worst_close(&f->worst);
	hist_clear(&f->stalls);
	free(f);
}

static uint64_t migrate_rank(const void *row)
{
	return ((const struct migrate_row *)row)->succeeded;
}

static uint64_t move_rank(const void *row)
{
	return ((const struct move_row *)row)->n;
}

static void faults_end(void *state, uint64_t end)
{
	struct faults *f = state;

	f->end = end;
	rows_sort(&f->tasks, task_rank);
	rows_sort(&f->migrates, migrate_rank);
	rows_sort(&f->moves, move_rank);
	totals_sort(&f->stalled);
}

/* ---- text ---- */

static double per_second(const struct faults *f, uint64_t n)
{
	return f->end > f->env->begin ? n * 1e9 / (f->end - f->env->begin) : 0;
}

static const char *stall_kind(const struct stall *s)
{
	return s->compacts ? "compaction" : "direct reclaim";
}

static void print_detail(const struct stall *s, FILE *out)
{
	if (s->compacts)
		fputs(s->detail, out);
	else
		fprintf(out, "%s, order %u, %s freed", s->detail, s->order,
			counted_text(s->reclaimed, "page").s);
}

static void verdict(const void *state, FILE *out)
{
	const struct faults *f = state;
	const struct stall *s = worst_at(&f->worst, 0);
	const struct fault_row *most = f->tasks.n ? f->tasks.list[0] : NULL;

	fputs("faults: ", out);
	if (f->worst.n) {
		fprintf(out, "%s waited %s in %s (", task_text(s->comm, s->tid).s,
			duration(s->pair.end - s->pair.begin).s, stall_kind(s));
		print_detail(s, out);
		fprintf(out, "); %s took %s in all.", counted_text(f->stalls.n, "stall").s,
			duration(f->stalls.sum).s);
	} else {
		fputs("no task waited for memory.", out);
	}
	if (most)
		fprintf(out, " %s, %.0f per second; most are of %s (%.0f %%).",
			counted_text(f->n, "page fault").s, per_second(f, f->n),
			name_text(most->key.comm, most->key.pid).s, 100.0 * most->n / f->n);
	if (f->migrated || f->moved)
		fprintf(out, " %s migrated, %s moved by NUMA balancing.",
			counted_text(f->migrated, "page").s, counted_text(f->moved, "task").s);
}

static void print_worst(const struct faults *f, FILE *out)
{
	fprintf(out, "\n%-15s %9s  %-23s %-14s  %s\n", "BEGIN", "STALL", "TASK", "IN", "DETAIL");
	for (unsigned i = 0; i < f->worst.n; i++) {
		const struct stall *s = worst_at(&f->worst, i);

		fprintf(out, "%s %9s  %-23s %-14s  ", time_text(f->env, s->pair.begin).s,
			duration(s->pair.end - s->pair.begin).s, task_text(s->comm, s->tid).s,
			stall_kind(s));
		print_detail(s, out);
		fputc('\n', out);
	}
	fputc('\n', out);
	hist_print(&f->stalls, out, f->env->utf8);
	fputc('\n', out);
	totals_print(&f->stalled, out, "TASK", "STALLS", f->env->worst);
}

static void print_tasks(const struct faults *f, FILE *out)
{
	fprintf(out, "\n%-24s %10s %10s %8s %8s\n", "PROCESS", "FAULTS", "PER S", "USER", "WRITE");
	for (unsigned i = 0; i < f->tasks.n && i < f->env->worst; i++) {
		const struct fault_row *row = f->tasks.list[i];

		fprintf(out, "%-24s %10" PRIu64 " %10.1f %6.0f %% %6.0f %%\n",
			name_text(row->key.comm, row->key.pid).s, row->n, per_second(f, row->n),
			100.0 * row->user / row->n, 100.0 * row->write / row->n);
	}
	print_more(out, f->tasks.n, f->env->worst);
}

static void print_numa(const struct faults *f, FILE *out)
{
	if (f->migrates.n)
		fprintf(out, "\n%-24s %10s %10s\n", "PAGES MIGRATED FOR", "PAGES", "FAILED");
	for (unsigned i = 0; i < f->migrates.n; i++) {
		const struct migrate_row *row = f->migrates.list[i];

		fprintf(out, "%-24s %10" PRIu64 " %10" PRIu64 "\n", row->name, row->succeeded,
			row->failed);
	}
	if (f->moves.n)
		fprintf(out, "\n%-24s %10s %10s\n", "TASKS BETWEEN NODES", "TASKS", "HOW");
	for (unsigned i = 0; i < f->moves.n && i < f->env->worst; i++) {
		const struct move_row *row = f->moves.list[i];

		fprintf(out, "%4d -> %-16d %10" PRIu64 " %10s\n", row->key.from, row->key.to,
			row->n, row->name);
	}
	print_more(out, f->moves.n, f->env->worst);
}

static void faults_print(void *state, FILE *out)
{
	struct faults *f = state;

	print_paragraph(out, verdict, f);
	if (f->worst.n)
		print_worst(f, out);
	if (f->tasks.n)
		print_tasks(f, out);
	print_numa(f, out);
}

/* ---- JSON ---- */

static json_t *json_stall(const void *p, const void *ctx)
{
	const struct stall *s = p;

	(void)ctx;
	return json_pack("{s:I, s:I, s:s, s:i, s:s, s:s, s:i, s:I}", "begin_ns",
			 (json_int_t)s->pair.begin, "duration_ns",
			 (json_int_t)(s->pair.end - s->pair.begin), "comm", safe_text(s->comm).s,
			 "tid", s->tid, "in", stall_kind(s), "detail", s->detail, "order",
			 (int)s->order, "reclaimed", (json_int_t)s->reclaimed);
}

static json_t *json_task(const void *p, const void *ctx)
{
	const struct fault_row *row = p;
	const struct faults *f = ctx;

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:f}", "comm", safe_text(row->key.comm).s,
			 "pid", (json_int_t)row->key.pid, "faults", (json_int_t)row->n, "user",
			 (json_int_t)row->user, "write", (json_int_t)row->write, "per_s",
			 per_second(f, row->n));
}

static json_t *json_migrate(const void *p, const void *ctx)
{
	const struct migrate_row *row = p;

	(void)ctx;
	return json_pack("{s:s, s:I, s:I}", "reason", row->name, "succeeded",
			 (json_int_t)row->succeeded, "failed", (json_int_t)row->failed);
}

static json_t *json_move(const void *p, const void *ctx)
{
	const struct move_row *row = p;

	(void)ctx;
	return json_pack("{s:i, s:i, s:s, s:I}", "from_node", row->key.from, "to_node", row->key.to,
			 "kind", row->name, "n", (json_int_t)row->n);
}

static json_t *faults_json(void *state)
{
	struct faults *f = state;

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "report", "faults",
			 "verdict", text_json(verdict, f), "worst",
			 worst_json(&f->worst, json_stall, f), "histogram", hist_json(&f->stalls),
			 "stalled", totals_json(&f->stalled), "faults", (json_int_t)f->n,
			 "processes", rows_json(&f->tasks, json_task, f), "migrations",
			 rows_json(&f->migrates, json_migrate, f), "moves",
			 rows_json(&f->moves, json_move, f));
}

static const struct feed_type events[] = {
	{ "page_fault", "memory", { "pid", "comm", "user", "write" }, on_fault },
	{ "memory_reclaim",
	  "memory",
	  { "duration_ns", "tid", "comm", "kind", "order", "reclaimed" },
	  on_reclaim },
	{ "memory_compact", "memory", { "duration_ns", "tid", "comm", "status" }, on_compact },
	{ "memory_migrate", "memory", { "reason", "succeeded", "failed" }, on_migrate },
	{ "numa_move", "memory", { "kind", "from_node", "to_node" }, on_move },
	{},
};

const struct report report_faults = {
	.name = "faults",
	.about = "who waits for memory, who faults, and what moves between nodes",
	.sources = "memory",
	.events = events,
	.pair_size = sizeof(struct pair),
	.open = faults_open,
	.close = faults_close,
	.end = faults_end,
	.print = faults_print,
	.json = faults_json,
};
