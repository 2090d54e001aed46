/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of predictions: a row each, limits, or the surface over producers, rate and policy. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>

#include "../bench.h"
#include "cmd.h"

struct table {
	const struct job *job;
	const struct args *args;
	unsigned column; /* of the next cell */
};

static void cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void cell(struct table *t, const char *fmt, ...)
{
	static const int width[] = { 14, 9, 9, 22, 28, 24, 24, 10, 10 };
	unsigned column = t->column++;
	char text[320]; /* longer than any */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (t->args->markdown)
		printf("| %s ", text);
	else
		printf("%-*s ", column < 9 ? width[column] : 0, text);
}

static void end_row(struct table *t)
{
	puts(t->args->markdown ? "|" : "");
	t->column = 0;
}

/* ---- values ---- */
/* Three digits that count, also of two producers at 1 record per second. */
static int decimals_of(double v)
{
	int decimals = 0;

	for (double least = 99.95; v > 0 && v < least && decimals < 8; least /= 10)
		decimals++;
	return decimals;
}

struct text {
	char s[128];
};

/* "MID [LO, HI]"; unit 0: counts, of which infinity is never reached. */
static struct text interval(struct interval i, double unit)
{
	const double v[] = { i.mid, i.lo, i.hi };
	struct text t = { "" };
	char number[3][32];

	for (unsigned k = 0; k < 3; k++)
		if (isinf(v[k]))
			strcpy(number[k], "never");
		else if (unit)
			snprintf(number[k], sizeof(number[k]), "%.*f", decimals_of(v[k] / unit),
				 v[k] / unit);
		else
			snprintf(number[k], sizeof(number[k]), "%.0f", v[k]);
	snprintf(t.s, sizeof(t.s), "%s [%s, %s]", number[0], number[1], number[2]);
	return t;
}

static void interval_cell(struct table *t, struct interval i, double unit)
{
	cell(t, "%s", interval(i, unit).s);
}

static void rate_cell(struct table *t, double rate, const char *unit)
{
	if (rate > 0)
		cell(t, "%gk%s", rate / 1e3, unit);
	else
		cell(t, "flat out");
}

/* ---- rows ---- */
static unsigned rings_of(const struct table *t, const struct shards *s)
{
	return s->n ? s->n : t->job->machine->n_cpus;
}

static struct question question_of(const struct table *t, const struct shards *s, unsigned n,
				   double rate)
{
	return (struct question){
		t->job->machine, &t->job->family, &t->job->rest, s, n, t->job->order, rate,
		t->args->seed,
	};
}

static void predict_row(struct table *t, const struct shards *s, unsigned n, double rate)
{
	struct question q = question_of(t, s, n, rate);
	struct answer ans = predict(&q);

	cell(t, "%s", s->policy);
	cell(t, "%u", rings_of(t, s));
	cell(t, "%u", n);
	rate_cell(t, rate, "");
	interval_cell(t, ans.per_sec, 1e6);
	interval_cell(t, ans.wait_ns, 1e3);
	interval_cell(t, ans.wait_p99_ns, 1e3);
	cell(t, "%s%s", ans.bound, ans.at_low ? "?" : "");
	interval_cell(t, ans.packers, 0);
	end_row(t);
}

static void limits_row(struct table *t, const struct shards *s, double rate)
{
	struct question q = question_of(t, s, t->job->machine->n_cpus, rate);
	struct limits l;

	if (find_limits(&l, &q))
		return; /* the arguments were checked */
	cell(t, "%s", s->policy);
	cell(t, "%u", s->n);
	rate_cell(t, rate, "");
	interval_cell(t, l.saturated, 0);
	interval_cell(t, l.merge, 0);
	interval_cell(t, l.dearer, 0);
	end_row(t);
}

/* Delivered and the mean reservation: "all . 1.4 [0.6, 2.4]" if the demand is less than can be
 * taken, at the low end too; else "1.0 [0.7, 1.9] L . 177 [90, 279]" with the first letter of what
 * bounds it, a small one if only the low end cannot take the demand. */
static void surface_cell(struct table *t, const struct answer *ans)
{
	struct text wait = interval(ans->wait_ns, 1e3);

	if (!strcmp(ans->bound, "demand"))
		cell(t, "all · %s", wait.s);
	else
		cell(t, "%s %c · %s", interval(ans->per_sec, 1e6).s,
		     ans->at_low ? *ans->bound : toupper(*ans->bound), wait.s);
}

static void surface_row(struct table *t, const struct shards *s, unsigned n)
{
	cell(t, "%.40s (%u)", s->policy, rings_of(t, s));
	cell(t, "%u", n);
	for (unsigned r = 0; r < t->args->n_rates; r++) {
		struct question q = question_of(t, s, n, t->args->rates[r]);
		struct answer ans = predict(&q);

		surface_cell(t, &ans);
	}
	end_row(t);
}

static void policy_rows(struct table *t, const struct shards *s)
{
	const struct args *a = t->args;

	for (unsigned r = 0; a->verb == VERB_LIMITS && r < a->n_rates; r++)
		limits_row(t, s, a->rates[r]);
	for (unsigned p = 0; a->verb != VERB_LIMITS && p < a->n_producers; p++) {
		unsigned n = a->producers[p] ? a->producers[p] : t->job->machine->n_cpus;

		if (a->verb == VERB_SURFACE)
			surface_row(t, s, n);
		for (unsigned r = 0; a->verb == VERB_PREDICT && r < a->n_rates; r++)
			predict_row(t, s, n, a->rates[r]);
	}
}

static void print_head(struct table *t)
{
	static const char *const heads[][10] = {
		[VERB_PREDICT] = { "policy", "rings", "producers", "each /s", "delivered, M/s",
				   "reservation mean, us", "reservation p99, us", "bound by",
				   "packers" },
		[VERB_SURFACE] = { "policy (rings)", "producers" },
		[VERB_LIMITS] = { "policy", "rings", "each /s", "saturated at",
				  "one merge thread at", "dearer than perfbuf at" },
	};
	unsigned n;

	for (const char *const *head = heads[t->args->verb]; *head; head++)
		cell(t, "%s", *head);
	for (unsigned r = 0; t->args->verb == VERB_SURFACE && r < t->args->n_rates; r++)
		rate_cell(t, t->args->rates[r], "/s each");
	n = t->column;
	end_row(t);
	for (unsigned i = 0; t->args->markdown && i < n; i++)
		printf("|---%s", i == n - 1 ? "|\n" : "");
}

void print_table(const struct job *job)
{
	struct table table = { job, job->args, 0 };

	print_head(&table);
	for (unsigned p = 0; p < job->args->n_policies; p++)
		policy_rows(&table, &job->shards[p]);
}
