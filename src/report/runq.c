// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "runq": how long tasks were ready to run before they ran, and who ran instead. */
#include <inttypes.h>
#include <string.h>
#include "cause.h"
#include "duration.h"
#include "memory.h"
#include "report.h"
#include "sched.h"
#include "text.h"
#include "totals.h"
#include "worst.h"

/* From the wake-up, or from losing the CPU to another task, to running. */
struct wait {
	struct pair pair;
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	bool woken; /* by wake; else it lost its CPU */
	unsigned cpu;
	const struct call_kind *call;
	struct sched_wake wake;
	struct cause *cause; /* of a wait that may be one of the worst */
};

struct runq {
	struct sched sched;
	const struct report_env *env;
	struct pairs *pairs;
	struct worst worst;
	struct hist hist;
	struct totals tasks;
	struct totals hogs;	/* by what others waited while they ran */
	uint64_t n_open;	/* ready at the end */
	struct sched_task open; /* for the longest time */
	uint64_t end;
};

static uint64_t length(const struct wait *w)
{
	return w->pair.end - w->pair.begin;
}

static void free_cause(void *item)
{
	cause_free(((struct wait *)item)->cause);
}

static struct wait wait_of(const struct sched_task *t, const struct feed_event *e)
{
	struct wait w = {
		.pair = { t->slept ? t->wake.ts : t->out, e->ts, t->split },
		.tid = t->tid,
		.pid = t->pid,
		.woken = t->slept,
		.cpu = e->cpu,
		.call = t->call,
		.wake = t->wake,
	};

	if (w.pair.begin && w.pair.begin < t->out) /* the wake-up came early */
		w.pair.begin = t->out;
	memcpy(w.comm, t->comm, sizeof(w.comm));
	return w;
}

static void on_start(void *ctx, struct sched_task *t, const struct feed_event *e)
{
	struct wait w = wait_of(t, e);
	struct runq *r = ctx;

	if (!w.pair.begin || !e->passes || !report_wants(r->env, t->pid, t->comm))
		return;
	if (worst_takes(&r->worst, length(&w))) {
		w.cause = cause_new();
		cause_ready(w.cause, &r->sched, t, w.cpu, w.pair.begin, w.pair.end);
	}
	pairs_add(r->pairs, &w.pair);
}

static void on_run(void *ctx, const struct cpu_run *run)
{
	struct totals_key key = { .id = run->tid };
	struct runq *r = ctx;

	if (!run->tid || !run->waited)
		return;
	memcpy(key.name, run->comm, sizeof(run->comm));
	totals_add(&r->hogs, &key, run->waited);
}

static void *runq_open(const struct report_env *env, struct pairs *pairs)
{
	struct runq *r = memory_new(1, sizeof(*r));

	r->env = env;
	r->pairs = pairs;
	r->sched.starts = on_start;
	r->sched.ran = on_run;
	r->sched.ctx = r;
	sched_open(&r->sched, env->types);
	worst_init(&r->worst, env->worst, sizeof(struct wait), free_cause);
	return r;
}

static void runq_close(void *state)
{
	struct runq *r = state;

	sched_close(&r->sched);
	worst_close(&r->worst);
	hist_clear(&r->hist);
	totals_close(&r->tasks);
	totals_close(&r->hogs);
	free(r);
}

static void runq_pair(void *state, struct pair *pair)
{
	struct wait *w = (struct wait *)pair;
	struct totals_key key = { .id = w->tid };
	struct runq *r = state;

	hist_add(&r->hist, length(w));
	memcpy(key.name, w->comm, sizeof(w->comm));
	totals_add(&r->tasks, &key, length(w));
	worst_add(&r->worst, length(w), w);
}

static void runq_drop(struct pair *pair)
{
	free_cause(pair);
}

static void runq_end(void *state, uint64_t end)
{
	struct runq *r = state;

	r->end = end;
	totals_sort(&r->tasks);
	for (unsigned cpu = 0; cpu <= UINT16_MAX; cpu++) {
		const struct cpu_run *run = cpus_finish(&r->sched.cpus, cpu, end);

		if (run)
			on_run(r, run);
	}
	totals_sort(&r->hogs);
	if (report_lacks_cpus(r->env))
		return;
	for (struct sched_task *t = sched_each(&r->sched, NULL); t; t = sched_each(&r->sched, t)) {
		if (t->state != SCHED_READY || !report_wants(r->env, t->pid, t->comm) ||
		    !pairs_complete_since(r->pairs, t->since))
			continue;
		if (!r->n_open++ || t->since < r->open.since)
			r->open = *t;
	}
}

/* ---- text ---- */

static char *cause_of(const struct wait *w)
{
	char *text;
	FILE *out = text_open(&text);

	if (w->woken) {
		cause_print_waker(out, &w->wake, w->call, "");
		fputs(" woke it, and it waited ", out);
	} else {
		fputs("lost its CPU, and waited ", out);
	}
	cause_print_ready(out, w->cause);
	fclose(out);
	return memory_check(text);
}

/* After a loss, or on other CPUs, tasks may seem to wait that have run. */
static bool knows_hogs(const struct runq *r)
{
	return r->hogs.rows.n && !r->pairs->lost_until && !r->env->pids && !r->env->comm &&
	       !report_lacks_cpus(r->env);
}

/* Who ran most while others waited. */
static void print_hog(const struct runq *r, FILE *out)
{
	const struct total *hog;
	uint64_t sum = 0;

	if (!knows_hogs(r))
		return;
	for (unsigned i = 0; i < r->hogs.rows.n; i++) {
		hog = r->hogs.rows.list[i];
		sum += hog->sum;
	}
	hog = r->hogs.rows.list[0];
	print_line(out, "While %s ran, others waited %s in all, %.0f %% of all waiting.",
		   name_text(hog->key.name, hog->key.id).s, duration(hog->sum).s,
		   100.0 * hog->sum / sum);
}

static void verdict(const void *state, FILE *out)
{
	const struct runq *r = state;
	const struct wait *w = worst_at(&r->worst, 0);

	if (!r->worst.n) {
		fputs("runq: no task was ready and then ran.", out);
		return;
	}
	fprintf(out, "runq: %s was ready to run for %s ", task_text(w->comm, w->tid).s,
		duration(length(w)).s);
	cause_print_ready(out, w->cause);
	fprintf(out, ", and then ran on %s.", cpu_text(r->env, w->cpu).s);
}

static void print_verdict(const struct runq *r, FILE *out)
{
	print_paragraph(out, verdict, r);
	print_hog(r, out);
	print_pairs(out, r->pairs, &r->hist, "wait");
	if (r->n_open)
		print_line(out, "%s did not end, the longest: %s, for %s",
			   counted_text(r->n_open, "wait").s,
			   task_text(r->open.comm, r->open.tid).s,
			   duration(r->end - r->open.since).s);
}

static void print_wait(const struct runq *r, FILE *out, const struct wait *w)
{
	char *cause = cause_of(w);
	int column = fprintf(out, "%s %9s  %-23s %4u  ", time_text(r->env, w->pair.begin).s,
			     duration(length(w)).s, task_text(w->comm, w->tid).s, w->cpu);

	print_wrapped(out, cause, column, 17);
	free(cause);
}

static void runq_print(void *state, FILE *out)
{
	struct runq *r = state;

	print_verdict(r, out);
	if (!r->worst.n)
		return;
	fprintf(out, "\n%-15s %9s  %-23s %4s  %s\n", "BEGIN", "WAIT", "TASK", "CPU", "CAUSE");
	for (unsigned i = 0; i < r->worst.n; i++)
		print_wait(r, out, worst_at(&r->worst, i));
	fputc('\n', out);
	hist_print(&r->hist, out, r->env->utf8);
	fputc('\n', out);
	totals_print(&r->tasks, out, "TASK", "WAITS", r->env->worst);
	if (!knows_hogs(r))
		return;
	fputc('\n', out);
	totals_print(&r->hogs, out, "OTHERS WAITED FOR", "TIMES", r->env->worst);
}

/* ---- JSON ---- */

static json_t *json_wait(const void *item, const void *ctx)
{
	const struct wait *w = item;
	const struct runq *r = ctx;
	char *text = cause_of(w);
	json_t *o = json_pack("{s:I, s:I, s:s, s:i, s:i, s:b, s:i, s:i, s:s}", "begin_ns",
			      (json_int_t)w->pair.begin, "duration_ns", (json_int_t)length(w),
			      "comm", safe_text(w->comm).s, "tid", w->tid, "pid", (int)w->pid,
			      "woken", w->woken, "cpu", (int)w->cpu, "node",
			      report_node(r->env, w->cpu), "cause", text);

	json_object_set_new(o, "waker",
			    w->woken ? cause_json_waker(&w->wake, w->call, "") : json_null());
	cause_json_ready(o, w->cause);
	free(text);
	return o;
}

static json_t *runq_json(void *state)
{
	struct runq *r = state;
	json_t *root = json_pack("{s:s, s:o, s:I, s:I}", "report", "runq", "verdict",
				 text_json(verdict, r), "pairs", (json_int_t)r->hist.n, "open",
				 (json_int_t)r->n_open);

	json_pairs(root, r->pairs);
	json_object_set_new(root, "worst", worst_json(&r->worst, json_wait, r));
	json_object_set_new(root, "histogram", hist_json(&r->hist));
	json_object_set_new(root, "tasks", totals_json(&r->tasks));
	json_object_set_new(root, "while_ran", knows_hogs(r) ? totals_json(&r->hogs) : json_null());
	return root;
}

static const struct feed_type events[] = { SCHED_SWITCH,  SCHED_WAKEUP,	 SCHED_MIGRATE,
					   SCHED_HARDIRQ, SCHED_SOFTIRQ, {} };

const struct report report_runq = {
	.name = "runq",
	.about = "which task was ready and did not run, and who ran instead",
	.sources = "sched",
	.events = events,
	.pair_size = sizeof(struct wait),
	.open = runq_open,
	.close = runq_close,
	.pair = runq_pair,
	.drop = runq_drop,
	.end = runq_end,
	.print = runq_print,
	.json = runq_json,
};
