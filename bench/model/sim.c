/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Discrete-event simulation of one ring: producers think, queue for the lock in order of arrival,
 * pay the hand-over from the last owner, and think again. The lock is first come, first served, but
 * for the re-take when exactly one waits (tests/test_model.c).
 */
#include <math.h>

#include "../bench.h"
#include "model.h"

#define FIRST_TURNS 4 /* of each producer, which are not measured */

/* splitmix64: small, the same on every machine, good enough for queues. */
struct rng {
	uint64_t state;
};

static uint64_t next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* In [0, 1). */
static double rng_uniform(struct rng *rng)
{
	return (next(rng) >> 11) * 0x1p-53;
}

static double rng_exp(struct rng *rng, double mean)
{
	return -mean * log1p(-rng_uniform(rng));
}

static void rng_shuffle(struct rng *rng, unsigned *v, unsigned n)
{
	for (unsigned i = n; i > 1; i--) {
		unsigned j = rng_uniform(rng) * i;
		unsigned tmp = v[i - 1];

		v[i - 1] = v[j];
		v[j] = tmp;
	}
}

struct sim {
	const struct costs *costs;
	const struct load *load;
	const struct sim_opts *opts;
	struct rng rng;
	double now;
	int last;   /* producer that owned the lock last */
	double *at; /* when each producer wants the lock next */
	unsigned *order;
	double *waits;
	size_t n_waits;
	double elapsed;
};

/* First come, first served. */
static unsigned next_owner(const struct sim *s)
{
	unsigned first = 0;

	for (unsigned i = 1; i < s->load->n; i++)
		if (s->at[i] < s->at[first])
			first = i;
	return first;
}

static unsigned others_waiting(const struct sim *s, unsigned owner)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->load->n; i++)
		n += i != owner && s->at[i] <= s->now;
	return n;
}

static double draw(struct sim *s, enum times times, double mean)
{
	return times == EXPONENTIAL ? rng_exp(&s->rng, mean) : mean;
}

static double service_ns(struct sim *s, unsigned producer, bool retake)
{
	const struct costs *c = s->costs;
	unsigned cpu = s->load->cpus[producer];
	double ns;

	if (retake)
		return draw(s, s->opts->service, c->own);
	if (s->last < 0 || (unsigned)s->last == producer)
		return draw(s, s->opts->service, c->alone);
	ns = c->hand[load_distance(s->load, s->load->cpus[s->last], cpu)];
	if (s->load->consumer_cpu >= 0)
		ns += c->consumer * c->hand[load_distance(s->load, s->load->consumer_cpu, cpu)];
	return draw(s, s->opts->service, ns);
}

/* One owner's turn: one reservation, or more if it wins the lock again. */
static void turn(struct sim *s, unsigned *left)
{
	unsigned owner = next_owner(s);

	s->now = fmax(s->now, s->at[owner]);
	for (bool retake = false;; retake = true) {
		s->now += service_ns(s, owner, retake);
		s->last = owner;
		s->waits[s->n_waits++] = s->now - s->at[owner];
		s->at[owner] = s->now + draw(s, s->opts->think, s->opts->think_ns);
		/* The winner is back before the line has reached the one that waits. */
		if (!--*left || others_waiting(s, owner) != 1 ||
		    s->at[owner] > s->now + s->costs->own ||
		    rng_uniform(&s->rng) >= s->costs->retake)
			return;
		s->now = s->at[owner];
	}
}

static void start_batch(struct sim *s)
{
	unsigned n = s->load->n;

	s->now = 0;
	s->last = -1;
	for (unsigned i = 0; i < n; i++)
		s->order[i] = i;
	rng_shuffle(&s->rng, s->order, n);
	/* Spread over one think time; flat out they begin at once, in a random order. */
	for (unsigned i = 0; i < n; i++)
		s->at[s->order[i]] = i * (s->opts->think_ns / n + 1e-3);
}

static void run_batch(struct sim *s)
{
	size_t measured = s->n_waits;
	double start;

	start_batch(s);
	for (unsigned left = FIRST_TURNS * s->load->n; left;)
		turn(s, &left);
	s->n_waits = measured;
	start = s->now;
	for (unsigned left = s->opts->records; left;)
		turn(s, &left);
	s->elapsed += s->now - start;
}

static struct sim_result summarize(struct sim *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_waits; i++)
		sum += s->waits[i];
	qsort(s->waits, s->n_waits, sizeof(*s->waits), compare_doubles);
	return (struct sim_result){ .per_sec = s->n_waits / s->elapsed * 1e9,
				    .wait_mean_ns = sum / s->n_waits,
				    .wait_p99_ns = s->waits[s->n_waits - 1 - s->n_waits / 100] };
}

static bool is_time(double ns)
{
	return isfinite(ns) && ns >= 0;
}

/* A time that is no number compares with nothing: nobody would be first. */
static bool are_times(const struct costs *c, const struct sim_opts *opts)
{
	bool good = is_time(c->alone) && is_time(c->own) && is_time(c->consumer) &&
		    is_time(opts->think_ns);

	for (unsigned d = 0; d < N_LEVELS; d++)
		good = good && is_time(c->hand[d]) && is_time(c->consumer * c->hand[d]);
	return good;
}

int sim_run(struct sim_result *out, const struct costs *costs, const struct load *load,
	    const struct sim_opts *opts)
{
	struct sim s = { .costs = costs, .load = load, .opts = opts, .rng = { opts->seed } };
	size_t records = (size_t)opts->records * opts->batches;

	if (!load->n || !records || !are_times(costs, opts))
		return -EINVAL;
	s.at = bench_alloc(load->n, sizeof(*s.at));
	s.order = bench_alloc(load->n, sizeof(*s.order));
	s.waits = bench_alloc(records + FIRST_TURNS * load->n, sizeof(*s.waits));
	for (unsigned b = 0; b < opts->batches; b++)
		run_batch(&s);
	*out = summarize(&s);
	free(s.waits);
	free(s.order);
	free(s.at);
	return 0;
}

struct sim_result sim_must(const struct costs *costs, const struct load *load,
			   const struct sim_opts *opts)
{
	struct sim_result r;

	if (sim_run(&r, costs, load, opts))
		errx(BENCH_FAILED, "the fitted costs are negative or not finite: check the curves "
				   "in --data and --sweep");
	return r;
}
