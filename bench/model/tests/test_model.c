/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The model against what is known exactly, and against itself. Every simulation has a fixed seed.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "model.h"

#define SEED   20200529
#define N_CPUS 64

static unsigned cpus[N_CPUS];
static const struct layout flat = { 1, N_CPUS, 1, N_CPUS, N_CPUS };
/* Two packages of four caches of eight cores, two caches make a node. */
static const struct layout tiered = { 2, 32, 1, 8, 16 };

#define assert_near(got, want, tolerance)                                                          \
	do {                                                                                       \
		double got_ = (got), want_ = (want);                                               \
		if (!(fabs(got_ / want_ - 1) <= (tolerance)))                                      \
			fail_msg("seed %d: %s is %g, should be %g", SEED, #got, got_, want_);      \
	} while (0)

static struct machine *machine_of(const struct layout *layout)
{
	return machine_regular(layout);
}

static struct costs same_costs(double ns)
{
	struct costs c = { .alone = ns, .own = ns };

	for (unsigned d = 0; d < N_LEVELS; d++)
		c.hand[d] = ns;
	return c;
}

static struct costs tiered_costs(void)
{
	return (struct costs){
		.alone = 80,
		.own = 30,
		.hand = { 70, 70, 100, 300, 450, 800 },
		.consumer = 0.5,
		.retake = 0.4,
	};
}

static struct sim_result simulate(const struct layout *layout, const struct costs *costs,
				  unsigned n, int consumer_cpu, const struct sim_opts *opts)
{
	struct machine *m = machine_of(layout);
	struct load load = { m, n, cpus, consumer_cpu };
	struct sim_result r;

	assert_int_equal(sim_run(&r, costs, &load, opts), 0);
	free(m);
	return r;
}

/* ---- machines ---- */
static void test_distances_of_a_regular_machine(void **state)
{
	static const struct layout layout = { 2, 8, 2, 2, 4 };
	struct machine *m = machine_of(&layout);

	(void)state;
	assert_int_equal(m->n_cpus, 32);
	assert_int_equal(machine_distance(m, 3, 3), NR_SAME_CPU);
	assert_int_equal(machine_distance(m, 3, 19), NR_SAME_CORE);
	assert_int_equal(machine_distance(m, 2, 3), NR_SAME_LLC);
	assert_int_equal(machine_distance(m, 1, 2), NR_SAME_NODE);
	assert_int_equal(machine_distance(m, 3, 4), NR_SAME_PACKAGE);
	assert_int_equal(machine_distance(m, 7, 8), NR_OTHER_PACKAGE);
	assert_int_equal(machine_distance(m, 7, 24), NR_OTHER_PACKAGE);
	free(m);
}

static void test_hidden_structure_moves_cores_apart(void **state)
{
	struct nr_topology_opts opts = {
		.sz = sizeof(opts),
		.synthetic = "pack:2 [numa] l3:1 core:8 pu:2",
	};
	struct nr_topology *topo = NULL;
	struct machine *plain, *hidden;

	(void)state;
	assert_int_equal(nr_topology_open(&topo, &opts), 0);
	plain = machine_from_topology(topo, (struct hidden){ 0, 0, false });
	hidden = machine_from_topology(topo, (struct hidden){ 2, 4, false });
	for (unsigned b = 2; b < 16; b++)
		assert_int_equal(machine_distance(plain, 0, b), NR_SAME_LLC);
	assert_int_equal(machine_distance(hidden, 0, 1), NR_SAME_CORE);
	assert_int_equal(machine_distance(hidden, 0, 3), NR_SAME_LLC);
	assert_int_equal(machine_distance(hidden, 0, 4), NR_SAME_NODE);
	assert_int_equal(machine_distance(hidden, 0, 8), NR_SAME_PACKAGE);
	assert_int_equal(machine_distance(hidden, 0, 16), NR_OTHER_PACKAGE);
	assert_int_equal(machine_distance(hidden, 16, 19), NR_SAME_LLC);
	free(plain);
	free(hidden);
	nr_topology_free(topo);
}

/* Far from the memory of the ring, two caches of one package are as far apart as two packages. */
static void test_the_home_of_a_line_counts(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct load load = { m, N_CPUS, cpus, 0 };
	unsigned near[2] = { 0, tiered.cores - 1 }, far[2] = { tiered.cores, N_CPUS - 1 };
	struct mix plain = mix_of(&load), homed;

	(void)state;
	assert_int_equal(load_distance(&load, far[0], far[1]), NR_SAME_PACKAGE);
	m->homed = true;
	assert_int_equal(load_distance(&load, near[0], near[1]), NR_SAME_PACKAGE);
	assert_int_equal(load_distance(&load, far[0], far[1]), NR_OTHER_PACKAGE);
	assert_int_equal(load_distance(&load, far[0], far[0] + 1), NR_SAME_LLC);
	homed = mix_of(&load);
	assert_near(homed.pair[NR_SAME_PACKAGE], plain.pair[NR_SAME_PACKAGE] / 2, 1e-9);
	/* The consumer sits where the ring is. */
	load.consumer_cpu = far[0];
	assert_int_equal(load_distance(&load, near[0], near[1]), NR_OTHER_PACKAGE);
	load.consumer_cpu = -1;
	assert_int_equal(load_distance(&load, near[0], near[1]), NR_SAME_PACKAGE);
	free(m);
}

/* ---- simulation ---- */
static void test_simulation_meets_exact_mean_values(void **state)
{
	struct costs c = same_costs(100);
	struct sim_opts opts = { .seed = SEED,
				 .think = EXPONENTIAL,
				 .service = EXPONENTIAL,
				 .records = 200000,
				 .batches = 1 };
	static const double think[] = { 200, 1000, 5000 };
	double per_sec, wait;

	(void)state;
	for (unsigned n = 1; n <= 64; n *= 4)
		for (unsigned i = 0; i < 3; i++) {
			struct sim_result r;

			opts.think_ns = think[i];
			r = simulate(&flat, &c, n, -1, &opts);
			repairman(&per_sec, &wait, n, think[i], 100);
			assert_near(r.per_sec, per_sec, 0.03);
			assert_near(r.wait_mean_ns, wait, 0.04);
		}
}

static void test_exact_mean_values_of_known_cases(void **state)
{
	double per_sec, wait;

	(void)state;
	/* Two customers, no think time: one always waits for the other. */
	repairman(&per_sec, &wait, 2, 0, 100);
	assert_near(per_sec, 1e7, 1e-9);
	assert_near(wait, 200, 1e-9);
	/* Think as long as served, two customers: p0 = 1/5, so 4/5 of the time it is busy. */
	repairman(&per_sec, &wait, 2, 100, 100);
	assert_near(per_sec, 0.8e7, 1e-9);
}

static void test_flat_out_saturates_and_is_fair(void **state)
{
	struct costs c = same_costs(100);
	struct sim_opts opts = { .seed = SEED, .records = 6400, .batches = 3 };
	struct sim_result r = simulate(&flat, &c, 64, -1, &opts);

	(void)state;
	assert_near(r.per_sec, 1e7, 1e-6);
	/* First come, first served: nobody is served twice before everybody was once. */
	assert_near(r.wait_mean_ns, 6400, 1e-3);
	assert_near(r.wait_p99_ns, 6400, 1e-3);
}

static void test_waits_in_order_of_arrival_under_partial_load(void **state)
{
	struct costs c = same_costs(100);
	struct sim_opts opts = { .seed = SEED, .think_ns = 1000, .records = 64000, .batches = 1 };
	struct sim_result r = simulate(&flat, &c, 64, -1, &opts);

	(void)state;
	/* Fixed times and more demand than the lock can take: a round of 64 turns, no one left out.
	 */
	assert_near(r.wait_mean_ns, 5400, 1e-3);
	assert_near(r.wait_p99_ns, 5400, 1e-3);
}

static void test_retake_only_between_two(void **state)
{
	struct costs c = tiered_costs(), none = c;
	struct sim_opts opts = { .seed = SEED, .records = 50000, .batches = 1 };
	double share;

	(void)state;
	none.retake = 0;
	/* A re-take costs `own`, which takes away the time of a hand-over. */
	share = (1 / simulate(&tiered, &none, 2, 0, &opts).per_sec -
		 1 / simulate(&tiered, &c, 2, 0, &opts).per_sec) *
		1e9 / (1e9 / simulate(&tiered, &none, 2, 0, &opts).per_sec - c.own);
	assert_near(share, c.retake, 0.03);
	assert_true(simulate(&tiered, &none, 3, 0, &opts).per_sec ==
		    simulate(&tiered, &c, 3, 0, &opts).per_sec);
}

static void test_simulation_meets_closed_formula(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct costs c = tiered_costs();
	static const unsigned n[] = { 1, 2, 3, 8, 20, 64 };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct load load = { m, n[i], cpus, 5 };
		struct sim_opts opts = { .seed = SEED, .records = 10 * n[i] + 500, .batches = 200 };
		struct mix mix = mix_of(&load);
		struct sim_result r;

		assert_int_equal(sim_run(&r, &c, &load, &opts), 0);
		assert_near(1e9 / r.per_sec, mean_ns(&c, &mix), 0.03);
	}
	free(m);
}

static void test_same_seed_same_result(void **state)
{
	struct costs c = tiered_costs();
	struct sim_opts opts = {
		.seed = SEED, .think_ns = 5000, .think = EXPONENTIAL, .records = 5000, .batches = 1
	};
	struct sim_result a = simulate(&tiered, &c, 40, 0, &opts);
	struct sim_result b = simulate(&tiered, &c, 40, 0, &opts);

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	opts.seed++;
	b = simulate(&tiered, &c, 40, 0, &opts);
	assert_true(a.wait_mean_ns != b.wait_mean_ns);
}

static void test_simulation_refuses_nonsense(void **state)
{
	struct machine *m = machine_of(&flat);
	struct costs c = same_costs(100);
	struct load load = { m, 0, cpus, -1 };
	struct sim_opts opts = { .records = 10, .batches = 1 };
	struct sim_result r = { .per_sec = 4711 };

	(void)state;
	assert_int_equal(sim_run(&r, &c, &load, &opts), -EINVAL);
	load.n = 1;
	opts.records = 0;
	assert_int_equal(sim_run(&r, &c, &load, &opts), -EINVAL);
	assert_true(r.per_sec == 4711);
	free(m);
}

/* A time that compares with nothing would never be the first. */
static void test_simulation_refuses_times_that_are_none(void **state)
{
	static const double bad[] = { NAN, INFINITY, -1 };
	struct sim_opts opts = { .seed = SEED, .records = 500, .batches = 1 };
	struct machine *m = machine_of(&tiered);
	struct load load = { m, N_CPUS, cpus, 0 };
	struct sim_result r;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct costs alone = tiered_costs(), hand = alone, consumer = alone;
		struct costs good = alone;

		alone.alone = hand.hand[NR_SAME_LLC] = consumer.consumer = bad[i];
		assert_int_equal(sim_run(&r, &alone, &load, &opts), -EINVAL);
		assert_int_equal(sim_run(&r, &hand, &load, &opts), -EINVAL);
		assert_int_equal(sim_run(&r, &consumer, &load, &opts), -EINVAL);
		opts.think_ns = bad[i];
		assert_int_equal(sim_run(&r, &good, &load, &opts), -EINVAL);
		opts.think_ns = 0;
	}
	free(m);
}

/* ---- fits ---- */
static double banana(unsigned n, const double *x, double *gradient, void *ctx)
{
	double a = 1 - x[0], b = x[1] - x[0] * x[0];

	(void)n;
	(void)gradient;
	++*(unsigned *)ctx;
	return a * a + 100 * b * b;
}

static void test_minimize_finds_the_end_of_the_valley(void **state)
{
	double x[2] = { -1.2, 1 };
	unsigned calls = 0;

	(void)state;
	assert_true(minimize(banana, &calls, x, 2) < 1e-8);
	assert_near(x[0], 1, 1e-3);
	assert_near(x[1], 1, 1e-3);
	assert_true(calls < 5000);
}

static void test_usl_fit_recovers_its_parameters(void **state)
{
	static const double lambda = 10e6, sigma = 0.2, kappa = 0.003;
	struct curve curve = { 0 };
	struct rival got;

	(void)state;
	for (unsigned n = 1; n <= 48; n += n < 4 ? 1 : 4) {
		curve.points[curve.n].mix.n = n;
		curve.points[curve.n++].ns =
			1e9 * (1 + sigma * (n - 1) + kappa * n * (n - 1)) / (lambda * n);
	}
	got = fit_usl(&curve);
	assert_near(got.v[0], lambda, 1e-3);
	assert_near(got.v[1], sigma, 1e-3);
	assert_near(got.v[2], kappa, 1e-3);
}

static void add_simulated(struct curve *curve, const struct machine *m, const struct costs *c,
			  unsigned n)
{
	struct load load = { m, n, cpus + 1, 0 };
	struct sim_opts opts = { .seed = SEED + n, .records = 4 * n + 1000, .batches = 60 };
	struct sim_result r;

	assert_int_equal(sim_run(&r, c, &load, &opts), 0);
	assert_int_equal(curve_add_plain(curve, m, n, 0, 1e9 / r.per_sec), 0);
}

/* What a curve cannot tell apart, hand-over and consumer's share, is compared as their sum. */
static void test_fit_recovers_costs_from_a_simulated_curve(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct costs truth = tiered_costs(), got;
	struct curve curve = { .prior = { truth.own, 0.5 } };

	(void)state;
	for (unsigned n = 1; n <= 60; n += n < 4 ? 1 : 4)
		add_simulated(&curve, m, &truth, n);
	got = fit_costs(&curve);
	assert_near(got.alone, truth.alone, 0.01);
	assert_near(got.retake, truth.retake, 0.15);
	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++) {
		assert_true(got.seen & (1u << d));
		assert_near(got.hand[d] * (1 + got.consumer), truth.hand[d] * (1 + truth.consumer),
			    0.15);
	}
	for (unsigned i = 0; i < curve.n; i++)
		assert_near(mean_ns(&got, &curve.points[i].mix), curve.points[i].ns, 0.05);
	free(m);
}

/* A far hand-over that looks cheaper than a near one is noise. */
static void test_fitted_costs_rise_with_distance(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct curve with = { .prior = { 30, 0.5 } }, without = with;
	struct costs c;

	(void)state;
	for (unsigned n = 1; n <= 61; n += 4) {
		assert_int_equal(curve_add_plain(&with, m, n, 0, 300 - 2 * n), 0);
		assert_int_equal(curve_add_plain(&without, m, n, -1, 300 - 2 * n), 0);
	}
	c = fit_costs(&with);
	for (unsigned d = NR_SAME_CORE; d < NR_OTHER_PACKAGE; d++)
		assert_true(c.hand[d] <= c.hand[d + 1]);
	assert_true(c.consumer > 0.05);
	c = fit_costs(&without);
	assert_true(c.consumer == 0);
	free(m);
}

/* Nothing tells what one producer costs: it is what the first point does, and not whatever the
 * search came by. */
static void test_fit_without_one_producer(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct curve curve = { .prior = { 47, 0.2 } };
	struct costs c;

	(void)state;
	assert_int_equal(curve_add_plain(&curve, m, 2, -1, 165), 0);
	c = fit_costs(&curve);
	assert_near(c.alone, 165, 0.01);
	free(m);
}

static void test_halves_share_only_the_first_point(void **state)
{
	struct curve curve = { .n = 7 }, train, test;

	(void)state;
	for (unsigned i = 0; i < curve.n; i++)
		curve.points[i].mix.n = i + 1;
	curve_split(&curve, 2, 1, &train, &test);
	assert_int_equal(train.n, 4);
	assert_int_equal(test.n, 3);
	assert_int_equal(test.points[0].mix.n, 2);
	curve_split(&curve, 2, 0, &train, &test);
	assert_int_equal(train.n, 4);
	assert_int_equal(train.points[0].mix.n, 1);
	assert_int_equal(train.points[1].mix.n, 2);
	assert_int_equal(test.points[0].mix.n, 3);
}

/* ---- files ---- */
static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int read_texts(const char *first, const char *second, struct curves *curves,
		      struct curves *held)
{
	char dir[] = "/tmp/nr_model_test_XXXXXX", path[2][64];
	int err;

	assert_non_null(mkdtemp(dir));
	snprintf(path[0], sizeof(path[0]), "%s/ringbuf_contention.csv", dir);
	snprintf(path[1], sizeof(path[1]), "%s/ringbuf_contention_2.csv", dir);
	write_text(path[0], first);
	write_text(path[1], second);
	err = curves_read(curves, held, dir);
	unlink(path[0]);
	unlink(path[1]);
	rmdir(dir);
	return err;
}

static int read_text(const char *text, struct curves *curves)
{
	struct curves held = { 0 };
	int err = read_texts(text, "head\nspr_b,1,10\n", curves, &held);

	free(held.curve);
	return err;
}

/* Every other point of the second file is for tests, and no curve is lost. */
static void test_half_of_the_second_file_is_held(void **state)
{
	struct curves curves = { 0 }, held = { 0 };

	(void)state;
	assert_int_equal(read_texts("head\nspr_a,1,10\nspr_a,2,5\n",
				    "head\nspr_b,1,10\nspr_b,2,5\nspr_b,3,4\nspr_b,4,2\n", &curves,
				    &held),
			 0);
	assert_int_equal(curves.n, 2);
	assert_int_equal(curves.curve[0].n, 2);
	assert_int_equal(curves.curve[1].n, 2);
	assert_int_equal(curves.curve[1].points[1].mix.n, 3);
	assert_int_equal(held.n, 1);
	assert_int_equal(held.curve[0].n, 2);
	assert_int_equal(held.curve[0].points[0].mix.n, 2);
	assert_int_equal(held.curve[0].points[1].mix.n, 4);
	free(curves.curve);
	free(held.curve);
	curves.curve = NULL;
	assert_int_equal(read_texts("head\nspr_a,1,10\n", "head\nabacus,1,10\n", &curves, &held),
			 -ENOENT);
	assert_null(curves.curve);
}

static void test_published_curves_are_read_and_bad_ones_are_not(void **state)
{
	struct curves curves = { 0 }, held;

	(void)state;
	assert_int_equal(
		read_text("series,producers,mops_per_sec\nspr_a,2,4\nspr_a,1,10\n", &curves), 0);
	assert_int_equal(curves.n, 2);
	assert_int_equal(curves.curve[0].points[0].mix.n, 1);
	assert_near(curves.curve[0].points[1].ns, 250, 1e-9);
	free(curves.curve);
	curves.curve = NULL;
	assert_int_equal(read_text("head\n", &curves), -ENODATA);
	assert_int_equal(read_text("head\nspr_a,1,0\n", &curves), -EINVAL);
	assert_int_equal(read_text("head\nspr_a,1\n", &curves), -EINVAL);
	assert_int_equal(read_text("head\nabacus,1,10\n", &curves), -ENOENT);
	assert_int_equal(curves_read(&curves, &held, "/nonexistent"), -ENOENT);
	assert_null(curves.curve);
}

static int sweep_of(const char *text, struct sweep_curve *sweep)
{
	struct machine *m = machine_of(&tiered);
	char path[] = "/tmp/nr_model_test_XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = sweep_curve_read(sweep, path, "single", m);
	unlink(path);
	free(m);
	return err;
}

#define SIZED_ROW(transport, rate, valid, cpus, per_sec, size)                                     \
	"{\"transport\":\"" transport "\",\"rate\":" rate ",\"valid\":" valid                      \
	",\"producer_cpus\":" cpus ",\"size\":" size                                               \
	",\"consumer_cpu\":0,\"events_per_sec\":{\"median\":" per_sec "}}\n"
#define ROW(transport, rate, valid, cpus, per_sec)                                                 \
	SIZED_ROW(transport, rate, valid, cpus, per_sec, "24")

static void test_sweep_gives_the_single_rings_curve(void **state)
{
	struct sweep_curve sweep = { 0 };

	(void)state;
	assert_int_equal(sweep_of(ROW("single", "0", "true", "[1,8]",
				      "4e6") ROW("node", "0", "true", "[1]", "1e6")
					  ROW("single", "1000", "true", "[1]", "1e3")
						  ROW("single", "0", "false", "[1]", "9e6")
							  ROW("single", "0", "true", "[1]", "1e7"),
				  &sweep),
			 0);
	assert_int_equal(sweep.curve.n, 2);
	assert_int_equal(sweep.dropped, 0);
	assert_false(sweep.consumer_not_known);
	assert_near(sweep.curve.points[0].ns, 100, 1e-9);
	assert_near(sweep.curve.points[1].mix.pair[NR_SAME_NODE], 1, 1e-9);
	assert_int_equal(sweep_of(ROW("single", "0", "true", "[99]", "1e7"), &sweep), -EINVAL);
	assert_int_equal(sweep_of("", &sweep), -ENODATA);
	assert_int_equal(sweep_of("no json\n", &sweep), -EINVAL);
	assert_int_equal(sweep.curve.n, 2);
	/* Interrupted while it wrote the second row. */
	assert_int_equal(sweep_of(ROW("single", "0", "true", "[1]", "1e7") "{\"trans", &sweep), 0);
	assert_int_equal(sweep.curve.n, 1);
}

/* Records of 4096 bytes are not on the curve of those of 24. */
static void test_sweep_keeps_what_can_be_compared(void **state)
{
	struct sweep_curve sweep = { 0 };

	(void)state;
	assert_int_equal(sweep_of(SIZED_ROW("single", "0", "true", "[1,2]", "1e6", "4096")
					  ROW("single", "0", "true", "[1]", "1e7")
						  ROW("single", "0", "true", "[1,8]", "4e6"),
				  &sweep),
			 0);
	assert_int_equal(sweep.curve.n, 2);
	assert_int_equal(sweep.dropped, 1);
	assert_near(sweep.curve.points[1].ns, 250, 1e-9);
}

/* null is what a median of no figures is; the others are what no ring delivers. */
static void test_sweep_leaves_out_rows_without_a_rate(void **state)
{
	static const char *const none[] = { "null", "0", "-1e6", "\"1e6\"", "1e300", "1e-300" };
	struct sweep_curve sweep = { 0 };
	char row[512], text[2048];

	(void)state;
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(row, sizeof(row), SIZED_ROW("single", "0", "true", "[1,2]", "%s", "4096"),
			 none[i]);
		/* Two of them do not make the most common size either. */
		snprintf(text, sizeof(text), "%s%s%s", row, row,
			 ROW("single", "0", "true", "[1]", "1e7"));
		assert_int_equal(sweep_of(text, &sweep), 0);
		assert_int_equal(sweep.curve.n, 1);
		assert_near(sweep.curve.points[0].ns, 100, 1e-9);
		assert_int_equal(sweep.no_rate, 2);
		assert_int_equal(sweep.dropped, 0);
		assert_int_equal(sweep_of(row, &sweep), -ENODATA);
	}
}

#define SHARED_ROW(cpus, size, share)                                                              \
	SIZED_ROW("single", "0", "true", cpus, "1e7",                                              \
		  size ",\"elsewhere_share\":{\"median\":" share "}")

/* Only rows that make a point count. */
static void test_sweep_counts_busy_rows(void **state)
{
	struct sweep_curve sweep = { 0 };

	(void)state;
	assert_int_equal(sweep_of(SHARED_ROW("[1]", "24", "0.11") SHARED_ROW("[1,2]", "24", "0.1")
					  SHARED_ROW("[1,3]", "24", "0.9")
						  SHARED_ROW("[1,2]", "48", "0.9"),
				  &sweep),
			 0);
	assert_int_equal(sweep.curve.n, 3);
	assert_int_equal(sweep.busy, 2);
}

static void test_points_are_numbers(void **state)
{
	static const double bad[] = { NAN, INFINITY, 0, -1, 1e-300, 1e300 };
	struct machine *m = machine_of(&tiered);
	struct curve curve = { 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(curve_add_plain(&curve, m, 2, 0, bad[i]), -EINVAL);
	assert_int_equal(curve.n, 0);
	free(m);
}

static void test_sweep_of_another_machine_is_refused(void **state)
{
	static const char host[] =
		"{\"kind\":\"host\",\"topology\":{\"cpus\":%d,\"packages\":%d}}\n"
		"%s";
	static const int sizes[3][3] = { { 64, 2, 0 }, { 2, 1, -EINVAL }, { 64, 1, -EINVAL } };
	struct sweep_curve sweep = { 0 };
	char text[1024];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), host, sizes[i][0], sizes[i][1],
			 ROW("single", "0", "true", "[1]", "1e7"));
		assert_int_equal(sweep_of(text, &sweep), sizes[i][2]);
	}
}

/* ---- predictions ---- */
static struct curves published(void)
{
	struct curves curves, held;

	assert_int_equal(curves_read(&curves, &held, NR_MODEL_DATA_SOURCE), 0);
	free(held.curve);
	return curves;
}

static struct family family_of(const char *like)
{
	struct curves curves = published();
	struct family f = family_fit(&curves, like, true);

	assert_true(f.n > 0);
	free(curves.curve);
	return f;
}

static void assert_interval(const struct interval *i)
{
	assert_true(i->lo > 0 && i->lo <= i->mid && i->mid <= i->hi);
	assert_true(isfinite(i->hi));
}

static struct answer ask_rest(const struct machine *m, unsigned shard_cpus, bool lanes,
			      const struct family *f, const struct rest *rest, unsigned n,
			      double rate)
{
	int shard[N_CPUS], consumer[N_CPUS];
	struct shards shards = { .n = shard_cpus ? N_CPUS / shard_cpus : 0,
				 .lanes = lanes,
				 .cpu_shard = shard,
				 .consumer = consumer };
	struct question q = { m, f, rest, &shards, n, cpus, rate, SEED };
	struct answer a;

	for (unsigned i = 0; i < N_CPUS; i++) {
		shard[i] = shard_cpus ? i / shard_cpus : 0;
		consumer[i] = i * shard_cpus;
	}
	a = predict(&q);
	assert_interval(&a.per_sec);
	assert_interval(&a.wait_ns);
	assert_interval(&a.merge_per_sec);
	assert_interval(&a.packers);
	return a;
}

static struct answer ask(const struct machine *m, unsigned shard_cpus, const struct family *f,
			 unsigned n, double rate)
{
	return ask_rest(m, shard_cpus, false, f, &rest_default, n, rate);
}

static void test_predictions_are_intervals_and_make_sense(void **state)
{
	struct family f = family_of("epyc9654");
	struct machine *m = machine_of(&tiered);
	struct answer single = ask(m, 64, &f, 64, 0), llc = ask(m, 8, &f, 64, 0);
	struct answer calm = ask(m, 64, &f, 64, 1000), perf = ask(m, 0, &f, 64, 0);

	(void)state;
	/* More rings, more records and less waiting, even at the ends of the intervals. */
	assert_true(llc.lock_per_sec.lo > 4 * single.lock_per_sec.hi);
	assert_true(llc.wait_ns.hi < single.wait_ns.lo);
	/* A slow stream gets through whole, and nobody waits long. */
	assert_near(calm.per_sec.mid, 64 * 1000.0, 0.03);
	assert_true(calm.wait_ns.hi < single.wait_ns.lo);
	/* The merge of 64 buffers is the limit of perf's. */
	assert_near(perf.per_sec.mid, perf.merge_per_sec.mid, 1e-9);
	free(m);
	free(f.sets);
}

/* Nobody waits for another lane; consumers and the merge are what is left. */
static void test_lanes_have_no_lock(void **state)
{
	struct family f = family_of("epyc9654");
	struct machine *m = machine_of(&tiered);
	struct rest rest = rest_default;
	struct answer one = ask_rest(m, 32, true, &f, &rest, 1, 0);
	struct answer all = ask_rest(m, 32, true, &f, &rest, N_CPUS, 0), more;

	(void)state;
	assert_true(one.wait_ns.mid < ask(m, 32, &f, 1, 0).wait_ns.mid);
	assert_near(all.wait_ns.mid, one.wait_ns.mid, 1e-9);
	assert_near(all.wait_ns.lo, one.wait_ns.lo, 1e-9);
	assert_string_equal(one.bound, "output");
	assert_string_equal(all.bound, "merge");
	assert_near(all.per_sec.mid, 1e9 / (rest.merge_ns[1] + rest.merge_log2_ns[1]), 1e-9);
	/* With merges enough the two consumers are the limit, each of 32 lanes. */
	rest.merges = 8;
	more = ask_rest(m, 32, true, &f, &rest, N_CPUS, 0);
	assert_string_equal(more.bound, "consumer");
	assert_near(more.per_sec.mid, 2e9 / (rest.index_ns[1] + 5 * rest.merge_log2_ns[1]), 1e-9);
	assert_near(more.packers.mid, ceil(more.per_sec.mid * rest.packer_ns[1] / 1e9), 1e-9);
	free(m);
	free(f.sets);
}

/* A record costs more the longer its CPU did something else, up to a millisecond. */
static void test_a_gap_makes_a_record_dearer(void **state)
{
	static const double rate[] = { 0, 1e6, 1e5, 1e4, 1e3 };
	struct costs c = tiered_costs();
	struct family one = { .n = 1, .sets = &c };
	struct machine *m = machine_of(&tiered);
	struct rest rest = rest_default;

	(void)state;
	rest.cold = 0.3;
	rest.perf_cold = 0.2;
	rest.cold_power = 0.5;
	for (unsigned i = 0; i < 5; i++) {
		double root = rate[i] > 0 ? sqrt(1e6 / rate[i]) : 0;
		struct answer ring = ask_rest(m, 1, false, &one, &rest, 8, rate[i]);
		struct answer perf = ask_rest(m, 0, false, &one, &rest, 8, rate[i]);

		assert_near(ring.wait_ns.mid, c.alone * (1 + 0.3 * root), 1e-6);
		assert_near(perf.wait_ns.mid,
			    rest.perf_ns[1] * (1 + 0.2 * root) +
				    rest.perf_wake_ns[1] / rest.perf_sample,
			    1e-6);
	}
	assert_near(ask_rest(m, 1, false, &one, &rest, 8, 10).wait_ns.mid,
		    ask_rest(m, 1, false, &one, &rest, 8, 1e3).wait_ns.mid, 1e-9);
	/* The error of these costs widens what it concerns. */
	rest.error = 0.2;
	assert_near(ask_rest(m, 1, false, &one, &rest, 8, 1e3).wait_ns.hi,
		    exp(0.2) * c.alone * (1 + 0.3 * sqrt(1e3)), 1e-6);
	assert_near(ask_rest(m, 1, false, &one, &rest, 8, 0).wait_ns.hi, c.alone, 1e-6);
	free(m);
}

static void test_interval_is_as_wide_as_the_error(void **state)
{
	struct costs c = tiered_costs();
	struct family one = { .n = 1, .sets = &c, .error = 0.2 };
	struct machine *m = machine_of(&tiered);
	struct answer a = ask(m, 64, &one, 64, 0);

	(void)state;
	assert_near(a.lock_per_sec.hi / a.lock_per_sec.mid, exp(0.2), 0.01);
	assert_near(a.lock_per_sec.lo / a.lock_per_sec.mid, exp(-0.2), 0.01);
	assert_near(a.wait_ns.hi / a.wait_ns.lo, exp(0.4), 0.01);
	free(m);
}

static void test_limits_fit_the_predictions(void **state)
{
	struct family f = family_of("epyc9654");
	struct machine *m = machine_of(&tiered);
	int shard[N_CPUS] = { 0 }, consumer[1] = { 0 };
	struct shards single = { .n = 1, .cpu_shard = shard, .consumer = consumer };
	struct question q = { m, &f, &rest_default, &single, N_CPUS, cpus, 50e3, SEED };
	struct limits l;
	struct answer below, above;

	(void)state;
	assert_int_equal(find_limits(&l, &q), 0);
	q.rate = 0;
	assert_int_equal(find_limits(&l, &q), -EINVAL);
	assert_interval(&l.saturated);
	below = ask(m, 64, &f, l.saturated.lo * 0.7, 50e3);
	above = ask(m, 64, &f, fmin(l.saturated.hi * 1.4, 64), 50e3);
	assert_true(below.per_sec.mid > 0.9 * 50e3 * (unsigned)(l.saturated.lo * 0.7));
	assert_true(above.per_sec.mid < 0.95 * 50e3 * fmin(l.saturated.hi * 1.4, 64));
	free(m);
	free(f.sets);
}

/* Where a limit says that the locks are saturated, so does the capacity of the prediction. */
static void test_capacity_is_what_the_limits_say(void **state)
{
	struct family f = family_of("e5_2680v4,spr");
	struct machine *m = machine_of(&tiered);
	int shard[N_CPUS] = { 0 }, consumer[1] = { 0 };
	struct shards single = { .n = 1, .cpu_shard = shard, .consumer = consumer };
	struct question q = { m, &f, &rest_default, &single, N_CPUS, cpus, 100e3, SEED };
	struct limits l;
	struct answer a;

	(void)state;
	assert_int_equal(find_limits(&l, &q), 0);
	assert_interval(&l.saturated);
	a = ask(m, 64, &f, l.saturated.lo, 100e3);
	assert_true(a.lock_capacity.lo < 100e3 * l.saturated.lo);
	assert_true(a.lock_capacity.lo <= a.lock_capacity.mid);
	assert_true(a.lock_capacity.mid <= a.lock_capacity.hi);
	a = ask(m, 64, &f, l.saturated.lo - 1, 100e3);
	assert_true(a.lock_capacity.lo >= 100e3 * (l.saturated.lo - 1));
	a = ask(m, 64, &f, 64, 0);
	assert_near(a.lock_per_sec.mid, a.lock_capacity.mid, 0.05);
	free(m);
	free(f.sets);
}

/* A sweep whose costs are known, and the fit of every other row below saturation. */
static void test_costs_of_gaps_are_recovered(void **state)
{
	static const char *const transports[] = { "cpu", "perfbuf-sampled", "lane" };
	static const double base[] = { 100, 300, 60 };
	char path[] = "/tmp/nr_model_test_XXXXXX";
	struct costs c = { .alone = 100, .own = 50 };
	struct family one = { .n = 1, .sets = &c };
	struct machine *m = machine_of(&tiered);
	struct rest rest = rest_default;
	struct measurements rows;
	struct interval ns;
	FILE *f = fdopen(mkstemp(path), "w");

	(void)state;
	assert_non_null(f);
	for (unsigned t = 0; t < 3; t++)
		for (double rate = 1e6; rate >= 1; rate = rate > 1e3 ? rate / 10 : 0) {
			double ns = base[t] + (t == 1 ? 60 : 40) * pow(1e6 / rate, 0.4);

			fprintf(f,
				"{\"transport\":\"%s\",\"producers\":1,\"rate\":%f,\"valid\":true,"
				"\"producer_cpus\":[%u],\"consumer_cpu\":0,\"cost_mean_ns\":"
				"{\"median\":%f,\"q1\":%f,\"q3\":%f}}\n",
				transports[t], rate, t, ns, ns, ns);
		}
	for (unsigned t = 0; t < 3; t++)
		fprintf(f,
			"{\"transport\":\"%s\",\"producers\":1,\"rate\":0,\"valid\":true,"
			"\"producer_cpus\":[0],\"cost_mean_ns\":{\"median\":%f,\"q1\":%f,\"q3\":%f}"
			"}\n",
			transports[t], base[t], base[t], base[t]);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(measured_read(&rows, path), 0);
	unlink(path);
	assert_int_equal(rows.n, 15);
	rest.perf_wake_ns[1] = 0;
	assert_int_equal(rest_fit(&rest, &rows, m, &one, 2), 0);
	assert_near(rest.cold, 0.4, 0.02);
	assert_near(rest.perf_cold, 0.2, 0.02);
	assert_near(rest.cold_power, 0.4, 0.02);
	assert_near(rest.perf_ns[1], 300, 1e-9);
	assert_near(rest.lane[1], 0.6, 1e-9);
	assert_true(rest.error < 0.01);
	for (unsigned i = 0; i < rows.n; i++) {
		assert_int_equal(predict_measured(&ns, &rows.of[i], m, &one, &rest), 0);
		assert_near(ns.mid, rows.of[i].ns[1], 0.02);
	}
	measured_free(&rows);
	free(m);
}

/* A record nobody reads costs something else. */
static void test_curves_without_a_consumer_are_fitted_apart(void **state)
{
	struct curves curves = published();
	struct family with = family_fit(&curves, "epyc9654", true);
	struct family without = family_fit(&curves, "epyc9654", false);
	struct like like;

	(void)state;
	assert_true(with.n > 0 && without.n > 0);
	for (unsigned i = 0; i < with.n; i++)
		assert_true(with.sets[i].consumer > 0);
	for (unsigned i = 0; i < without.n; i++)
		assert_true(without.sets[i].consumer == 0);
	assert_int_equal(like_parse(&like, &curves, "epyc9654_noconsumer"), -ENOENT);
	free(with.sets);
	free(without.sets);
	free(curves.curve);
}

static void test_unknown_family(void **state)
{
	struct curve curve = { .name = "spr_x" };
	struct curves curves = { 1, &curve };

	(void)state;
	assert_int_equal(family_fit(&curves, "abacus", true).n, 0);
}

/* ---- likeness ---- */
static int like_of(struct like *like, const char *text)
{
	struct curves curves = published();
	int err = like_parse(like, &curves, text);

	free(curves.curve);
	return err;
}

/* What a host hides is hidden by whatever name, and wherever it stands in the list. */
static void test_names_of_hosts_bring_what_they_hide(void **state)
{
	static const char *const epyc[] = { "epyc", "epyc9654", "epyc9654_before", "spr,epyc" };
	struct like like;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(like_of(&like, epyc[i]), 0);
		assert_int_equal(like.hidden.node, 24);
		assert_int_equal(like.hidden.llc, 0);
		assert_int_equal(like.single, i < 3);
	}
	assert_int_equal(like_of(&like, "kunpeng"), 0);
	assert_int_equal(like.hidden.llc, 4);
	assert_int_equal(like_of(&like, "e5_2680v4,spr"), 0);
	assert_false(like.single);
	assert_int_equal(like_of(&like, "spr,abacus"), -ENOENT);
	assert_int_equal(like_of(&like, ""), -ENOENT);
	assert_int_equal(like_of(&like, "epyc,kunpeng"), -EINVAL);
}

static void test_a_published_host_is_recognized(void **state)
{
	static const char *const synthetic[] = {
		"pack:2 [numa] l3:12 core:8 pu:2", /* one node for each package */
		"pack:2 group:4 [numa] l3:3 core:8 pu:2",
		"pack:2 [numa] l3:12 core:8 pu:1",
		"pack:2 [numa] l3:8 core:12 pu:2",
	};
	struct machine *host = machine_of(&host_of("epyc9654")->layout);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct nr_topology_opts opts = { .sz = sizeof(opts), .synthetic = synthetic[i] };
		struct nr_topology *topo = NULL;
		struct machine *m;

		assert_int_equal(nr_topology_open(&topo, &opts), 0);
		m = machine_from_topology(topo, (struct hidden){ 0, 24, true });
		assert_int_equal(machine_alike(host, m), i < 2);
		free(m);
		nr_topology_free(topo);
	}
	free(host);
}

/* ---- families of a sweep ---- */
static struct family sweep_family(struct curve *curve, const struct machine *machine,
				  const struct family *like)
{
	curve->prior = (struct prior){ 30, 0.5 };
	return family_of_sweep(curve, like, machine, 0.5);
}

static void test_a_sweep_predicts_its_own_host(void **state)
{
	struct machine *m = machine_of(&tiered);
	struct family like = family_of("epyc9654"), f;
	struct costs truth = tiered_costs();
	struct curve curve = { 0 };
	struct answer a;

	(void)state;
	for (unsigned n = 1; n <= 60; n += n < 4 ? 1 : 4)
		add_simulated(&curve, m, &truth, n);
	f = sweep_family(&curve, m, &like);
	assert_int_equal(f.borrowed, 0);
	assert_true(f.error < 0.1);
	a = ask(m, 64, &f, 64, 0);
	assert_near(a.lock_per_sec.mid, 1e9 / mean_ns(&truth, &curve.points[curve.n - 1].mix), 0.1);
	free(f.sets);
	free(like.sets);
	free(m);
}

/* A host with one cache has no figure for two of them. */
static void test_a_sweep_borrows_what_it_does_not_contain(void **state)
{
	static const struct layout one = { 1, 8, 1, 8, 8 };
	struct machine *small = machine_of(&one), *large = machine_of(&tiered);
	struct family like = family_of("epyc9654"), f;
	struct curve curve = { 0 };

	(void)state;
	assert_int_equal(curve_add_plain(&curve, small, 1, -1, 90), 0);
	assert_int_equal(curve_add_plain(&curve, small, 2, -1, 150), 0);
	f = sweep_family(&curve, large, &like);
	assert_int_equal(f.borrowed,
			 1u << NR_SAME_NODE | 1u << NR_SAME_PACKAGE | 1u << NR_OTHER_PACKAGE);
	assert_int_equal(f.n, like.n);
	assert_true(f.error >= 0.5);
	for (unsigned i = 0; i < f.n; i++) {
		assert_near(f.sets[i].alone, 90, 0.1);
		assert_near(f.sets[i].hand[NR_SAME_PACKAGE],
			    like.sets[i].hand[NR_SAME_PACKAGE] * (1 + like.sets[i].consumer), 1e-6);
		for (unsigned d = NR_SAME_CORE; d < NR_OTHER_PACKAGE; d++)
			assert_true(f.sets[i].hand[d] <= f.sets[i].hand[d + 1]);
	}
	free(f.sets);
	/* Two points do not test two costs: the others' error is the least. */
	f = sweep_family(&curve, small, &like);
	assert_int_equal(f.borrowed, 0);
	assert_near(f.error, like.error, 1e-9);
	free(f.sets);
	/* Nor do four: what halves of them say by chance is no error. */
	assert_int_equal(curve_add_plain(&curve, small, 3, -1, 150), 0);
	assert_int_equal(curve_add_plain(&curve, small, 4, -1, 150), 0);
	f = sweep_family(&curve, small, &like);
	assert_true(f.error >= like.error);
	free(f.sets);
	/* One producer alone has no hand-over at all, whoever reads. */
	curve.n = 0;
	assert_int_equal(curve_add_plain(&curve, small, 1, 0, 90), 0);
	f = sweep_family(&curve, small, &like);
	assert_int_equal(f.borrowed, 1u << NR_SAME_LLC);
	for (unsigned i = 0; i < f.n; i++)
		assert_true(f.sets[i].hand[NR_SAME_LLC] > 10);
	free(f.sets);
	free(like.sets);
	free(small);
	free(large);
}

/* The table of README.md; its bounds are in check.c. */
static void test_all_stated_bounds_hold(void **state)
{
	(void)state;
	assert_int_equal(model_check(NR_MODEL_DATA_SOURCE), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances_of_a_regular_machine),
		cmocka_unit_test(test_hidden_structure_moves_cores_apart),
		cmocka_unit_test(test_the_home_of_a_line_counts),
		cmocka_unit_test(test_half_of_the_second_file_is_held),
		cmocka_unit_test(test_simulation_meets_exact_mean_values),
		cmocka_unit_test(test_exact_mean_values_of_known_cases),
		cmocka_unit_test(test_flat_out_saturates_and_is_fair),
		cmocka_unit_test(test_waits_in_order_of_arrival_under_partial_load),
		cmocka_unit_test(test_retake_only_between_two),
		cmocka_unit_test(test_simulation_meets_closed_formula),
		cmocka_unit_test(test_same_seed_same_result),
		cmocka_unit_test(test_simulation_refuses_nonsense),
		cmocka_unit_test(test_simulation_refuses_times_that_are_none),
		cmocka_unit_test(test_minimize_finds_the_end_of_the_valley),
		cmocka_unit_test(test_usl_fit_recovers_its_parameters),
		cmocka_unit_test(test_fit_recovers_costs_from_a_simulated_curve),
		cmocka_unit_test(test_fitted_costs_rise_with_distance),
		cmocka_unit_test(test_fit_without_one_producer),
		cmocka_unit_test(test_halves_share_only_the_first_point),
		cmocka_unit_test(test_published_curves_are_read_and_bad_ones_are_not),
		cmocka_unit_test(test_sweep_gives_the_single_rings_curve),
		cmocka_unit_test(test_sweep_keeps_what_can_be_compared),
		cmocka_unit_test(test_sweep_leaves_out_rows_without_a_rate),
		cmocka_unit_test(test_sweep_counts_busy_rows),
		cmocka_unit_test(test_points_are_numbers),
		cmocka_unit_test(test_sweep_of_another_machine_is_refused),
		cmocka_unit_test(test_predictions_are_intervals_and_make_sense),
		cmocka_unit_test(test_interval_is_as_wide_as_the_error),
		cmocka_unit_test(test_limits_fit_the_predictions),
		cmocka_unit_test(test_capacity_is_what_the_limits_say),
		cmocka_unit_test(test_lanes_have_no_lock),
		cmocka_unit_test(test_a_gap_makes_a_record_dearer),
		cmocka_unit_test(test_costs_of_gaps_are_recovered),
		cmocka_unit_test(test_curves_without_a_consumer_are_fitted_apart),
		cmocka_unit_test(test_unknown_family),
		cmocka_unit_test(test_names_of_hosts_bring_what_they_hide),
		cmocka_unit_test(test_a_published_host_is_recognized),
		cmocka_unit_test(test_a_sweep_predicts_its_own_host),
		cmocka_unit_test(test_a_sweep_borrows_what_it_does_not_contain),
		cmocka_unit_test(test_all_stated_bounds_hold),
	};

	for (unsigned i = 0; i < N_CPUS; i++)
		cpus[i] = i;
	printf("seed %d\n", SEED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
