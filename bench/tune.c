// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * numaring-bench tune: what a reservation costs on this host, alone and against a neighbour at each
 * distance, and which shards and rings follow from it for a rate.
 */
#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

#define NR_DISTANCES (NR_OTHER_PACKAGE + 1)

/* Above this share of what a ring can take, waiting grows out of proportion. */
#define UTILISATION 0.5

/* A ring is to hold what comes in this time: the collector writes twice within its latency of 100
 * ms; the rest is for a consumer that gets its CPU late. */
#define HOLD_SECONDS 0.25

/* With more of the host's CPU time in other hands, what is measured is not the host. */
#define BUSY 0.1

#define PING_NS	   100000000ull
#define PING_BATCH 50

struct tune {
	uint64_t rate; /* of all producers together; 0: not told */
	unsigned producers;
	unsigned size;

	struct nr_topology *topo;
	unsigned *cpus; /* spread */
	unsigned nr_cpus;
	unsigned pair[NR_DISTANCES][2];
	bool have[NR_DISTANCES];
	double ping_ns[NR_DISTANCES];
	double two_ns[NR_DISTANCES];  /* between two reservations of either of two producers */
	double hand_ns[NR_DISTANCES]; /* estimate for many producers */
	double alone_ns, clock_ns;
	double consumer_ns, merge_ns; /* CPU time per record */
	double lag_ms;
	double elsewhere; /* largest share of CPU time that others had */
};

/* ---- a line between two CPUs ------------------------------------------------------------------
 */

struct ping {
	_Alignas(128) atomic_uint turn;
	_Alignas(128) atomic_bool stop;
	unsigned other;
};

static void *pong(void *arg)
{
	struct ping *p = arg;

	bench_pin(pthread_self(), &p->other, 1);
	while (!atomic_load_explicit(&p->stop, memory_order_relaxed))
		if (atomic_load_explicit(&p->turn, memory_order_acquire) == 1)
			atomic_store_explicit(&p->turn, 0, memory_order_release);
	return NULL;
}

/* So few trips that some batches pass without either side losing its CPU. */
static double ping_batch(struct ping *p)
{
	uint64_t begin = bench_now();

	for (unsigned i = 0; i < PING_BATCH; i++) {
		uint64_t tries = 0;

		atomic_store_explicit(&p->turn, 1, memory_order_release);
		while (atomic_load_explicit(&p->turn, memory_order_acquire))
			if (!(++tries % 65536))
				sched_yield();
	}
	return (bench_now() - begin) / 2.0 / PING_BATCH;
}

/* ns to hand a line over, one way; the least of many batches. */
static double ping(unsigned a, unsigned b)
{
	struct ping p = { .other = b };
	double best = 1e9;
	pthread_t thread;

	if (pthread_create(&thread, NULL, pong, &p))
		return 0;
	bench_pin(pthread_self(), &a, 1);
	for (uint64_t end = bench_now() + PING_NS; bench_now() < end;) {
		double ns = ping_batch(&p);

		best = ns < best ? ns : best;
	}
	atomic_store(&p.stop, true);
	pthread_join(thread, NULL);
	return best;
}

static double clock_cost(void)
{
	const unsigned n = 200000;
	double best = 1e9;

	for (unsigned try = 0; try < 5; try++) {
		uint64_t begin = bench_now();
		double ns;

		for (unsigned i = 0; i < n; i++)
			bench_now();
		ns = (double)(bench_now() - begin) / n;
		best = ns < best ? ns : best;
	}
	return best;
}

/* ---- rings ------------------------------------------------------------------------------------
 */

static double number(const json_t *row, const char *object, const char *key)
{
	return json_number_value(json_object_get(object ? json_object_get(row, object) : row, key));
}

/* Of three short runs of one ring that in which the host did least else; *ns is the cost of a
 * record. */
static int measure_ring(struct tune *t, const unsigned *cpus, unsigned producers, double *ns,
			json_t **best)
{
	struct config cfg = config_default;
	int err = 0;

	snprintf(cfg.transport, sizeof(cfg.transport), "single");
	cfg.producers = producers;
	cfg.size = t->size;
	cfg.seconds = 0.4;
	for (unsigned i = 0; !err && i < 3; i++) {
		json_t *row = NULL;

		err = run_config(&row, &cfg, cpus);
		if (!err && (!*best || number(row, NULL, "elsewhere_share") <
					       number(*best, NULL, "elsewhere_share"))) {
			json_decref(*best);
			*best = json_incref(row);
		}
		json_decref(row);
	}
	if (err)
		return err;
	*ns = number(*best, "cost_ns", "mean");
	if (number(*best, NULL, "elsewhere_share") > t->elsewhere)
		t->elsewhere = number(*best, NULL, "elsewhere_share");
	return 0;
}

static int measure_alone(struct tune *t)
{
	json_t *row = NULL;
	int err = measure_ring(t, t->cpus, 1, &t->alone_ns, &row);

	if (!err) {
		t->consumer_ns = 1e3 * number(row, "cpu_s_per_million", "consumers");
		t->merge_ns = 1e3 * number(row, "cpu_s_per_million", "merge");
		t->lag_ms = number(row, NULL, "lag_max_ms");
	}
	json_decref(row);
	return err;
}

/*
 * Of two producers one often gets the lock again before the other has seen it free, and pays next
 * to nothing; among many that chance is gone. Half of the reservations are taken to be such.
 */
static double hand_over(double two, double alone)
{
	double ns = 2 * two - alone;

	if (ns < two)
		ns = two;
	return ns < alone ? alone : ns;
}

static int measure_pairs(struct tune *t)
{
	int err = 0;

	for (unsigned d = NR_SAME_CORE; !err && d < NR_DISTANCES; d++) {
		json_t *row = NULL;

		if (!t->have[d])
			continue;
		t->ping_ns[d] = ping(t->pair[d][0], t->pair[d][1]);
		err = bench_pin(pthread_self(), t->cpus, 0);
		if (!err)
			err = measure_ring(t, t->pair[d], 2, &t->two_ns[d], &row);
		t->two_ns[d] /= 2; /* each had one under way all the time */
		t->hand_ns[d] = hand_over(t->two_ns[d], t->alone_ns);
		if (!err && number(row, NULL, "lag_max_ms") > t->lag_ms)
			t->lag_ms = number(row, NULL, "lag_max_ms");
		json_decref(row);
	}
	return err;
}

/* For each distance that this host has, two CPUs that far apart. */
static void find_pairs(struct tune *t)
{
	for (unsigned i = 1; i < t->nr_cpus; i++) {
		enum nr_distance d = nr_topology_distance(t->topo, t->cpus[0], t->cpus[i]);

		if (t->have[d])
			continue;
		t->have[d] = true;
		t->pair[d][0] = t->cpus[0];
		t->pair[d][1] = t->cpus[i];
	}
}

static int prepare(struct tune *t)
{
	int err = nr_topology_open(&t->topo, NULL);

	if (!err)
		err = placement(t->topo, true, &t->cpus, &t->nr_cpus);
	if (err)
		return err;
	if (!t->producers)
		t->producers = t->nr_cpus;
	if (t->producers > t->nr_cpus) {
		bench_error("%u producers need as many CPUs, there are %u", t->producers,
			    t->nr_cpus);
		return -EINVAL;
	}
	find_pairs(t);
	return 0;
}

/* ---- what follows -----------------------------------------------------------------------------
 */

struct advice {
	const char *policy;
	unsigned shards;
	unsigned busiest; /* producers of the shard that has most of them */
	double ns;	  /* between two reservations there, when all want one */
	double limit;	  /* records/s of all producers at which that shard saturates */
};

/* Mean over all pairs of producers of one shard. */
static double mean_hand_over(const struct tune *t, const struct nr_plan *plan, int shard,
			     unsigned *members)
{
	double sum = 0;
	unsigned pairs = 0;

	*members = 0;
	for (unsigned i = 0; i < t->producers; i++) {
		if (plan->cpu_shard[t->cpus[i]] != shard)
			continue;
		++*members;
		for (unsigned k = 0; k < i; k++) {
			if (plan->cpu_shard[t->cpus[k]] != shard)
				continue;
			sum += t->hand_ns[nr_topology_distance(t->topo, t->cpus[i], t->cpus[k])];
			pairs++;
		}
	}
	return pairs ? sum / pairs : t->alone_ns;
}

static int advise(const struct tune *t, const char *policy, struct advice *a)
{
	const struct nr_plan_opts opts = { .sz = sizeof(opts), .policy = policy, .log = bench_log };
	struct nr_plan *plan = NULL;
	int err = nr_plan_make(&plan, t->topo, &opts);

	if (err)
		return err;
	*a = (struct advice){ .policy = policy, .shards = plan->nr_shards, .limit = 1e18 };
	for (unsigned s = 0; s < plan->nr_shards; s++) {
		unsigned members;
		double ns = mean_hand_over(t, plan, s, &members);
		double limit = members ? 1e9 / ns * t->producers / members : 1e18;

		if (limit < a->limit) {
			a->limit = limit;
			a->ns = ns;
			a->busiest = members;
		}
	}
	nr_plan_free(plan);
	return 0;
}

static char *count_text(char *buf, size_t size, double n)
{
	if (n >= 1e6)
		snprintf(buf, size, "%.1fM", n / 1e6);
	else if (n >= 1e3)
		snprintf(buf, size, "%.0fk", n / 1e3);
	else
		snprintf(buf, size, "%.0f", n);
	return buf;
}

static void print_measured(const struct tune *t)
{
	printf("Measured here, records of %u bytes:\n"
	       "  reading the clock                        %6.0f ns\n"
	       "  a record, from a producer alone          %6.0f ns\n",
	       t->size, t->clock_ns, t->alone_ns);
	for (unsigned d = NR_SAME_CORE; d < NR_DISTANCES; d++)
		if (t->have[d])
			printf("  two producers of %-24s%6.0f ns a record of either (CPUs %u and "
			       "%u; a "
			       "cache line takes %.0f ns)\n",
			       host_distance_name(d), t->two_ns[d], t->pair[d][0], t->pair[d][1],
			       t->ping_ns[d]);
	printf("  CPU time of a consumer, of the merge     %6.0f, %.0f ns a record\n",
	       t->consumer_ns, t->merge_ns);
	if (t->elsewhere > BUSY)
		printf("This host was BUSY with other things, %.0f %% of its CPU time: producers "
		       "that do not "
		       "run do not contend, so the figures for two of them are too good. Try again "
		       "when "
		       "it is idle.\n",
		       100 * t->elsewhere);
}

static void print_table(const struct advice *a, unsigned nr)
{
	char limit[32];

	puts("\nWith as many producers, the busiest ring is full up at:");
	for (unsigned i = 0; i < nr; i++)
		printf("  %-8s %4u ring%s  %8s records/s of all  (%u producers on it, %.0f ns a "
		       "record)\n",
		       a[i].policy, a[i].shards, a[i].shards == 1 ? " " : "s",
		       count_text(limit, sizeof(limit), a[i].limit), a[i].busiest, a[i].ns);
}

/* Bytes of one ring for its share of the rate. */
static size_t ring_bytes(const struct tune *t, const struct advice *a)
{
	double share = (double)t->rate * a->busiest / t->producers;
	double hold = HOLD_SECONDS > 4 * t->lag_ms / 1e3 ? HOLD_SECONDS : 4 * t->lag_ms / 1e3;
	double bytes = share * hold * (t->size + 8);
	size_t size = 256 << 10;

	while (size < bytes && size < (size_t)1 << 30)
		size *= 2;
	return size;
}

static void print_ring(const struct tune *t, const struct advice *a)
{
	size_t bytes = ring_bytes(t, a);
	bool mega = bytes >= 1 << 20;

	printf("  --ring-size %zu%s  holds what comes in %.0f ms: the stream is written twice "
	       "within "
	       "100 ms, and a watermark was at most %.0f ms old here.\n",
	       mega ? bytes >> 20 : bytes >> 10, mega ? "M" : "K",
	       1e3 * bytes / ((double)t->rate * a->busiest / t->producers * (t->size + 8)),
	       t->lag_ms);
}

static void print_user_side(const struct tune *t, const struct advice *a)
{
	double merge = t->rate * t->merge_ns / 1e9;
	double consumer = (double)t->rate * a->busiest / t->producers * t->consumer_ns / 1e9;

	printf("  The merge will need %.1f %% of a CPU, the busiest consumer %.1f %%.\n",
	       100 * merge, 100 * consumer);
	if (merge > 0.7 || consumer > 0.7)
		puts("  That is more than a thread should have: expect loss, and emit less.");
}

static void print_advice(const struct tune *t, const struct advice *a, unsigned nr)
{
	char rate[32], limit[32];
	unsigned i = 0;

	count_text(rate, sizeof(rate), t->rate);
	while (i + 1 < nr && t->rate > UTILISATION * a[i].limit)
		i++;
	printf("\nFor %s records/s from %u producers:\n  --shards %s%*s  the busiest ring is used "
	       "to "
	       "%.0f %% of what it can take (%s/s of all).\n",
	       rate, t->producers, a[i].policy, 10 - (int)strlen(a[i].policy), "",
	       100 * t->rate / a[i].limit, count_text(limit, sizeof(limit), a[i].limit));
	if (i)
		printf("  With %s it would be %.0f %%; beyond %.0f %% producers wait for each "
		       "other, "
		       "with preemption off.\n",
		       a[i - 1].policy, 100 * t->rate / a[i - 1].limit, 100 * UTILISATION);
	if (t->rate > UTILISATION * a[i].limit)
		puts("  No policy is enough for this rate: emit less, or larger records.");
	print_ring(t, &a[i]);
	print_user_side(t, &a[i]);
}

static int tune(struct tune *t)
{
	static const char *const policies[] = { "node", "llc", "cpu" };
	struct advice advice[3];
	int err = prepare(t);

	if (err)
		return err;
	t->clock_ns = clock_cost();
	err = measure_alone(t);
	if (!err)
		err = measure_pairs(t);
	for (unsigned i = 0; !err && i < 3; i++)
		err = advise(t, policies[i], &advice[i]);
	if (err)
		return err;
	print_measured(t);
	print_table(advice, 3);
	if (t->rate)
		print_advice(t, advice, 3);
	else
		puts("\nWith --rate it says which of them, and how large a ring.");
	return 0;
}

/* ---- the command ------------------------------------------------------------------------------
 */

enum { OPT_RATE = 256, OPT_PRODUCERS, OPT_SIZE };

static const struct argp_option options[] = {
	{ "rate", OPT_RATE, "N", 0, "records/s of all producers together, k and M allowed", 0 },
	{ "producers", OPT_PRODUCERS, "N", 0, "CPUs they come from (default: all)", 0 },
	{ "size", OPT_SIZE, "BYTES", 0, "of a record with its header of 16 (default: 64)", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct tune *t = state->input;
	uint64_t n;

	switch (key) {
	case OPT_RATE:
		if (bench_parse_count(arg, &t->rate) || !t->rate)
			argp_error(state, "--rate: \"%s\" is not a rate", arg);
		return 0;
	case OPT_PRODUCERS:
		if (bench_parse_count(arg, &n) || !n || n > 65536)
			argp_error(state, "--producers: \"%s\" is not a number of CPUs", arg);
		t->producers = n;
		return 0;
	case OPT_SIZE:
		if (bench_parse_count(arg, &n) || n < 24 || n > BENCH_MAX_SIZE || n % 8)
			argp_error(state, "--size: a multiple of 8 from 24 to 4096");
		t->size = n;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%s\"", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_tune(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse_opt,
		.doc = "Measure this host for some seconds and recommend shards and a ring size.",
	};
	struct tune t = { .size = 64 };
	int err;

	argp_err_exit_status = BENCH_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &t);
	if (host_is_emulated())
		bench_error("this CPU is EMULATED: what follows is worth nothing on another host");
	if (host_check())
		return BENCH_FAILED;
	err = tune(&t);
	if (err)
		bench_error("cannot tune: %s", strerror(-err));
	nr_topology_free(t.topo);
	free(t.cpus);
	return err ? BENCH_FAILED : BENCH_DONE;
}
