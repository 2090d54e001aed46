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

/* ---- intervals ---- */
struct interval interval_of(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare_doubles);
	return (struct interval){ v[0], v[n / 2], v[n - 1] };
}

/* By the error of the costs of gaps, below saturation. */
static struct interval widened(struct interval i, const struct question *q)
{
	double by = exp(q->rate > 0 ? q->rest->error : 0);

	return (struct interval){ i.lo / by, i.mid, i.hi * by };
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

/* ---- what is not in the lock; k: which end of the interval, or its middle ---- */
static double perf_ns(const struct rest *r, unsigned k, double records_per_wake, double rate)
{
	return r->perf_ns[k] * (1 + r->perf_cold * gap_factor(r, rate)) +
	       r->perf_wake_ns[k] / records_per_wake;
}

static double merge_more_ns(const struct rest *r, unsigned k, unsigned shards)
{
	return r->merge_log2_ns[k] * log2(shards ? shards : 1);
}

static double merge_rate(const struct rest *r, unsigned k, unsigned shards)
{
	return r->merges * 1e9 / (r->merge_ns[k] + merge_more_ns(r, k, shards));
}

static struct interval merge_interval(const struct rest *r, unsigned shards)
{
	return (struct interval){ merge_rate(r, 2, shards), merge_rate(r, 1, shards),
				  merge_rate(r, 0, shards) };
}

/* ---- rings ---- */
/* Those that have producers. */
struct rings {
	unsigned n;
	unsigned *cpus; /* of all loads */
	struct ring {
		struct load load;
		struct mix mix;
		struct ring *twin; /* the first that behaves like it, maybe itself */
		struct sim_result result;
	} ring[];
};

static bool same_mix(const struct mix *a, const struct mix *b)
{
	double off = 0;

	for (unsigned d = 0; d < N_LEVELS; d++)
		off += fabs(a->pair[d] - b->pair[d]) + fabs(a->consumer[d] - b->consumer[d]);
	return a->n == b->n && off < 0.02;
}

/* Rings with the same distances between their producers behave alike. */
static void add_ring(struct rings *rings, const struct load *load)
{
	struct ring *new = &rings->ring[rings->n++], *twin = rings->ring;

	new->load = *load;
	new->mix = mix_of(load);
	new->twin = new;
	while (twin->twin != twin || !same_mix(&twin->mix, &new->mix))
		twin++;
	new->twin = twin;
}

static void find_rings(struct rings *rings, const struct question *q)
{
	unsigned *cpus = rings->cpus;

	rings->n = 0;
	for (unsigned s = 0; s < q->shards->n; s++) {
		struct load load = { q->machine, 0, cpus, q->shards->consumer[s] };

		for (unsigned i = 0; i < q->n; i++)
			if ((unsigned)q->shards->cpu_shard[q->cpus[i]] == s)
				cpus[load.n++] = q->cpus[i];
		if (load.n)
			add_ring(rings, &load);
		cpus += load.n;
	}
}

static struct rings *new_rings(const struct question *q)
{
	unsigned n = q->shards->n;
	struct rings *rings = bench_alloc(1, sizeof(*rings) + n * sizeof(rings->ring[0]) +
						     q->n * sizeof(*rings->cpus));

	rings->cpus = (unsigned *)(rings->ring + n);
	find_rings(rings, q);
	return rings;
}

/* Records/s of their consumers, each of which merges its lanes. */
static double index_rate(const struct rest *r, unsigned k, const struct rings *rings, bool lanes)
{
	double per_sec = 0;

	for (unsigned i = 0; i < rings->n; i++)
		per_sec += 1e9 / (r->index_ns[k] +
				  merge_more_ns(r, k, lanes ? rings->ring[i].load.n : 1));
	return per_sec;
}

/* Records/s that the rings take if there is always somebody who has one. */
static double capacity_of(const struct costs *costs, const struct rings *rings)
{
	double per_sec = 0;

	for (unsigned i = 0; i < rings->n; i++)
		per_sec += 1e9 / mean_ns(costs, &rings->ring[i].mix);
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

/* The costs of set i are off to the same side. */
static const unsigned scale_end[N_SCALES] = { 1, 2, 0 };

static double think_ns(const struct question *q)
{
	return q->rate > 0 ? 1e9 / q->rate : 0;
}

static double cold_ns(const struct question *q, const struct costs *costs)
{
	return q->rest->cold * costs->alone * gap_factor(q->rest, q->rate);
}

/* Twins are simulated once. */
static struct sim_result all_rings(struct rings *rings, const struct question *q,
				   const struct costs *costs)
{
	double cold = cold_ns(q, costs);
	struct sim_opts opts = {
		.seed = q->seed,
		.think_ns = think_ns(q) + cold,
		.think = EXPONENTIAL,
		.batches = SIM_BATCHES,
	};
	struct sim_result sum = { 0 };

	for (unsigned i = 0; i < rings->n; i++) {
		struct ring *ring = &rings->ring[i], *twin = ring->twin;

		opts.records = SIM_RECORDS + 2 * ring->load.n;
		if (twin == ring)
			ring->result = sim_must(costs, &ring->load, &opts);
		sum.per_sec += twin->result.per_sec;
		sum.wait_mean_ns += twin->result.per_sec * twin->result.wait_mean_ns;
		sum.wait_p99_ns = fmax(sum.wait_p99_ns, twin->result.wait_p99_ns);
	}
	sum.wait_mean_ns = sum.wait_mean_ns / sum.per_sec + cold;
	sum.wait_p99_ns += cold;
	return sum;
}

/* Nobody waits for anybody. */
static struct sim_result all_lanes(const struct question *q, const struct costs *costs, unsigned k)
{
	double ns = q->rest->lane[k] * costs->alone + cold_ns(q, costs);

	return (struct sim_result){ q->n * 1e9 / (think_ns(q) + ns), ns, ns };
}

/* ---- predictions ---- */
static void predict_perf(struct answer *a, const struct question *q)
{
	const struct rest *r = q->rest;
	double wait[3], p99[3], n = r->perf_sample;

	for (unsigned k = 0; k < 3; k++) {
		wait[k] = perf_ns(r, k, n, q->rate);
		/* One record in n pays the whole wake-up. */
		p99[k] = n < 100 ? perf_ns(r, k, 1, q->rate) : wait[k];
	}
	a->wait_ns = widened(interval_of(wait, 3), q);
	a->wait_p99_ns = widened(interval_of(p99, 3), q);
	a->lock_per_sec = rate_of(q->n, think_ns(q), a->wait_ns);
	a->lock_capacity = rate_of(q->n, 0, a->wait_ns);
	a->index_per_sec = (struct interval){ INFINITY, INFINITY, INFINITY };
	a->merge_per_sec = merge_interval(r, q->n);
}

static void predict_rings(struct answer *a, const struct question *q)
{
	struct rings *rings = new_rings(q);
	unsigned n = N_SCALES * q->family->n;
	double *rate = bench_alloc(4 * (size_t)n, sizeof(*rate));
	double *wait = rate + n, *p99 = wait + n, *capacity = p99 + n;
	bool lanes = q->shards->lanes;

	for (unsigned i = 0; i < n; i++) {
		struct costs c = scaled_set(q->family, i);
		unsigned k = scale_end[i % N_SCALES];
		struct sim_result all = lanes ? all_lanes(q, &c, k) : all_rings(rings, q, &c);

		rate[i] = all.per_sec;
		wait[i] = all.wait_mean_ns;
		p99[i] = all.wait_p99_ns;
		capacity[i] =
			lanes ? q->n * 1e9 / (q->rest->lane[k] * c.alone) : capacity_of(&c, rings);
	}
	a->lock_per_sec = interval_of(rate, n);
	a->wait_ns = widened(interval_of(wait, n), q);
	a->wait_p99_ns = widened(interval_of(p99, n), q);
	a->lock_capacity = interval_of(capacity, n);
	a->index_per_sec = (struct interval){ index_rate(q->rest, 2, rings, lanes),
					      index_rate(q->rest, 1, rings, lanes),
					      index_rate(q->rest, 0, rings, lanes) };
	a->merge_per_sec = merge_interval(q->rest, rings->n);
	free(rate);
	free(rings);
}

/* The least of the three, if it is less than the demand. */
static const char *least_of(double output, double index, double merge, const char *first,
			    double demand)
{
	if (demand <= fmin(output, fmin(index, merge)))
		return NULL;
	return merge < fmin(output, index) ? "merge" : index < output ? "consumer" : first;
}

/* By the middle of the intervals, or else by their low ends. */
static void find_bound(struct answer *a, const char *first, double demand)
{
	const struct interval *out = &a->lock_capacity, *index = &a->index_per_sec;
	const struct interval *merge = &a->merge_per_sec;
	const char *mid = least_of(out->mid, index->mid, merge->mid, first, demand);
	const char *low = least_of(out->lo, index->lo, merge->lo, first, demand);

	a->at_low = low && !mid;
	a->bound = mid ? mid : low ? low : "demand";
}

static double packers_for(const struct rest *r, unsigned k, double per_sec)
{
	return ceil(per_sec * r->packer_ns[k] / 1e9);
}

struct answer predict(const struct question *q)
{
	double demand = q->rate > 0 ? q->n * q->rate : INFINITY; /* flat out: any */
	bool rings = q->shards->n;
	struct answer a;

	if (rings)
		predict_rings(&a, q);
	else
		predict_perf(&a, q);
	/* Nobody writes more than he has to say. */
	a.lock_per_sec = lesser(a.lock_per_sec, (struct interval){ demand, demand, demand });
	a.per_sec = lesser(a.lock_per_sec, lesser(a.index_per_sec, a.merge_per_sec));
	a.packers = (struct interval){ packers_for(q->rest, 0, a.per_sec.lo),
				       packers_for(q->rest, 1, a.per_sec.mid),
				       packers_for(q->rest, 2, a.per_sec.hi) };
	find_bound(&a, rings && !q->shards->lanes ? "lock" : "output", demand);
	return a;
}

/* ---- limits ---- */
/* Rings are merged too, only fewer of them. */
static bool is_dearer(const struct rings *rings, const struct question *q,
		      const struct costs *costs, unsigned k)
{
	const struct rest *r = q->rest;
	double ns = cold_ns(q, costs);

	for (unsigned i = 0; i < rings->n; i++)
		ns += mean_ns(costs, &rings->ring[i].mix) * rings->ring[i].mix.n / q->n;
	return q->n > 1 &&
	       ns + merge_more_ns(r, k, rings->n) >
		       perf_ns(r, k, r->perf_sample, q->rate) + merge_more_ns(r, k, q->n);
}

static double merge_limit(const struct question *q, unsigned k)
{
	for (unsigned n = 1; n <= q->n; n++)
		if (n * q->rate > merge_rate(q->rest, k, q->shards->n < n ? q->shards->n : n))
			return n;
	return INFINITY;
}

int find_limits(struct limits *out, const struct question *question)
{
	/* Dear rings are held against cheap perf buffers, and the other way round. */
	static const unsigned side[N_SCALES] = { 1, 0, 2 };
	struct question q = *question;
	unsigned n = N_SCALES * q.family->n;
	double *saturated, *dearer;
	struct rings *rings;

	if (!q.n || !q.shards->n || q.shards->lanes || !(q.rate > 0))
		return -EINVAL;
	rings = new_rings(&q);
	saturated = bench_alloc(2 * (size_t)n, sizeof(*saturated));
	dearer = saturated + n;
	for (unsigned i = 0; i < n; i++)
		saturated[i] = dearer[i] = INFINITY;
	/* The last that is written is the first number of producers. */
	for (; q.n; q.n--) {
		find_rings(rings, &q);
		for (unsigned i = 0; i < n; i++) {
			struct costs c = scaled_set(q.family, i);

			if (q.n * q.rate > capacity_of(&c, rings))
				saturated[i] = q.n;
			if (is_dearer(rings, &q, &c, side[i % N_SCALES]))
				dearer[i] = q.n;
		}
	}
	out->saturated = interval_of(saturated, n);
	out->dearer = interval_of(dearer, n);
	out->merge = (struct interval){ merge_limit(question, 2), merge_limit(question, 1),
					merge_limit(question, 0) };
	free(saturated);
	free(rings);
	return 0;
}
