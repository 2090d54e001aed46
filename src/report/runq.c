// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "runq": how long tasks were ready to run before they ran, and who ran instead. */
#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "memory.h"
#include "report.h"
#include "sched.h"
#include "text.h"
#include "totals.h"
#include "worst.h"

#define IDLE_IS_ODD 1000000 /* ns that a CPU needs at most to leave its idle state */

/* From the wake-up, or from losing the CPU to another task, to running. */
struct wait {
	struct pair pair;
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	bool woken; /* else it lost its CPU */
	unsigned cpu, from_cpu;
	uint64_t moved;		     /* from from_cpu to cpu; 0: it was not */
	struct sched_shares *shares; /* of a wait that may be one of the worst */
};

struct runq {
	struct sched sched;
	const struct report_env *env;
	struct pairs *pairs;
	struct worst worst;
	struct hist hist;
	struct totals tasks;
	unsigned open; /* ready, and did not run any more */
	uint64_t open_longest;
	int32_t open_tid;
	char open_comm[FEED_COMM];
};

static uint64_t length(const struct wait *w)
{
	return w->pair.end - w->pair.begin;
}

static void drop_wait(void *item)
{
	free(((struct wait *)item)->shares);
}

/* ---- events ---- */

static struct sched_shares *shares_of(const struct runq *r, const struct wait *w)
{
	struct sched_shares *shares = memory_new(1, sizeof(*shares));
	uint64_t begin = w->pair.begin, end = w->pair.end;

	if (w->moved > begin)
		sched_add_shares(&r->sched, shares, w->from_cpu, begin, w->moved, end);
	sched_add_shares(&r->sched, shares, w->cpu, w->moved > begin ? w->moved : begin, end, end);
	return shares;
}

static void on_start(void *ctx, const struct sched_task *t, const struct feed_event *e)
{
	struct runq *r = ctx;
	struct wait w = {
		.pair = { t->slept ? t->woken : t->out, e->ts },
		.tid = t->tid,
		.pid = t->pid,
		.woken = t->slept,
		.cpu = e->cpu,
		.from_cpu = t->from_cpu,
		.moved = t->moved,
	};

	if (t->state != SCHED_READY || !w.pair.begin || !e->passes)
		return;
	memcpy(w.comm, t->comm, sizeof(w.comm));
	if (worst_takes(&r->worst, length(&w)))
		w.shares = shares_of(r, &w);
	pairs_add(r->pairs, &w.pair);
}

static void *runq_open(const struct report_env *env, struct pairs *pairs)
{
	struct runq *r = memory_new(1, sizeof(*r));

	r->env = env;
	r->pairs = pairs;
	r->sched.starts = on_start;
	r->sched.ctx = r;
	sched_open(&r->sched);
	worst_init(&r->worst, env->worst, sizeof(struct wait), drop_wait);
	return r;
}

static void runq_close(void *state)
{
	struct runq *r = state;

	sched_close(&r->sched);
	worst_close(&r->worst);
	hist_clear(&r->hist);
	totals_close(&r->tasks);
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
	drop_wait(pair);
}

static void runq_end(void *state, uint64_t end)
{
	struct runq *r = state;

	totals_sort(&r->tasks);
	for (struct sched_task *t = sched_each(&r->sched, NULL); t; t = sched_each(&r->sched, t)) {
		if (t->state != SCHED_READY)
			continue;
		r->open++;
		if (end - t->since < r->open_longest)
			continue;
		r->open_longest = end - t->since;
		r->open_tid = t->tid;
		memcpy(r->open_comm, t->comm, sizeof(r->open_comm));
	}
}

/* ---- text ---- */

/* "hog:12 (60 %), cat:13 (35 %) ran instead" */
static void print_shares(FILE *out, const struct sched_shares *s)
{
	unsigned shown = 0;

	for (unsigned i = 0; i < s->n && i < 3; i++) {
		unsigned percent = 100.0 * s->list[i].ns / s->known + 0.5;

		if (shown && percent < 5)
			break;
		fprintf(out, "%s%s (%u %%)", shown++ ? ", " : "",
			task_text(s->list[i].comm, s->list[i].tid).s, percent);
	}
	fputs(" ran instead", out);
}

static void print_cause(FILE *out, const struct wait *w)
{
	const struct sched_shares *s = w->shares;

	if (!s || !s->known)
		fputs("what the CPU did is not known", out);
	else if (s->idle <= s->known / 2)
		print_shares(out, s);
	else if (s->idle > IDLE_IS_ODD)
		fprintf(out,
			"the CPU was idle for %s of it: its cgroup has used up cpu.max, or the "
			"host took the CPU",
			duration(s->idle).s);
	else
		fputs("the CPU was idle and took so long to wake up", out);
}

static void print_verdict(const struct runq *r, FILE *out)
{
	const struct wait *w = worst_at(&r->worst, 0);

	fputs("runq: ", out);
	if (r->worst.n) {
		fprintf(out, "%s was ready for %s until it ran on CPU %u: ",
			task_text(w->comm, w->tid).s, duration(length(w)).s, w->cpu);
		print_cause(out, w);
		fputs(".\n", out);
	}
	print_pairs(out, r->pairs, &r->hist, "wait");
	if (r->open)
		fprintf(out, "; %u not over at the end, %s for %s", r->open,
			task_text(r->open_comm, r->open_tid).s, duration(r->open_longest).s);
	fputs("\n", out);
}

static void print_wait(const struct runq *r, FILE *out, const struct wait *w)
{
	fprintf(out, "%s %9s  %-20s %4u  %s; ", time_text(r->env, w->pair.begin).s,
		duration(length(w)).s, task_text(w->comm, w->tid).s, w->cpu,
		w->woken ? "woken up" : "lost its CPU");
	print_cause(out, w);
	fputc('\n', out);
}

static void runq_print(void *state, FILE *out)
{
	struct runq *r = state;

	print_verdict(r, out);
	if (!r->worst.n)
		return;
	fprintf(out, "\n%-15s %9s  %-20s %4s  %s\n", "BEGIN", "WAIT", "TASK", "CPU", "CAUSE");
	for (unsigned i = 0; i < r->worst.n; i++)
		print_wait(r, out, worst_at(&r->worst, i));
	fputc('\n', out);
	hist_print(&r->hist, out, r->env->utf8);
	fputc('\n', out);
	totals_print(&r->tasks, out, "TASK", "WAITS", r->env->worst);
}

/* ---- JSON ---- */

static char *text_of(void (*print)(const void *what, FILE *out), const void *what)
{
	char *text = NULL;
	size_t size;
	FILE *f = memory_check(open_memstream(&text, &size));

	print(what, f);
	fclose(f);
	return memory_check(text);
}

static void cause(const void *w, FILE *out)
{
	print_cause(out, w);
}

static json_t *json_shares(const struct sched_shares *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; s && i < s->n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i, s:I}", "comm", safe_text(s->list[i].comm).s,
					"tid", s->list[i].tid, "ns", (json_int_t)s->list[i].ns));
	return list;
}

static json_t *json_wait(const struct wait *w)
{
	char *text = text_of(cause, w);
	json_t *o = json_pack("{s:I, s:I, s:s, s:i, s:i, s:b, s:i, s:I, s:o, s:s}", "begin_ns",
			      (json_int_t)w->pair.begin, "duration_ns", (json_int_t)length(w),
			      "comm", safe_text(w->comm).s, "tid", w->tid, "pid", (int)w->pid,
			      "woken", w->woken, "cpu", (int)w->cpu, "idle_ns",
			      (json_int_t)(w->shares ? w->shares->idle : 0), "instead",
			      json_shares(w->shares), "cause", text);

	free(text);
	return o;
}

static json_t *runq_json(void *state)
{
	struct runq *r = state;
	json_t *worst = json_array(), *o;

	for (unsigned i = 0; i < r->worst.n; i++)
		json_array_append_new(worst, json_wait(worst_at(&r->worst, i)));
	o = json_pack("{s:s, s:I, s:i, s:o, s:o, s:o}", "report", "runq", "pairs",
		      (json_int_t)r->hist.n, "open", (int)r->open, "worst", worst, "histogram",
		      hist_json(&r->hist), "tasks", totals_json(&r->tasks));
	json_pairs(o, r->pairs);
	return o;
}

static const struct feed_type events[] = { SCHED_EVENTS, {} };

const struct report report_runq = {
	.name = "runq",
	.about = "how long tasks were ready before they ran, and who ran instead",
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
