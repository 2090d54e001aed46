/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of predictions: a row each, limits, or the surface over producers, rate and policy. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define MAX_LIST 32

/* ---- small parsers --------------------------------------------------------------------------- */
static int parse_number(double *out, const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || v < 0)
		return -EINVAL;
	if (*end == 'k' || *end == 'K')
		v *= 1e3;
	else if (*end == 'M')
		v *= 1e6;
	*out = v;
	return 0;
}

static int parse_rate(double *out, const char *s)
{
	*out = 0;
	return strcmp(s, "flat") ? parse_number(out, s) : 0;
}

static int split(char *words[MAX_LIST], char *list)
{
	int nr = 0;

	for (char *save, *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (nr == MAX_LIST)
			return -E2BIG;
		words[nr++] = w;
	}
	return nr ? nr : -EINVAL;
}

/* ---- a plan as the model wants it ------------------------------------------------------------ */
struct shards {
	int *cpu_shard, *consumer;
	unsigned nr; /* 0: perf buffers */
};

static void free_shards(struct shards *s)
{
	free(s->cpu_shard);
	free(s->consumer);
}

static int shards_of(struct shards *s, const struct nr_topology *topo,
		     const struct nr_model_machine *m, const char *policy)
{
	struct nr_plan_opts opts = { .sz = sizeof(opts),
				     .policy = policy,
				     .log = nr_model_print_log };
	struct nr_plan *plan = NULL;
	int err;

	memset(s, 0, sizeof(*s));
	if (!strcmp(policy, "perfbuf"))
		return 0;
	err = nr_plan_make(&plan, topo, &opts);
	if (err)
		return err;
	s->cpu_shard = calloc(m->nr_cpus, sizeof(*s->cpu_shard));
	s->consumer = calloc(plan->nr_shards, sizeof(*s->consumer));
	if (!s->cpu_shard || !s->consumer) {
		err = -ENOMEM;
		goto out;
	}
	s->nr = plan->nr_shards;
	for (unsigned i = 0; i < m->nr_cpus; i++)
		s->cpu_shard[i] = plan->cpu_shard[m->os[i]];
	for (unsigned i = 0; i < s->nr; i++)
		s->consumer[i] = nr_model_cpu_index(m, plan->shards[i].consumer_cpus[0]);
out:
	nr_plan_free(plan);
	return err;
}

/* ---- tables ---------------------------------------------------------------------------------- */
static void print_value(char *buf, size_t size, double v)
{
	if (isinf(v))
		snprintf(buf, size, "never");
	else if (v >= 99.5)
		snprintf(buf, size, "%.0f", v);
	else if (v >= 9.95)
		snprintf(buf, size, "%.1f", v);
	else
		snprintf(buf, size, "%.2f", v);
}

static const char *interval(char *buf, size_t size, struct nr_model_interval i, double unit)
{
	char lo[32], mid[32], hi[32];

	print_value(lo, sizeof(lo), i.lo / unit);
	print_value(mid, sizeof(mid), i.mid / unit);
	print_value(hi, sizeof(hi), i.hi / unit);
	snprintf(buf, size, "%s [%s, %s]", mid, lo, hi);
	return buf;
}

static const char *count_interval(char *buf, size_t size, struct nr_model_interval i)
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

static void print_cells(const struct args *a, const char *const *cells, unsigned nr)
{
	static const int width[] = { 14, 9, 9, 22, 24, 24, 24, 10 };

	for (unsigned i = 0; i < nr; i++)
		if (a->markdown)
			printf("| %s ", cells[i]);
		else
			printf("%-*s ", i < 8 ? width[i] : 0, cells[i]);
	printf(a->markdown ? "|\n" : "\n");
}

static void print_head(const struct args *a, const char *const *cells, unsigned nr)
{
	print_cells(a, cells, nr);
	for (unsigned i = 0; a->markdown && i < nr; i++)
		printf("|---%s", i == nr - 1 ? "|\n" : "");
}

static void format_rate(char *buf, size_t size, double rate)
{
	if (rate > 0)
		snprintf(buf, size, "%gk", rate / 1e3);
	else
		snprintf(buf, size, "flat out");
}

static const char *bound_by(const struct nr_model_answer *ans, unsigned rings, double demand)
{
	if (demand > 0 && ans->per_sec.mid >= 0.9 * demand)
		return "demand";
	if (ans->lock_per_sec.mid > ans->merge_per_sec.mid)
		return "merge";
	return rings ? "lock" : "output";
}

static int predict_row(const struct job *job, const char *policy, const struct shards *s,
		       unsigned nr, double rate)
{
	struct nr_model_question q = { job->machine, s->cpu_shard, s->consumer, s->nr,
				       nr,	     job->order,   rate,	job->args->seed };
	char rings[16], producers[16], per[32], rates[128], wait[128], p99[128];
	struct nr_model_answer ans;
	int err = nr_model_predict(&ans, &q, job->family, &job->rest);

	if (err)
		return err;
	snprintf(rings, sizeof(rings), "%u", s->nr ? s->nr : job->machine->nr_cpus);
	snprintf(producers, sizeof(producers), "%u", nr);
	format_rate(per, sizeof(per), rate);
	print_cells(job->args,
		    (const char *[]){ policy, rings, producers, per,
				      interval(rates, sizeof(rates), ans.per_sec, 1e6),
				      interval(wait, sizeof(wait), ans.wait_ns, 1e3),
				      interval(p99, sizeof(p99), ans.wait_p99_ns, 1e3),
				      bound_by(&ans, s->nr, nr * rate) },
		    8);
	return 0;
}

static int limits_row(const struct job *job, const char *policy, const struct shards *s,
		      double rate)
{
	struct nr_model_question q = { job->machine, s->cpu_shard,	    s->consumer,
				       s->nr,	     job->machine->nr_cpus, job->order,
				       rate,	     job->args->seed };
	char rings[16], per[32], sat[128], dear[128], merge[128];
	struct nr_model_limits l;
	int err;

	if (!s->nr || rate == 0)
		return 0; /* no lock, or no rate: no limit of this kind */
	err = nr_model_find_limits(&l, &q, job->family, &job->rest);
	if (err)
		return err;
	snprintf(rings, sizeof(rings), "%u", s->nr);
	format_rate(per, sizeof(per), rate);
	print_cells(job->args,
		    (const char *[]){ policy, rings, per,
				      count_interval(sat, sizeof(sat), l.saturated),
				      count_interval(merge, sizeof(merge), l.merge),
				      count_interval(dear, sizeof(dear), l.dearer) },
		    6);
	return 0;
}

/* Delivered and the mean reservation: "all . 1.4 [0.6, 2.4]" if the producers' demand is met, else
 * "1.0 [0.7, 1.9] L . 177 [90, 279]" with the first letter of what bounds it. */
static int surface_cell(char *buf, size_t size, const struct job *job, const struct shards *s,
			unsigned nr, double rate)
{
	struct nr_model_question q = { job->machine, s->cpu_shard, s->consumer, s->nr,
				       nr,	     job->order,   rate,	job->args->seed };
	char rates[128], wait[128];
	struct nr_model_answer ans;
	int err = nr_model_predict(&ans, &q, job->family, &job->rest);
	const char *bound;

	if (err)
		return err;
	bound = bound_by(&ans, s->nr, nr * rate);
	interval(rates, sizeof(rates), ans.per_sec, 1e6);
	interval(wait, sizeof(wait), ans.wait_ns, 1e3);
	if (*bound == 'd')
		snprintf(buf, size, "all · %s", wait);
	else
		snprintf(buf, size, "%s %c · %s", rates, *bound - 'a' + 'A', wait);
	return 0;
}

static int surface_row(const struct job *job, const char *policy, const struct shards *s,
		       unsigned nr, char **rates, int nr_rates)
{
	char cell[MAX_LIST][320], rings[64], producers[16];
	const char *cells[MAX_LIST + 2] = { rings, producers };
	double rate;
	int err = 0;

	snprintf(rings, sizeof(rings), "%.40s (%u)", policy, s->nr ? s->nr : job->machine->nr_cpus);
	snprintf(producers, sizeof(producers), "%u", nr);
	for (int r = 0; !err && r < nr_rates; r++) {
		cells[r + 2] = cell[r];
		err = parse_rate(&rate, rates[r]);
		if (!err)
			err = surface_cell(cell[r], sizeof(cell[r]), job, s, nr, rate);
	}
	if (!err)
		print_cells(job->args, cells, nr_rates + 2);
	return err;
}

struct lists {
	char *text[3];
	char *policies[MAX_LIST], *producers[MAX_LIST], *rates[MAX_LIST];
	int nr_policies, nr_producers, nr_rates;
};

/* 0: the machine has not so many CPUs. */
static int producers_of(unsigned *nr, const struct job *job, const char *text)
{
	double v = job->machine->nr_cpus;
	int err = strcmp(text, "all") ? parse_number(&v, text) : 0;

	*nr = v <= job->machine->nr_cpus ? v : 0;
	return err;
}

static int rows_of_producers(const struct job *job, const char *policy, const struct shards *s,
			     unsigned nr, struct lists *l)
{
	double rate;
	int err = 0;

	if (!nr)
		return 0;
	if (!strcmp(job->args->verb, "surface"))
		return surface_row(job, policy, s, nr, l->rates, l->nr_rates);
	for (int r = 0; !err && r < l->nr_rates; r++) {
		err = parse_rate(&rate, l->rates[r]);
		if (!err)
			err = predict_row(job, policy, s, nr, rate);
	}
	return err;
}

static int rows_of_policy(const struct job *job, const char *policy, struct lists *l)
{
	bool limits = !strcmp(job->args->verb, "limits");
	struct shards s;
	int err = shards_of(&s, job->topo, job->machine, policy);
	double rate;
	unsigned nr;

	for (int r = 0; limits && !err && r < l->nr_rates; r++) {
		err = parse_rate(&rate, l->rates[r]);
		if (!err)
			err = limits_row(job, policy, &s, rate);
	}
	for (int p = 0; !limits && !err && p < l->nr_producers; p++) {
		err = producers_of(&nr, job, l->producers[p]);
		if (!err)
			err = rows_of_producers(job, policy, &s, nr, l);
	}
	free_shards(&s);
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

static void print_surface_head(const struct job *job, struct lists *l)
{
	const char *cells[MAX_LIST + 2] = { "policy (rings)", "producers" };
	char head[MAX_LIST][48];

	for (int r = 0; r < l->nr_rates; r++) {
		snprintf(head[r], sizeof(head[r]), "%.24s%s", l->rates[r],
			 strcmp(l->rates[r], "flat") ? "/s each" : " out");
		cells[r + 2] = head[r];
	}
	print_head(job->args, cells, l->nr_rates + 2);
}

static int read_lists(struct lists *l, const struct args *a)
{
	l->text[0] = strdup(a->policies);
	l->text[1] = strdup(a->producers);
	l->text[2] = strdup(a->rates);
	if (!l->text[0] || !l->text[1] || !l->text[2])
		return -ENOMEM;
	l->nr_policies = split(l->policies, l->text[0]);
	l->nr_producers = split(l->producers, l->text[1]);
	l->nr_rates = split(l->rates, l->text[2]);
	return l->nr_policies < 0 || l->nr_producers < 0 || l->nr_rates < 0 ? -EINVAL : 0;
}

int nr_model_print_table(const struct job *job)
{
	struct lists l = { 0 };
	int err = read_lists(&l, job->args);

	if (err)
		goto out;
	if (!strcmp(job->args->verb, "limits"))
		print_head(job->args, limits_head, 6);
	else if (!strcmp(job->args->verb, "surface"))
		print_surface_head(job, &l);
	else
		print_head(job->args, predict_head, 8);
	for (int p = 0; !err && p < l.nr_policies; p++)
		err = rows_of_policy(job, l.policies[p], &l);
out:
	for (unsigned i = 0; i < 3; i++)
		free(l.text[i]);
	return err;
}
