// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "irq": which interrupts take how much of which CPU, and whom they interrupt. */
#include <inttypes.h>
#include <string.h>
#include "duration.h"
#include "memory.h"
#include "report.h"
#include "rows.h"
#include "text.h"
#include "totals.h"
#include "worst.h"

#define NAME_CHARS 32
#define NESTED	   32 /* intervals of a CPU that a later one may contain */
#define MUCH	   5  /* percent of a CPU from which on the verdict says "spent" */

/* One interrupt on one CPU. */
struct irq_row {
	struct irq_key {
		uint32_t cpu;
		int32_t irq; /* the vector, if soft */
		uint64_t soft;
	} key;
	char name[NAME_CHARS];
	struct hist took;
};

struct cpu_row {
	uint64_t cpu; /* the key */
	int32_t tid;  /* runs now; -1: not known */
	char comm[FEED_COMM];
	/* The time in interrupts: an interval that lies in a later one is not counted twice. */
	uint64_t covered;
	struct covered {
		uint64_t begin, ns;
	} last[NESTED];
	unsigned n;
};

struct interrupt {
	struct pair pair;
	char name[NAME_CHARS];
	bool soft;
	unsigned cpu;
	int32_t tid; /* interrupted; -1: not known */
	char comm[FEED_COMM];
};

struct irq {
	const struct report_env *env;
	struct rows rows, cpus;
	struct totals tasks; /* interrupted; empty without sched_switch */
	struct worst worst;
	struct hist took;
	uint64_t end;
};

/* ---- events ---- */

enum { DURATION, NUMBER, NAME };

static struct cpu_row *cpu_of(struct irq *irq, uint64_t cpu)
{
	unsigned before = irq->cpus.n;
	struct cpu_row *row = rows_get(&irq->cpus, &cpu);

	if (irq->cpus.n > before)
		row->tid = -1;
	return row;
}

/* Events come in the order of their ends, so what is inside an interval came before it. */
static void cover(struct cpu_row *c, uint64_t begin, uint64_t end)
{
	struct covered now = { begin, end - begin };

	c->covered += now.ns;
	while (c->n && c->last[c->n - 1].begin >= begin)
		c->covered -= c->last[--c->n].ns;
	if (c->n == NESTED)
		memmove(c->last, c->last + 1, --c->n * sizeof(*c->last));
	c->last[c->n++] = now;
}

static void count(struct irq *irq, const struct feed_event *e, const struct interrupt *now)
{
	struct irq_key key = { .cpu = e->cpu, .irq = feed_int(e, NUMBER), .soft = now->soft };
	uint64_t ns = feed_int(e, DURATION);
	struct irq_row *row = rows_get(&irq->rows, &key);
	struct totals_key task = { .id = now->tid };

	if (!row->took.n)
		memcpy(row->name, now->name, sizeof(row->name));
	hist_add(&row->took, ns);
	hist_add(&irq->took, ns);
	worst_add(&irq->worst, ns, (void *)now);
	if (now->tid <= 0)
		return;
	memcpy(task.name, now->comm, sizeof(now->comm));
	totals_add(&irq->tasks, &task, ns);
}

static void on_interrupt(struct irq *irq, const struct feed_event *e, struct interrupt *now)
{
	struct cpu_row *c = cpu_of(irq, e->cpu);

	if (!e->passes)
		return;
	now->pair = (struct pair){ .begin = e->ts - feed_int(e, DURATION), .end = e->ts };
	now->cpu = e->cpu;
	now->tid = c->tid;
	memcpy(now->comm, c->comm, sizeof(now->comm));
	cover(c, now->pair.begin, now->pair.end);
	count(irq, e, now);
}

static void on_hardirq(void *state, const struct feed_event *e)
{
	struct interrupt now = {};

	feed_text(e, NAME, now.name, 24);
	on_interrupt(state, e, &now);
}

static void on_softirq(void *state, const struct feed_event *e)
{
	struct interrupt now = { .soft = true };

	snprintf(now.name, sizeof(now.name), "%s", feed_name(e, NUMBER) ?: "?");
	on_interrupt(state, e, &now);
}

static void on_switch(void *state, const struct feed_event *e)
{
	struct cpu_row *c = cpu_of(state, e->cpu);

	c->tid = feed_int(e, 0);
	feed_text(e, 1, c->comm, sizeof(c->comm));
}

static void *irq_open(const struct report_env *env, struct pairs *pairs)
{
	struct irq *irq = memory_new(1, sizeof(*irq));

	(void)pairs; /* the kernel's part measures, so losses do not change what an interrupt took */
	irq->env = env;
	irq->rows =
		(struct rows){ .size = sizeof(struct irq_row), .key_size = sizeof(struct irq_key) };
	irq->cpus = (struct rows){ .size = sizeof(struct cpu_row), .key_size = sizeof(uint64_t) };
	worst_init(&irq->worst, env->worst, sizeof(struct interrupt), NULL);
	return irq;
}

static void clear_row(void *row)
{
	hist_clear(&((struct irq_row *)row)->took);
}

static void irq_close(void *state)
{
	struct irq *irq = state;

	rows_close(&irq->rows, clear_row);
	rows_close(&irq->cpus, NULL);
	totals_close(&irq->tasks);
	worst_close(&irq->worst);
	hist_clear(&irq->took);
	free(irq);
}

static uint64_t row_rank(const void *row)
{
	return ((const struct irq_row *)row)->took.sum;
}

static uint64_t cpu_rank(const void *row)
{
	return ((const struct cpu_row *)row)->covered;
}

static void irq_end(void *state, uint64_t end)
{
	struct irq *irq = state;

	irq->end = end;
	rows_sort(&irq->rows, row_rank);
	rows_sort(&irq->cpus, cpu_rank);
	totals_sort(&irq->tasks);
}

/* ---- text ---- */

static double percent(const struct irq *irq, uint64_t ns)
{
	return irq->end > irq->env->begin ? 100.0 * ns / (irq->end - irq->env->begin) : 0;
}

static const char *kind(bool soft)
{
	return soft ? "softirq" : "hardirq";
}

/* NULL: it took no time, or its rows are among those that share one. */
static const struct irq_row *most_of_cpu(const struct irq *irq, uint64_t cpu)
{
	for (unsigned i = 0; i < irq->rows.n; i++) {
		const struct irq_row *row = irq->rows.list[i];

		if (row->key.cpu == cpu)
			return row;
	}
	return NULL;
}

/* "for worker:12", or what is known of whom it interrupted. */
static struct text interrupted_text(const struct interrupt *i)
{
	return i->tid < 0 ? (struct text){ "not recorded" } : task_text(i->comm, i->tid);
}

static void verdict(const void *state, FILE *out)
{
	const struct irq *irq = state;
	const struct cpu_row *cpu = irq->cpus.n ? irq->cpus.list[0] : NULL;
	const struct interrupt *longest = worst_at(&irq->worst, 0);
	const struct irq_row *most;

	fputs("irq: ", out);
	if (!irq->took.n) {
		fputs("no interrupt ended.", out);
		return;
	}
	fprintf(out, "CPU %" PRIu64 " spent %s%.1f %% of its time in interrupts", cpu->cpu,
		percent(irq, cpu->covered) < MUCH ? "only " : "", percent(irq, cpu->covered));
	most = most_of_cpu(irq, cpu->cpu);
	if (most)
		fprintf(out, ", most of it in %s %s (%.1f %%)", kind(most->key.soft),
			safe_text(most->name).s, percent(irq, most->took.sum));
	if (irq->cpus.n > 1)
		fputs("; no CPU spent more", out);
	if (!irq->worst.n) {
		fputc('.', out);
		return;
	}
	fprintf(out, ". The longest one took %s: %s %s on CPU %u",
		duration(longest->pair.end - longest->pair.begin).s, kind(longest->soft),
		safe_text(longest->name).s, longest->cpu);
	if (longest->tid > 0)
		fprintf(out, ", which interrupted %s", task_text(longest->comm, longest->tid).s);
	fputc('.', out);
}

static void print_row(const struct irq *irq, const struct irq_row *r, FILE *out)
{
	fprintf(out, "%-7s %-23s %4u %10" PRIu64 " %10s %6.1f %% %9s %9s %9s\n", kind(r->key.soft),
		safe_text(r->name).s, r->key.cpu, r->took.n, duration(r->took.sum).s,
		percent(irq, r->took.sum), duration(hist_quantile(&r->took, 500)).s,
		duration(hist_quantile(&r->took, 990)).s, duration(r->took.max).s);
}

static void print_cpus(const struct irq *irq, FILE *out)
{
	fprintf(out, "\n%4s %10s %8s\n", "CPU", "TOTAL", "SHARE");
	for (unsigned i = 0; i < irq->cpus.n && i < irq->env->worst; i++) {
		const struct cpu_row *c = irq->cpus.list[i];

		fprintf(out, "%4" PRIu64 " %10s %6.1f %%\n", c->cpu, duration(c->covered).s,
			percent(irq, c->covered));
	}
	print_more(out, irq->cpus.n, irq->env->worst);
}

static void print_worst(const struct irq *irq, FILE *out)
{
	fprintf(out, "\n%-15s %9s  %-7s %-23s %4s  %s\n", "BEGIN", "TOOK", "KIND", "NAME", "CPU",
		"INTERRUPTED");
	for (unsigned i = 0; i < irq->worst.n; i++) {
		const struct interrupt *w = worst_at(&irq->worst, i);

		fprintf(out, "%s %9s  %-7s %-23s %4u  %s\n", time_text(irq->env, w->pair.begin).s,
			duration(w->pair.end - w->pair.begin).s, kind(w->soft),
			safe_text(w->name).s, w->cpu, interrupted_text(w).s);
	}
}

static void irq_print(void *state, FILE *out)
{
	struct irq *irq = state;

	print_paragraph(out, verdict, irq);
	if (!irq->took.n)
		return;
	print_worst(irq, out);
	fputc('\n', out);
	hist_print(&irq->took, out, irq->env->utf8);
	fprintf(out, "\n%-7s %-23s %4s %10s %10s %8s %9s %9s %9s\n", "KIND", "NAME", "CPU", "COUNT",
		"TOTAL", "SHARE", "P50", "P99", "LONGEST");
	for (unsigned i = 0; i < irq->rows.n && i < irq->env->worst; i++)
		print_row(irq, irq->rows.list[i], out);
	print_more(out, irq->rows.n, irq->env->worst);
	print_cpus(irq, out);
	if (!irq->tasks.rows.n)
		return;
	fputc('\n', out);
	totals_print(&irq->tasks, out, "INTERRUPTED", "COUNT", irq->env->worst);
}

/* ---- JSON ---- */

static json_t *json_interrupt(const void *p, const void *ctx)
{
	const struct interrupt *w = p;

	(void)ctx;
	return json_pack("{s:I, s:I, s:s, s:s, s:i, s:i, s:s}", "begin_ns",
			 (json_int_t)w->pair.begin, "duration_ns",
			 (json_int_t)(w->pair.end - w->pair.begin), "kind", kind(w->soft), "name",
			 safe_text(w->name).s, "cpu", (int)w->cpu, "tid", w->tid, "comm",
			 safe_text(w->comm).s);
}

static json_t *json_row(const void *p, const void *ctx)
{
	const struct irq_row *r = p;
	const struct irq *irq = ctx;

	return json_pack("{s:s, s:s, s:i, s:i, s:f, s:o}", "kind", kind(r->key.soft), "name",
			 safe_text(r->name).s, "number", r->key.irq, "cpu", (int)r->key.cpu,
			 "percent", percent(irq, r->took.sum), "took", hist_json(&r->took));
}

static json_t *json_cpu(const void *p, const void *ctx)
{
	const struct cpu_row *c = p;
	const struct irq *irq = ctx;

	return json_pack("{s:I, s:I, s:f}", "cpu", (json_int_t)c->cpu, "sum_ns",
			 (json_int_t)c->covered, "percent", percent(irq, c->covered));
}

static json_t *irq_json(void *state)
{
	struct irq *irq = state;

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "report", "irq", "verdict",
			 text_json(verdict, irq), "worst",
			 worst_json(&irq->worst, json_interrupt, irq), "histogram",
			 hist_json(&irq->took), "interrupts", rows_json(&irq->rows, json_row, irq),
			 "cpus", rows_json(&irq->cpus, json_cpu, irq), "interrupted",
			 totals_json(&irq->tasks));
}

static const struct feed_type events[] = {
	{ "hardirq", "irq", { "duration_ns", "irq", "name" }, on_hardirq },
	{ "softirq", "irq", { "duration_ns", "vector" }, on_softirq },
	{ "?sched_switch", "sched", { "next_pid", "next_comm" }, on_switch },
	{},
};

const struct report report_irq = {
	.name = "irq",
	.about = "which interrupts take the CPUs, and whom they interrupt",
	.sources = "irq,sched",
	.events = events,
	.pair_size = sizeof(struct pair),
	.open = irq_open,
	.close = irq_close,
	.end = irq_end,
	.print = irq_print,
	.json = irq_json,
};
