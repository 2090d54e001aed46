/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is not in the lock: where its figures come from, and how they are fitted to a sweep. */
#include <math.h>

#include "../bench.h"
#include "model.h"

/* README.md has the sources. Cold costs and lanes come from the project's own sweeps. */
const struct rest rest_default = {
	.merge_ns = { 4, 16, 48 },
	.merge_log2_ns = { 1.4, 1.9, 2.8 },
	.merges = 1,
	.index_ns = { 8, 16, 32 },
	.packer_ns = { 15, 20, 55 },
	.perf_ns = { 44, 111, 243 },
	.perf_wake_ns = { 500, 660, 6700 },
	.perf_sample = 500,
	.lane = { 0.6, 0.7, 0.8 },
};

/* After a millisecond nothing is warm any more: no longer gap was measured. */
#define MOST_GAP_NS 1e6

double gap_factor(const struct rest *rest, double rate)
{
	return rate > 0 ? pow(fmin(1e9 / rate, MOST_GAP_NS) / 1e3, rest->cold_power) : 0;
}

/* ---- rows ---- */
static const char *const comparable[] = { "size", "memory", "burst", "delivery", NULL };

bool is_perf(const struct measured *m)
{
	return !strcmp(m->transport, "perfbuf-fence") || !strcmp(m->transport, "perfbuf-sampled");
}

static const char *const numarings[] = { "single", "cpu", "lane", NULL };

static bool is_wanted(const json_t *row)
{
	struct measured m = { .transport = row_word(row, "transport") };
	bool known = is_perf(&m);

	for (const char *const *t = numarings; *t; t++)
		known |= !strcmp(m.transport, *t);
	return known && json_is_true(json_object_get(row, "valid")) &&
	       is_plausible(row_median(row, "cost_mean_ns"));
}

static struct measured measured_of(const json_t *row)
{
	const json_t *cost = json_object_get(row, "cost_mean_ns");

	return (struct measured){
		.row = row,
		.transport = row_word(row, "transport"),
		.producers = row_number(row, "producers"),
		.rate = row_number(row, "rate"),
		.ns = { row_number(cost, "q1"), row_number(cost, "median"),
			row_number(cost, "q3") },
	};
}

int measured_read(struct measurements *out, const char *path)
{
	struct measurements m = { .rows = jsonl_read(path) };
	json_t *wanted = json_array(), *row;
	const json_t *usual;

	if (!m.rows)
		return -EINVAL;
	for_each_row (row, m.rows)
		if (is_wanted(row))
			json_array_append(wanted, row);
	usual = rows_most_common(wanted, comparable);
	m.of = bench_alloc(json_array_size(wanted) + 1, sizeof(*m.of));
	for_each_row (row, wanted)
		if (rows_agree(row, usual, comparable))
			m.of[m.n++] = measured_of(row);
	json_decref(wanted);
	*out = m;
	return 0;
}

void measured_free(struct measurements *m)
{
	json_decref(m->rows);
	free(m->of);
}

/* ---- what the model says of a row ---- */
/* Which CPUs produce, -EINVAL: one is not of the machine; and the shards of the transport. */
static int place(struct question *q, struct shards *shards, unsigned *cpus,
		 const struct measured *m)
{
	const json_t *list = json_object_get(m->row, "producer_cpus"), *cpu;
	int reader = machine_index(q->machine, row_number(m->row, "consumer_cpu"));
	bool each = !strcmp(m->transport, "cpu");

	shards->lanes = !strcmp(m->transport, "lane");
	shards->n = is_perf(m) ? 0 : each ? q->machine->n_cpus : 1;
	for (unsigned i = 0; i < q->machine->n_cpus; i++) {
		shards->cpu_shard[i] = each ? i : 0;
		shards->consumer[i] = each ? (int)i : reader;
	}
	for_each_row (cpu, list) {
		int i = machine_index(q->machine, json_integer_value(cpu));

		if (i < 0 || q->n == q->machine->n_cpus)
			return -EINVAL;
		cpus[q->n++] = i;
	}
	return q->n ? 0 : -EINVAL;
}

int predict_measured(struct interval *out, const struct measured *m, const struct machine *machine,
		     const struct family *family, const struct rest *rest)
{
	unsigned *cpus = bench_alloc(3 * (size_t)machine->n_cpus, sizeof(*cpus));
	struct shards shards = { .cpu_shard = (int *)cpus + machine->n_cpus,
				 .consumer = (int *)cpus + 2 * machine->n_cpus };
	struct question q = { machine, family, rest, &shards, 0, cpus, m->rate, DEFAULT_SEED };
	int err = place(&q, &shards, cpus, m);

	if (!err)
		*out = predict(&q).wait_ns;
	free(cpus);
	return err;
}

/* ---- fits ---- */
static void widen(double ends[3], const double by[3])
{
	ends[0] = fmin(ends[0], by[0]);
	ends[1] += by[1];
	ends[2] = fmax(ends[2], by[2]);
}

/* The mean of the rows' medians, and the least and the most of their quartiles. */
static void take_perf(struct rest *rest, const struct measurements *m)
{
	double ns[3] = { INFINITY, 0, 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (is_perf(&m->of[i]) && m->of[i].rate == 0) {
			widen(ns, m->of[i].ns);
			n++;
		}
	if (!n)
		return;
	ns[1] /= n;
	memcpy(rest->perf_ns, ns, sizeof(ns));
}

/* A lane's record as a part of one through a ring for each CPU. */
static void take_lanes(struct rest *rest, const struct measurements *m)
{
	double share[3] = { INFINITY, 0, 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		for (unsigned k = 0; k < m->n; k++) {
			const struct measured *lane = &m->of[i], *ring = &m->of[k];

			if (lane->rate || ring->rate || lane->producers != ring->producers ||
			    strcmp(lane->transport, "lane") || strcmp(ring->transport, "cpu"))
				continue;
			widen(share,
			      (double[]){ lane->ns[0] / ring->ns[2], lane->ns[1] / ring->ns[1],
					  lane->ns[2] / ring->ns[0] });
			n++;
		}
	if (!n)
		return;
	share[1] /= n;
	memcpy(rest->lane, share, sizeof(share));
}

void rest_take_flat(struct rest *rest, const struct measurements *m)
{
	take_perf(rest, m);
	take_lanes(rest, m);
}

struct cold_fit {
	struct rest *rest;
	double alone;
	unsigned n;
	struct cold_point {
		bool perf;
		double rate, calm_ns, ns;
	} * point;
};

/* x: logs of the two costs, and of the power. */
static double cold_misfit(unsigned n, const double *x, double *gradient, void *ctx)
{
	const struct cold_fit *fit = ctx;
	struct rest *rest = fit->rest;
	struct rms rms = { 0 };

	(void)n;
	(void)gradient;
	rest->cold = exp(x[0]);
	rest->perf_cold = exp(x[1]);
	rest->cold_power = exp(x[2]);
	for (unsigned i = 0; i < fit->n; i++) {
		const struct cold_point *p = &fit->point[i];
		double warm = p->perf ? rest->perf_cold * p->calm_ns : rest->cold * fit->alone;

		rms_add(&rms, log((p->calm_ns + warm * gap_factor(rest, p->rate)) / p->ns));
	}
	rest->error = rms_of(&rms);
	return rms.sum;
}

/* Three costs need more points. */
#define LEAST_COLD 6

int rest_fit(struct rest *rest, const struct measurements *m, const struct machine *machine,
	     const struct family *family, unsigned every)
{
	struct cold_fit fit = { .rest = rest, .alone = family->sets[0].alone };
	double x[3] = { log(0.3), log(0.3), log(0.4) };
	struct rest calm;
	int err = 0;

	rest_take_flat(rest, m);
	calm = *rest;
	calm.cold = calm.perf_cold = 0;
	fit.point = bench_alloc(m->n + 1, sizeof(*fit.point));
	for (unsigned i = 0, paced = 0; !err && i < m->n; i++) {
		struct cold_point *p = &fit.point[fit.n];
		struct interval ns;

		if (m->of[i].rate == 0 || paced++ % every)
			continue;
		err = predict_measured(&ns, &m->of[i], machine, family, &calm);
		*p = (struct cold_point){ is_perf(&m->of[i]), m->of[i].rate, ns.mid,
					  m->of[i].ns[1] };
		fit.n++;
	}
	if (!err && fit.n >= LEAST_COLD) {
		minimize(cold_misfit, &fit, x, 3);
		cold_misfit(3, x, NULL, &fit);
	}
	free(fit.point);
	return err;
}

/* ---- the project's own sweeps ---- */
/* Where they were made: two CPUs in one cache, taken to be like the E5. */
static const struct layout own_host = { .packages = 1, .cores = 2, .smt = 1, .llc = 2, .node = 2 };

int own_read(struct own *out, const struct curves *curves, const char *data_dir, const char *name)
{
	struct own own = { .machine = machine_regular(&own_host) };
	struct sweep_curve single;
	struct family like;
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/%s", data_dir, name);
	err = sweep_curve_read(&single, path, "single", own.machine);
	if (!err)
		err = measured_read(&own.rows, path);
	if (err) {
		free(own.machine);
		return err;
	}
	own.single = single.curve;
	own.single.prior = host_of("e5_2680v4")->prior;
	like = family_fit(curves, "e5_2680v4", true);
	own.family = family_of_sweep(&own.single, &like, own.machine, 0);
	free(like.sets);
	*out = own;
	return 0;
}

void own_free(struct own *own)
{
	measured_free(&own->rows);
	free(own->family.sets);
	free(own->machine);
}

static int read_lanes(struct rest *rest, const char *data_dir)
{
	struct measurements m;
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/own_lanes.jsonl", data_dir);
	err = measured_read(&m, path);
	if (err)
		return err;
	rest_take_flat(rest, &m);
	measured_free(&m);
	return 0;
}

int rest_read(struct rest *rest, const struct curves *curves, const char *data_dir)
{
	struct rest fitted = *rest;
	struct own own;
	int err = own_read(&own, curves, data_dir, "own_rates.jsonl");

	if (err)
		return err;
	err = rest_fit(&fitted, &own.rows, own.machine, &own.family, 2);
	own_free(&own);
	if (err)
		return err;
	/* What a perf buffer costs is that of three hosts. */
	memcpy(fitted.perf_ns, rest->perf_ns, sizeof(fitted.perf_ns));
	*rest = fitted;
	return read_lanes(rest, data_dir);
}

int rest_across(double *out, const struct rest *rest, const struct curves *curves,
		const char *data_dir)
{
	struct rest other = *rest;
	struct rms rms = { 0 };
	struct interval ns;
	struct own own;
	int err = own_read(&own, curves, data_dir, "own_sweep.jsonl");

	if (err)
		return err;
	rest_take_flat(&other, &own.rows);
	for (unsigned i = 0; !err && i < own.rows.n; i++) {
		const struct measured *m = &own.rows.of[i];

		if (m->rate == 0)
			continue;
		err = predict_measured(&ns, m, own.machine, &own.family, &other);
		rms_add(&rms, log(ns.mid / m->ns[1]));
	}
	own_free(&own);
	if (!err)
		*out = rms_of(&rms);
	return err;
}
