// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "offcpu": how long tasks were off their CPU after they went to sleep, and why. */
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

/* From going to sleep to running. */
struct absence {
	struct pair pair;
	uint64_t woken; /* 0: not known */
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	bool by_design;
	unsigned cpu; /* where it runs again */
	const struct call_kind *call;
	struct sched_wake wake;
	struct cause *cause; /* of an absence that may be one of the worst */
};

struct offcpu {
	struct sched sched;
	const struct report_env *env;
	struct pairs *pairs;
	struct worst stalls; /* by stall */
	struct worst waits;  /* those by design, by length */
	struct worst open;   /* that did not end, and are not by design */
	struct hist hist;    /* of stalls */
	struct totals tasks;
	uint64_t n_open, n_by_design;
};

static uint64_t length(const struct absence *a)
{
	return a->pair.end - a->pair.begin;
}

static uint64_t ready(const struct absence *a)
{
	return a->woken ? a->pair.end - a->woken : 0;
}

static uint64_t asleep(const struct absence *a)
{
	return length(a) - ready(a);
}

/* The part that the task did not choose. */
static uint64_t stall(const struct absence *a)
{
	return a->by_design ? ready(a) : length(a);
}

static void free_cause(void *item)
{
	cause_free(((struct absence *)item)->cause);
}

/* ---- events ---- */

/* Threads of the recorder, whose wake-ups are recorded only with --self. */
static bool is_recorder(const char *comm)
{
	return !strncmp(comm, "nr-", 3) || !strcmp(comm, "numaring");
}

/* What the waker did is known best now. */
static void on_wake(void *ctx, struct sched_task *t)
{
	struct offcpu *o = ctx;

	free(t->note); /* of an earlier sleep that was not counted */
	t->note = NULL;
	if (!t->out || t->by_design || !worst_takes(&o->stalls, t->wake.ts - t->out))
		return;
	t->note = cause_new();
	cause_follow(t->note, &o->sched, &t->wake, t->out, t->wake.ts);
}

static struct absence absence_of(const struct sched_task *t, const struct feed_event *e)
{
	struct absence a = {
		.pair = { t->out, e->ts, t->split },
		.tid = t->tid,
		.pid = t->pid,
		.by_design = t->by_design,
		.cpu = e->cpu,
		.call = t->call,
		.wake = t->wake,
	};

	if (t->wake.ts)
		a.woken = t->wake.ts > t->out ? t->wake.ts : t->out;
	memcpy(a.comm, t->comm, sizeof(a.comm));
	return a;
}

static void add_cause(const struct offcpu *o, struct absence *a, struct sched_task *t)
{
	const char *irq = NULL;

	a->cause = t->note ?: cause_new();
	t->note = NULL;
	cause_stacks(a->cause, t);
	if (a->woken)
		cause_ready(a->cause, &o->sched, t, a->cpu, a->woken, a->pair.end);
	if (a->wake.context == SCHED_BY_HARDIRQ || a->wake.context == SCHED_BY_SOFTIRQ)
		irq = cpus_irq_at(&o->sched.cpus, a->wake.cpu, a->wake.ts,
				  a->wake.context == SCHED_BY_SOFTIRQ);
	if (irq)
		memcpy(a->cause->irq, irq, sizeof(a->cause->irq));
}

static void on_start(void *ctx, struct sched_task *t, const struct feed_event *e)
{
	struct offcpu *o = ctx;
	struct absence a;

	if (!t->out || !t->slept || !e->passes)
		return;
	a = absence_of(t, e);
	if ((!a.woken && is_recorder(t->comm)) || !report_wants(o->env, t->pid, t->comm))
		return;
	if (worst_takes(&o->stalls, stall(&a)) ||
	    (a.by_design && worst_takes(&o->waits, length(&a))))
		add_cause(o, &a, t);
	pairs_add(o->pairs, &a.pair);
}

/* ---- a report ---- */

static void forget(void *note)
{
	cause_free(note);
}

static void *offcpu_open(const struct report_env *env, struct pairs *pairs)
{
	struct offcpu *o = memory_new(1, sizeof(*o));

	o->env = env;
	o->pairs = pairs;
	o->sched.starts = on_start;
	o->sched.wakes = on_wake;
	o->sched.forget = forget;
	o->sched.ctx = o;
	sched_open(&o->sched, env->types);
	worst_init(&o->stalls, env->worst, sizeof(struct absence), free_cause);
	worst_init(&o->waits, env->worst, sizeof(struct absence), free_cause);
	worst_init(&o->open, env->worst, sizeof(struct absence), free_cause);
	return o;
}

static void offcpu_close(void *state)
{
	struct offcpu *o = state;

	sched_close(&o->sched);
	worst_close(&o->stalls);
	worst_close(&o->waits);
	worst_close(&o->open);
	hist_clear(&o->hist);
	totals_close(&o->tasks);
	free(o);
}

static void offcpu_drop(struct pair *pair)
{
	free_cause(pair);
}

static void offcpu_pair(void *state, struct pair *pair)
{
	struct absence *a = (struct absence *)pair, wait = *a;
	struct totals_key key = { .id = a->tid };
	struct offcpu *o = state;

	hist_add(&o->hist, stall(a));
	memcpy(key.name, a->comm, sizeof(a->comm));
	totals_add(&o->tasks, &key, stall(a));
	o->n_by_design += a->by_design;
	if (a->by_design && worst_takes(&o->waits, length(a))) {
		wait.cause = cause_copy(a->cause);
		worst_add(&o->waits, length(a), &wait);
	}
	worst_add(&o->stalls, stall(a), a);
}

static void offcpu_end(void *state, uint64_t end)
{
	struct offcpu *o = state;

	totals_sort(&o->tasks);
	if (report_lacks_cpus(o->env))
		return;
	for (struct sched_task *t = sched_each(&o->sched, NULL); t; t = sched_each(&o->sched, t)) {
		struct absence a = {
			.pair = { .begin = t->out, .end = end },
			.tid = t->tid,
			.pid = t->pid,
			.call = t->call,
			.cpu = t->cpu,
		};

		if (t->state != SCHED_SLEEPS || !t->out || t->by_design || t->wake.ts ||
		    is_recorder(t->comm) || !report_wants(o->env, t->pid, t->comm) ||
		    !pairs_complete_since(o->pairs, t->out))
			continue;
		memcpy(a.comm, t->comm, sizeof(a.comm));
		o->n_open++;
		worst_add(&o->open, length(&a), &a);
	}
}

/* ---- text ---- */

static void print_sleep(FILE *out, const struct absence *a)
{
	fprintf(out, "slept %s in %s", duration(asleep(a)).s, cause_call(a->call));
	if (!a->woken)
		return;
	fputs(" until ", out);
	cause_print_waker(out, &a->wake, a->call, a->cause ? a->cause->irq : "");
	fputs(" woke it", out);
	cause_print_steps(out, a->cause);
}

/* The wait for a CPU is told if it matters, and first if it is most of the time in question. */
static char *cause_of(const struct absence *a, uint64_t ns)
{
	uint64_t wait = ready(a);
	char *text;
	FILE *out = text_open(&text);

	if (wait > ns / 2) {
		fprintf(out, "waited %s for a CPU ", duration(wait).s);
		cause_print_ready(out, a->cause);
		fputs("; before, it ", out);
		print_sleep(out, a);
	} else {
		print_sleep(out, a);
		if (wait > ns / 10) {
			fprintf(out, "; then it waited %s for a CPU ", duration(wait).s);
			cause_print_ready(out, a->cause);
		}
	}
	fclose(out);
	return memory_check(text);
}

static void verdict(const void *state, FILE *out)
{
	const struct offcpu *o = state;
	const struct absence *a = worst_at(&o->stalls, 0);
	char *cause;

	if (!o->stalls.n) {
		fputs("offcpu: no task slept and ran again.", out);
		return;
	}
	cause = cause_of(a, stall(a));
	fprintf(out, "offcpu: %s stalled for %s: it %s.", task_text(a->comm, a->tid).s,
		duration(stall(a)).s, cause);
	free(cause);
}

static void print_verdict(const struct offcpu *o, FILE *out)
{
	const struct absence *a;

	print_paragraph(out, verdict, o);
	print_pairs(out, o->pairs, &o->hist, "stall");
	a = worst_at(&o->open, 0);
	if (o->n_open)
		print_line(out, "%s did not end, the longest: %s, in %s for %s",
			   counted_text(o->n_open, "stall").s, task_text(a->comm, a->tid).s,
			   cause_call(a->call), duration(length(a)).s);
}

static void print_absence(const struct offcpu *o, FILE *out, const struct absence *a, uint64_t ns)
{
	char *cause = cause_of(a, ns);
	int column = fprintf(out, "%s %9s  %-20s ", time_text(o->env, a->pair.begin).s,
			     duration(ns).s, task_text(a->comm, a->tid).s);

	print_wrapped(out, cause, column, 17);
	free(cause);
	if (!a->cause)
		return;
	saved_stack_print(out, "asleep in", a->cause->slept_at, o->env->symbols);
	saved_stack_print(out, "woken from", a->cause->woken_at, o->env->symbols);
}

static void print_worst(const struct offcpu *o, FILE *out)
{
	fprintf(out, "\n%-15s %9s  %-20s %s\n", "BEGIN", "STALL", "TASK", "CAUSE");
	for (unsigned i = 0; i < o->stalls.n; i++) {
		const struct absence *a = worst_at(&o->stalls, i);

		print_absence(o, out, a, stall(a));
	}
}

static void print_open(const struct offcpu *o, FILE *out)
{
	if (!o->open.n)
		return;
	fprintf(out, "\nNot over at the end:\n");
	for (unsigned i = 0; i < o->open.n; i++) {
		const struct absence *a = worst_at(&o->open, i);

		print_absence(o, out, a, length(a));
	}
}

static void print_waits(const struct offcpu *o, FILE *out)
{
	if (!o->waits.n)
		return;
	fprintf(out, "\nLongest of %s for work, time or another task, which are no stalls:\n",
		counted_text(o->n_by_design, "wait").s);
	for (unsigned i = 0; i < o->waits.n; i++) {
		const struct absence *a = worst_at(&o->waits, i);

		print_absence(o, out, a, asleep(a));
	}
}

static void offcpu_print(void *state, FILE *out)
{
	struct offcpu *o = state;

	print_verdict(o, out);
	if (o->stalls.n)
		print_worst(o, out);
	print_open(o, out);
	if (!o->stalls.n)
		return;
	fputc('\n', out);
	hist_print(&o->hist, out, o->env->utf8);
	fputc('\n', out);
	totals_print(&o->tasks, out, "TASK", "STALLS", o->env->worst);
	print_waits(o, out);
}

/* ---- JSON ---- */

static json_t *json_absence(const struct offcpu *off, const struct absence *a, uint64_t ns)
{
	char *text = cause_of(a, ns);
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:i, s:i, s:i, s:b, s:s, s:s}",
			      "begin_ns", (json_int_t)a->pair.begin, "duration_ns",
			      (json_int_t)length(a), "stall_ns", (json_int_t)stall(a), "sleep_ns",
			      (json_int_t)asleep(a), "wait_ns", (json_int_t)ready(a), "comm",
			      safe_text(a->comm).s, "tid", a->tid, "pid", (int)a->pid, "cpu",
			      (int)a->cpu, "by_design", a->by_design, "call", cause_call(a->call),
			      "cause", text);

	json_object_set_new(o, "waker",
			    cause_json_waker(&a->wake, a->call, a->cause ? a->cause->irq : ""));
	json_object_set_new(o, "chain", cause_json_steps(a->cause));
	cause_json_ready(o, a->cause);
	if (off->env->symbols && a->cause) {
		json_object_set_new(o, "slept_at",
				    saved_stack_json(a->cause->slept_at, off->env->symbols));
		json_object_set_new(o, "woken_at",
				    saved_stack_json(a->cause->woken_at, off->env->symbols));
	}
	free(text);
	return o;
}

static json_t *json_list(const struct offcpu *o, const struct worst *w)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < w->n; i++)
		json_array_append_new(list, json_absence(o, worst_at(w, i), w->ranks[i]));
	return list;
}

static json_t *offcpu_json(void *state)
{
	struct offcpu *o = state;
	json_t *root = json_pack("{s:s, s:o, s:I, s:I, s:I}", "report", "offcpu", "verdict",
				 text_json(verdict, o), "pairs", (json_int_t)o->hist.n, "by_design",
				 (json_int_t)o->n_by_design, "open", (json_int_t)o->n_open);

	json_pairs(root, o->pairs);
	json_object_set_new(root, "worst", json_list(o, &o->stalls));
	json_object_set_new(root, "not_over", json_list(o, &o->open));
	json_object_set_new(root, "histogram", hist_json(&o->hist));
	json_object_set_new(root, "tasks", totals_json(&o->tasks));
	json_object_set_new(root, "waits", json_list(o, &o->waits));
	return root;
}

static const struct feed_type events[] = { SCHED_SWITCH, SCHED_WAKEUP,	    SCHED_MIGRATE,
					   SCHED_CALL,	 SCHED_HARDIRQ,	    SCHED_SOFTIRQ,
					   SCHED_STACK,	 SCHED_WAKER_STACK, {} };

const struct report report_offcpu = {
	.name = "offcpu",
	.about = "which task stalled, and who or what it slept for",
	.sources = "sched,syscalls:futex",
	.events = events,
	.pair_size = sizeof(struct absence),
	.open = offcpu_open,
	.close = offcpu_close,
	.pair = offcpu_pair,
	.drop = offcpu_drop,
	.end = offcpu_end,
	.print = offcpu_print,
	.json = offcpu_json,
};
