// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "wakeups": who wakes whom, how often, how late it runs, and how far away. */
#include <inttypes.h>
#include <string.h>
#include "cause.h"
#include "duration.h"
#include "memory.h"
#include "report.h"
#include "rows.h"
#include "sched.h"
#include "text.h"
#include "worst.h"

/* From a wake-up to running. */
struct wakeup {
	struct pair pair;
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	unsigned cpu; /* where it runs; the waker's is in wake */
	const struct call_kind *call;
	struct sched_wake wake;
	struct cause *cause; /* of one that may be one of the worst */
};

/* All wake-ups of tasks of one name by tasks of one name, or by interrupts. */
struct route {
	struct route_key {
		char waker[24], woken[FEED_COMM];
	} key;
	uint64_t n, sum, max;
	uint64_t cpus, nodes; /* of n: ran on another CPU, on one of another node */
};

struct wakeups {
	struct sched sched;
	const struct report_env *env;
	struct pairs *pairs;
	struct worst worst;
	struct hist hist;
	struct rows routes;
};

static uint64_t length(const struct wakeup *w)
{
	return w->pair.end - w->pair.begin;
}

static void free_cause(void *item)
{
	cause_free(((struct wakeup *)item)->cause);
}

/* ---- events ---- */

static void on_start(void *ctx, struct sched_task *t, const struct feed_event *e)
{
	struct wakeups *k = ctx;
	struct wakeup w = {
		.pair = { t->wake.ts > t->out ? t->wake.ts : t->out, e->ts, t->split },
		.tid = t->tid,
		.pid = t->pid,
		.cpu = e->cpu,
		.call = t->call,
		.wake = t->wake,
	};

	if (!t->slept || !t->wake.ts || !e->passes || !report_wants(k->env, t->pid, t->comm))
		return;
	memcpy(w.comm, t->comm, sizeof(w.comm));
	if (worst_takes(&k->worst, length(&w))) {
		w.cause = cause_new();
		cause_ready(w.cause, &k->sched, t, w.cpu, w.pair.begin, w.pair.end);
	}
	pairs_add(k->pairs, &w.pair);
}

static uint64_t rank(const void *row)
{
	return ((const struct route *)row)->n;
}

static void fold(void *others, const void *row)
{
	const struct route *from = row;
	struct route *to = others;

	to->n += from->n;
	to->sum += from->sum;
	to->max = to->max > from->max ? to->max : from->max;
	to->cpus += from->cpus;
	to->nodes += from->nodes;
}

static void *wakeups_open(const struct report_env *env, struct pairs *pairs)
{
	static const struct route_key others = { "(others)", "(others)" };
	struct wakeups *k = memory_new(1, sizeof(*k));

	k->env = env;
	k->pairs = pairs;
	k->sched.starts = on_start;
	k->sched.ctx = k;
	k->routes = (struct rows){ .size = sizeof(struct route),
				   .key_size = sizeof(struct route_key),
				   .others = &others,
				   .fold = fold,
				   .rank = rank };
	sched_open(&k->sched, env->types);
	worst_init(&k->worst, env->worst, sizeof(struct wakeup), free_cause);
	return k;
}

static void wakeups_close(void *state)
{
	struct wakeups *k = state;

	sched_close(&k->sched);
	worst_close(&k->worst);
	hist_clear(&k->hist);
	rows_close(&k->routes, NULL);
	free(k);
}

static const char *waker_name(const struct wakeup *w)
{
	if (w->wake.context == SCHED_BY_HARDIRQ)
		return "(interrupt)";
	if (w->wake.context == SCHED_BY_SOFTIRQ)
		return "(soft interrupt)";
	return w->wake.tid ? w->wake.comm : "(idle)";
}

static void wakeups_pair(void *state, struct pair *pair)
{
	struct wakeup *w = (struct wakeup *)pair;
	struct wakeups *k = state;
	struct route_key key = {};
	struct route one = {
		.n = 1,
		.sum = length(w),
		.max = length(w),
		.cpus = w->wake.cpu != w->cpu,
		.nodes = report_node(k->env, w->wake.cpu) != report_node(k->env, w->cpu),
	};

	snprintf(key.waker, sizeof(key.waker), "%s", waker_name(w));
	memcpy(key.woken, w->comm, sizeof(key.woken));
	fold(rows_get(&k->routes, &key), &one);
	hist_add(&k->hist, length(w));
	worst_add(&k->worst, length(w), w);
}

static void wakeups_drop(struct pair *pair)
{
	free_cause(pair);
}

static void wakeups_end(void *state, uint64_t end)
{
	struct wakeups *k = state;

	(void)end;
	rows_sort(&k->routes, rank);
}

/* ---- text ---- */

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole + 0.5 : 0;
}

static char *cause_of(const struct wakeups *k, const struct wakeup *w)
{
	char *text;
	FILE *out = text_open(&text);

	cause_print_waker(out, &w->wake, w->call, "");
	fprintf(out, " woke it on %s, and it waited ", cpu_text(k->env, w->wake.cpu).s);
	cause_print_ready(out, w->cause);
	fclose(out);
	return memory_check(text);
}

static void verdict(const void *state, FILE *out)
{
	const struct wakeups *k = state;
	const struct route *r = k->routes.n ? k->routes.list[0] : NULL;

	if (r)
		fprintf(out,
			"wakeups: %s woke %s most often: %s of %s wake-ups; %u %% ran on another "
			"CPU, %u %% on another node, %s after the wake-up on average, %s at most.",
			safe_text(r->key.waker).s, safe_text(r->key.woken).s, count_text(r->n).s,
			count_text(k->hist.n).s, percent(r->cpus, r->n), percent(r->nodes, r->n),
			duration(r->sum / r->n).s, duration(r->max).s);
	else
		fputs("wakeups: no task was woken up and ran.", out);
}

static void print_verdict(const struct wakeups *k, FILE *out)
{
	print_paragraph(out, verdict, k);
	print_pairs(out, k->pairs, &k->hist, "wake-up");
}

static void print_routes(const struct wakeups *k, FILE *out)
{
	fprintf(out, "%-17s %-16s %11s %9s %10s %10s %10s\n", "WAKER", "WOKEN", "WAKE-UPS",
		"OTHER CPU", "OTHER NODE", "MEAN DELAY", "LONGEST");
	for (unsigned i = 0; i < k->routes.n && i < k->env->worst; i++) {
		const struct route *r = k->routes.list[i];

		fprintf(out, "%-17s %-16s %11" PRIu64 " %7u %% %8u %% %10s %10s\n",
			safe_text(r->key.waker).s, safe_text(r->key.woken).s, r->n,
			percent(r->cpus, r->n), percent(r->nodes, r->n), duration(r->sum / r->n).s,
			duration(r->max).s);
	}
	print_more(out, k->routes.n, k->env->worst);
}

static void print_wakeup(const struct wakeups *k, FILE *out, const struct wakeup *w)
{
	char *cause = cause_of(k, w);
	int column = fprintf(out, "%s %9s  %-23s %4u  ", time_text(k->env, w->pair.begin).s,
			     duration(length(w)).s, task_text(w->comm, w->tid).s, w->cpu);

	print_wrapped(out, cause, column, 17);
	free(cause);
}

static void wakeups_print(void *state, FILE *out)
{
	struct wakeups *k = state;

	print_verdict(k, out);
	if (!k->worst.n)
		return;
	fprintf(out, "\n%-15s %9s  %-23s %4s  %s\n", "WOKEN", "DELAY", "TASK", "CPU", "CAUSE");
	for (unsigned i = 0; i < k->worst.n; i++)
		print_wakeup(k, out, worst_at(&k->worst, i));
	fputc('\n', out);
	hist_print(&k->hist, out, k->env->utf8);
	fputc('\n', out);
	print_routes(k, out);
}

/* ---- JSON ---- */

static json_t *json_wakeup(const void *item, const void *ctx)
{
	const struct wakeup *w = item;
	const struct wakeups *k = ctx;
	char *text = cause_of(k, w);
	json_t *o = json_pack("{s:I, s:I, s:s, s:i, s:i, s:i, s:i, s:s}", "begin_ns",
			      (json_int_t)w->pair.begin, "duration_ns", (json_int_t)length(w),
			      "comm", safe_text(w->comm).s, "tid", w->tid, "pid", (int)w->pid,
			      "cpu", (int)w->cpu, "waker_cpu", (int)w->wake.cpu, "cause", text);

	json_object_set_new(o, "waker", cause_json_waker(&w->wake, w->call, ""));
	cause_json_ready(o, w->cause);
	free(text);
	return o;
}

static json_t *json_route(const void *row, const void *ctx)
{
	const struct route *r = row;

	(void)ctx;
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "waker", safe_text(r->key.waker).s,
			 "woken", safe_text(r->key.woken).s, "n", (json_int_t)r->n, "other_cpu",
			 (json_int_t)r->cpus, "other_node", (json_int_t)r->nodes, "sum_ns",
			 (json_int_t)r->sum, "max_ns", (json_int_t)r->max);
}

static json_t *wakeups_json(void *state)
{
	struct wakeups *k = state;
	json_t *root = json_pack("{s:s, s:o, s:I}", "report", "wakeups", "verdict",
				 text_json(verdict, k), "pairs", (json_int_t)k->hist.n);

	json_pairs(root, k->pairs);
	json_object_set_new(root, "worst", worst_json(&k->worst, json_wakeup, k));
	json_object_set_new(root, "histogram", hist_json(&k->hist));
	json_object_set_new(root, "routes", rows_json(&k->routes, json_route, k));
	return root;
}

static const struct feed_type events[] = { SCHED_SWITCH,  SCHED_WAKEUP,	 SCHED_MIGRATE,
					   SCHED_HARDIRQ, SCHED_SOFTIRQ, {} };

const struct report report_wakeups = {
	.name = "wakeups",
	.about = "who wakes whom, how late it runs, and how far away",
	.sources = "sched",
	.events = events,
	.pair_size = sizeof(struct wakeup),
	.open = wakeups_open,
	.close = wakeups_close,
	.pair = wakeups_pair,
	.drop = wakeups_drop,
	.end = wakeups_end,
	.print = wakeups_print,
	.json = wakeups_json,
};
