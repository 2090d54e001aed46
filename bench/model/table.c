/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of predictions: a row each, limits, or the surface over producers, rate and policy. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* ---- tables ---- */
/* Three digits that count, also of two producers at 1 record per second. */
static void print_value(char *buf, size_t size, double v)
{
	int decimals = 0;

	for (double least = 99.95; v > 0 && v < least && decimals < 8; least /= 10)
		decimals++;
	if (isinf(v))
		snprintf(buf, size, "never");
	else
		snprintf(buf, size, "%.*f", decimals, v);
}

static const char *interval(char *buf, size_t size, struct interval i, double unit)
{
	char lo[32], mid[32], hi[32];

	print_value(lo, sizeof(lo), i.lo / unit);
	print_value(mid, sizeof(mid), i.mid / unit);
	print_value(hi, sizeof(hi), i.hi / unit);
	snprintf(buf, size, "%s [%s, %s]", mid, lo, hi);
	return buf;
}

static const char *count_interval(char *buf, size_t size, struct interval i)
{
	char v[3][32];
	const double *d = &i.lo;

	for (unsigned k = 0; k < 3; k++)
		if (isinf(d[k]))
			snprintf(v[k], sizeof(v[k]), "never");
		else
			snprintf(v[k], sizeof(v[k]), "%.0f", d[k]);
	snprintf(buf, size, "%s [%s, %s]", v[1], v[0], v[2]);
	return buf;
}

static void print_cells(const struct args *a, const char *const *cells, unsigned n)
{
	static const int width[] = { 14, 9, 9, 22, 28, 24, 24, 10 };

	for (unsigned i = 0; i < n; i++)
		if (a->markdown)
			printf("| %s ", cells[i]);
		else
			printf("%-*s ", i < 8 ? width[i] : 0, cells[i]);
	printf(a->markdown ? "|\n" : "\n");
}

static void print_head(const struct args *a, const char *const *cells, unsigned n)
{
	print_cells(a, cells, n);
	for (unsigned i = 0; a->markdown && i < n; i++)
		printf("|---%s", i == n - 1 ? "|\n" : "");
}

static void format_rate(char *buf, size_t size, double rate)
{
	if (rate > 0)
		snprintf(buf, size, "%gk", rate / 1e3);
	else
		snprintf(buf, size, "flat out");
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

static int predict_row(const struct job *job, const char *policy, const struct shards *s,
		       unsigned n, double rate)
{
	struct question q = { job->machine, s->cpu_shard, s->consumer,	  s->n, n,
			      job->order,   rate,	  job->args->seed };
	char rings[16], producers[16], per[32], rates[128], wait[128], p99[128];
	struct answer ans;
	char by[32];
	struct bound bound;
	int err = predict(&ans, &q, job->family, &job->args->rest);

	if (err)
		return err;
	bound = bound_by(&ans, s->n, n * rate);
	snprintf(by, sizeof(by), "%s%s", bound.name, bound.at_low ? "?" : "");
	snprintf(rings, sizeof(rings), "%u", s->n ? s->n : job->machine->n_cpus);
	snprintf(producers, sizeof(producers), "%u", n);
	format_rate(per, sizeof(per), rate);
	print_cells(job->args,
		    (const char *[]){ policy, rings, producers, per,
				      interval(rates, sizeof(rates), ans.per_sec, 1e6),
				      interval(wait, sizeof(wait), ans.wait_ns, 1e3),
				      interval(p99, sizeof(p99), ans.wait_p99_ns, 1e3), by },
		    8);
	return 0;
}

static int limits_row(const struct job *job, const char *policy, const struct shards *s,
		      double rate)
{
	struct question q = { job->machine,	    s->cpu_shard, s->consumer, s->n,
			      job->machine->n_cpus, job->order,	  rate,	       job->args->seed };
	char rings[16], per[32], sat[128], dear[128], merge[128];
	struct limits l;
	int err;

	err = find_limits(&l, &q, job->family, &job->args->rest);
	if (err)
		return err;
	snprintf(rings, sizeof(rings), "%u", s->n);
	format_rate(per, sizeof(per), rate);
	print_cells(job->args,
		    (const char *[]){ policy, rings, per,
				      count_interval(sat, sizeof(sat), l.saturated),
				      count_interval(merge, sizeof(merge), l.merge),
				      count_interval(dear, sizeof(dear), l.dearer) },
		    6);
	return 0;
}

/* Delivered and the mean reservation: "all . 1.4 [0.6, 2.4]" if the demand is less than can be
 * taken, at the low end too; else "1.0 [0.7, 1.9] L . 177 [90, 279]" with the first letter of what
 * bounds it, a small one if only the low end cannot take the demand. */
static int surface_cell(char *buf, size_t size, const struct job *job, const struct shards *s,
			unsigned n, double rate)
{
	struct question q = { job->machine, s->cpu_shard, s->consumer,	  s->n, n,
			      job->order,   rate,	  job->args->seed };
	char rates[128], wait[128];
	struct answer ans;
	struct bound bound;
	int err = predict(&ans, &q, job->family, &job->args->rest);

	if (err)
		return err;
	bound = bound_by(&ans, s->n, n * rate);
	interval(rates, sizeof(rates), ans.per_sec, 1e6);
	interval(wait, sizeof(wait), ans.wait_ns, 1e3);
	if (!strcmp(bound.name, "demand"))
		snprintf(buf, size, "all · %s", wait);
	else
		snprintf(buf, size, "%s %c · %s", rates,
			 bound.at_low ? *bound.name : toupper(*bound.name), wait);
	return 0;
}

static int surface_row(const struct job *job, const char *policy, const struct shards *s,
		       unsigned n)
{
	const struct args *a = job->args;
	char cell[MAX_LIST][320], rings[64], producers[16];
	const char *cells[MAX_LIST + 2] = { rings, producers };
	int err = 0;

	snprintf(rings, sizeof(rings), "%.40s (%u)", policy, s->n ? s->n : job->machine->n_cpus);
	snprintf(producers, sizeof(producers), "%u", n);
	for (unsigned r = 0; !err && r < a->n_rates; r++) {
		cells[r + 2] = cell[r];
		err = surface_cell(cell[r], sizeof(cell[r]), job, s, n, a->rates[r]);
	}
	if (!err)
		print_cells(a, cells, a->n_rates + 2);
	return err;
}

static int rows_of_producers(const struct job *job, const char *policy, const struct shards *s,
			     unsigned n)
{
	const struct args *a = job->args;
	int err = 0;

	if (a->verb == VERB_SURFACE)
		return surface_row(job, policy, s, n);
	for (unsigned r = 0; !err && r < a->n_rates; r++)
		err = predict_row(job, policy, s, n, a->rates[r]);
	return err;
}

static int rows_of_policy(const struct job *job, const char *policy, const struct shards *s)
{
	const struct args *a = job->args;
	int err = 0;

	if (a->verb == VERB_LIMITS) {
		for (unsigned r = 0; !err && r < a->n_rates; r++)
			err = limits_row(job, policy, s, a->rates[r]);
		return err;
	}
	for (unsigned p = 0; !err && p < a->n_producers; p++)
		err = rows_of_producers(job, policy, s,
					a->producers[p] ? a->producers[p] : job->machine->n_cpus);
	return err;
}

static const char *const predict_head[] = {
	"policy",
	"rings",
	"producers",
	"each /s",
	"delivered, M/s",
	"reservation mean, us",
	"reservation p99, us",
	"bound by",
};
static const char *const limits_head[] = {
	"policy",
	"rings",
	"each /s",
	"saturated at",
	"one merge thread at",
	"dearer than perfbuf at",
};

static void print_surface_head(const struct args *a)
{
	const char *cells[MAX_LIST + 2] = { "policy (rings)", "producers" };
	char head[MAX_LIST][48], rate[32];

	for (unsigned r = 0; r < a->n_rates; r++) {
		format_rate(rate, sizeof(rate), a->rates[r]);
		snprintf(head[r], sizeof(head[r]), "%s%s", rate, a->rates[r] > 0 ? "/s each" : "");
		cells[r + 2] = head[r];
	}
	print_head(a, cells, a->n_rates + 2);
}

int print_table(const struct job *job)
{
	const struct args *a = job->args;
	int err = 0;

	if (a->verb == VERB_LIMITS)
		print_head(a, limits_head, 6);
	else if (a->verb == VERB_SURFACE)
		print_surface_head(a);
	else
		print_head(a, predict_head, 8);
	for (unsigned p = 0; !err && p < a->n_policies; p++)
		err = rows_of_policy(job, a->policies[p], &job->shards[p]);
	return err;
}
