/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Curves, and reading the published ones. */
#include "../bench.h"
#include "model.h"

#define NO_CONSUMER "_noconsumer"

int curve_add(struct curve *curve, const struct load *load, double ns)
{
	if (curve->n == MAX_POINTS)
		return -E2BIG;
	if (!load->n || !is_plausible(ns))
		return -EINVAL;
	curve->points[curve->n++] = (struct point){ mix_of(load), ns };
	return 0;
}

int curve_add_plain(struct curve *curve, const struct machine *machine, unsigned n,
		    int consumer_cpu, double ns)
{
	unsigned *cpus = bench_alloc(n, sizeof(*cpus));
	struct load load = { machine, n, cpus, consumer_cpu };
	int err;

	for (unsigned i = 0; i < n; i++)
		cpus[i] = (consumer_cpu + 1 + i) % machine->n_cpus;
	err = curve_add(curve, &load, ns);
	free(cpus);
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

/* ---- the published ones ---- */
static struct curve *find_curve(struct curve **curves, unsigned *n, const char *name)
{
	struct curve *c;

	for (unsigned i = 0; i < *n; i++)
		if (!strcmp((*curves)[i].name, name))
			return &(*curves)[i];
	*curves = bench_grow(*curves, *n + 1, sizeof(*c));
	c = &(*curves)[(*n)++];
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static int add_published(struct curve *curve, unsigned producers, double mops)
{
	const struct host *host = host_of(curve->name);
	int consumer_cpu = strstr(curve->name, NO_CONSUMER) ? -1 : 0;
	struct machine *machine;
	int err;

	if (!host)
		return -ENOENT;
	machine = machine_regular(&host->layout);
	err = curve_add_plain(curve, machine, producers, consumer_cpu, 1e3 / mops);
	machine_free(machine);
	return err;
}

static int parse_published(struct curve **curves, unsigned *n, const char *line)
{
	char name[64];
	unsigned producers;
	double mops;

	if (sscanf(line, "%63[^,],%u,%lf", name, &producers, &mops) != 3 || !producers ||
	    !(mops > 0))
		return -EINVAL;
	return add_published(find_curve(curves, n, name), producers, mops);
}

/* The first line has the names of the columns. */
static int read_lines(struct curve **curves, unsigned *n, FILE *f, const char *path)
{
	char line[256];
	int err = 0;

	for (unsigned number = 1; !err && fgets(line, sizeof(line), f); number++) {
		if (number > 1)
			err = parse_published(curves, n, line);
		if (err)
			warnx("%s:%u: not series,producers,mops_per_sec of a known host", path,
			      number);
	}
	if (!err && (ferror(f) || !*n)) {
		err = ferror(f) ? -errno : -ENODATA;
		warnx("%s: %s", path, strerror(-err));
	}
	return err;
}

int curves_read(struct curve **out, unsigned *n_out, const char *path)
{
	struct curve *curves = NULL;
	unsigned n = 0;
	FILE *f = fopen(path, "re");
	int err = f ? 0 : -errno;

	if (err) {
		warnx("%s: %s", path, strerror(-err));
		return err;
	}
	err = read_lines(&curves, &n, f, path);
	fclose(f);
	if (err) {
		free(curves);
		return err;
	}
	for (unsigned i = 0; i < n; i++)
		curve_sort(&curves[i]);
	*out = curves;
	*n_out = n;
	return 0;
}
