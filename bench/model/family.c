/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Costs of the hosts that a machine is taken to be like, and how far off they are for another. */
#include <math.h>

#include "../bench.h"
#include "model.h"

/* Other package / same package where a curve has both: the least found (Sapphire Rapids). */
#define LEAST_FAR_RATIO 1.2
#define N_GROUPS	4

static struct costs *add_set(struct family *f, const struct costs *set)
{
	f->sets = bench_grow(f->sets, f->n + 1, sizeof(*set));
	f->sets[f->n] = *set;
	return &f->sets[f->n++];
}

static void fit_set(struct family *f, const struct curve *curve)
{
	struct costs set = fit_costs(curve), *last = add_set(f, &set);
	double package = set.hand[NR_SAME_PACKAGE], most;

	if (set.seen & (1u << NR_OTHER_PACKAGE))
		return;
	most = host_of(curve->name)->far_ratio;
	last->hand[NR_OTHER_PACKAGE] = package * LEAST_FAR_RATIO;
	last = add_set(f, &set);
	last->hand[NR_OTHER_PACKAGE] = package * most;
	last = add_set(f, &set);
	last->hand[NR_OTHER_PACKAGE] = package * sqrt(LEAST_FAR_RATIO * most);
}

static void add_errors(struct rms *e, const struct curve *curve, const struct costs *c,
		       unsigned least)
{
	for (unsigned i = 0; i < curve->n; i++)
		if (curve->points[i].mix.n >= least)
			rms_add(e, log_ratio(mean_ns(c, &curve->points[i].mix), &curve->points[i]));
}

double fit_error(const struct costs *c, const struct curve *curve)
{
	struct rms e = { 0 };

	add_errors(&e, curve, c, 1);
	return rms_of(&e);
}

static void add_halves(struct rms *e, const struct curve *curve)
{
	struct curve train, test;
	struct costs c;

	for (unsigned half = 0; half < 2; half++) {
		curve_split(curve, 2, half, &train, &test);
		c = fit_costs(&train);
		if (has_enough_points(&train, c.seen))
			add_errors(e, &test, &c, 3);
	}
}

struct family family_fit(const struct curves *curves, const char *like, bool consumer)
{
	struct family f = { 0 };
	struct rms all = { 0 };
	struct curve most, rest;

	for (unsigned i = 0; i < curves->n; i++) {
		const struct curve *curve = &curves->curve[i];

		if (has_consumer(curve) != consumer || !is_like(curve->name, like))
			continue;
		fit_set(&f, curve);
		for (unsigned g = 0; g < N_GROUPS; g++) {
			curve_split(curve, N_GROUPS, g, &most, &rest);
			fit_set(&f, &most);
		}
		add_halves(&all, curve);
	}
	f.error = rms_of(&all);
	return f;
}

/* ---- families of a sweep ---- */
/* If halves of the sweep are too few points, what the like hosts showed stands for its error. */
static double sweep_error(const struct curve *curve, const struct costs *fit, double like_error)
{
	struct rms e = { 0 };

	add_halves(&e, curve);
	return fmax(fit_error(fit, curve), e.n ? rms_of(&e) : like_error);
}

/* Distances of the machine that are farther than any the sweep contains. */
static unsigned levels_beyond(const struct machine *machine, unsigned seen)
{
	unsigned beyond = 0;

	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
		if (machine->pairs[d] && !(seen >> d))
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

struct family family_of_sweep(const struct curve *sweep, const struct family *like,
			      const struct machine *machine, double across)
{
	struct costs fit = fit_costs(sweep);
	struct family f = { .borrowed = levels_beyond(machine, fit.seen) };
	struct curve most, rest;

	f.error = fmax(sweep_error(sweep, &fit, like->error), f.borrowed ? across : 0);
	for (unsigned i = 0; f.borrowed && i < like->n; i++)
		borrow(add_set(&f, &fit), &like->sets[i], f.borrowed);
	if (f.borrowed)
		return f;
	add_set(&f, &fit);
	for (unsigned g = 0; g < N_GROUPS; g++) {
		struct costs set;

		curve_split(sweep, N_GROUPS, g, &most, &rest);
		set = fit_costs(&most);
		if (has_enough_points(&most, fit.seen) && set.seen == fit.seen)
			add_set(&f, &set);
	}
	return f;
}

/* ---- across hosts ---- */
/* The family's time for a point: the middle of its sets, and the ends. */
static struct interval family_ns(const struct family *f, const struct mix *mix)
{
	double *v = bench_alloc(f->n, sizeof(*v));
	struct interval ns;

	for (unsigned i = 0; i < f->n; i++)
		v[i] = mean_ns(&f->sets[i], mix);
	ns = interval_of(v, f->n);
	free(v);
	return ns;
}

static bool is_inside(const struct interval *i, double error, double ns)
{
	return ns >= i->lo * exp(-error) && ns <= i->hi * exp(error);
}

void add_held(struct host_error *e, const struct family *f, const struct curve *curve, double wide)
{
	for (unsigned i = 0; i < curve->n; i++) {
		const struct point *p = &curve->points[i];
		struct interval ns;
		double off;

		if (p->mix.n < 3)
			continue;
		ns = family_ns(f, &p->mix);
		off = log_ratio(ns.mid, p);
		rms_add(&e->rms, off);
		e->least = fmin(e->least, off);
		e->most = fmax(e->most, off);
		e->inside += is_inside(&ns, f->error, p->ns);
		e->inside_wide += is_inside(&ns, wide, p->ns);
	}
}

const struct host_error host_error_none = { .least = INFINITY, .most = -INFINITY };

struct host_error predict_host(const struct curves *curves, const struct host *host,
			       const char *like, double wide)
{
	struct host_error e = host_error_none;
	struct family f = family_fit(curves, like, true);

	for (unsigned i = 0; f.n && i < curves->n; i++)
		if (has_consumer(&curves->curve[i]) && host_of(curves->curve[i].name) == host)
			add_held(&e, &f, &curves->curve[i], wide);
	free(f.sets);
	if (!e.rms.n)
		errx(BENCH_FAILED, "the published curves lack %s, or %s to predict it from",
		     host->prefix, like);
	return e;
}

double across_hosts(const struct curves *curves)
{
	struct host_error e;
	struct rms rms = { 0 };

	for (const struct host *host = published_hosts; host->prefix; host++) {
		if (!host->kin)
			continue;
		e = predict_host(curves, host, host->kin, 0);
		rms_add(&rms, rms_of(&e.rms));
	}
	return rms_of(&rms);
}
