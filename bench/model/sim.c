/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Discrete-event simulation of one ring: producers think, queue for the lock in order of arrival,
 * pay the hand-over from the last owner, and think again. The lock is first come, first served, but
 * for the re-take when exactly one waits (tests/test_model.c).
 */
#include <math.h>

#include "../bench.h"
#include "model.h"

struct sim {
	const struct costs *costs;
	const struct load *load;
	const struct sim_opts *opts;
	struct rng rng;
	double now;
	int last;     /* producer that owned the lock last */
	double *at;   /* when each producer wants the lock next */
	unsigned *order;
	uint64_t *count;
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
	ns = c->hand[machine_distance(s->load->machine, s->load->cpus[s->last], cpu)];
	if (s->load->consumer_cpu >= 0)
		ns += c->consumer *
		      c->hand[machine_distance(s->load->machine, s->load->consumer_cpu, cpu)];
	return draw(s, s->opts->service, ns);
}

static void reserve(struct sim *s, struct sim_result *r, unsigned producer, bool retake,
		    bool measure)
{
	s->now += service_ns(s, producer, retake);
	s->last = producer;
	r->attempts++;
	r->retaken += retake;
	if (!measure)
		return;
	s->waits[s->n_waits++] = s->now - s->at[producer];
	s->count[producer]++;
}

/* One owner's turn; returns the number of reservations made. */
static unsigned turn(struct sim *s, struct sim_result *r, unsigned left, bool measure)
{
	unsigned owner = next_owner(s), made = 1;

	s->now = fmax(s->now, s->at[owner]);
	reserve(s, r, owner, false, measure);
	for (;;) {
		s->at[owner] = s->now + draw(s, s->opts->think, s->opts->think_ns);
		/* The winner is back before the line has reached the one that waits. */
		if (made == left || others_waiting(s, owner) != 1 ||
		    s->at[owner] > s->now + s->costs->own ||
		    rng_uniform(&s->rng) >= s->costs->retake)
			return made;
		s->now = s->at[owner];
		reserve(s, r, owner, true, measure);
		made++;
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

static void run_batch(struct sim *s, struct sim_result *r)
{
	double start;

	start_batch(s);
	for (unsigned done = 0, want = 4 * s->load->n; done < want;)
		done += turn(s, r, want - done, false);
	start = s->now;
	for (unsigned done = 0; done < s->opts->records;)
		done += turn(s, r, s->opts->records - done, true);
	s->elapsed += s->now - start;
}

static void summarize(struct sim *s, struct sim_result *r)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_waits; i++)
		sum += s->waits[i];
	qsort(s->waits, s->n_waits, sizeof(*s->waits), compare_doubles);
	r->per_sec = s->n_waits / s->elapsed * 1e9;
	r->wait_mean_ns = sum / s->n_waits;
	r->wait_p99_ns = s->waits[s->n_waits - 1 - s->n_waits / 100];
	r->least = r->most = s->count[0];
	for (unsigned i = 1; i < s->load->n; i++) {
		r->least = fmin(r->least, s->count[i]);
		r->most = fmax(r->most, s->count[i]);
	}
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
	struct sim_result r = { 0 };
	struct sim s;

	if (!load->n || !opts->records || !opts->batches || !are_times(costs, opts))
		return -EINVAL;
	s = (struct sim){
		.costs = costs,
		.load = load,
		.opts = opts,
		.rng = { opts->seed },
		.at = bench_alloc(load->n, sizeof(*s.at)),
		.order = bench_alloc(load->n, sizeof(*s.order)),
		.count = bench_alloc(load->n, sizeof(*s.count)),
		.waits = bench_alloc((size_t)opts->records * opts->batches, sizeof(*s.waits)),
	};
	for (unsigned b = 0; b < opts->batches; b++)
		run_batch(&s, &r);
	summarize(&s, &r);
	*out = r;
	free(s.waits);
	free(s.count);
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
