/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a machine would do that nobody measured. Every figure is an interval: the simulation is run
 * with each parameter set of the hosts that the machine is said to be like, as fitted and with all
 * costs higher and lower by the family's error.
 */
#include <math.h>

#include "../bench.h"
#include "model.h"

#define SIM_RECORDS 1500
#define SIM_BATCHES 2

/* One merge thread on the host these were measured on, 2.1 GHz class; perf's figures are those of
 * the two published hosts. README.md has the sources. */
const struct rest rest_default = {
	.merge_ns = { 5, 20, 60 },
	.merge_log2_ns = { 7, 9.5, 14 },
	.perf_ns = { 44, 72, 117 },
	.perf_wake_ns = { 465, 620, 975 },
	.perf_sample = 500,
};

/* ---- intervals ---- */
struct interval interval_of(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare_doubles);
	return (struct interval){ v[0], v[n / 2], v[n - 1] };
}

static struct interval lesser(struct interval a, struct interval b)
{
	return (struct interval){ fmin(a.lo, b.lo), fmin(a.mid, b.mid), fmin(a.hi, b.hi) };
}

/* Records/s of n producers that spend these ns on each record, and think between two. */
static struct interval rate_of(unsigned n, double think_ns, struct interval ns)
{
	return (struct interval){ n * 1e9 / (think_ns + ns.hi), n * 1e9 / (think_ns + ns.mid),
				  n * 1e9 / (think_ns + ns.lo) };
}

static double merge_ns(double ns, double log2_ns, unsigned shards)
{
	return ns + log2_ns * log2(shards ? shards : 1);
}

static struct interval merge_interval(const struct rest *r, unsigned shards)
{
	struct interval ns = { merge_ns(r->merge_ns.lo, r->merge_log2_ns.lo, shards),
			       merge_ns(r->merge_ns.mid, r->merge_log2_ns.mid, shards),
			       merge_ns(r->merge_ns.hi, r->merge_log2_ns.hi, shards) };

	return rate_of(1, 0, ns);
}

/* ---- shards ---- */
static double think_ns(const struct question *q)
{
	return q->rate > 0 ? 1e9 / q->rate : 0;
}

/* Who writes to the shard; cpus has room for all. */
static struct load shard_load(const struct question *q, unsigned shard, unsigned *cpus)
{
	struct load load = { q->machine, 0, cpus, q->shard_consumer[shard] };

	for (unsigned i = 0; i < q->n; i++)
		if ((unsigned)q->cpu_shard[q->cpus[i]] == shard)
			cpus[load.n++] = q->cpus[i];
	return load;
}

/* The mixes of shards that have producers. */
struct mixes {
	struct mix *mix;
	unsigned n;
};

static void shard_mixes(struct mixes *mixes, const struct question *q)
{
	unsigned *cpus = bench_alloc(q->n, sizeof(*cpus));

	mixes->n = 0;
	for (unsigned s = 0; s < q->n_shards; s++) {
		struct load load = shard_load(q, s, cpus);

		if (load.n)
			mixes->mix[mixes->n++] = mix_of(&load);
	}
	free(cpus);
}

static struct mixes new_mixes(const struct question *q)
{
	struct mixes mixes = { bench_alloc(q->n_shards, sizeof(struct mix)), 0 };

	shard_mixes(&mixes, q);
	return mixes;
}

/* Records/s that the rings take if there is always somebody who has one. */
static double capacity_of(const struct costs *costs, const struct mixes *mixes)
{
	double per_sec = 0;

	for (unsigned i = 0; i < mixes->n; i++)
		per_sec += 1e9 / mean_ns(costs, &mixes->mix[i]);
	return per_sec;
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
	struct mix mix; /* of the shard */
	double per_sec, wait_ns, wait_p99_ns;
};

static void simulate_shard(struct outcome *out, const struct question *q, const struct load *load,
			   const struct costs *costs)
{
	struct sim_opts opts = {
		.seed = q->seed,
		.think_ns = think_ns(q),
		.think = EXPONENTIAL,
		.records = SIM_RECORDS + 2 * load->n,
		.batches = SIM_BATCHES,
	};
	struct sim_result r;

	if (sim_run(&r, costs, load, &opts))
		errx(BENCH_FAILED, "the fitted costs are no times");
	out->per_sec = r.per_sec;
	out->wait_ns = r.wait_mean_ns;
	out->wait_p99_ns = r.wait_p99_ns;
}

static bool same_mix(const struct mix *a, const struct mix *b)
{
	double off = 0;

	for (unsigned d = 0; d < N_LEVELS; d++)
		off += fabs(a->pair[d] - b->pair[d]) + fabs(a->consumer[d] - b->consumer[d]);
	return a->n == b->n && off < 0.02;
}

/* Shards with the same distances between their producers behave alike: one of them is simulated.
 * `known` are those of the shards before. */
static const struct outcome *shard_outcome(struct outcome *known, unsigned *n_known,
					   const struct question *q, const struct load *load,
					   const struct costs *costs)
{
	struct outcome *new = &known[*n_known];

	new->mix = mix_of(load);
	for (unsigned i = 0; i < *n_known; i++)
		if (same_mix(&known[i].mix, &new->mix))
			return &known[i];
	simulate_shard(new, q, load, costs);
	++*n_known;
	return new;
}

static struct outcome all_shards(const struct question *q, const struct costs *costs)
{
	struct outcome *known = bench_alloc(q->n_shards, sizeof(*known)), sum = { 0 };
	unsigned *cpus = bench_alloc(q->n, sizeof(*cpus)), n_known = 0;

	for (unsigned s = 0; s < q->n_shards; s++) {
		struct load load = shard_load(q, s, cpus);
		const struct outcome *one;

		if (!load.n)
			continue;
		one = shard_outcome(known, &n_known, q, &load, costs);
		sum.per_sec += one->per_sec;
		sum.wait_ns += one->per_sec * one->wait_ns;
		sum.wait_p99_ns = fmax(sum.wait_p99_ns, one->wait_p99_ns);
	}
	sum.wait_ns /= sum.per_sec;
	free(cpus);
	free(known);
	return sum;
}

/* ---- predictions ---- */
static void predict_perf(struct answer *a, const struct question *q, const struct rest *r)
{
	const struct interval *ns = &r->perf_ns, *wake = &r->perf_wake_ns;
	double n = r->perf_sample;

	a->wait_ns = (struct interval){ ns->lo + wake->lo / n, ns->mid + wake->mid / n,
					ns->hi + wake->hi / n };
	a->wait_p99_ns = a->wait_ns;
	/* One record in n pays the whole wake-up. */
	if (n < 100)
		a->wait_p99_ns = (struct interval){ ns->lo + wake->lo, ns->mid + wake->mid,
						    ns->hi + wake->hi };
	a->lock_per_sec = rate_of(q->n, think_ns(q), a->wait_ns);
	a->lock_capacity = rate_of(q->n, 0, a->wait_ns);
	a->merge_per_sec = merge_interval(r, q->n);
}

static void predict_rings(struct answer *a, const struct question *q, const struct family *f,
			  const struct rest *r)
{
	struct mixes mixes = new_mixes(q);
	unsigned n = N_SCALES * f->n;
	double *rate = bench_alloc(4 * (size_t)n, sizeof(*rate));
	double *wait = rate + n, *p99 = wait + n, *capacity = p99 + n;
	/* Nobody writes more than he has to say. */
	double most = q->rate > 0 ? q->n * q->rate : INFINITY;

	for (unsigned i = 0; i < n; i++) {
		struct costs c = scaled_set(f, i);
		struct outcome o = all_shards(q, &c);

		rate[i] = o.per_sec;
		wait[i] = o.wait_ns;
		p99[i] = o.wait_p99_ns;
		capacity[i] = capacity_of(&c, &mixes);
	}
	a->lock_per_sec = lesser(interval_of(rate, n), (struct interval){ most, most, most });
	a->wait_ns = interval_of(wait, n);
	a->wait_p99_ns = interval_of(p99, n);
	a->lock_capacity = interval_of(capacity, n);
	a->merge_per_sec = merge_interval(r, mixes.n);
	free(rate);
	free(mixes.mix);
}

struct answer predict(const struct question *q, const struct family *family,
		      const struct rest *rest)
{
	struct answer a;

	if (q->n_shards)
		predict_rings(&a, q, family, rest);
	else
		predict_perf(&a, q, rest);
	a.per_sec = lesser(a.lock_per_sec, a.merge_per_sec);
	return a;
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
	return merge_ns(ring_ns, l->merge_log2_ns, rings) >
	       merge_ns(l->perf_ns, l->merge_log2_ns, buffers);
}

static void note_limits(struct set_limits *l, const struct question *q, const struct mixes *mixes)
{
	double ns = 0;

	for (unsigned i = 0; i < mixes->n; i++)
		ns += mean_ns(&l->costs, &mixes->mix[i]) * mixes->mix[i].n / q->n;
	if (isinf(l->saturated) && q->n * q->rate > capacity_of(&l->costs, mixes))
		l->saturated = q->n;
	if (isinf(l->dearer) && q->n > 1 && is_dearer(l, ns, mixes->n, q->n))
		l->dearer = q->n;
}

static double merge_limit(const struct question *q, double ns, double log2_ns)
{
	for (unsigned n = 1; n <= q->n; n++)
		if (n * q->rate >
		    1e9 / merge_ns(ns, log2_ns, q->n_shards && q->n_shards < n ? q->n_shards : n))
			return n;
	return INFINITY;
}

static void collect(struct limits *out, const struct set_limits *l, unsigned n)
{
	double *v = bench_alloc(n, sizeof(*v));

	for (unsigned i = 0; i < n; i++)
		v[i] = l[i].saturated;
	out->saturated = interval_of(v, n);
	for (unsigned i = 0; i < n; i++)
		v[i] = l[i].dearer;
	out->dearer = interval_of(v, n);
	free(v);
}

int find_limits(struct limits *out, const struct question *question, const struct family *f,
		const struct rest *r)
{
	struct question q = *question;
	unsigned n = N_SCALES * f->n;
	struct set_limits *l;
	struct mixes mixes;

	if (!q.n || !q.n_shards || !(q.rate > 0))
		return -EINVAL;
	l = bench_alloc(n, sizeof(*l));
	mixes = new_mixes(&q);
	for (unsigned i = 0; i < n; i++)
		start_limits(&l[i], f, r, i);
	for (q.n = 1; q.n <= question->n; q.n++) {
		shard_mixes(&mixes, &q);
		for (unsigned i = 0; i < n; i++)
			note_limits(&l[i], &q, &mixes);
	}
	collect(out, l, n);
	out->merge = (struct interval){
		merge_limit(question, r->merge_ns.hi, r->merge_log2_ns.hi),
		merge_limit(question, r->merge_ns.mid, r->merge_log2_ns.mid),
		merge_limit(question, r->merge_ns.lo, r->merge_log2_ns.lo),
	};
	free(mixes.mix);
	free(l);
	return 0;
}
