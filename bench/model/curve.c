/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the published curves. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define NO_CONSUMER "_noconsumer"

void model_say(nr_log_fn log, void *ctx, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log(ctx, NR_LOG_ERROR, text);
}

int curve_add(struct curve *curve, const struct machine *machine, const struct load *load,
	      double ns)
{
	struct point *p = &curve->points[curve->n];

	if (curve->n == MAX_POINTS)
		return -E2BIG;
	if (!load->n || !is_plausible(ns))
		return -EINVAL;
	mix_of(&p->mix, machine, load);
	p->ns = ns;
	curve->n++;
	return 0;
}

int curve_add_plain(struct curve *curve, const struct machine *machine, unsigned n, unsigned first,
		    int consumer_cpu, double ns)
{
	unsigned *cpus = calloc(n, sizeof(*cpus));
	struct load load = { n, cpus, consumer_cpu };
	int err = -ENOMEM;

	if (!cpus)
		goto out;
	for (unsigned i = 0; i < n; i++)
		cpus[i] = (first + i) % machine->n_cpus;
	err = curve_add(curve, machine, &load, ns);
out:
	free(cpus);
	return err;
}

static struct curve *find_curve(struct curve **curves, unsigned *n, const char *name)
{
	struct curve *grown;

	for (unsigned i = 0; i < *n; i++)
		if (!strcmp((*curves)[i].name, name))
			return &(*curves)[i];
	grown = realloc(*curves, (*n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	*curves = grown;
	grown += (*n)++;
	memset(grown, 0, sizeof(*grown));
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return grown;
}

static int add_published(struct curve *curve, unsigned producers, double mops)
{
	const struct host *host = host_of(curve->name);
	bool consumer = !strstr(curve->name, NO_CONSUMER);
	struct machine *machine = NULL;
	int err;

	if (!host)
		return -ENOENT;
	err = machine_regular(&machine, &host->layout);
	if (err)
		return err;
	err = curve_add_plain(curve, machine, producers, consumer, consumer ? 0 : -1, 1e3 / mops);
	machine_free(machine);
	return err;
}

static int by_producers(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return (x->mix.n > y->mix.n) - (x->mix.n < y->mix.n);
}

void curve_sort(struct curve *curve)
{
	qsort(curve->points, curve->n, sizeof(curve->points[0]), by_producers);
}

static int parse_published(struct curve **curves, unsigned *n, char *line)
{
	struct curve *curve;
	char name[64];
	unsigned producers;
	double mops;

	if (sscanf(line, "%63[^,],%u,%lf", name, &producers, &mops) != 3 || !producers ||
	    !(mops > 0))
		return -EINVAL;
	curve = find_curve(curves, n, name);
	return curve ? add_published(curve, producers, mops) : -ENOMEM;
}

int curves_read(struct curve **out, unsigned *n_out, const char *path, nr_log_fn log, void *ctx)
{
	struct curve *curves = NULL;
	unsigned n = 0, line_nr = 0;
	FILE *f = fopen(path, "re");
	char line[256];
	int err = f ? 0 : -errno;

	if (!f)
		model_say(log, ctx, "%s: %s", path, strerror(-err));
	while (!err && fgets(line, sizeof(line), f)) {
		if (!line_nr++) /* names of the columns */
			continue;
		err = parse_published(&curves, &n, line);
		if (err)
			model_say(log, ctx,
				  "%s:%u: not series,producers,mops_per_sec of a known host", path,
				  line_nr);
	}
	if (!err && (ferror(f) || !n)) {
		err = ferror(f) ? -errno : -ENODATA;
		model_say(log, ctx, "%s: %s", path, strerror(-err));
	}
	if (err)
		goto out;
	for (unsigned i = 0; i < n; i++)
		curve_sort(&curves[i]);
	*out = curves;
	*n_out = n;
	curves = NULL;
out:
	free(curves);
	if (f)
		fclose(f);
	return err;
}

void curve_halve(const struct curve *curve, unsigned half, struct curve *train, struct curve *test)
{
	memset(train, 0, sizeof(*train));
	memset(test, 0, sizeof(*test));
	for (unsigned i = 0; i < curve->n; i++) {
		/* The first point anchors both: nothing else tells what a producer alone costs. */
		struct curve *c = !i || i % 2 == half ? train : test;

		c->points[c->n++] = curve->points[i];
	}
}
