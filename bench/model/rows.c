/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a curve from a sweep of numaring-bench. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* A line is a row of a sweep; the longest name some hundred CPUs. */
#define MAX_LINE (1u << 20)

/* ---- lines ---- */
static int add_line(json_t *rows, const char *line)
{
	json_t *row = json_loads(line, 0, NULL);

	if (!json_is_object(row)) {
		json_decref(row);
		return -EINVAL;
	}
	return json_array_append_new(rows, row) ? -ENOMEM : 0;
}

/* A last line without its end is what an interrupted sweep leaves behind: not read. */
static int read_lines(json_t *rows, FILE *f, const char *path, nr_log_fn log, void *ctx)
{
	char *line = malloc(MAX_LINE);
	unsigned number = 0;
	int err = line ? 0 : -ENOMEM;

	while (!err && fgets(line, MAX_LINE, f)) {
		number++;
		if (strchr(line, '\n'))
			err = add_line(rows, line);
		else if (!feof(f))
			err = -EINVAL;
		if (err)
			model_say(log, ctx, "%s:%u: not a line of a sweep", path, number);
	}
	if (!err && ferror(f)) { /* a directory is opened, but not read */
		err = -errno;
		model_say(log, ctx, "%s: %s", path, strerror(-err));
	}
	free(line);
	return err;
}

static int read_rows(json_t **out, const char *path, nr_log_fn log, void *ctx)
{
	json_t *rows = json_array();
	FILE *f = fopen(path, "re");
	int err = f ? rows ? 0 : -ENOMEM : -errno;

	if (err)
		model_say(log, ctx, "%s: %s", path, strerror(-err));
	else
		err = read_lines(rows, f, path, log, ctx);
	if (f)
		fclose(f);
	if (err)
		json_decref(rows);
	else
		*out = rows;
	return err;
}

/* ---- which rows ---- */
/* Medians stand at the end of a sweep, with their configuration in the row itself. */
static bool is_valid_flat_out(const json_t *row, const char *transport)
{
	const char *is = json_string_value(json_object_get(row, "transport"));

	return is && !strcmp(is, transport) &&
	       json_number_value(json_object_get(row, "rate")) == 0 &&
	       json_is_true(json_object_get(row, "valid"));
}

/* 0: it has none. */
static double median(const json_t *row, const char *what)
{
	return json_number_value(json_object_get(json_object_get(row, what), "median"));
}

static double row_ns(const json_t *row)
{
	return 1e9 / median(row, "events_per_sec");
}

/* A median of which no run gave a figure is null. */
static bool is_wanted(const json_t *row, const char *transport)
{
	return is_valid_flat_out(row, transport) && is_plausible(row_ns(row));
}

static bool comparable(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "size", "memory", "burst", "order", "delivery" };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);

		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

static unsigned count_like(const json_t *rows, const char *transport, const json_t *like)
{
	const json_t *row;
	unsigned n = 0;
	size_t i;

	json_array_foreach(rows, i, row) n += is_wanted(row, transport) && comparable(row, like);
	return n;
}

/* One of the rows that most others can be compared with, NULL: none is wanted. */
static const json_t *most_common(const json_t *rows, const char *transport)
{
	const json_t *row, *best = NULL;
	unsigned most = 0;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		unsigned n = is_wanted(row, transport) ? count_like(rows, transport, row) : 0;

		if (n > most) {
			most = n;
			best = row;
		}
	}
	return best;
}

/* ---- rows to points ---- */
static unsigned n_packages(const struct machine *m)
{
	unsigned n = 0;

	for (unsigned i = 0, head = 0; i < m->n_cpus; i++)
		if (!i || machine_distance(m, head, i) == NR_OTHER_PACKAGE) {
			head = i;
			n++;
		}
	return n;
}

/* The first line says how many CPUs and packages the machine of the sweep has. */
static int check_machine(const json_t *rows, const char *path, const struct machine *m,
			 nr_log_fn log, void *ctx)
{
	const json_t *topo = json_object_get(json_array_get(rows, 0), "topology");
	int cpus = json_integer_value(json_object_get(topo, "cpus"));
	int packages = json_integer_value(json_object_get(topo, "packages"));

	if (!topo || (cpus == (int)m->n_cpus && packages == (int)n_packages(m)))
		return 0;
	model_say(log, ctx,
		  "%s: a sweep of a machine with %d CPUs in %d packages, not of this one with %u "
		  "in %u; describe the sweep's with --sweep-host",
		  path, cpus, packages, m->n_cpus, n_packages(m));
	return -EINVAL;
}

static int row_cpus(const json_t *row, const struct machine *machine, unsigned *cpus,
		    unsigned *count)
{
	const json_t *list = json_object_get(row, "producer_cpus"), *cpu;
	size_t i;

	*count = 0;
	json_array_foreach(list, i, cpu)
	{
		int n = machine_index(machine, json_integer_value(cpu));

		if (i == machine->n_cpus || n < 0)
			return -EINVAL;
		cpus[(*count)++] = n;
	}
	return *count ? 0 : -EINVAL;
}

static int add_row(struct sweep_curve *sweep, const json_t *row, const struct machine *machine,
		   unsigned *cpus)
{
	const json_t *consumer = json_object_get(row, "consumer_cpu");
	struct load load = { 0, cpus, -1 };
	int err = row_cpus(row, machine, cpus, &load.n);

	if (err)
		return err;
	if (json_is_integer(consumer))
		load.consumer_cpu = machine_index(machine, json_integer_value(consumer));
	sweep->consumer_not_known |= load.consumer_cpu < 0;
	sweep->busy += median(row, "elsewhere_share") > BUSY_SHARE;
	return curve_add(&sweep->curve, machine, &load, row_ns(row));
}

static int add_rows(struct sweep_curve *sweep, const json_t *rows, const char *transport,
		    const struct machine *machine)
{
	const json_t *like = most_common(rows, transport), *row;
	unsigned *cpus = calloc(machine->n_cpus, sizeof(*cpus));
	int err = cpus ? 0 : -ENOMEM;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (err || !is_valid_flat_out(row, transport))
			continue;
		if (!is_wanted(row, transport))
			sweep->no_rate++;
		else if (comparable(row, like))
			err = add_row(sweep, row, machine, cpus);
		else
			sweep->dropped++;
	}
	free(cpus);
	return err;
}

int sweep_curve_read(struct sweep_curve *out, const char *path, const char *transport,
		     const struct machine *machine, nr_log_fn log, void *ctx)
{
	struct sweep_curve sweep = { .curve.name = "sweep" };
	json_t *rows = NULL;
	int err = read_rows(&rows, path, log, ctx);

	if (err)
		return err;
	err = check_machine(rows, path, machine, log, ctx);
	if (err)
		goto out;
	err = add_rows(&sweep, rows, transport, machine);
	if (err == -E2BIG) {
		model_say(log, ctx, "%s: more than %d rows to fit", path, MAX_POINTS);
	} else if (err) {
		model_say(log, ctx, "%s: its rows are not of this machine or have no figures",
			  path);
	} else if (!sweep.curve.n) {
		err = -ENODATA;
		model_say(log, ctx, "%s: no valid median of transport %s, flat out%s", path,
			  transport, sweep.no_rate ? ", that has a rate" : "");
	}
	if (err)
		goto out;
	curve_sort(&sweep.curve);
	*out = sweep;
out:
	json_decref(rows);
	return err;
}
