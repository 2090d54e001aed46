/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of predictions: a row each, limits, or the surface over producers, rate and policy. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>

#include "../bench.h"
#include "cmd.h"

/* Of a cell: longer than any. */
#define CELL 320

struct row {
	unsigned n;
	char cell[MAX_LIST + 2][CELL];
};

static void add(struct row *row, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct row *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row->cell[row->n++], CELL, fmt, ap);
	va_end(ap);
}

static void print_row(const struct args *a, const struct row *row)
{
	static const int width[] = { 14, 9, 9, 22, 28, 24, 24, 10 };

	for (unsigned i = 0; i < row->n; i++)
		if (a->markdown)
			printf("| %s ", row->cell[i]);
		else
			printf("%-*s ", i < 8 ? width[i] : 0, row->cell[i]);
	printf(a->markdown ? "|\n" : "\n");
}

static void print_head(const struct args *a, const struct row *row)
{
	print_row(a, row);
	for (unsigned i = 0; a->markdown && i < row->n; i++)
		printf("|---%s", i == row->n - 1 ? "|\n" : "");
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

static void add_rate(struct row *row, double rate, const char *unit)
{
	if (rate > 0)
		add(row, "%gk%s", rate / 1e3, unit);
	else
		add(row, "flat out");
}

/* ---- rows ---- */
static unsigned rings_of(const struct job *job, const struct shards *s)
{
	return s->n ? s->n : job->machine->n_cpus;
}

static struct question question_of(const struct job *job, const struct shards *s, unsigned n,
				   double rate)
{
	return (struct question){ job->machine, s->cpu_shard, s->consumer,    s->n, n,
				  job->order,	rate,	      job->args->seed };
}

/* What stands between the producers and their demand, by the ends of the intervals. */
struct bound {
	const char *name;
	bool at_low; /* only if the low end is true */
};

static struct bound bound_by(const struct answer *ans, unsigned rings, double demand)
{
	const struct interval *lock = &ans->lock_capacity, *merge = &ans->merge_per_sec;
	const char *first = rings ? "lock" : "output";

	if (demand == 0) /* flat out: any */
		demand = INFINITY;
	if (demand > fmin(lock->mid, merge->mid))
		return (struct bound){ lock->mid > merge->mid ? "merge" : first, false };
	if (demand > fmin(lock->lo, merge->lo))
		return (struct bound){ lock->lo > merge->lo ? "merge" : first, true };
	return (struct bound){ "demand", false };
}

static void predict_row(const struct job *job, const char *policy, const struct shards *s,
			unsigned n, double rate)
{
	struct question q = question_of(job, s, n, rate);
	struct answer ans = predict(&q, job->family, &job->args->rest);
	struct bound bound = bound_by(&ans, s->n, n * rate);
	struct row row = { 0 };

	add(&row, "%s", policy);
	add(&row, "%u", rings_of(job, s));
	add(&row, "%u", n);
	add_rate(&row, rate, "");
	add(&row, "%s", interval(ans.per_sec, 1e6).s);
	add(&row, "%s", interval(ans.wait_ns, 1e3).s);
	add(&row, "%s", interval(ans.wait_p99_ns, 1e3).s);
	add(&row, "%s%s", bound.name, bound.at_low ? "?" : "");
	print_row(job->args, &row);
}

static void limits_row(const struct job *job, const char *policy, const struct shards *s,
		       double rate)
{
	struct question q = question_of(job, s, job->machine->n_cpus, rate);
	struct row row = { 0 };
	struct limits l;

	if (find_limits(&l, &q, job->family, &job->args->rest))
		return; /* the arguments were checked */
	add(&row, "%s", policy);
	add(&row, "%u", s->n);
	add_rate(&row, rate, "");
	add(&row, "%s", interval(l.saturated, 0).s);
	add(&row, "%s", interval(l.merge, 0).s);
	add(&row, "%s", interval(l.dearer, 0).s);
	print_row(job->args, &row);
}

/* Delivered and the mean reservation: "all . 1.4 [0.6, 2.4]" if the demand is less than can be
 * taken, at the low end too; else "1.0 [0.7, 1.9] L . 177 [90, 279]" with the first letter of what
 * bounds it, a small one if only the low end cannot take the demand. */
static void add_surface(struct row *row, const struct job *job, const struct shards *s, unsigned n,
			double rate)
{
	struct question q = question_of(job, s, n, rate);
	struct answer ans = predict(&q, job->family, &job->args->rest);
	struct bound bound = bound_by(&ans, s->n, n * rate);
	struct text wait = interval(ans.wait_ns, 1e3);

	if (!strcmp(bound.name, "demand"))
		add(row, "all · %s", wait.s);
	else
		add(row, "%s %c · %s", interval(ans.per_sec, 1e6).s,
		    bound.at_low ? *bound.name : toupper(*bound.name), wait.s);
}

static void surface_row(const struct job *job, const char *policy, const struct shards *s,
			unsigned n)
{
	struct row row = { 0 };

	add(&row, "%.40s (%u)", policy, rings_of(job, s));
	add(&row, "%u", n);
	for (unsigned r = 0; r < job->args->n_rates; r++)
		add_surface(&row, job, s, n, job->args->rates[r]);
	print_row(job->args, &row);
}

static void policy_rows(const struct job *job, const char *policy, const struct shards *s)
{
	const struct args *a = job->args;

	for (unsigned r = 0; a->verb == VERB_LIMITS && r < a->n_rates; r++)
		limits_row(job, policy, s, a->rates[r]);
	for (unsigned p = 0; a->verb != VERB_LIMITS && p < a->n_producers; p++) {
		unsigned n = a->producers[p] ? a->producers[p] : job->machine->n_cpus;

		if (a->verb == VERB_SURFACE)
			surface_row(job, policy, s, n);
		for (unsigned r = 0; a->verb == VERB_PREDICT && r < a->n_rates; r++)
			predict_row(job, policy, s, n, a->rates[r]);
	}
}

static const struct row predict_head = { 8,
					 { "policy", "rings", "producers", "each /s",
					   "delivered, M/s", "reservation mean, us",
					   "reservation p99, us", "bound by" } };
static const struct row limits_head = { 6,
					{ "policy", "rings", "each /s", "saturated at",
					  "one merge thread at", "dearer than perfbuf at" } };

static void print_surface_head(const struct args *a)
{
	struct row head = { 2, { "policy (rings)", "producers" } };

	for (unsigned r = 0; r < a->n_rates; r++)
		add_rate(&head, a->rates[r], "/s each");
	print_head(a, &head);
}

void print_table(const struct job *job)
{
	const struct args *a = job->args;

	if (a->verb == VERB_SURFACE)
		print_surface_head(a);
	else
		print_head(a, a->verb == VERB_LIMITS ? &limits_head : &predict_head);
	for (unsigned p = 0; p < a->n_policies; p++)
		policy_rows(job, a->policies[p], &job->shards[p]);
}
