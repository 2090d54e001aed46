// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a record costs its program, and how much of that is the transport's: the cost above the
 * floor.
 *
 * Producers run the floor's program in turns with the transport's, so both have the same CPU, clock
 * speed, caches and neighbours. Bursts in which a record was refused are left out: a transport that
 * loses must not look cheap. The window is cut into slices: the quartiles of their costs are the
 * spread.
 */
#include <math.h>
#include "bench.h"

static struct cost_mark mark_of(const struct run *r)
{
	struct cost_mark m = { 0 };

	for (unsigned i = 0; i < r->n_cpus; i++) {
		m.records += r->main.cells[i].kept;
		m.ns += r->main.cells[i].kept_ns;
		m.floor_records += r->floor.cells[i].kept;
		m.floor_ns += r->floor.cells[i].kept_ns;
	}
	return m;
}

/* NAN: there was no record. */
static double mean_of(uint64_t ns, uint64_t records)
{
	return records ? (double)ns / (double)records : NAN;
}

void cost_begin(struct cost *c, const struct run *r)
{
	*c = (struct cost){ .last = mark_of(r) };
}

void cost_slice(struct cost *c, const struct run *r)
{
	struct cost_mark a = c->last, b = mark_of(r);
	double cost = mean_of(b.ns - a.ns, b.records - a.records);
	double floor = mean_of(b.floor_ns - a.floor_ns, b.floor_records - a.floor_records);

	c->last = b;
	if (isnan(cost - floor) || c->n == COST_SLICES)
		return;
	c->floor[c->n] = floor;
	c->above[c->n++] = cost - floor;
}

/* NAN: no record was timed. */
static json_t *ns_json(double ns)
{
	return isnan(ns) ? json_null() : json_real(ns);
}

/* From a histogram: 0 means that it is empty. */
static json_t *timed_json(double ns)
{
	return ns_json(ns > 0 ? ns : NAN);
}

static void add_spread(json_t *cost, const char *name, double mean, double *slices, unsigned n)
{
	struct spread3 s = quartiles(slices, n);
	char key[32];

	json_object_set_new(cost, name, ns_json(mean));
	snprintf(key, sizeof(key), "%s_q1", name);
	json_object_set_new(cost, key, ns_json(n ? s.q1 : NAN));
	snprintf(key, sizeof(key), "%s_q3", name);
	json_object_set_new(cost, key, ns_json(n ? s.q3 : NAN));
}

json_t *cost_json(struct cost *c, const struct bench_cell *main, const struct bench_cell *floor)
{
	double kept = mean_of(main->kept_ns, main->kept);
	double least = mean_of(floor->kept_ns, floor->kept);
	json_t *cost = json_pack("{s:o, s:o, s:o, s:o}", "mean",
				 ns_json(mean_of(main->ns, main->attempts)), "p50",
				 timed_json(histogram_quantile(main->bucket, 0.5)), "p99",
				 timed_json(histogram_quantile(main->bucket, 0.99)), "max",
				 timed_json(histogram_max(main->bucket)));

	add_spread(cost, "floor", least, c->floor, c->n);
	add_spread(cost, "above_floor", kept - least, c->above, c->n);
	return cost;
}
