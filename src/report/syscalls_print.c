// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "syscalls.h"

#include <inttypes.h>
#include <string.h>
#include "call_names.h"
#include "duration.h"
#include "memory.h"
#include "text.h"

/* ---- text ---- */

/* "fd 3", or the first three arguments. */
static struct text args_text(const struct long_call *c)
{
	const uint64_t *a = c->call.args;
	struct text t = {};

	if (!c->entered)
		return t;
	if (call_takes_fd(c->row->name))
		snprintf(t.s, sizeof(t.s), "fd %d", (int)a[0]);
	else
		snprintf(t.s, sizeof(t.s), "%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64, a[0], a[1],
			 a[2]);
	return t;
}

static struct text waker_text(const struct waker *w)
{
	struct text t = task_text(w->comm, w->tid);
	size_t len = strlen(t.s);

	if (w->interrupt || (w->unknown && !w->tid))
		return (struct text){ "an interrupt" };
	if (w->unknown)
		snprintf(t.s + len, sizeof(t.s) - len, " or an interrupt");
	return t;
}

static void print_cause(const struct long_call *c, uint64_t took, FILE *out)
{
	const struct call *call = &c->call;

	if (!c->entered || !c->sched) {
		fprintf(out, "what it waited for was not recorded%s",
			c->sched ? "" : " (-e sched)");
		return;
	}
	if (call->off < took / 20) {
		fputs("it ran on its CPU", out);
		return;
	}
	fprintf(out, "off its CPU for %s", duration(call->off).s);
	if (call->waker.tid >= 0)
		fprintf(out, ", woken up by %s", waker_text(&call->waker).s);
	if (call->wait > call->off / 20)
		fprintf(out, ", ready to run for %s of it", duration(call->wait).s);
}

static const struct call_row *row_of_error(const struct syscalls *s, const struct error_row *error)
{
	for (unsigned i = 0; i < s->rows.n; i++) {
		const struct call_row *row = s->rows.list[i];

		if (row->nr == error->key.nr)
			return row;
	}
	return NULL;
}

static void verdict(const void *state, FILE *out)
{
	const struct syscalls *s = state;
	const struct long_call *c = worst_at(&s->worst, 0);
	const struct error_row *most = s->errors.n ? s->errors.list[0] : NULL;
	const struct call_row *row = most ? row_of_error(s, most) : NULL;

	fputs("syscalls: ", out);
	if (s->worst.n) {
		uint64_t took = c->pair.end - c->pair.begin;

		fprintf(out, "%s of %s took %s: ", c->row->name, task_text(c->comm, c->tid).s,
			duration(took).s);
		print_cause(c, took, out);
		fputs(". ", out);
	}
	fprintf(out, "%s, %s failed", counted_text(s->n, "call").s, count_text(s->failed).s);
	if (row)
		fprintf(out, ", most with %s in %s (%s)", most->name, row->name,
			count_text(most->n).s);
	fputc('.', out);
}

static void print_details(const struct long_call *c, FILE *out)
{
	struct text args = args_text(c);

	fprintf(out, "%s%s", args.s, *args.s ? "; " : "");
	print_cause(c, c->pair.end - c->pair.begin, out);
	if (c->error)
		fprintf(out, "; %s", c->error);
}

static void print_worst(const struct syscalls *s, FILE *out)
{
	fprintf(out, "\n%-15s %9s  %-23s %-15s %s\n", "BEGIN", "TOOK", "TASK", "CALL",
		"ARGUMENTS; CAUSE");
	for (unsigned i = 0; i < s->worst.n; i++) {
		const struct long_call *c = worst_at(&s->worst, i);
		char *text;
		FILE *f = text_open(&text);
		int column =
			fprintf(out, "%s %9s  %-23s %-15s ", time_text(s->env, c->pair.begin).s,
				duration(c->pair.end - c->pair.begin).s,
				task_text(c->comm, c->tid).s, c->row->name);

		print_details(c, f);
		fclose(f);
		print_wrapped(out, memory_check(text), column, 17);
		free(text);
	}
	if (s->pairs->left_out)
		fprintf(out, "%s left out because of losses\n",
			counted_text(s->pairs->left_out, "long call").s);
}

/* The most frequent errors of a call: "ENOENT 12, EACCES 1". */
static void print_errors(const struct syscalls *s, const struct call_row *row, int column,
			 FILE *out)
{
	unsigned shown = 0;
	char *text;
	FILE *f = text_open(&text);

	for (unsigned i = 0; i < s->errors.n && shown < 3; i++) {
		const struct error_row *e = s->errors.list[i];

		if (e->key.nr == row->nr)
			fprintf(f, "%s%s %" PRIu64, shown++ ? ", " : "", e->name, e->n);
	}
	fclose(f);
	print_wrapped(out, memory_check(text), column, column + 2);
	free(text);
}

static void print_rows(const struct syscalls *s, FILE *out)
{
	fprintf(out, "\n%-16s %9s %7s %8s %8s %8s %8s  %s\n", "CALL", "COUNT", "FAILED", "TOTAL",
		"P50", "P99", "LONGEST", "ERRORS");
	for (unsigned i = 0; i < s->rows.n && i < 2 * s->env->worst; i++) {
		const struct call_row *r = s->rows.list[i];

		int column = fprintf(out, "%-16s %9" PRIu64 " %7" PRIu64 " %8s %8s %8s %8s%s",
				     r->name, r->took.n, r->errors, duration(r->took.sum).s,
				     duration(hist_quantile(&r->took, 500)).s,
				     duration(hist_quantile(&r->took, 990)).s,
				     duration(r->took.max).s, r->errors ? "  " : "");

		print_errors(s, r, column, out);
	}
	print_more(out, s->rows.n, 2 * s->env->worst);
}

void syscalls_print(void *state, FILE *out)
{
	struct syscalls *s = state;

	print_paragraph(out, verdict, s);
	if (!s->n)
		return;
	if (s->worst.n)
		print_worst(s, out);
	fputc('\n', out);
	hist_print(&s->took, out, s->env->utf8);
	print_rows(s, out);
	fputc('\n', out);
	totals_print(&s->tasks, out, "TASK", "CALLS", s->env->worst);
}

/* ---- JSON ---- */

static json_t *json_args(const struct long_call *c)
{
	json_t *list = json_array();

	/* a double may not hold them */
	for (unsigned i = 0; c->entered && i < CALL_ARGS; i++)
		json_array_append_new(list, json_sprintf("%#" PRIx64, c->call.args[i]));
	return list;
}

static json_t *json_waker(const struct waker *w)
{
	if (w->tid < 0)
		return json_null();
	return json_pack("{s:s, s:i, s:b}", "comm", safe_text(w->comm).s, "tid", w->tid,
			 "interrupt", w->interrupt);
}

static json_t *json_call(const void *item, const void *ctx)
{
	const struct long_call *c = item;
	bool known = c->entered && c->sched;
	json_t *o = json_pack("{s:I, s:I, s:s, s:b, s:s, s:i, s:s?, s:o}", "begin_ns",
			      (json_int_t)c->pair.begin, "duration_ns",
			      (json_int_t)(c->pair.end - c->pair.begin), "call", c->row->name,
			      "waits_by_design", c->row->waits, "comm", safe_text(c->comm).s, "tid",
			      c->tid, "error", c->error, "args", json_args(c));

	(void)ctx;
	json_object_set_new(o, "off_cpu_ns", known ? json_integer(c->call.off) : json_null());
	json_object_set_new(o, "ready_ns", known ? json_integer(c->call.wait) : json_null());
	json_object_set_new(o, "waker", known ? json_waker(&c->call.waker) : json_null());
	return o;
}

static json_t *json_errors(const struct syscalls *s, const struct call_row *row)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->errors.n; i++) {
		const struct error_row *e = s->errors.list[i];

		if (e->key.nr == row->nr)
			json_object_set_new(o, e->name, json_integer(e->n));
	}
	return o;
}

static json_t *json_row(const void *row, const void *s)
{
	const struct call_row *r = row;

	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "call", r->name, "nr", (json_int_t)r->nr,
			 "failed", (json_int_t)r->errors, "errors", json_errors(s, r), "took",
			 hist_json(&r->took));
}

json_t *syscalls_json(void *state)
{
	struct syscalls *s = state;
	json_t *o = json_pack(
		"{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "report", "syscalls", "verdict",
		text_json(verdict, s), "n", (json_int_t)s->n, "failed", (json_int_t)s->failed,
		"worst", worst_json(&s->worst, json_call, NULL), "histogram", hist_json(&s->took),
		"calls", rows_json(&s->rows, json_row, s), "tasks", totals_json(&s->tasks));

	json_pairs(o, s->pairs);
	return o;
}
