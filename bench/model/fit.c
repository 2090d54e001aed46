/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From curves to costs. All fits minimize the sum of squared log ratios of modelled and measured
 * time per record: points at 45 ns and at 900 ns count alike. They use the closed formula, which
 * has no noise; check.c bounds how far the simulation is from it.
 */
#include <math.h>
#include <nlopt.h>

#include "../bench.h"
#include "model.h"

#define SMT_RATIO	0.7 /* hand-over to a sibling / within the cache domain; assumed */
#define CONSUMER_PRIOR	0.5 /* a curve hardly tells the consumer's share from the hand-over */
#define CONSUMER_WEIGHT 0.02
#define RETAKE_WEIGHT	0.01
#define ALONE_WEIGHT	0.01

/* A simplex can collapse before it has arrived: a fresh one continues where it stopped. */
#define RESTARTS 4

double minimize(objective_fn f, void *ctx, double *x, unsigned n)
{
	nlopt_opt opt = nlopt_create(NLOPT_LN_NELDERMEAD, n);
	double least = INFINITY;

	if (!opt || nlopt_set_min_objective(opt, f, ctx) < 0)
		errx(BENCH_FAILED, "out of memory");
	nlopt_set_initial_step1(opt, 0.3);
	nlopt_set_ftol_abs(opt, 1e-12);
	nlopt_set_maxeval(opt, 8000);
	for (unsigned run = 0; run < RESTARTS; run++)
		nlopt_optimize(opt, x, &least);
	nlopt_destroy(opt);
	return least;
}

static double square(double v)
{
	return v * v;
}

double log_ratio(double ns, const struct point *p)
{
	return log(fmax(ns, 1e-9) / p->ns);
}

void rms_add(struct rms *rms, double ratio)
{
	rms->sum += square(ratio);
	rms->n++;
}

double rms_of(const struct rms *rms)
{
	return rms->n ? sqrt(rms->sum / rms->n) : 0;
}

/* ---- the model ---- */
/* Layout of the vector searched: log alone, logit retake, log consumer, then for each distance the
 * curve contains the log of what it costs more than the one before. */
enum { X_ALONE, X_RETAKE, X_CONSUMER, X_HAND, MAX_DIM = X_HAND + N_LEVELS };

struct fit {
	const struct curve *curve;
	bool consumer;
	unsigned seen;
};

static unsigned seen_levels(const struct curve *curve)
{
	unsigned seen = 0;

	/* A producer alone hands nothing over. */
	for (unsigned i = 0; i < curve->n; i++)
		for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
			if (curve->points[i].mix.n > 1 && (curve->points[i].mix.pair[d] > 0 ||
							   curve->points[i].mix.consumer[d] > 0))
				seen |= 1u << d;
	return seen;
}

bool has_consumer(const struct curve *curve)
{
	for (unsigned d = 0; d < N_LEVELS; d++)
		if (curve->points[0].mix.consumer[d] > 0)
			return true;
	return false;
}

/* A distance the curve did not contain costs what the nearest smaller one does, or, before the
 * first, what the first does. */
static void fill_hands(double *hand, const double *x, unsigned seen)
{
	unsigned first = 0, used = 0;
	double ns = 0;

	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++) {
		if (seen & (1u << d)) {
			ns += exp(x[used++]);
			if (!first)
				first = d;
		}
		hand[d] = ns;
	}
	for (unsigned d = NR_SAME_LLC; first && d < first; d++)
		hand[d] = hand[first];
	hand[NR_SAME_CORE] = hand[NR_SAME_CPU] = SMT_RATIO * hand[NR_SAME_LLC];
}

static struct costs decode(const double *x, const struct fit *fit)
{
	struct costs c = {
		.alone = exp(x[X_ALONE]),
		.own = fit->curve->prior.own_ns,
		.retake = 1 / (1 + exp(-x[X_RETAKE])),
		.consumer = fit->consumer ? exp(x[X_CONSUMER]) : 0,
		.seen = fit->seen,
	};

	fill_hands(c.hand, x + X_HAND, fit->seen);
	return c;
}

static double logit(double p)
{
	return log(p / (1 - p));
}

static double misfit(unsigned n, const double *x, double *gradient, void *ctx)
{
	const struct fit *fit = ctx;
	const struct point *points = fit->curve->points;
	double sum = RETAKE_WEIGHT * square(x[X_RETAKE] - logit(fit->curve->prior.retake)) +
		     CONSUMER_WEIGHT * square(x[X_CONSUMER] - log(CONSUMER_PRIOR));
	struct costs c = decode(x, fit);

	(void)n;
	(void)gradient;
	/* Without a point of one producer nothing tells alone: it stays where it was begun. */
	if (points[0].mix.n > 1)
		sum += ALONE_WEIGHT * square(x[X_ALONE] - log(points[0].ns));
	for (unsigned i = 0; i < fit->curve->n; i++)
		sum += square(log_ratio(mean_ns(&c, &points[i].mix), &points[i]));
	return sum;
}

struct costs fit_costs(const struct curve *curve)
{
	struct fit fit = { curve, has_consumer(curve), seen_levels(curve) };
	double x[MAX_DIM] = { log(curve->points[0].ns), logit(curve->prior.retake),
			      log(CONSUMER_PRIOR) };
	unsigned n = X_HAND;

	for (unsigned d = 0; d < N_LEVELS; d++)
		if (fit.seen & (1u << d)) {
			x[n] = log(n == X_HAND ? 90 : 150);
			n++;
		}
	minimize(misfit, &fit, x, n);
	return decode(x, &fit);
}

bool has_enough_points(const struct curve *curve, unsigned seen)
{
	return curve->n >= X_HAND + (unsigned)__builtin_popcount(seen);
}

/* ---- what the model has to beat ---- */
struct rival_fit {
	const struct curve *curve;
	struct rival rival;
};

/* x are the logarithms of the parameters. */
static double rival_misfit(unsigned n, const double *x, double *gradient, void *ctx)
{
	struct rival_fit *fit = ctx;
	struct rival *r = &fit->rival;
	double sum = 0;

	(void)gradient;
	for (unsigned i = 0; i < n; i++)
		r->v[i] = exp(x[i]);
	for (unsigned i = 0; i < fit->curve->n; i++) {
		const struct point *p = &fit->curve->points[i];

		sum += square(log_ratio(r->ns(r->v, &p->mix), p));
	}
	return sum;
}

static struct rival fit_rival(struct rival_fit fit, double x0, double x1, double x2)
{
	double x[3] = { x0, x1, x2 };

	minimize(rival_misfit, &fit, x, 3);
	rival_misfit(3, x, NULL, &fit);
	return fit.rival;
}

static double usl_ns(const double v[3], const struct mix *mix)
{
	unsigned n = mix->n;

	return 1e9 * (1 + v[1] * (n - 1) + v[2] * n * (n - 1.0)) / (v[0] * n);
}

struct rival fit_usl(const struct curve *curve)
{
	return fit_rival((struct rival_fit){ curve, { .ns = usl_ns } },
			 log(1e9 / curve->points[0].ns), -1, -4);
}

static double two_level_ns(const double v[3], const struct mix *mix)
{
	double near = mix->pair[NR_SAME_CPU] + mix->pair[NR_SAME_CORE] + mix->pair[NR_SAME_LLC];

	return mix->n < 2 ? v[0] : near * v[1] + (1 - near) * v[2];
}

struct rival fit_two_level(const struct curve *curve)
{
	return fit_rival((struct rival_fit){ curve, { .ns = two_level_ns } },
			 log(curve->points[0].ns), 5, 6);
}
