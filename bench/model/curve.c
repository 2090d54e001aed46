/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Curves, and reading the published ones. */
#include "../bench.h"
#include "model.h"

int curve_add(struct curve *curve, const struct load *load, double ns)
{
	unsigned i = curve->n;

	if (curve->n == MAX_POINTS)
		return -E2BIG;
	if (!load->n || !is_plausible(ns))
		return -EINVAL;
	for (; i && curve->points[i - 1].mix.n > load->n; i--)
		curve->points[i] = curve->points[i - 1];
	curve->points[i] = (struct point){ mix_of(load), ns };
	curve->n++;
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

void curve_split(const struct curve *curve, unsigned every, unsigned which, struct curve *train,
		 struct curve *test)
{
	*train = *test = *curve;
	train->n = test->n = 0;
	for (unsigned i = 0; i < curve->n; i++) {
		struct curve *c = i && i % every == which ? test : train;

		c->points[c->n++] = curve->points[i];
	}
}

/* ---- the published ones ---- */
/* NULL: its host is not known. */
static struct curve *find_curve(struct curves *all, const char *name)
{
	const struct host *host = host_of(name);
	struct curve *c;

	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(all->curve[i].name, name))
			return &all->curve[i];
	if (!host)
		return NULL;
	all->curve = bench_grow(all->curve, all->n + 1, sizeof(*c));
	c = &all->curve[all->n++];
	*c = (struct curve){ .prior = host->prior };
	strcpy(c->name, name);
	return c;
}

static int add_published(struct curves *all, const char *line)
{
	struct machine *machine;
	struct curve *curve;
	unsigned producers;
	char name[64];
	double mops;
	int err;

	if (sscanf(line, "%63[^,],%u,%lf", name, &producers, &mops) != 3 || !(mops > 0))
		return -EINVAL;
	curve = find_curve(all, name);
	if (!curve)
		return -ENOENT;
	machine = machine_regular(&host_of(name)->layout);
	err = curve_add_plain(curve, machine, producers, strstr(name, "_noconsumer") ? -1 : 0,
			      1e3 / mops);
	free(machine);
	return err;
}

static int read_file(struct curves *all, const char *data_dir, const char *name)
{
	char path[4096], line[256];
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", data_dir, name);
	f = fopen(path, "re");
	/* The first line has the names of the columns. */
	for (unsigned number = 1; !err && f && fgets(line, sizeof(line), f); number++) {
		if (number > 1)
			err = add_published(all, line);
		if (err)
			warnx("%s:%u: not series,producers,mops_per_sec of a known host", path,
			      number);
	}
	if (!err && (!f || ferror(f) || !all->n)) {
		err = f && !ferror(f) ? -ENODATA : -errno;
		warnx("%s: %s", path, strerror(-err));
	}
	if (f)
		fclose(f);
	return err;
}

/* Half of the points of each go to the end of `train`, the others to `test`. */
static void halve_all(const struct curves *all, struct curves *train, struct curves *test)
{
	train->curve = bench_grow(train->curve, train->n + all->n, sizeof(*train->curve));
	test->curve = bench_grow(test->curve, test->n + all->n, sizeof(*test->curve));
	for (unsigned i = 0; i < all->n; i++)
		curve_split(&all->curve[i], 2, 1, &train->curve[train->n++],
			    &test->curve[test->n++]);
}

int curves_read(struct curves *out, struct curves *held, const char *data_dir)
{
	struct curves first = { 0 }, second = { 0 }, test = { 0 };
	int err = read_file(&first, data_dir, "ringbuf_contention.csv");

	if (!err)
		err = read_file(&second, data_dir, "ringbuf_contention_2.csv");
	if (!err) {
		halve_all(&second, &first, &test);
		*out = first;
		*held = test;
	} else {
		free(first.curve);
	}
	free(second.curve);
	return err;
}
