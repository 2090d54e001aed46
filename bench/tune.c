// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * numaring-bench tune: what a reservation costs on this host, alone and against a neighbour at each
 * distance, and which shards and rings follow from it for a rate.
 *
 * Each is measured again and again, in turns, for as long as it was told. Other programs make
 * single runs wrong: of a kind of run the half counts in which this host did least else.
 */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "model/model.h"

#define NR_DISTANCES (NR_OTHER_PACKAGE + 1)

/* Above this share of what a ring can take, waiting grows out of proportion. */
#define UTILISATION 0.5

/* A ring is to hold what comes in this time: the collector writes twice within its latency of 100
 * ms; the rest is for a consumer that gets its CPU late. */
#define HOLD_SECONDS 0.25

/* The largest ring there is. */
#define RING_MAX ((size_t)1 << 30)

/* Of a node: node/2, node/4 ... node/64. */
#define MAX_PARTS 64
/* These, and one ring, one for each node, cache and CPU. */
#define MAX_ADVICE 10

#define MORE_ROUNDS 5

#define PING_NS	   100000000ull
#define PING_BATCH 50

/* What one run came to; NAN: it does not tell. */
struct figures {
	double elsewhere;	      /* share of the host's CPU time that others had */
	double cost_ns;		      /* of a record, in the program */
	double consumer_ns, merge_ns; /* CPU time for a record */
	double lag_ms;
};

struct series {
	unsigned nr;
	struct figures *runs;
};

struct tune {
	uint64_t rate; /* of all producers together; 0: not told */
	unsigned producers;
	unsigned size;
	double seconds;

	struct nr_topology *topo;
	unsigned *cpus; /* spread */
	unsigned nr_cpus;
	unsigned pair[NR_DISTANCES][2];
	bool have[NR_DISTANCES]; /* this host has two CPUs that far apart */

	struct series alone, two[NR_DISTANCES];
	unsigned runs, invalid;
	char reason[256];			/* of the last one that was not valid */
	double clock_ns, ping_ns[NR_DISTANCES]; /* the least of all; 0: unknown */

	struct spread3 alone_ns;
	struct spread3 two_ns[NR_DISTANCES];  /* between two records of either of two producers */
	struct spread3 hand_ns[NR_DISTANCES]; /* estimate for many producers */
	struct spread3 consumer_ns, merge_ns;
	double lag_ms, elsewhere; /* the largest in runs that count */
};

/* ---- a line between two CPUs ------------------------------------------------------------------
 */

struct ping {
	_Alignas(128) atomic_uint turn;
	_Alignas(128) atomic_bool stop;
	unsigned cpu[2];
	double best_ns;
};

static void *pong(void *arg)
{
	struct ping *p = arg;

	bench_pin(pthread_self(), &p->cpu[1], 1);
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

static void *pinger(void *arg)
{
	struct ping *p = arg;

	bench_pin(pthread_self(), &p->cpu[0], 1);
	for (uint64_t end = bench_now() + PING_NS; bench_now() < end;) {
		double ns = ping_batch(p);

		p->best_ns = ns < p->best_ns ? ns : p->best_ns;
	}
	atomic_store(&p->stop, true);
	return NULL;
}

/* ns to hand a line over, one way; the least of many batches. Both sides are threads that end here:
 * plan and consumers go by the CPUs that this one may use. */
static void ping(unsigned a, unsigned b, double *best_ns)
{
	struct ping p = { .cpu = { a, b }, .best_ns = 1e9 };
	pthread_t one, other;

	if (pthread_create(&other, NULL, pong, &p))
		return;
	if (!pthread_create(&one, NULL, pinger, &p))
		pthread_join(one, NULL);
	atomic_store(&p.stop, true);
	pthread_join(other, NULL);
	if (p.best_ns < 1e9 && (!*best_ns || p.best_ns < *best_ns))
		*best_ns = p.best_ns;
}

static void clock_cost(double *best_ns)
{
	const unsigned n = 100000;
	uint64_t begin = bench_now();
	double ns;

	for (unsigned i = 0; i < n; i++)
		bench_now();
	ns = (double)(bench_now() - begin) / n;
	if (!*best_ns || ns < *best_ns)
		*best_ns = ns;
}

/* ---- rings ------------------------------------------------------------------------------------
 */

/* NAN: null, or not there. */
static double number(const json_t *row, const char *object, const char *key)
{
	const json_t *v = json_object_get(object ? json_object_get(row, object) : row, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static int add_figures(struct series *s, const json_t *row)
{
	struct figures *grown = realloc(s->runs, (s->nr + 1) * sizeof(*grown));

	if (!grown) {
		bench_error("no memory");
		return -ENOMEM;
	}
	s->runs = grown;
	s->runs[s->nr++] = (struct figures){
		.elsewhere = number(row, NULL, "elsewhere_share"),
		.cost_ns = number(row, "cost_ns", "mean"),
		.consumer_ns = 1e3 * number(row, "cpu_s_per_million", "consumers"),
		.merge_ns = 1e3 * number(row, "cpu_s_per_million", "merge"),
		.lag_ms = number(row, NULL, "lag_max_ms"),
	};
	return 0;
}

/* A short run of one ring. One that is not valid, or in which nobody got to emit, is left out. */
static int measure_ring(struct tune *t, const unsigned *cpus, unsigned producers, struct series *s)
{
	struct config cfg = config_default;
	json_t *row = NULL;
	int err;

	snprintf(cfg.transport, sizeof(cfg.transport), "single");
	cfg.producers = producers;
	cfg.size = t->size;
	cfg.seconds = 0.4;
	err = run_config(&row, &cfg, cpus);
	if (err)
		return err;
	t->runs++;
	if (json_is_true(json_object_get(row, "valid")) && number(row, "cost_ns", "mean") > 0) {
		err = add_figures(s, row);
	} else {
		const char *reason = json_string_value(json_object_get(row, "reason"));

		t->invalid++;
		snprintf(t->reason, sizeof(t->reason), "%s", reason ? reason : "no producer ran");
	}
	json_decref(row);
	return err;
}

static int measure_round(struct tune *t)
{
	int err = measure_ring(t, t->cpus, 1, &t->alone);

	clock_cost(&t->clock_ns);
	for (unsigned d = NR_SAME_CORE; !err && d < NR_DISTANCES; d++) {
		if (!t->have[d])
			continue;
		ping(t->pair[d][0], t->pair[d][1], &t->ping_ns[d]);
		err = measure_ring(t, t->pair[d], 2, &t->two[d]);
	}
	return err;
}

/* Whole rounds until the next would take longer than there is time; one at least, and some more if
 * that one told nothing. */
static int measure(struct tune *t)
{
	uint64_t end = bench_now() + (uint64_t)(t->seconds * 1e9), began, took;
	unsigned more = 0;
	int err;

	do {
		began = bench_now();
		err = measure_round(t);
		took = bench_now() - began;
	} while (!err && (bench_now() + took <= end || (!t->alone.nr && ++more < MORE_ROUNDS)));
	if (!err && !t->alone.nr) {
		bench_error("no run with one producer is valid: %s", t->reason);
		err = -EBADMSG;
	}
	return err;
}

/* ---- what the runs come to --------------------------------------------------------------------
 */

static int by_elsewhere(const void *a, const void *b)
{
	const struct figures *x = a, *y = b;

	return (x->elsewhere > y->elsewhere) - (x->elsewhere < y->elsewhere);
}

/* The quieter half comes first; returns how many it has. */
static unsigned quiet_half(struct series *s)
{
	if (s->nr)
		qsort(s->runs, s->nr, sizeof(s->runs[0]), by_elsewhere);
	return (s->nr + 1) / 2;
}

static struct spread3 spread_of(struct series *s, size_t offset)
{
	unsigned half = quiet_half(s), nr = 0;
	double *values = calloc(half + 1, sizeof(*values));
	struct spread3 spread = { 0 };

	for (unsigned i = 0; values && i < half; i++) {
		double v = *(const double *)((const char *)&s->runs[i] + offset);

		if (!isnan(v))
			values[nr++] = v;
	}
	if (nr)
		spread = quartiles(values, nr);
	free(values);
	return spread;
}

static void note_extremes(struct tune *t, struct series *s)
{
	unsigned half = quiet_half(s);

	for (unsigned i = 0; i < half; i++) {
		t->lag_ms = fmax(t->lag_ms, s->runs[i].lag_ms);
		t->elsewhere = fmax(t->elsewhere, s->runs[i].elsewhere);
	}
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

static void estimate_distance(struct tune *t, enum nr_distance d)
{
	struct spread3 two = spread_of(&t->two[d], offsetof(struct figures, cost_ns));
	double alone = t->alone_ns.median;

	/* Each had one under way all the time. */
	two = (struct spread3){ two.q1 / 2, two.median / 2, two.q3 / 2, two.nr };
	t->two_ns[d] = two;
	t->hand_ns[d] = (struct spread3){ hand_over(two.q1, alone), hand_over(two.median, alone),
					  hand_over(two.q3, alone), two.nr };
	note_extremes(t, &t->two[d]);
}

/* Of a distance without a run that counts: what the next one has that is known, the farther first.
 */
static void fill_unknown(struct tune *t)
{
	for (unsigned d = NR_DISTANCES - 1; d-- > 0;)
		if (!t->hand_ns[d].nr)
			t->hand_ns[d] = t->hand_ns[d + 1];
	for (unsigned d = 1; d < NR_DISTANCES; d++)
		if (!t->hand_ns[d].nr)
			t->hand_ns[d] = t->hand_ns[d - 1];
}

static void estimate(struct tune *t)
{
	t->alone_ns = spread_of(&t->alone, offsetof(struct figures, cost_ns));
	t->consumer_ns = spread_of(&t->alone, offsetof(struct figures, consumer_ns));
	t->merge_ns = spread_of(&t->alone, offsetof(struct figures, merge_ns));
	note_extremes(t, &t->alone);
	for (unsigned d = NR_SAME_CORE; d < NR_DISTANCES; d++)
		estimate_distance(t, d);
	fill_unknown(t);
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
	if (err) {
		bench_error("cannot read this host's topology: %s", strerror(-err));
		return err;
	}
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
	char policy[24];
	unsigned shards;
	unsigned busiest;     /* producers of the shard that has most of them */
	struct spread3 ns;    /* between two reservations there, when all want one */
	struct spread3 limit; /* records/s of all producers at which that shard saturates */
};

/* Mean over all pairs of producers of one shard. */
static struct spread3 mean_hand_over(const struct tune *t, const struct nr_plan *plan, int shard,
				     unsigned *members)
{
	struct spread3 sum = { 0 };

	*members = 0;
	for (unsigned i = 0; i < t->producers; i++) {
		if (plan->cpu_shard[t->cpus[i]] != shard)
			continue;
		++*members;
		for (unsigned k = 0; k < i; k++) {
			const struct spread3 *h;

			if (plan->cpu_shard[t->cpus[k]] != shard)
				continue;
			h = &t->hand_ns[nr_topology_distance(t->topo, t->cpus[i], t->cpus[k])];
			sum.q1 += h->q1;
			sum.median += h->median;
			sum.q3 += h->q3;
			sum.nr++;
		}
	}
	if (!sum.nr || !t->hand_ns[0].nr)
		return t->alone_ns;
	return (struct spread3){ sum.q1 / sum.nr, sum.median / sum.nr, sum.q3 / sum.nr, sum.nr };
}

/* As many rings of these producers take, if each ring has an equal share of the work. */
static struct spread3 limit_of(const struct tune *t, struct spread3 ns, unsigned members)
{
	double scale = 1e9 * t->producers / members;

	return (struct spread3){ scale / ns.q3, scale / ns.median, scale / ns.q1, ns.nr };
}

/* Nodes with fewer cores than parts are no matter here. */
static void log_errors(void *ctx, enum nr_log_level level, const char *text)
{
	if (level == NR_LOG_ERROR)
		bench_log(ctx, level, text);
}

static int advise(const struct tune *t, const char *policy, struct advice *a)
{
	const struct nr_plan_opts opts = { .sz = sizeof(opts),
					   .policy = policy,
					   .log = log_errors };
	struct nr_plan *plan = NULL;
	int err = nr_plan_make(&plan, t->topo, &opts);

	if (err)
		return err;
	*a = (struct advice){ .shards = plan->nr_shards, .limit.median = INFINITY };
	snprintf(a->policy, sizeof(a->policy), "%s", policy);
	for (unsigned s = 0; s < plan->nr_shards; s++) {
		unsigned members;
		struct spread3 ns = mean_hand_over(t, plan, s, &members);
		struct spread3 limit;

		if (!members)
			continue;
		limit = limit_of(t, ns, members);
		if (limit.median < a->limit.median) {
			a->limit = limit;
			a->ns = ns;
			a->busiest = members;
		}
	}
	nr_plan_free(plan);
	return 0;
}

static int by_rings(const void *a, const void *b)
{
	const struct advice *x = a, *y = b;

	return (x->shards > y->shards) - (x->shards < y->shards);
}

static int add_advice(const struct tune *t, const char *policy, struct advice *list, unsigned *nr)
{
	struct advice a;
	int err = advise(t, policy, &a);

	for (unsigned i = 0; !err && i < *nr; i++)
		if (list[i].shards == a.shards)
			return 0;
	if (!err)
		list[(*nr)++] = a;
	return err;
}

/* Policies that come to the same here stand in it once. By number of rings. */
static int advise_all(const struct tune *t, struct advice *list, unsigned *nr)
{
	static const char *const policies[] = { "node", "llc", "cpu", "single" };
	unsigned nodes, most;
	int err = 0;

	*nr = 0;
	for (size_t i = 0; !err && i < sizeof(policies) / sizeof(policies[0]); i++)
		err = add_advice(t, policies[i], list, nr);
	if (err)
		return err;
	nodes = list[0].shards;
	qsort(list, *nr, sizeof(*list), by_rings);
	most = list[*nr - 1].shards;
	for (unsigned k = 2; !err && k <= MAX_PARTS && nodes * k < most; k *= 2) {
		char policy[16];

		snprintf(policy, sizeof(policy), "node/%u", k);
		err = add_advice(t, policy, list, nr);
	}
	qsort(list, *nr, sizeof(*list), by_rings);
	return err;
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

static void print_figure(const char *what, const struct spread3 *s)
{
	if (s->nr)
		printf("  %-41s%6.0f [%.0f, %.0f] ns\n", what, s->median, s->q1, s->q3);
	else
		printf("  %-41sunknown\n", what);
}

static void print_pair(const struct tune *t, enum nr_distance d)
{
	char what[80];

	snprintf(what, sizeof(what), "of two of %s", host_distance_name(d));
	print_figure(what, &t->two_ns[d]);
	printf("    (CPUs %u and %u", t->pair[d][0], t->pair[d][1]);
	if (t->ping_ns[d])
		printf("; a cache line takes %.0f ns", t->ping_ns[d]);
	puts(")");
}

static void print_measured(const struct tune *t)
{
	printf("Measured here, records of %u bytes; of %u runs in turns the quieter half of each "
	       "kind, median [quartiles]:\n"
	       "  %-41s%6.0f ns\n",
	       t->size, t->runs, "reading the clock", t->clock_ns);
	print_figure("a record, from a producer alone", &t->alone_ns);
	for (unsigned d = NR_SAME_CORE; d < NR_DISTANCES; d++)
		if (t->have[d])
			print_pair(t, d);
	print_figure("CPU time of the consumer for a record", &t->consumer_ns);
	print_figure("CPU time of the merge for a record", &t->merge_ns);
	if (t->invalid)
		printf("%u of the runs were not valid and are left out: %s.\n", t->invalid,
		       t->reason);
	if (t->elsewhere > NR_MODEL_BUSY)
		printf("This host was BUSY with other things, up to %.0f %% of its CPU time in "
		       "runs "
		       "that count: producers that do not run do not contend, so the figures for "
		       "two of them are too good. Try again when it is idle.\n",
		       100 * t->elsewhere);
}

static void print_estimate(const struct tune *t)
{
	bool any = false;

	for (unsigned d = NR_SAME_CORE; d < NR_DISTANCES; d++)
		any |= t->two_ns[d].nr;
	if (!any)
		return;
	puts("\nEstimated from that, for many producers: of two, one often has the lock again "
	     "before "
	     "the\nother saw it free, at next to no cost. Taken are half of the records for such, "
	     "so that a\nhand-over of the ring costs 2 x (of two) - (alone), and never less than "
	     "either. Quartiles\nare those of the measurement, not of this guess:");
	for (unsigned d = NR_SAME_CORE; d < NR_DISTANCES; d++)
		if (t->two_ns[d].nr)
			print_figure(host_distance_name(d), &t->hand_ns[d]);
}

static void print_table(const struct advice *a, unsigned nr)
{
	char limit[3][32];

	puts("\nA ring takes a record in the mean hand-over over all pairs of its producers. The "
	     "busiest is full up at:");
	for (unsigned i = 0; i < nr; i++)
		printf("  %-8s %4u ring%s  %8s [%s, %s] records/s of all  (%u producer%s on it, "
		       "%.0f ns a record)\n",
		       a[i].policy, a[i].shards, a[i].shards == 1 ? " " : "s",
		       count_text(limit[0], sizeof(limit[0]), a[i].limit.median),
		       count_text(limit[1], sizeof(limit[1]), a[i].limit.q1),
		       count_text(limit[2], sizeof(limit[2]), a[i].limit.q3), a[i].busiest,
		       a[i].busiest == 1 ? "" : "s", a[i].ns.median);
}

/* Bytes/s into the busiest ring. */
static double ring_load(const struct tune *t, const struct advice *a)
{
	return (double)t->rate * a->busiest / t->producers * (t->size + 8);
}

static void print_ring(const struct tune *t, const struct advice *a)
{
	double hold = fmax(HOLD_SECONDS, 4 * t->lag_ms / 1e3), load = ring_load(t, a);
	size_t size = 256 << 10;
	double held_ms;
	bool mega;

	while (size < load * hold && size < RING_MAX)
		size *= 2;
	mega = size >= 1 << 20;
	held_ms = 1e3 * size / load;
	printf("  --ring-size %zu%s  holds what comes in %.*f ms: the stream is written twice "
	       "within 100 ms, and a watermark was at most %.0f ms old here.\n",
	       mega ? size >> 20 : size >> 10, mega ? "M" : "K", held_ms < 10 ? 2 : 0, held_ms,
	       t->lag_ms);
	if (size < load * hold)
		printf("  It should hold %.0f ms, but no ring is larger: expect loss.\n",
		       1e3 * hold);
}

static void print_user_side(const struct tune *t, const struct advice *a)
{
	double merge = t->rate * t->merge_ns.median / 1e9;
	double consumer = (double)t->rate * a->busiest / t->producers * t->consumer_ns.median / 1e9;

	if (!t->merge_ns.nr || !t->consumer_ns.nr) {
		puts("  What the merge and the consumers will need is unknown.");
		return;
	}
	printf("  The merge will need %.1f %% of a CPU (measured with one ring), the busiest "
	       "consumer %.1f %%.\n",
	       100 * merge, 100 * consumer);
	if (merge > 0.7 || consumer > 0.7)
		puts("  That is more than a thread should have: expect loss, and emit less.");
}

/* node is the default; fewer rings are told of, more are taken if they are needed. */
static unsigned choose(const struct tune *t, const struct advice *a, unsigned nr)
{
	unsigned i = 0;

	while (i + 1 < nr && strcmp(a[i].policy, "node"))
		i++;
	while (i + 1 < nr && t->rate > UTILISATION * a[i].limit.median)
		i++;
	return i;
}

static void print_use(const struct tune *t, const struct advice *a)
{
	printf("%.0f [%.0f, %.0f] %%", 100 * t->rate / a->limit.median, 100 * t->rate / a->limit.q3,
	       100 * t->rate / a->limit.q1);
}

static void print_fewer(const struct tune *t, const struct advice *a)
{
	printf("  With %s it would be ", a->policy);
	print_use(t, a);
	if (t->rate > UTILISATION * a->limit.median)
		printf("; beyond %.0f %% producers wait for each other, with preemption off.\n",
		       100 * UTILISATION);
	else
		printf(": that would do too, at %.0f ns a record when all want one.\n",
		       a->ns.median);
}

static void print_advice(const struct tune *t, const struct advice *a, unsigned nr)
{
	unsigned i = choose(t, a, nr);
	char rate[32];

	printf("\nFor %s records/s from %u producer%s:\n  --shards %-8s  the busiest ring is used "
	       "to ",
	       count_text(rate, sizeof(rate), t->rate), t->producers, t->producers == 1 ? "" : "s",
	       a[i].policy);
	print_use(t, &a[i]);
	puts(" of what it can take.");
	if (i)
		print_fewer(t, &a[i - 1]);
	if (t->rate > UTILISATION * a[i].limit.median)
		puts("  No policy is enough for this rate: emit less, or larger records.");
	print_ring(t, &a[i]);
	print_user_side(t, &a[i]);
}

static int tune(struct tune *t)
{
	struct advice advice[MAX_ADVICE];
	unsigned nr;
	int err = prepare(t);

	if (!err) {
		fprintf(stderr, "measuring for %g s\n", t->seconds);
		err = measure(t);
	}
	if (err)
		return err;
	estimate(t);
	err = advise_all(t, advice, &nr);
	if (err)
		return err;
	print_measured(t);
	print_estimate(t);
	print_table(advice, nr);
	if (t->rate)
		print_advice(t, advice, nr);
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
	{ "duration", 'd', "SECONDS", 0, "to measure (default: 30)", 0 },
	{ 0 },
};

static double parse_duration(const char *arg, struct argp_state *state)
{
	char *end;
	double v = strtod(arg, &end);

	if (end == arg || (*end && strcmp(end, "s")) || !(v >= 0 && v <= 3600))
		argp_error(state, "--duration: \"%s\" is not a number of seconds up to 3600", arg);
	return v;
}

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
	case 'd':
		t->seconds = parse_duration(arg, state);
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
		.doc = "Measure this host for half a minute and recommend shards and a ring size.",
	};
	struct tune t = { .size = 64, .seconds = 30 };
	int err;

	argp_err_exit_status = BENCH_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &t);
	if (host_is_emulated())
		bench_error("this CPU is EMULATED: what follows is worth nothing on another host");
	if (host_check())
		return BENCH_FAILED;
	err = tune(&t);
	free(t.alone.runs);
	for (unsigned d = 0; d < NR_DISTANCES; d++)
		free(t.two[d].runs);
	nr_topology_free(t.topo);
	free(t.cpus);
	return err ? BENCH_FAILED : BENCH_DONE;
}
