/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a machine would do that nobody measured. Every figure is an interval: the simulation is run
 * with each parameter set of the hosts that the machine is said to be like, as fitted and with all
 * costs higher and lower by the error these hosts showed in leave-half-out fits.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* Other package / same package where a curve has both: the least found (Sapphire Rapids). */
#define LEAST_FAR_RATIO 1.2
#define N_GROUPS	4
#define SIM_RECORDS	1500
#define SIM_BATCHES	2

/* ---- families ---- */
static struct costs *add_set(struct family *f, const struct costs *set)
{
	struct costs *sets = realloc(f->sets, (f->n + 1) * sizeof(*sets));

	if (!sets)
		return NULL;
	f->sets = sets;
	sets[f->n] = *set;
	return &sets[f->n++];
}

static void guess_far(struct costs *set, double ratio)
{
	set->hand[NR_OTHER_PACKAGE] = set->hand[NR_SAME_PACKAGE] * ratio;
}

static int fit_set(struct family *f, const struct curve *curve)
{
	const struct host *host = host_of(curve->name);
	struct costs set, *added;

	fit_costs(&set, curve, &host->prior);
	added = add_set(f, &set);
	if (!added)
		return -ENOMEM;
	if (set.seen & (1u << NR_OTHER_PACKAGE))
		return 0;
	guess_far(added, LEAST_FAR_RATIO);
	added = add_set(f, &set);
	if (!added)
		return -ENOMEM;
	guess_far(added, host->far_ratio);
	return 0;
}

/* The curve without each fourth point; the first always stays. */
static void without_group(struct curve *out, const struct curve *curve, unsigned group)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->name, curve->name, sizeof(out->name));
	for (unsigned i = 0; i < curve->n; i++)
		if (!i || i % N_GROUPS != group)
			out->points[out->n++] = curve->points[i];
}

/* Sum of the squares over *n more points. */
static double half_error(const struct curve *curve, const struct prior *prior, unsigned half,
			 unsigned *n)
{
	struct curve train, test;
	struct costs c;
	double sum = 0;

	curve_halve(curve, half, &train, &test);
	fit_costs(&c, &train, prior);
	for (unsigned i = 0; i < test.n; i++) {
		const struct point *p = &test.points[i];
		double e = log(mean_ns(&c, &p->mix) / p->ns);

		if (p->mix.n < 3)
			continue;
		sum += e * e;
		++*n;
	}
	return sum;
}

static int fit_series(struct family *f, const struct curve *curve)
{
	struct curve part;
	int err = fit_set(f, curve);

	for (unsigned g = 0; !err && g < N_GROUPS; g++) {
		without_group(&part, curve, g);
		err = fit_set(f, &part);
	}
	return err;
}

int family_fit(struct family **out, const struct curve *curves, unsigned n_curves, const char *like)
{
	struct family *f = calloc(1, sizeof(*f));
	unsigned n_errors = 0;
	double sum = 0;
	int err = f ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < n_curves; i++) {
		if (!is_like(curves[i].name, like))
			continue;
		err = fit_series(f, &curves[i]);
		for (unsigned half = 0; half < 2; half++)
			sum += half_error(&curves[i], &host_of(curves[i].name)->prior, half,
					  &n_errors);
	}
	if (!err && !f->n)
		err = -ENOENT;
	if (err)
		goto out;
	f->error = n_errors ? sqrt(sum / n_errors) : 0;
	*out = f;
	f = NULL;
out:
	family_free(f);
	return err;
}

void family_free(struct family *f)
{
	if (!f)
		return;
	free(f->sets);
	free(f);
}

/* ---- families of a sweep ---- */
static double fit_error(const struct costs *c, const struct curve *curve)
{
	double sum = 0;

	for (unsigned i = 0; i < curve->n; i++) {
		double e = log(mean_ns(c, &curve->points[i].mix) / curve->points[i].ns);

		sum += e * e;
	}
	return sqrt(sum / curve->n);
}

/* As many points as costs: alone, re-take, the consumer's share, a hand-over for each distance. */
static bool enough_points(const struct curve *curve, unsigned seen)
{
	return curve->n >= 3 + (unsigned)__builtin_popcount(seen);
}

/* If halves of the sweep are too few points, what the like hosts showed stands for its error. */
static double sweep_error(const struct curve *curve, const struct prior *prior,
			  const struct costs *fit, double like_error)
{
	struct curve train, test;
	double sum = 0;
	unsigned n = 0;

	curve_halve(curve, 1, &train, &test);
	if (!enough_points(&train, fit->seen))
		return fmax(fit_error(fit, curve), like_error);
	for (unsigned half = 0; half < 2; half++)
		sum += half_error(curve, prior, half, &n);
	return fmax(fit_error(fit, curve), n ? sqrt(sum / n) : like_error);
}

/* Distances of the machine that are farther than any the sweep contains. */
static unsigned levels_beyond(unsigned levels, unsigned seen)
{
	unsigned beyond = 0;

	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
		if (levels & (1u << d) && !(seen >> d))
			beyond |= 1u << d;
	return beyond;
}

/* What both know is compared as a sum: a curve hardly tells hand-over from the consumer's share. No
 * hand-over is cheaper than a nearer one. */
static void borrow(struct costs *set, const struct costs *from, unsigned beyond)
{
	double same = (1 + from->consumer) / (1 + set->consumer);

	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++) {
		if (beyond & (1u << d))
			set->hand[d] = from->hand[d] * same;
		if (!(set->seen >> d))
			set->hand[d] = fmax(set->hand[d], set->hand[d - 1]);
	}
	if (!set->seen)
		for (unsigned d = NR_SAME_CPU; d <= NR_SAME_CORE; d++)
			set->hand[d] = from->hand[d] * same;
}

static int add_sweep_sets(struct family *f, const struct curve *curve, const struct prior *prior,
			  const struct costs *fit)
{
	struct curve part;
	struct costs set;

	if (!add_set(f, fit))
		return -ENOMEM;
	for (unsigned g = 0; g < N_GROUPS; g++) {
		without_group(&part, curve, g);
		fit_costs(&set, &part, prior);
		if (enough_points(&part, fit->seen) && set.seen == fit->seen && !add_set(f, &set))
			return -ENOMEM;
	}
	return 0;
}

static int add_borrowed_sets(struct family *f, const struct costs *fit, const struct family *like)
{
	for (unsigned i = 0; i < like->n; i++) {
		struct costs set = *fit;

		borrow(&set, &like->sets[i], f->borrowed);
		if (!add_set(f, &set))
			return -ENOMEM;
	}
	return 0;
}

int family_of_sweep(struct family **out, const struct curve *sweep, const struct prior *prior,
		    const struct family *like, unsigned levels, double across)
{
	struct family *f = calloc(1, sizeof(*f));
	struct costs fit;
	int err;

	if (!f)
		return -ENOMEM;
	fit_costs(&fit, sweep, prior);
	f->borrowed = levels_beyond(levels, fit.seen);
	f->error = sweep_error(sweep, prior, &fit, like->error);
	if (f->borrowed) {
		f->error = fmax(f->error, across);
		err = add_borrowed_sets(f, &fit, like);
	} else {
		err = add_sweep_sets(f, sweep, prior, &fit);
	}
	if (err)
		family_free(f);
	else
		*out = f;
	return err;
}

/* ---- one parameter set ---- */
/* Each set is tried as it is, and with all its costs off by the error of the family. */
#define N_SCALES 3

static struct costs scaled_set(const struct family *f, unsigned i)
{
	static const double sign[N_SCALES] = { 0, 1, -1 };
	double by = exp(sign[i % N_SCALES] * f->error);
	struct costs c = f->sets[i / N_SCALES];

	c.alone *= by;
	c.own *= by;
	for (unsigned d = 0; d < N_LEVELS; d++)
		c.hand[d] *= by;
	return c;
}

struct outcome {
	double per_sec, wait_ns, wait_p99_ns;
};

static double think_ns(const struct question *q)
{
	return q->rate > 0 ? 1e9 / q->rate : 0;
}

static int simulate_shard(struct outcome *out, const struct question *q, unsigned shard,
			  const unsigned *cpus, unsigned n, const struct costs *costs)
{
	struct load load = { n, cpus, q->shard_consumer[shard] };
	struct sim_opts opts = {
		.seed = q->seed,
		.think_ns = think_ns(q),
		.think = EXPONENTIAL,
		.records = SIM_RECORDS + 2 * n,
		.batches = SIM_BATCHES,
	};
	struct sim_result r;
	int err = sim_run(&r, q->machine, costs, &load, &opts);

	if (!err)
		*out = (struct outcome){ r.per_sec, r.wait_mean_ns, r.wait_p99_ns };
	return err;
}

static unsigned shard_cpus(const struct question *q, unsigned shard, unsigned *cpus)
{
	unsigned n = 0;

	for (unsigned i = 0; i < q->n; i++)
		if ((unsigned)q->cpu_shard[q->cpus[i]] == shard)
			cpus[n++] = q->cpus[i];
	return n;
}

/* Two shards with the same distances between their producers behave alike: simulate one of them. */
static bool same_mix(const struct mix *a, const struct mix *b)
{
	double off = 0;

	for (unsigned d = 0; d < N_LEVELS; d++)
		off += fabs(a->pair[d] - b->pair[d]) + fabs(a->consumer[d] - b->consumer[d]);
	return a->n == b->n && off < 0.02;
}

struct memo {
	struct mix mix;
	struct outcome outcome;
};

static int shard_outcome(struct outcome *out, const struct question *q, unsigned shard,
			 const unsigned *cpus, unsigned n, const struct costs *costs,
			 struct memo *memo, unsigned *n_memo)
{
	struct load load = { n, cpus, q->shard_consumer[shard] };
	struct mix mix;
	int err;

	mix_of(&mix, q->machine, &load);
	for (unsigned i = 0; i < *n_memo; i++)
		if (same_mix(&memo[i].mix, &mix)) {
			*out = memo[i].outcome;
			return 0;
		}
	err = simulate_shard(out, q, shard, cpus, n, costs);
	if (!err)
		memo[(*n_memo)++] = (struct memo){ mix, *out };
	return err;
}

static unsigned shard_mixes(struct mix *mixes, const struct question *q, unsigned *cpus)
{
	unsigned used = 0;

	for (unsigned s = 0; s < q->n_shards; s++) {
		struct load load = { 0, cpus, q->shard_consumer[s] };

		load.n = shard_cpus(q, s, cpus);
		if (load.n)
			mix_of(&mixes[used++], q->machine, &load);
	}
	return used;
}

/* Records/s that the rings take if there is always somebody who has one. */
static double capacity_of(const struct costs *costs, const struct mix *mixes, unsigned used)
{
	double per_sec = 0;

	for (unsigned i = 0; i < used; i++)
		per_sec += 1e9 / mean_ns(costs, &mixes[i]);
	return per_sec;
}

static int locks_outcome(struct outcome *out, const struct question *q, const struct costs *costs)
{
	unsigned *cpus = calloc(q->n, sizeof(*cpus));
	struct memo *memo = calloc(q->n_shards, sizeof(*memo));
	struct outcome sum = { 0 }, one = { 0 };
	unsigned n_memo = 0;
	int err = cpus && memo ? 0 : -ENOMEM;

	for (unsigned s = 0; !err && s < q->n_shards; s++) {
		unsigned n = shard_cpus(q, s, cpus);

		if (!n)
			continue;
		err = shard_outcome(&one, q, s, cpus, n, costs, memo, &n_memo);
		if (err)
			break;
		sum.per_sec += one.per_sec;
		sum.wait_ns += one.per_sec * one.wait_ns;
		sum.wait_p99_ns = fmax(sum.wait_p99_ns, one.wait_p99_ns);
	}
	if (err)
		goto out;
	sum.wait_ns /= sum.per_sec;
	*out = sum;
out:
	free(memo);
	free(cpus);
	return err;
}

/* ---- intervals ---- */
/* One merge thread on the host these were measured on, 2.1 GHz class; perf's figures are those of
 * the two published hosts. README.md has the sources. */
const struct rest rest_default = {
	.merge_ns = { 5, 20, 60 },
	.merge_log2_ns = { 7, 9.5, 14 },
	.perf_ns = { 44, 72, 117 },
	.perf_wake_ns = { 465, 620, 975 },
	.perf_sample = 500,
};

static double merge_rate(double ns, double log2_ns, unsigned shards)
{
	return 1e9 / (ns + log2_ns * log2(shards ? shards : 1));
}

static struct interval merge_interval(const struct rest *r, unsigned shards)
{
	return (struct interval){
		merge_rate(r->merge_ns.hi, r->merge_log2_ns.hi, shards),
		merge_rate(r->merge_ns.mid, r->merge_log2_ns.mid, shards),
		merge_rate(r->merge_ns.lo, r->merge_log2_ns.lo, shards),
	};
}

static struct interval lesser(struct interval a, struct interval b)
{
	return (struct interval){ fmin(a.lo, b.lo), fmin(a.mid, b.mid), fmin(a.hi, b.hi) };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts v. */
static struct interval spread(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return (struct interval){ v[0], v[n / 2], v[n - 1] };
}

static void predict_perf(struct answer *a, const struct question *q, const struct rest *r)
{
	const double *ns = &r->perf_ns.lo, *wake = &r->perf_wake_ns.lo;
	double wait[3];

	for (unsigned i = 0; i < 3; i++)
		wait[i] = ns[i] + wake[i] / r->perf_sample;
	a->wait_ns = a->wait_p99_ns = (struct interval){ wait[0], wait[1], wait[2] };
	/* One record in perf_sample pays the whole wake-up. */
	if (r->perf_sample < 100)
		a->wait_p99_ns =
			(struct interval){ ns[0] + wake[0], ns[1] + wake[1], ns[2] + wake[2] };
	a->lock_per_sec = (struct interval){ q->n * 1e9 / (think_ns(q) + wait[2]),
					     q->n * 1e9 / (think_ns(q) + wait[1]),
					     q->n * 1e9 / (think_ns(q) + wait[0]) };
	a->lock_capacity = (struct interval){ q->n * 1e9 / wait[2], q->n * 1e9 / wait[1],
					      q->n * 1e9 / wait[0] };
	a->merge_per_sec = merge_interval(r, q->n);
}

static int predict_sets(struct answer *a, const struct question *q, const struct family *f,
			const struct mix *mixes, unsigned used)
{
	unsigned n = N_SCALES * f->n;
	double *v = calloc(4 * (size_t)n, sizeof(*v));
	double *rate = v, *wait = v + n, *p99 = v + 2 * (size_t)n, *most = v + 3 * (size_t)n;
	struct outcome o;
	int err = v ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < n; i++) {
		struct costs c = scaled_set(f, i);

		err = locks_outcome(&o, q, &c);
		if (err)
			break;
		rate[i] = o.per_sec;
		wait[i] = o.wait_ns;
		p99[i] = o.wait_p99_ns;
		most[i] = capacity_of(&c, mixes, used);
	}
	if (err)
		goto out;
	a->lock_per_sec = spread(rate, n);
	a->wait_ns = spread(wait, n);
	a->wait_p99_ns = spread(p99, n);
	a->lock_capacity = spread(most, n);
out:
	free(v);
	return err;
}

static int predict_rings(struct answer *a, const struct question *q, const struct family *f,
			 const struct rest *r)
{
	struct mix *mixes = calloc(q->n_shards, sizeof(*mixes));
	unsigned *cpus = calloc(q->n, sizeof(*cpus)), used = 0;
	int err = -ENOMEM;

	if (!mixes || !cpus)
		goto out;
	used = shard_mixes(mixes, q, cpus);
	err = predict_sets(a, q, f, mixes, used);
	if (err)
		goto out;
	if (q->rate > 0) { /* nobody writes more than he has to say */
		double most = q->n * q->rate;

		a->lock_per_sec = lesser(a->lock_per_sec, (struct interval){ most, most, most });
	}
	a->merge_per_sec = merge_interval(r, used);
out:
	free(cpus);
	free(mixes);
	return err;
}

int predict(struct answer *out, const struct question *q, const struct family *family,
	    const struct rest *rest)
{
	struct answer a;
	int err = 0;

	if (!q->n || !rest->perf_sample)
		return -EINVAL;
	if (q->n_shards)
		err = predict_rings(&a, q, family, rest);
	else
		predict_perf(&a, q, rest);
	if (err)
		return err;
	a.per_sec = lesser(a.lock_per_sec, a.merge_per_sec);
	*out = a;
	return 0;
}

/* ---- limits ---- */
/* One parameter set, and the producers at which it reaches each limit. */
struct set_limits {
	struct costs costs;
	double perf_ns, merge_log2_ns;
	double saturated, dearer;
};

/* Dear rings are held against cheap perf buffers, and the other way round. */
static void start_limits(struct set_limits *l, const struct family *f, const struct rest *r,
			 unsigned i)
{
	static const unsigned side[N_SCALES] = { 1, 0, 2 }; /* of an interval: middle, lo, hi */
	unsigned k = side[i % N_SCALES];

	l->costs = scaled_set(f, i);
	l->perf_ns = (&r->perf_ns.lo)[k] + (&r->perf_wake_ns.lo)[k] / r->perf_sample;
	l->merge_log2_ns = (&r->merge_log2_ns.lo)[k];
	l->saturated = l->dearer = INFINITY;
}

/* Rings are merged too, only fewer of them. */
static bool is_dearer(const struct set_limits *l, double ring_ns, unsigned rings, unsigned buffers)
{
	return ring_ns + l->merge_log2_ns * log2(rings) >
	       l->perf_ns + l->merge_log2_ns * log2(buffers);
}

static void note_limits(struct set_limits *l, const struct question *q, const struct mix *mixes,
			unsigned used)
{
	double ns = 0;

	for (unsigned i = 0; i < used; i++)
		ns += mean_ns(&l->costs, &mixes[i]) * mixes[i].n / q->n;
	if (isinf(l->saturated) && q->n * q->rate > capacity_of(&l->costs, mixes, used))
		l->saturated = q->n;
	if (isinf(l->dearer) && q->n > 1 && is_dearer(l, ns, used, q->n))
		l->dearer = q->n;
}

static double merge_limit(const struct question *q, double ns, double log2_ns)
{
	for (unsigned n = 1; n <= q->n; n++)
		if (n * q->rate >
		    merge_rate(ns, log2_ns, q->n_shards && q->n_shards < n ? q->n_shards : n))
			return n;
	return INFINITY;
}

static void collect(struct limits *out, const struct set_limits *l, unsigned n, double *v)
{
	for (unsigned i = 0; i < n; i++)
		v[i] = l[i].saturated;
	out->saturated = spread(v, n);
	for (unsigned i = 0; i < n; i++)
		v[i] = l[i].dearer;
	out->dearer = spread(v, n);
}

int find_limits(struct limits *out, const struct question *question, const struct family *f,
		const struct rest *r)
{
	struct question q = *question;
	struct mix *mixes = NULL;
	unsigned n = N_SCALES * f->n;
	struct set_limits *l = NULL;
	unsigned *cpus = NULL;
	double *v = NULL;
	int err = -ENOMEM;

	if (!q.n || !q.n_shards || !(q.rate > 0))
		return -EINVAL;
	mixes = calloc(q.n_shards, sizeof(*mixes));
	l = calloc(n, sizeof(*l));
	v = calloc(n, sizeof(*v));
	cpus = calloc(q.n, sizeof(*cpus));
	if (!mixes || !l || !v || !cpus)
		goto out;
	for (unsigned i = 0; i < n; i++)
		start_limits(&l[i], f, r, i);
	for (q.n = 1; q.n <= question->n; q.n++) {
		unsigned used = shard_mixes(mixes, &q, cpus);

		for (unsigned i = 0; i < n; i++)
			note_limits(&l[i], &q, mixes, used);
	}
	collect(out, l, n, v);
	out->merge = (struct interval){
		merge_limit(question, r->merge_ns.hi, r->merge_log2_ns.hi),
		merge_limit(question, r->merge_ns.mid, r->merge_log2_ns.mid),
		merge_limit(question, r->merge_ns.lo, r->merge_log2_ns.lo),
	};
	err = 0;
out:
	free(cpus);
	free(v);
	free(l);
	free(mixes);
	return err;
}

/* ---- across hosts ---- */
/* The family's time for a point: the middle of its sets, and the ends widened by `error`. */
static int family_ns(struct interval *out, const struct family *f, const struct mix *mix)
{
	double *v = calloc(f->n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (unsigned i = 0; i < f->n; i++)
		v[i] = mean_ns(&f->sets[i], mix);
	*out = spread(v, f->n);
	free(v);
	return 0;
}

static bool is_inside(const struct interval *i, double error, double ns)
{
	return ns >= i->lo * exp(-error) && ns <= i->hi * exp(error);
}

static int compare_series(struct host_error *e, const struct family *f, const struct curve *curve,
			  double wide)
{
	for (unsigned i = 0; i < curve->n; i++) {
		const struct point *p = &curve->points[i];
		struct interval ns;
		double off;
		int err;

		if (p->mix.n < 3)
			continue;
		err = family_ns(&ns, f, &p->mix);
		if (err)
			return err;
		off = log(ns.mid / p->ns);
		e->rms += off * off; /* the sum for now */
		e->least = fmin(e->least, off);
		e->most = fmax(e->most, off);
		e->inside += is_inside(&ns, f->error, p->ns);
		e->inside_wide += is_inside(&ns, wide, p->ns);
		e->n++;
	}
	return 0;
}

int predict_host(struct host_error *out, const struct curve *curves, unsigned n_curves,
		 const struct host *host, const char *like, double wide)
{
	struct host_error e = { .least = INFINITY, .most = -INFINITY };
	struct family *f = NULL;
	int err = family_fit(&f, curves, n_curves, like);

	for (unsigned i = 0; !err && i < n_curves; i++)
		if (host_of(curves[i].name) == host)
			err = compare_series(&e, f, &curves[i], wide);
	family_free(f);
	if (err)
		return err;
	if (!e.n)
		return -ENOENT;
	e.rms = sqrt(e.rms / e.n);
	*out = e;
	return 0;
}

int across_hosts(double *out, const struct curve *curves, unsigned n_curves)
{
	struct host_error e;
	unsigned n = 0;
	double sum = 0;

	for (unsigned i = 0; i < n_published_hosts; i++) {
		const struct host *host = &published_hosts[i];
		int err;

		if (!host->kin)
			continue;
		err = predict_host(&e, curves, n_curves, host, host->kin, 0);
		if (err)
			return err;
		sum += e.rms * e.rms;
		n++;
	}
	*out = sqrt(sum / n);
	return 0;
}
