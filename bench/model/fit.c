/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From curves to costs. All fits minimize the sum of squared log ratios of measured and modelled
 * time per record: points at 45 ns and at 900 ns count alike. They use the closed formula, which
 * has no noise; check.c bounds how far the simulation is from it.
 */
#include <math.h>
#include <string.h>

#include "model.h"

#define SMT_RATIO	0.7 /* hand-over to a sibling / within the cache domain; assumed */
#define CONSUMER_PRIOR	0.5 /* a curve hardly tells the consumer's share from the hand-over */
#define CONSUMER_WEIGHT 0.02
#define RETAKE_WEIGHT	0.01
#define ALONE_WEIGHT	0.01

/* Layout of the vector searched: log alone, logit retake, log consumer, then for each distance the
 * curve contains the log of what it costs more than the one before. */
enum { X_ALONE, X_RETAKE, X_CONSUMER, X_HAND };

struct fit {
	const struct curve *curve;
	const struct prior *prior;
	bool consumer;
	unsigned seen;
};

static double squared_log_ratio(double model, double measured)
{
	double e = log(fmax(model, 1e-9) / measured);

	return e * e;
}

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

static bool has_consumer(const struct curve *curve)
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

static void decode(struct costs *c, const double *x, const struct fit *fit)
{
	c->alone = exp(x[X_ALONE]);
	c->own = fit->prior->own_ns;
	c->retake = 1 / (1 + exp(-x[X_RETAKE]));
	c->consumer = fit->consumer ? exp(x[X_CONSUMER]) : 0;
	c->seen = fit->seen;
	fill_hands(c->hand, x + X_HAND, fit->seen);
}

static double logit(double p)
{
	return log(p / (1 - p));
}

static double misfit(const double *x, void *ctx)
{
	const struct fit *fit = ctx;
	struct costs c;
	double off_retake = x[X_RETAKE] - logit(fit->prior->retake);
	double off_consumer = x[X_CONSUMER] - log(CONSUMER_PRIOR);
	double off_alone = x[X_ALONE] - log(fit->curve->points[0].ns);
	double sum = RETAKE_WEIGHT * off_retake * off_retake +
		     CONSUMER_WEIGHT * off_consumer * off_consumer;

	/* Without a point of one producer nothing tells alone: it stays where it was begun. */
	if (fit->curve->points[0].mix.n > 1)
		sum += ALONE_WEIGHT * off_alone * off_alone;
	decode(&c, x, fit);
	for (unsigned i = 0; i < fit->curve->n; i++)
		sum += squared_log_ratio(mean_ns(&c, &fit->curve->points[i].mix),
					 fit->curve->points[i].ns);
	return sum;
}

void fit_costs(struct costs *out, const struct curve *curve, const struct prior *prior)
{
	struct fit fit = { curve, prior, has_consumer(curve), seen_levels(curve) };
	double x[MAX_DIM] = { log(curve->points[0].ns), logit(prior->retake), log(CONSUMER_PRIOR) };
	unsigned n = X_HAND;

	for (unsigned d = 0; d < N_LEVELS; d++)
		if (fit.seen & (1u << d)) {
			x[n] = log(n == X_HAND ? 90 : 150);
			n++;
		}
	minimize(misfit, &fit, x, n);
	decode(out, x, &fit);
}

/* ---- what the model has to beat ---- */
double usl_ns(const struct usl *u, unsigned n)
{
	double d = 1 + u->sigma * (n - 1) + u->kappa * n * (n - 1.0);

	return 1e9 * d / (u->lambda * n);
}

static void decode_usl(struct usl *u, const double *x)
{
	u->lambda = exp(x[0]);
	u->sigma = exp(x[1]);
	u->kappa = exp(x[2]);
}

static double usl_misfit(const double *x, void *ctx)
{
	const struct curve *curve = ctx;
	struct usl u;
	double sum = 0;

	decode_usl(&u, x);
	for (unsigned i = 0; i < curve->n; i++)
		sum += squared_log_ratio(usl_ns(&u, curve->points[i].mix.n), curve->points[i].ns);
	return sum;
}

void fit_usl(struct usl *out, const struct curve *curve)
{
	double x[3] = { log(1e9 / curve->points[0].ns), -1, -4 };

	minimize(usl_misfit, (void *)curve, x, 3);
	decode_usl(out, x);
}

double two_level_ns(const struct two_level *t, const struct mix *mix)
{
	double near = mix->pair[NR_SAME_CPU] + mix->pair[NR_SAME_CORE] + mix->pair[NR_SAME_LLC];

	return mix->n < 2 ? t->alone : near * t->near + (1 - near) * t->far;
}

static void decode_two_level(struct two_level *t, const double *x)
{
	t->alone = exp(x[0]);
	t->near = exp(x[1]);
	t->far = exp(x[2]);
}

static double two_level_misfit(const double *x, void *ctx)
{
	const struct curve *curve = ctx;
	struct two_level t;
	double sum = 0;

	decode_two_level(&t, x);
	for (unsigned i = 0; i < curve->n; i++)
		sum += squared_log_ratio(two_level_ns(&t, &curve->points[i].mix),
					 curve->points[i].ns);
	return sum;
}

void fit_two_level(struct two_level *out, const struct curve *curve)
{
	double x[3] = { log(curve->points[0].ns), 5, 6 };

	minimize(two_level_misfit, (void *)curve, x, 3);
	decode_two_level(out, x);
}
