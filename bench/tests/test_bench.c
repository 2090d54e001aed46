/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of the bench can be tested without running BPF programs. */
#include <errno.h>
#include <linux/types.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "../queue.h"
#include "../sweep.h"

/* The commands leave this to the end of their process. */
static void grid_free(struct grid *grid)
{
	free(grid->cfg);
	*grid = (struct grid){ 0 };
}

static void queue_destroy(struct queue *q)
{
	queue_free_spent(q);
	while (q->head) {
		struct queue_chunk *next = atomic_load(&q->head->next);

		free(q->head);
		q->head = next;
	}
}

/* ---- placement ---- */

static struct nr_topology *synthetic(const char *text)
{
	const struct nr_topology_opts opts = { .sz = sizeof(opts), .synthetic = text };
	struct nr_topology *topo = NULL;

	assert_int_equal(nr_topology_open(&topo, &opts), 0);
	return topo;
}

/* 2 packages of 2 caches of 2 cores of 2 threads. */
static const char machine[] = "pack:2 [numa] l3:2 core:2 pu:2";

static void fill_is_one_domain_after_the_other(void **state)
{
	struct nr_topology *topo = synthetic(machine);
	unsigned *cpus, n;

	(void)state;
	assert_int_equal(placement(topo, "fill", &cpus, &n), 0);
	assert_int_equal(n, 16);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
			nr_topology_distance(topo, cpus[i], cpus[i / 4 * 4]) <= NR_SAME_LLC, 1);
	free(cpus);
	nr_topology_free(topo);
}

static void spread_takes_caches_in_turn_and_cores_first(void **state)
{
	struct nr_topology *topo = synthetic(machine);
	unsigned *cpus, n, seen = 0;

	(void)state;
	assert_int_equal(placement(topo, "spread", &cpus, &n), 0);
	assert_int_equal(n, 16);
	for (unsigned i = 0; i < n; i++) {
		seen |= 1u << cpus[i];
		for (unsigned k = i / 4 * 4; k < i; k++)
			assert_true(nr_topology_distance(topo, cpus[i], cpus[k]) > NR_SAME_LLC);
	}
	assert_int_equal(seen, 0xffff);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < i; k++)
			assert_true(nr_topology_distance(topo, cpus[i], cpus[k]) > NR_SAME_CORE);
	free(cpus);
	nr_topology_free(topo);
}

static void producers_are_put_where_they_are_told_to(void **state)
{
	struct nr_topology *topo = synthetic(machine);
	unsigned *cpus, n;

	(void)state;
	assert_int_equal(placement(topo, "9+0+15", &cpus, &n), 0);
	assert_int_equal(n, 3);
	assert_true(cpus[0] == 9 && cpus[1] == 0 && cpus[2] == 15);
	free(cpus);
	assert_int_equal(placement(topo, "16", &cpus, &n), -EINVAL);
	assert_int_equal(placement(topo, "1+2+1", &cpus, &n), -EINVAL);
	nr_topology_free(topo);
}

/* ---- numbers ---- */

static void a_histogram_is_off_by_a_sixteenth_at_most(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 1ull << 41; v += v / 7 + 1) {
		__u64 bucket[BENCH_BUCKETS] = { 0 };
		double got;

		bucket[bench_bucket(v)] = 1;
		got = histogram_quantile(bucket, 0.5);
		assert_true(fabs(got - v) <= v / 16.0);
		assert_true(got == histogram_max(bucket));
	}
	assert_int_equal(bench_bucket(UINT64_MAX), BENCH_BUCKETS - 1);
}

static void quartiles_are_those_of_the_sorted_values(void **state)
{
	double values[] = { 5, 1, 4, 2, 3 }, two[] = { 2, 1 };
	struct spread3 s = quartiles(values, 5);

	(void)state;
	assert_true(s.q1 == 2 && s.median == 3 && s.q3 == 4 && s.n == 5);
	s = quartiles(two, 2);
	assert_true(s.q1 == 1.25 && s.median == 1.5 && s.q3 == 1.75);
}

/* ---- groups ---- */

static unsigned groups_of(double *values, unsigned n)
{
	quartiles(values, n);
	return two_groups(values, n);
}

/* One ring with two producers, where a second measurement some minutes later had one group. */
static void a_median_between_two_groups_is_found(void **state)
{
	double both[] = { 8.5, 3.3, 6.0, 3.4, 3.3 }, one[] = { 8.8, 7.9, 8.3, 8.8, 8.2 };
	double outlier[] = { 8.5, 3.3, 3.2, 3.4, 3.3 }, few[] = { 1, 1, 9 },
	       none[] = { 0, 0, 9, 9 };
	double steps[] = { 92, 92, 92, 100, 100 }; /* two buckets of a histogram */

	(void)state;
	assert_int_equal(groups_of(both, 5), 3);
	assert_int_equal(groups_of(one, 5), 0);
	assert_int_equal(groups_of(outlier, 5), 0);
	assert_int_equal(groups_of(few, 3), 0);
	assert_int_equal(groups_of(none, 4), 0);
	assert_int_equal(groups_of(steps, 5), 0);
	assert_int_equal(two_groups(NULL, 0), 0);
}

static double gauss(unsigned short seed[3])
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += erand48(seed);
	return sum;
}

/* Share of tries in which n values of this spread, a part of them `apart` times larger, are told
 * to be two groups. */
static double found(unsigned n, double spread, double apart)
{
	unsigned short seed[3] = { 1, 2, 3 };
	unsigned hits = 0, tries = 2000;

	for (unsigned t = 0; t < tries; t++) {
		unsigned larger = 2 + (unsigned)(erand48(seed) * (n - 3));
		double values[20];

		for (unsigned i = 0; i < n; i++)
			values[i] = exp(spread * gauss(seed)) * (i < larger ? apart : 1);
		hits += groups_of(values, n) > 0;
	}
	return (double)hits / tries;
}

static void groups_are_rarely_seen_where_there_are_none(void **state)
{
	(void)state;
	for (unsigned n = 5; n <= 20; n += 5) {
		assert_true(found(n, 0.03, 1) == 0);
		assert_true(found(n, 0.1, 1) < 0.02);
		assert_true(found(n, 0.4, 1) < 0.15);
		assert_true(found(n, 0.03, 1.5) > 0.99);
		assert_true(found(n, 0.08, 2.5) > 0.9);
	}
}

static void draw(unsigned short seed[3], double *values, unsigned n, double times)
{
	for (unsigned i = 0; i < n; i++)
		values[i] = times * exp(0.1 * gauss(seed));
}

/* How many of 5000 tries show a difference, with n runs against m of `times` as much. */
static unsigned differences(unsigned n, unsigned m, double times, unsigned *covered)
{
	unsigned short seed[3] = { 1, 2, 3 };
	unsigned differ = 0;
	double a[20], b[20];

	*covered = 0;
	for (unsigned i = 0; i < 5000; i++) {
		struct ratio r;

		draw(seed, a, n, times);
		draw(seed, b, m, 1);
		r = ratio_of(a, n, b, m);
		differ += ratio_differs(r);
		*covered += r.low <= times && r.high >= times;
		assert_true(!r.confidence || (r.low <= r.middle && r.middle <= r.high));
	}
	return differ;
}

/* Of two sets of runs of one kind, and of two that are five deviations apart. */
static void a_difference_within_the_spread_is_none(void **state)
{
	unsigned covered;

	(void)state;
	/* Once in 126 times: 40. */
	assert_in_range(differences(5, 5, 1, &covered), 15, 75);
	assert_true(differences(5, 5, exp(0.5), &covered) > 4900);
	assert_int_equal(differences(5, 2, 100, &covered), 0);
}

/* 99 %: 4950. */
static void an_interval_has_the_confidence_that_it_tells(void **state)
{
	unsigned covered;

	(void)state;
	for (unsigned n = 5; n <= 20; n += 5) {
		differences(n, n, 3, &covered);
		assert_in_range(covered, 4925, 4990);
	}
	differences(3, 3, 3, &covered);
	assert_in_range(covered, 4400, 4600);
}

static void ratios_of_known_values(void **state)
{
	double a[] = { 4.4, 4.0, 4.2 }, b[] = { 2.0, 2.1, 2.2 }, zero[] = { 0, 1, 1 };
	struct ratio r = ratio_of(a, 3, b, 3);

	(void)state;
	assert_true(fabs(r.middle - 2) < 1e-9 && fabs(r.low - 4.0 / 2.2) < 1e-9 &&
		    fabs(r.high - 2.2) < 1e-9);
	assert_int_equal(r.confidence, 90);
	assert_int_equal(ratio_of(a, 2, b, 3).confidence, 0);
	assert_int_equal(ratio_of(a, 3, zero, 3).confidence, 0);
	assert_false(ratio_differs(ratio_of(zero, 3, a, 3)));
}

/* ---- the verdict ---- */

/* Five runs of a policy, flat out, that deliver about so many M/s. */
static void add_policy(json_t *runs, const char *transport, int producers, double rate)
{
	static const double spread[] = { 1, 1.02, 0.97, 1.01, 0.99 };

	for (unsigned i = 0; i < 5; i++)
		json_array_append_new(
			runs,
			json_pack("{s:b, s:f, s:{s:f}, s:{s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:s, "
				  "s:s, s:s}}",
				  "valid", 1, "events_per_sec", rate * 1e6 * spread[i], "cost_ns",
				  "mean", producers / rate * 1000 * spread[i], "config",
				  "transport", transport, "producers", producers, "rate", 0, "size",
				  24, "burst", 1, "memory", 1 << 20, "duration", 1.0, "placement",
				  "spread", "delivery", "callback", "order", "fence"));
}

/* Of these runs, which are freed, on a host of 64 CPUs. */
static const char *verdict(json_t *runs, bool emulated)
{
	static char text[VERDICT_SIZE];
	json_auto_t *medians = sweep_medians(runs), *base = verdict_base(medians);
	json_auto_t *host =
		json_pack("{s:b, s:{s:i}}", "emulated", emulated, "topology", "cpus", 64);

	verdict_of_sweep(text, medians, base, host);
	json_decref(runs);
	return text;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static json_t *three_policies(double llc)
{
	json_t *runs = json_array();

	add_policy(runs, "single", 1, 8);
	add_policy(runs, "llc", 1, 8);
	add_policy(runs, "single", 8, 3);
	add_policy(runs, "llc", 8, llc);
	add_policy(runs, "single", 32, 2);
	add_policy(runs, "node", 32, llc * 0.99);
	add_policy(runs, "llc", 32, llc);
	add_policy(runs, "libbpf", 32, 50);
	add_policy(runs, "perfbuf-fence", 32, 40);
	add_policy(runs, "array-shared", 32, 40);
	add_policy(runs, "shards/8", 32, 40);
	return runs;
}

static void the_verdict_names_who_wins_and_from_where_on(void **state)
{
	const char *text = verdict(three_policies(20), false);

	(void)state;
	assert_says(text, "With 32 of 64 CPUs writing flat out, llc wins");
	assert_says(text, "10.00 times as many as single (99 % interval: 9.51 to 10.52)");
	assert_says(text, "No difference from it beyond the spread: node.");
	assert_says(text, "llc is ahead from 8 producers on.");
}

static void the_verdict_claims_no_more_than_the_runs_show(void **state)
{
	json_t *runs = three_policies(20);

	(void)state;
	assert_says(verdict(three_policies(20), true), "No verdict: the CPU is emulated");
	assert_says(verdict(three_policies(2.01), false), "no policy wins: llc delivers most");
	assert_says(verdict(json_array(), false), "No verdict: it needs two policies");
	/* The rows of llc with 32 producers: two of five, and then in two groups. */
	for (unsigned i = 30; i < 33; i++)
		json_object_set_new(json_array_get(runs, i), "valid", json_false());
	assert_says(verdict(runs, false), "No verdict: three valid runs");
	runs = three_policies(20);
	for (unsigned i = 30; i < 32; i++)
		json_object_set_new(json_array_get(runs, i), "events_per_sec", json_real(4e7));
	assert_says(verdict(runs, false), "the runs of llc fall into two groups");
	runs = three_policies(20);
	for (unsigned i = 30; i < 35; i++)
		json_object_set_new(json_array_get(runs, i), "elsewhere_share", json_real(0.5));
	assert_says(verdict(runs, false), "the host was busy");
}

/* ---- the rate ---- */

#define MS	  1000000ull
#define STREAM_MS 2000
#define WINDOW_MS 400

static uint64_t fake_now;

uint64_t __wrap_bench_now(void);
uint64_t __wrap_bench_now(void)
{
	return fake_now;
}

static void deliver_until(struct check *c, uint64_t time)
{
	struct nr_record rec = { .ts = time };
	const struct nr_event ev = { .rec = &rec, .size = 0 };

	/* One each 10 us: 100,000 a second. */
	while (c->count < time / 10000)
		check_batch(c, &ev, 1);
}

/*
 * A stream of the same rate at all times, in rounds of 25 ms, that is held up once. One window may
 * have more of it than another, but all together have neither more nor less than came.
 */
static void a_delivery_that_stalls_makes_no_rate(void **state)
{
	struct check_mark at[STREAM_MS];
	struct check c;
	double sum = 0;

	(void)state;
	check_init(&c, 1);
	for (unsigned ms = 0; ms < STREAM_MS; ms++) {
		fake_now = ms * MS;
		if (ms == 640 || (ms % 25 == 0 && !(ms > 400 && ms < 640)))
			deliver_until(&c, fake_now);
		fake_now++;
		check_mark_take(&at[ms], &c);
	}
	free(c.cpus);
	/* From 500 to 900 ms came what is of 400 to 900. */
	assert_true(check_rate(&at[500], &at[900]) == 125000);
	for (unsigned ms = 0; ms + WINDOW_MS < STREAM_MS; ms++)
		sum += check_rate(&at[ms], &at[ms + WINDOW_MS]);
	assert_true(fabs(sum / (STREAM_MS - WINDOW_MS) - 100000) < 1);
}

/* ---- the schedule ---- */

/* In bursts of 50 ms the rate is `peak` times as high, then there is silence; the mean is kept. */
static void peaks_keep_the_mean(void **state)
{
	(void)state;
	for (uint64_t peak = 1; peak <= 100; peak += 9) {
		const struct schedule s = { 12345, peak };
		const uint64_t period = peak * PEAK_NS;

		assert_int_equal(schedule_even(&s, 0), 0);
		for (uint64_t t = 0; t < 3 * period; t += 7777777) {
			uint64_t now = s.start + t, in_burst = t % period;

			if (in_burst > PEAK_NS)
				in_burst = PEAK_NS;
			assert_int_equal(schedule_even(&s, now),
					 t / period * period + in_burst * peak);
			/* The first time at which so much has passed. */
			now = schedule_time(&s, t);
			assert_true(schedule_even(&s, now) >= t);
			assert_true(!t || schedule_even(&s, now - 1) < t);
		}
	}
}

/* ---- configurations and grids ---- */

static void values_come_back_as_they_went_in(void **state)
{
	static const char *const values[] = { "node/3", "7",	 "spread", "123456", "4096", "64",
					      "10",	"65536", "0.25",   "rcu",    "trace" };
	struct config cfg = config_default;
	char buf[64];

	(void)state;
	assert_int_equal(sizeof(values) / sizeof(values[0]), N_VALUES);
	for (unsigned i = 0; i < N_VALUES; i++) {
		assert_int_equal(option_set(&config_options[i], &cfg, values[i]), 0);
		assert_string_equal(option_get(&config_options[i], &cfg, buf, sizeof(buf)),
				    values[i]);
	}
}

/* Rings are powers of two: one alone has all of the memory, and many have no more. */
static void the_memory_is_what_one_ring_can_have(void **state)
{
	static const struct {
		const char *machine;
		size_t memory;
	} machines[] = { { "core:1 pu:1", 2 << 20 },
			 { "core:6 pu:1", 8 << 20 },
			 { "core:8 pu:1", 16 << 20 },
			 { "pack:2 [numa] core:48 pu:2", 256 << 20 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct nr_topology *topo = synthetic(machines[i].machine);
		struct config cfg = config_default;

		config_settle(&cfg, topo);
		assert_int_equal(cfg.memory, machines[i].memory);
		cfg.memory = 12345;
		config_settle(&cfg, topo);
		assert_int_equal(cfg.memory, 12345);
		nr_topology_free(topo);
	}
}

/* A sweep finds its runs again by what it wrote of them. */
static void a_duration_is_what_is_written_of_it(void **state)
{
	struct config cfg = config_default, again = config_default;
	char buf[64];
	const struct opt *duration = &config_options[config_find("duration")];

	(void)state;
	assert_int_equal(option_set(duration, &cfg, "0.1234567"), 0);
	option_get(duration, &cfg, buf, sizeof(buf));
	assert_int_equal(option_set(duration, &again, buf), 0);
	assert_true(cfg.seconds == again.seconds);
}

static void bad_values_are_refused(void **state)
{
	static const char *const bad[][4] = {
		{ "lane-", "node/0", "shards/0", "" },
		{ "0", "-1", "1x", "" },
		{ "filled", "", "0+", "0++1" },
		{ "-1", "1q", "18446744073709551615", "1e6" },
		{ "8", "20", "4104", "-1" },
		{ "0", "65", "", "-1" },
		{ "0", "101", "", "-1" },
		{ "1T", "-1", "9223372036854775808", "x" },
		{ "0", "-1", "x", "" },
		{ "none", "", "0", "FENCE" },
		{ "file", "", "0", "TRACE" },
	};
	struct config cfg = config_default;

	(void)state;
	for (unsigned i = 0; i < N_VALUES; i++)
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(option_set(&config_options[i], &cfg, bad[i][k]), -EINVAL);
}

static void a_grid_is_every_combination_once(void **state)
{
	struct nr_topology *topo = synthetic(machine);
	struct grid grid = { 0 };

	(void)state;
	assert_int_equal(grid_add_text(&grid,
				       "# comment\n"
				       "--transport cpu,single --producers 1,2,4\n"
				       "--transport single --producers 4,8 # 4 again\n",
				       "test"),
			 0);
	assert_int_equal(grid.n, 8);
	grid_settle(&grid, topo);
	assert_int_equal(grid.n, 7);
	assert_string_equal(grid.cfg[0].transport, "cpu");
	assert_int_equal(grid.cfg[1].producers, 2);
	assert_int_equal(grid.cfg[6].producers, 8);
	assert_int_equal(grid.cfg[6].memory, 32 << 20);
	grid_free(&grid);
	assert_int_equal(grid_add_text(&grid, "--transport\n", "test"), -EINVAL);
	assert_int_equal(grid_add_text(&grid, "--speed 3\n", "test"), -EINVAL);
	grid_free(&grid);
	nr_topology_free(topo);
}

static void an_empty_file_adds_nothing(void **state)
{
	struct grid grid = { 0 };

	(void)state;
	assert_int_equal(grid_add_file(&grid, "/dev/null"), 0);
	assert_int_equal(grid_add_file(&grid, "/"), -EISDIR);
	assert_int_equal(grid_add_file(&grid, "/dev/null/none"), -ENOTDIR);
	assert_int_equal(grid.n, 0);
	grid_free(&grid);
}

/* Policies that come to the same on a machine are not run twice. */
static void the_quick_grid_suits_the_machine(void **state)
{
	static const struct {
		const char *machine;
		unsigned policies;
	} machines[] = { { "core:2 pu:1", 2 }, { "pack:2 [numa] l3:2 core:2 pu:2", 4 } };

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		struct nr_topology *topo = synthetic(machines[m].machine);
		struct grid grid = { 0 };
		unsigned flat_out = 0;

		assert_int_equal(grid_add_default(&grid, topo, true), 0);
		grid_settle(&grid, topo);
		for (unsigned i = 0; i < grid.n; i++)
			flat_out += grid.cfg[i].producers == 1 && !grid.cfg[i].rate;
		assert_int_equal(flat_out, machines[m].policies + 7);
		grid_free(&grid);
		nr_topology_free(topo);
	}
}

/* Where all CPUs are of one node, that case is not run twice. */
static void the_grid_of_skew_has_the_same_memory_for_all(void **state)
{
	struct nr_topology *topo = synthetic(machine), *small = synthetic("core:2 pu:1");
	struct grid grid = { 0 };

	(void)state;
	assert_int_equal(grid_add_skew(&grid, topo), 0);
	grid_settle(&grid, topo);
	assert_int_equal(grid.n, 4 * 3 * (3 + 1));
	for (unsigned i = 0; i < 4; i++) /* transports */
		assert_int_equal(grid.cfg[i * 9].memory, 2 << 20);
	assert_int_equal(grid.cfg[3].producers, 8);
	assert_int_equal(grid.cfg[47].peak, 10);
	grid_free(&grid);
	assert_int_equal(grid_add_skew(&grid, small), 0);
	grid_settle(&grid, small);
	assert_int_equal(grid.n, 4 * 3 * (2 + 1));
	grid_free(&grid);
	nr_topology_free(topo);
	nr_topology_free(small);
}

/* ---- the queue ---- */

#define QUEUED 400000

static void *write_all(void *arg)
{
	uint64_t words[64] = { 0 };

	for (uint64_t i = 0; i < QUEUED; i++) {
		words[0] = i;
		words[i % 64] = i;
		queue_append(arg, words, (1 + i % 64) * sizeof(words[0]));
	}
	return NULL;
}

static void a_queue_keeps_order_and_content(void **state)
{
	struct queue q;
	pthread_t writer;
	uint64_t next = 0;

	(void)state;
	queue_init(&q);
	assert_int_equal(pthread_create(&writer, NULL, write_all, &q), 0);
	while (next < QUEUED) {
		uint32_t size;
		const uint64_t *words = (const void *)queue_head(&q, &size);

		if (!words)
			continue;
		assert_int_equal(words[0], next);
		assert_int_equal(size, (1 + next % 64) * sizeof(*words));
		assert_int_equal(words[next % 64], next);
		queue_take(&q, size);
		if (next % 1000 == 0)
			queue_free_spent(&q);
		next++;
	}
	pthread_join(writer, NULL);
	assert_int_equal(atomic_load(&q.bytes_in), atomic_load(&q.bytes_out));
	queue_destroy(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fill_is_one_domain_after_the_other),
		cmocka_unit_test(spread_takes_caches_in_turn_and_cores_first),
		cmocka_unit_test(producers_are_put_where_they_are_told_to),
		cmocka_unit_test(a_histogram_is_off_by_a_sixteenth_at_most),
		cmocka_unit_test(quartiles_are_those_of_the_sorted_values),
		cmocka_unit_test(a_median_between_two_groups_is_found),
		cmocka_unit_test(groups_are_rarely_seen_where_there_are_none),
		cmocka_unit_test(a_difference_within_the_spread_is_none),
		cmocka_unit_test(an_interval_has_the_confidence_that_it_tells),
		cmocka_unit_test(ratios_of_known_values),
		cmocka_unit_test(the_verdict_names_who_wins_and_from_where_on),
		cmocka_unit_test(the_verdict_claims_no_more_than_the_runs_show),
		cmocka_unit_test(a_delivery_that_stalls_makes_no_rate),
		cmocka_unit_test(peaks_keep_the_mean),
		cmocka_unit_test(values_come_back_as_they_went_in),
		cmocka_unit_test(the_memory_is_what_one_ring_can_have),
		cmocka_unit_test(a_duration_is_what_is_written_of_it),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(a_grid_is_every_combination_once),
		cmocka_unit_test(an_empty_file_adds_nothing),
		cmocka_unit_test(the_quick_grid_suits_the_machine),
		cmocka_unit_test(the_grid_of_skew_has_the_same_memory_for_all),
		cmocka_unit_test(a_queue_keeps_order_and_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
