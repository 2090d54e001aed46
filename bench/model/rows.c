/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a curve from a sweep of numaring-bench. */
#include "../bench.h"
#include "model.h"

/* ---- which rows ---- */
/* Medians stand at the end of a sweep, with their configuration in the row itself. */
static bool is_valid_flat_out(const json_t *row, const char *transport)
{
	return !strcmp(row_word(row, "transport"), transport) && row_number(row, "rate") == 0 &&
	       json_is_true(json_object_get(row, "valid"));
}

static double row_ns(const json_t *row)
{
	return 1e9 / row_median(row, "events_per_sec");
}

/* Rows with the same values of these lie on one curve. */
static const char *const comparable[] = { "size", "memory", "burst", "order", "delivery", NULL };

/* Those that have a rate: a median of which no run gave a figure is null. */
static json_t *wanted_rows(struct sweep_curve *sweep, const json_t *rows, const char *transport)
{
	json_t *wanted = json_array(), *row;

	for_each_row (row, rows)
		if (is_valid_flat_out(row, transport)) {
			if (is_plausible(row_ns(row)))
				json_array_append(wanted, row);
			else
				sweep->no_rate++;
		}
	return wanted;
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
static int check_machine(const json_t *rows, const char *path, const struct machine *m)
{
	const json_t *topo = json_object_get(json_array_get(rows, 0), "topology");
	double cpus = row_number(topo, "cpus"), packages = row_number(topo, "packages");

	if (!topo || (cpus == m->n_cpus && packages == n_packages(m)))
		return 0;
	warnx("%s is a sweep of a machine with %.0f CPUs in %.0f packages, and this one has %u "
	      "in %u: describe the sweep's with --sweep-host",
	      path, cpus, packages, m->n_cpus, n_packages(m));
	return -EINVAL;
}

/* How many; 0: one of them is not of the machine. */
static unsigned row_cpus(const json_t *row, const struct machine *machine, unsigned *cpus)
{
	const json_t *list = json_object_get(row, "producer_cpus"), *cpu;
	unsigned n = 0;

	for_each_row (cpu, list) {
		int i = machine_index(machine, json_integer_value(cpu));

		if (n == machine->n_cpus || i < 0)
			return 0;
		cpus[n++] = i;
	}
	return n;
}

static int add_row(struct sweep_curve *sweep, const json_t *row, const struct machine *machine,
		   unsigned *cpus)
{
	const json_t *consumer = json_object_get(row, "consumer_cpu");
	struct load load = { machine, row_cpus(row, machine, cpus), cpus, -1 };

	if (json_is_integer(consumer))
		load.consumer_cpu = machine_index(machine, json_integer_value(consumer));
	sweep->consumer_not_known |= load.consumer_cpu < 0;
	sweep->busy += row_median(row, "elsewhere_share") > BUSY_SHARE;
	return curve_add(&sweep->curve, &load, row_ns(row));
}

static int add_rows(struct sweep_curve *sweep, const json_t *wanted, const struct machine *machine)
{
	const json_t *usual = rows_most_common(wanted, comparable), *row;
	unsigned *cpus = bench_alloc(machine->n_cpus, sizeof(*cpus));
	int err = 0;

	for_each_row (row, wanted)
		if (!rows_agree(row, usual, comparable))
			sweep->dropped++;
		else if (!err)
			err = add_row(sweep, row, machine, cpus);
	free(cpus);
	return err;
}

int sweep_curve_read(struct sweep_curve *out, const char *path, const char *transport,
		     const struct machine *machine)
{
	struct sweep_curve sweep = { .curve.name = "sweep" };
	json_t *rows = jsonl_read(path), *wanted = wanted_rows(&sweep, rows, transport);
	int err = rows ? check_machine(rows, path, machine) : -EINVAL;

	if (!err) {
		err = add_rows(&sweep, wanted, machine);
		if (err == -E2BIG) {
			warnx("%s: more than %d rows to fit", path, MAX_POINTS);
		} else if (err) {
			warnx("%s: its rows are not of this machine or have no figures", path);
		} else if (!sweep.curve.n) {
			err = -ENODATA;
			warnx("%s: no valid median of transport %s, flat out%s", path, transport,
			      sweep.no_rate ? ", that has a rate" : "");
		}
	}
	json_decref(wanted);
	json_decref(rows);
	if (err)
		return err;
	*out = sweep;
	return 0;
}
