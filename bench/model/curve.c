/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the published curves. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define NO_CONSUMER "_noconsumer"

void nr_model_say(nr_log_fn log, void *ctx, const char *fmt, ...)
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

int nr_model_add_point(struct nr_model_curve *curve, const struct nr_model_machine *machine,
		       const struct nr_model_load *load, double ns)
{
	struct nr_model_point *p = &curve->points[curve->n];

	if (curve->n == NR_MODEL_MAX_POINTS)
		return -E2BIG;
	if (!load->n || !nr_model_is_plausible(ns))
		return -EINVAL;
	nr_model_mix(&p->mix, machine, load);
	p->ns = ns;
	curve->n++;
	return 0;
}

int nr_model_add_plain(struct nr_model_curve *curve, const struct nr_model_machine *machine,
		       unsigned n, unsigned first, int consumer_cpu, double ns)
{
	unsigned *cpus = calloc(n, sizeof(*cpus));
	struct nr_model_load load = { n, cpus, consumer_cpu };
	int err = -ENOMEM;

	if (!cpus)
		goto out;
	for (unsigned i = 0; i < n; i++)
		cpus[i] = (first + i) % machine->n_cpus;
	err = nr_model_add_point(curve, machine, &load, ns);
out:
	free(cpus);
	return err;
}

static struct nr_model_curve *find_curve(struct nr_model_curve **curves, unsigned *n,
					 const char *name)
{
	struct nr_model_curve *grown;

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

static int add_published(struct nr_model_curve *curve, unsigned producers, double mops)
{
	const struct nr_model_host *host = nr_model_host_of(curve->name);
	bool consumer = !strstr(curve->name, NO_CONSUMER);
	struct nr_model_machine *machine = NULL;
	int err;

	if (!host)
		return -ENOENT;
	err = nr_model_machine_regular(&machine, &host->layout);
	if (err)
		return err;
	err = nr_model_add_plain(curve, machine, producers, consumer, consumer ? 0 : -1,
				 1e3 / mops);
	nr_model_machine_free(machine);
	return err;
}

static int by_producers(const void *a, const void *b)
{
	const struct nr_model_point *x = a, *y = b;

	return (x->mix.n > y->mix.n) - (x->mix.n < y->mix.n);
}

void nr_model_sort_points(struct nr_model_curve *curve)
{
	qsort(curve->points, curve->n, sizeof(curve->points[0]), by_producers);
}

static int parse_published(struct nr_model_curve **curves, unsigned *n, char *line)
{
	struct nr_model_curve *curve;
	char name[64];
	unsigned producers;
	double mops;

	if (sscanf(line, "%63[^,],%u,%lf", name, &producers, &mops) != 3 || !producers ||
	    !(mops > 0))
		return -EINVAL;
	curve = find_curve(curves, n, name);
	return curve ? add_published(curve, producers, mops) : -ENOMEM;
}

int nr_model_read_published(struct nr_model_curve **out, unsigned *n_out, const char *path,
			    nr_log_fn log, void *ctx)
{
	struct nr_model_curve *curves = NULL;
	unsigned n = 0, line_nr = 0;
	FILE *f = fopen(path, "re");
	char line[256];
	int err = f ? 0 : -errno;

	if (!f)
		nr_model_say(log, ctx, "%s: %s", path, strerror(-err));
	while (!err && fgets(line, sizeof(line), f)) {
		if (!line_nr++) /* names of the columns */
			continue;
		err = parse_published(&curves, &n, line);
		if (err)
			nr_model_say(log, ctx,
				     "%s:%u: not series,producers,mops_per_sec of a known host",
				     path, line_nr);
	}
	if (!err && (ferror(f) || !n)) {
		err = ferror(f) ? -errno : -ENODATA;
		nr_model_say(log, ctx, "%s: %s", path, strerror(-err));
	}
	if (err)
		goto out;
	for (unsigned i = 0; i < n; i++)
		nr_model_sort_points(&curves[i]);
	*out = curves;
	*n_out = n;
	curves = NULL;
out:
	free(curves);
	if (f)
		fclose(f);
	return err;
}

void nr_model_halve(const struct nr_model_curve *curve, unsigned half, struct nr_model_curve *train,
		    struct nr_model_curve *test)
{
	memset(train, 0, sizeof(*train));
	memset(test, 0, sizeof(*test));
	for (unsigned i = 0; i < curve->n; i++) {
		/* The first point anchors both: nothing else tells what a producer alone costs. */
		struct nr_model_curve *c = !i || i % 2 == half ? train : test;

		c->points[c->n++] = curve->points[i];
	}
}
