// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * numaring-bench tune: measures what a reservation costs on this host, in a ring and in a lane, alone
 * and against a neighbour at each distance, and recommends a transport, shards and a ring size for a
 * rate.
 *
 * The runs are those of a sweep of `single` and `lane`, each in a process of its own, and so are
 * their medians: tune and sweep differ only by chance. What merge and consumers need comes from runs
 * that write a trace, as a recording does.
 */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include "sweep.h"
#include "model/model.h"

/* Above this share of what a ring can take, waiting grows out of proportion. */
#define UTILISATION 0.5

/* A ring should hold what arrives in this time: the collector writes twice within its latency of
 * 100 ms; the rest is for a consumer that gets its CPU late. */
#define HOLD_SECONDS 0.25

/* The most shards of a node: node/2, node/4 ... node/64. */
#define MAX_PARTS 64
/* node/K, and one ring in all, or for each node, cache or CPU. */
#define MAX_ADVICE 10

#define MORE_ROUNDS 5

/* Limits of a run that writes a trace; a faster one would measure the disk. */
#define TRACE_RATE	  1000000.0
#define TRACE_BYTES_PER_S 160e6

#define PING_NS	   100000000ull
#define PING_BATCH 50

/* If the ring changed hands less often than this, the cost of a hand-over is unknown: an error of
 * the record's cost would appear five times as large. */
#define TURNS_LEAST 0.1

/* The most of a CPU that one thread should need. */
#define THREAD_SHARE 0.7

static const char *const distance_names[N_LEVELS] = {
	"the same CPU",	 "the same core",    "the same last-level cache",
	"the same node", "the same package", "another package"
};

struct tune {
	uint64_t rate; /* of all producers together; 0: not given */
	uint64_t producers;
	uint64_t size;
	double seconds;

	struct nr_topology *topo;
	unsigned *cpus; /* spread */
	unsigned n_cpus;
	/* One that far from the first; NULL: this host has none. */
	const unsigned *other[N_LEVELS];

	json_t *rows;			    /* of all runs, as in a sweep */
	json_t *medians;		    /* of these */
	json_t *traces;			    /* rows of the runs to a trace */
	bool no_trace;			    /* no trace can be written here */
	bool no_lane;			    /* no lane runs here */
	double clock_ns, ping_ns[N_LEVELS]; /* the least of all; 0: unknown */

	bool lanes;			   /* they are cheaper than a ring that no other CPU uses */
	struct spread3 alone_ns;	   /* cost of a record in a ring */
	struct spread3 hand_ns[N_LEVELS];  /* and of a hand-over of the ring */
	struct spread3 stage_ns[N_STAGES]; /* CPU time of a record behind the ring */
	double lag_ms;			   /* below it in three of four runs */
};

static void keep_least(double *least, double v)
{
	if (!*least || v < *least)
		*least = v;
}

/* ---- a line between two CPUs ---- */

enum turn { PING, PONG, OVER };

struct ping {
	_Alignas(128) atomic_uint turn;
	_Alignas(128) const unsigned *cpu[2];
	double *best_ns;
};

static void *pong(void *arg)
{
	struct ping *p = arg;
	unsigned turn;

	bench_pin(pthread_self(), p->cpu[1], 1);
	while ((turn = atomic_load_explicit(&p->turn, memory_order_acquire)) != OVER)
		if (turn == PONG)
			atomic_store_explicit(&p->turn, PING, memory_order_release);
	return NULL;
}

/* Makes so few trips that neither side loses its CPU in some of the batches. */
static double ping_batch(struct ping *p)
{
	uint64_t begin = bench_now();

	for (unsigned i = 0; i < PING_BATCH; i++) {
		uint64_t tries = 0;

		atomic_store_explicit(&p->turn, PONG, memory_order_release);
		while (atomic_load_explicit(&p->turn, memory_order_acquire) == PONG)
			if (!(++tries % 65536))
				sched_yield();
	}
	return (bench_now() - begin) / 2.0 / PING_BATCH;
}

static void *pinger(void *arg)
{
	struct ping *p = arg;

	bench_pin(pthread_self(), p->cpu[0], 1);
	for (uint64_t end = bench_now() + PING_NS; bench_now() < end;)
		keep_least(p->best_ns, ping_batch(p));
	atomic_store(&p->turn, OVER);
	return NULL;
}

/* Measures the ns to hand a line over, one way; keeps the least of many batches. Both sides are new
 * threads: this one stays unpinned, because plans depend on the CPUs that it may use. */
static void ping(const unsigned *cpu, const unsigned *other_cpu, double *best_ns)
{
	struct ping p = { PING, { cpu, other_cpu }, best_ns };
	pthread_t one, other;

	bench_thread(&other, "pong", pong, &p);
	bench_thread(&one, "ping", pinger, &p);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
}

static void clock_cost(double *best_ns)
{
	const unsigned n = 100000;
	uint64_t begin = bench_now();

	for (unsigned i = 0; i < n; i++)
		bench_now();
	keep_least(best_ns, (double)(bench_now() - begin) / n);
}

/* ---- rings and lanes ---- */

static const char ring[] = "single", lane[] = "lane";

/* A producer on the first CPU, and another one unless `other` is NULL. */
static struct config config_of(const struct tune *t, const char *transport, const unsigned *other)
{
	struct config cfg = config_default;

	strcpy(cfg.transport, transport);
	cfg.producers = other ? 2 : 1;
	cfg.size = t->size;
	cfg.seconds = 0.4;
	snprintf(cfg.placement, sizeof(cfg.placement), other ? "%u+%u" : "%u", t->cpus[0],
		 other ? *other : 0);
	config_settle(&cfg, t->topo);
	return cfg;
}

/* Fails if the run did, which the child has explained. */
static int run_into(json_t *rows, const struct config *cfg)
{
	json_t *row = child_run(cfg);

	json_array_append_new(rows, row);
	return json_object_get(row, "seconds") ? 0 : -EIO;
}

/* After a failure of lanes they are not tried again. */
static void measure_both(struct tune *t, const unsigned *other)
{
	struct config cfg = config_of(t, ring, other);

	if (run_into(t->rows, &cfg))
		exit(BENCH_FAILED);
	cfg = config_of(t, lane, other);
	if (!t->no_lane)
		t->no_lane = run_into(t->rows, &cfg);
}

/* Runs one producer to a trace. After the first failure it is not tried again. */
static void measure_trace(struct tune *t, const char *transport)
{
	struct config cfg = config_of(t, transport, NULL);

	cfg.delivery = TO_TRACE;
	cfg.rate = fmin(TRACE_RATE, TRACE_BYTES_PER_S / t->size);
	if (!t->no_trace)
		t->no_trace = run_into(t->traces, &cfg);
}

static void measure_round(struct tune *t)
{
	measure_both(t, NULL);
	clock_cost(&t->clock_ns);
	for (unsigned d = NR_SAME_CORE; d < N_LEVELS; d++) {
		if (!t->other[d])
			continue;
		ping(t->cpus, t->other[d], &t->ping_ns[d]);
		measure_both(t, t->other[d]);
	}
	measure_trace(t, ring);
	if (!t->no_lane)
		measure_trace(t, lane);
}

/* The medians of these producers; NULL: there are none. */
static const json_t *find_sum(const struct tune *t, const json_t *medians, const char *transport,
			      const unsigned *other)
{
	struct config cfg = config_of(t, transport, other);
	const json_t *sum;

	for_each_row (sum, medians)
		if (!strcmp(row_word(sum, "transport"), transport) &&
		    !strcmp(row_word(sum, "placement"), cfg.placement))
			return sum;
	return NULL;
}

static const json_t *sum_of(const struct tune *t, const char *transport, const unsigned *other)
{
	return find_sum(t, t->medians, transport, other);
}

static struct spread3 spread_of(const json_t *sum, const char *metric, double scale)
{
	const json_t *m = json_object_get(sum, metric);

	return (struct spread3){ scale * row_number(m, "q1"), scale * row_number(m, "median"),
				 scale * row_number(m, "q3"), row_number(m, "n") };
}

/* Did a lone producer get to emit? Everything else is compared with it. */
static bool has_alone(struct tune *t)
{
	json_decref(t->medians);
	t->medians = sweep_medians(t->rows);
	return spread_of(sum_of(t, ring, NULL), "cost_mean_ns", 1).n > 0;
}

/* Measures whole rounds while there is time for another; at least one, and some more if no run is
 * valid. */
static void measure(struct tune *t)
{
	uint64_t end = bench_now() + (uint64_t)(t->seconds * 1e9), began, took;
	unsigned more = 0;

	fprintf(stderr, "measuring for %g s\n", t->seconds);
	do {
		began = bench_now();
		measure_round(t);
		took = bench_now() - began;
	} while (bench_now() + took <= end || (!has_alone(t) && ++more < MORE_ROUNDS));
	if (!has_alone(t))
		errx(BENCH_FAILED, "no run with one producer is valid: see what numaring-bench run "
				   "--transport single says");
}

static void find_others(struct tune *t)
{
	/* The first of each distance is the last to be noted. */
	for (unsigned i = t->n_cpus - 1; i > 0; i--)
		t->other[nr_topology_distance(t->topo, t->cpus[0], t->cpus[i])] = &t->cpus[i];
}

/* ---- what the runs come to ---- */

/*
 * Of two producers that run at the same time each waits for the other's record and writes its own:
 * two hand-overs. While one of them does not run, the other pays what it pays alone. How many
 * records were of which kind is the share of turns.
 */
static double hand_over(double cost, double turns, double alone)
{
	return fmax(alone, (cost - (1 - turns) * alone) / (2 * turns));
}

static void estimate_distance(struct tune *t, enum nr_distance d)
{
	const json_t *sum = sum_of(t, ring, t->other[d]);
	const json_t *cost = row_runs(sum, "cost_mean_ns"), *turns = row_runs(sum, "turns_share");
	double *values = bench_alloc(json_array_size(cost), sizeof(*values));
	unsigned n = 0;

	/* Each valid run has both: where it has no cost, nobody emitted. */
	for (size_t i = 0; i < json_array_size(cost); i++) {
		double share = json_number_value(json_array_get(turns, i));

		if (share >= TURNS_LEAST)
			values[n++] = hand_over(json_number_value(json_array_get(cost, i)), share,
						t->alone_ns.median);
	}
	t->hand_ns[d] = quartiles(values, n);
	free(values);
}

/* A distance without a figure gets that of the next farther one, or else of the next nearer one. */
static void fill_unknown(struct tune *t)
{
	for (unsigned d = N_LEVELS - 1; d-- > 0;)
		if (!t->hand_ns[d].n)
			t->hand_ns[d] = t->hand_ns[d + 1];
	for (unsigned d = 1; d < N_LEVELS; d++)
		if (!t->hand_ns[d].n)
			t->hand_ns[d] = t->hand_ns[d - 1];
}

/* Lanes are compared with the cheapest ring, that of one producer. */
static bool lanes_are_cheaper(const struct tune *t)
{
	struct spread3 s = spread_of(sum_of(t, lane, NULL), "cost_mean_ns", 1);

	return s.n && s.median < t->alone_ns.median;
}

/* From the runs to a trace, or, if there are none, from those to a callback. */
static void estimate_user_side(struct tune *t)
{
	json_auto_t *medians = sweep_medians(t->traces);
	const json_t *sum = find_sum(t, medians, t->lanes ? lane : ring, NULL);

	t->no_trace = !spread_of(sum, "merge_s_per_million", 1).n;
	if (t->no_trace)
		sum = sum_of(t, t->lanes ? lane : ring, NULL);
	for (unsigned s = 0; s < N_STAGES; s++)
		t->stage_ns[s] = spread_of(sum, stages[s].metric, 1e3);
}

static void estimate(struct tune *t)
{
	const json_t *sum;

	t->alone_ns = spread_of(sum_of(t, ring, NULL), "cost_mean_ns", 1);
	t->lanes = lanes_are_cheaper(t);
	estimate_user_side(t);
	for_each_row (sum, t->medians)
		t->lag_ms = fmax(t->lag_ms, spread_of(sum, "lag_max_ms", 1).q3);
	for (unsigned d = NR_SAME_CORE; d < N_LEVELS; d++)
		if (t->other[d])
			estimate_distance(t, d);
	fill_unknown(t);
}

/* ---- what follows ---- */

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
			sum.n++;
		}
	}
	if (!sum.n || !t->hand_ns[0].n)
		return t->alone_ns;
	return (struct spread3){ sum.q1 / sum.n, sum.median / sum.n, sum.q3 / sum.n, sum.n };
}

/* As many rings of these producers take, if each ring has an equal share of the work. */
static struct spread3 limit_of(const struct tune *t, struct spread3 ns, unsigned members)
{
	double scale = 1e9 * t->producers / members;

	return (struct spread3){ scale / ns.q3, scale / ns.median, scale / ns.q1, ns.n };
}

static void find_busiest(const struct tune *t, const struct nr_plan *plan, struct advice *a)
{
	a->limit.median = INFINITY;
	for (unsigned s = 0; s < plan->n_shards; s++) {
		unsigned members;
		struct spread3 ns = mean_hand_over(t, plan, s, &members);

		if (!members || limit_of(t, ns, members).median >= a->limit.median)
			continue;
		a->limit = limit_of(t, ns, members);
		a->ns = ns;
		a->busiest = members;
	}
}

/* Adds the policy unless another one has as many rings. */
static void add_advice(const struct tune *t, const char *policy, struct advice *list, unsigned *n)
{
	struct nr_plan *plan = bench_plan(t->topo, policy);
	struct advice a = { .shards = plan->n_shards };

	snprintf(a.policy, sizeof(a.policy), "%s", policy);
	find_busiest(t, plan, &a);
	nr_plan_free(plan);
	for (unsigned i = 0; i < *n; i++)
		if (list[i].shards == a.shards)
			return;
	list[(*n)++] = a;
}

static int by_rings(const void *a, const void *b)
{
	const struct advice *x = a, *y = b;

	return (x->shards > y->shards) - (x->shards < y->shards);
}

/* Policies that differ in their number of rings, in its order. */
static unsigned advise_all(const struct tune *t, struct advice *list)
{
	static const char *const policies[] = { "node", "llc", "cpu", "single" };
	unsigned n = 0, nodes;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		add_advice(t, policies[i], list, &n);
	nodes = list[0].shards;
	for (unsigned k = 2; k <= MAX_PARTS && nodes * k < t->n_cpus; k *= 2) {
		char policy[16];

		snprintf(policy, sizeof(policy), "node/%u", k);
		add_advice(t, policy, list, &n);
	}
	qsort(list, n, sizeof(*list), by_rings);
	return n;
}

/* ---- in words ---- */

static char *count_text(char buf[32], double n)
{
	double unit = n >= 1e6 ? 1e6 : n >= 1e3 ? 1e3 : 1;

	snprintf(buf, 32, n >= 1e6 ? "%.1fM" : n >= 1e3 ? "%.0fk" : "%.0f", n / unit);
	return buf;
}

static void print_figure(const char *what, struct spread3 s)
{
	if (s.n)
		printf("  %-48s%6.0f [%.0f, %.0f] ns\n", what, s.median, s.q1, s.q3);
	else
		printf("  %-48sunknown\n", what);
}

/* All runs, in their order. */
static void print_runs(const json_t *sum, const char *metric, double scale, int digits)
{
	const json_t *run;

	for_each_row (run, row_runs(sum, metric))
		printf(" %.*f", digits, scale * json_number_value(run));
	puts(row_number(json_object_get(sum, metric), "groups") > 1 ? ": TWO GROUPS" : "");
}

/* In the words and units of a sweep. */
static void print_sum(const json_t *sum, const char *what)
{
	print_figure(what, spread_of(sum, "cost_mean_ns", 1));
	printf("    CPUs %s; cost, ns:", row_word(sum, "placement"));
	print_runs(sum, "cost_mean_ns", 1, 0);
	printf("    delivered %.2f M/s:", spread_of(sum, "events_per_sec", 1e-6).median);
	print_runs(sum, "events_per_sec", 1e-6, 2);
	printf("    turns %.1f %%:", spread_of(sum, "turns_share", 100).median);
	print_runs(sum, "turns_share", 100, 1);
}

/* With a producer on the other CPU, unless it is NULL. */
static void print_both(const struct tune *t, const char *what, const unsigned *other)
{
	const json_t *of_ring = sum_of(t, ring, other), *of_lane = sum_of(t, lane, other);
	char text[80];

	if (of_ring)
		print_sum(of_ring, what);
	snprintf(text, sizeof(text), "%s, lanes", what);
	if (of_lane)
		print_sum(of_lane, text);
}

static void print_pair(const struct tune *t, enum nr_distance d)
{
	char what[64];

	snprintf(what, sizeof(what), "against one on %s", distance_names[d]);
	print_both(t, what, t->other[d]);
	if (t->ping_ns[d])
		printf("    a cache line takes %.0f ns\n", t->ping_ns[d]);
}

static void print_doubts(const struct tune *t)
{
	unsigned invalid = sweep_invalid(t->rows);
	double elsewhere = sweep_elsewhere(t->medians);

	if (invalid)
		printf("%u of the runs were not valid and are left out.\n", invalid);
	if (elsewhere > BUSY_SHARE)
		printf("This host was BUSY: %.0f %% of its CPU time went elsewhere. Producers "
		       "that do not run do not contend. Try again when it is idle.\n",
		       100 * elsewhere);
}

static void print_stages(const struct tune *t)
{
	char what[64];

	for (unsigned s = 0; s < (t->no_trace ? PACKERS : N_STAGES); s++) {
		snprintf(what, sizeof(what), "CPU time of the %s, to a %s", stages[s].name,
			 t->no_trace ? "callback" : "trace");
		print_figure(what, t->stage_ns[s]);
	}
}

static void print_measured(const struct tune *t)
{
	printf("Measured here, %zu runs in turns, records of %" PRIu64 " bytes; the cost of a "
	       "record for its producer, median [quartiles], and every run:\n  %-48s%6.0f ns\n",
	       json_array_size(t->rows), t->size, "reading the clock", t->clock_ns);
	print_both(t, "a producer alone", NULL);
	for (unsigned d = NR_SAME_CORE; d < N_LEVELS; d++)
		if (t->other[d])
			print_pair(t, d);
	print_stages(t);
	print_doubts(t);
}

static void print_estimate(const struct tune *t)
{
	puts("\nEstimated from that, for rings: when the ring turns to another CPU with a record, "
	     "this one "
	     "has waited for the\nother's and writes its own, 2 hand-overs; all other records cost "
	     "what they cost alone:");
	for (unsigned d = NR_SAME_CORE; d < N_LEVELS; d++) {
		if (!t->other[d])
			continue;
		print_figure(distance_names[d], t->hand_ns[d]);
		if (!t->hand_ns[d].n)
			printf("    The two hardly ran at the same time: the ring turned with less "
			       "than %.0f %% of\n    the records in each run. Without this figure, "
			       "limits below are too high.\n",
			       100 * TURNS_LEAST);
	}
}

static void print_table(const struct advice *a, unsigned n)
{
	char limit[3][32];

	puts("\nA ring takes a record in the mean hand-over over all pairs of its producers. The "
	     "busiest ring saturates at:");
	for (const struct advice *end = a + n; a < end; a++)
		printf("  %-8s %4u ring%s  %8s [%s, %s] records/s of all  (%u producer%s on it, "
		       "%.0f ns a record)\n",
		       a->policy, a->shards, a->shards == 1 ? " " : "s",
		       count_text(limit[0], a->limit.median), count_text(limit[1], a->limit.q1),
		       count_text(limit[2], a->limit.q3), a->busiest, a->busiest == 1 ? "" : "s",
		       a->ns.median);
}

/* Records/s into the busiest ring. */
static double ring_rate(const struct tune *t, const struct advice *a)
{
	return (double)t->rate * a->busiest / t->producers;
}

static void print_ring(const struct tune *t, const struct advice *a)
{
	double hold = fmax(HOLD_SECONDS, 4 * t->lag_ms / 1e3);
	double load = ring_rate(t, a) * (t->size + 8), held_ms;
	size_t size = 256 << 10;
	bool mega;

	while (size < load * hold && size < RING_MAX)
		size *= 2;
	mega = size >= 1 << 20;
	held_ms = 1e3 * size / load;
	printf("  --ring-size %zu%s  holds what arrives in %.*f ms: the stream is written twice "
	       "within 100 ms, and a watermark was up to %.0f ms old here.\n",
	       mega ? size >> 20 : size >> 10, mega ? "M" : "K", held_ms < 10 ? 2 : 0, held_ms,
	       t->lag_ms);
	if (size < load * hold)
		printf("  It should hold %.0f ms, but no ring is larger: expect loss.\n",
		       1e3 * hold);
}

/* The share of a CPU that the busiest thread of this stage will need. */
static double share_of(const struct tune *t, const struct advice *a, enum stage s)
{
	return (s == CONSUMERS ? ring_rate(t, a) : t->rate) * t->stage_ns[s].median / 1e9;
}

/* Rings divide the work of consumers only: of the rest, the slowest thread is the limit. */
static void print_limit(const struct tune *t)
{
	enum stage limit = MERGE;
	char rate[32];

	for (unsigned s = PACKERS; s < N_STAGES; s++)
		if (t->stage_ns[s].median > t->stage_ns[limit].median)
			limit = s;
	printf("  Behind the rings, the %s is the limit of a trace, at %s records/s if the disk "
	       "keeps up.\n",
	       limit == MERGE ? "merge thread" : stages[limit].name,
	       count_text(rate, 1e9 / t->stage_ns[limit].median));
}

static void print_user_side(const struct tune *t, const struct advice *a)
{
	if (!t->stage_ns[MERGE].n || !t->stage_ns[CONSUMERS].n) {
		puts("  What the merge and the consumers will need is unknown.");
		return;
	}
	printf("  The merge will need %.1f %% of a CPU (measured with one %s, to a %s)",
	       100 * share_of(t, a, MERGE), t->lanes ? lane : "ring",
	       t->no_trace ? "callback" : "trace");
	for (unsigned s = PACKERS; !t->no_trace && s < N_STAGES; s++)
		printf(", the %s %.1f %%", stages[s].name, 100 * share_of(t, a, s));
	printf(", the busiest consumer %.1f %%.\n", 100 * share_of(t, a, CONSUMERS));
	if (!t->no_trace)
		print_limit(t);
	for (unsigned s = 0; s < N_STAGES; s++)
		if (share_of(t, a, s) > THREAD_SHARE)
			printf("  That is too much for one %s: %s.\n", stages[s].name,
			       s == PACKERS ? "record with more --packers"
					    : "expect loss, or emit less");
}

/* Do producers wait too long for a ring, or, as they never wait for a lane, is the consumer too slow? */
static bool is_too_few(const struct tune *t, const struct advice *a)
{
	return t->lanes ? share_of(t, a, CONSUMERS) > THREAD_SHARE
			: t->rate > UTILISATION * a->limit.median;
}

/* Chooses node, the default, or more shards if they are needed. */
static unsigned choose(const struct tune *t, const struct advice *a, unsigned n)
{
	unsigned i = 0;

	while (i + 1 < n && strcmp(a[i].policy, "node"))
		i++;
	while (i + 1 < n && is_too_few(t, &a[i]))
		i++;
	return i;
}

/* What a record costs its program beside the clock, the payload and the loop. */
static void print_transport(const struct tune *t)
{
	const json_t *of_ring = sum_of(t, ring, NULL), *of_lane = sum_of(t, lane, NULL);
	struct spread3 r = spread_of(of_ring, "above_floor_ns", 1);
	struct spread3 l = spread_of(of_lane, "above_floor_ns", 1);

	printf("  --transport %-4s  ", t->lanes ? lane : "ring");
	if (!of_lane || !l.n) {
		puts("lanes did not run here.");
		return;
	}
	printf("above the floor, a record costs %.0f [%.0f, %.0f] ns in a lane, and %.0f [%.0f, "
	       "%.0f] ns in a ring that no other CPU uses.\n",
	       l.median, l.q1, l.q3, r.median, r.q1, r.q3);
	if (!ratio_differs(row_ratio(of_lane, of_ring, "cost_mean_ns")))
		puts("  The spread of the runs is too wide to tell which costs less.");
}

static void print_use(const struct tune *t, const struct advice *a)
{
	printf("%.0f [%.0f, %.0f] %%", 100 * t->rate / a->limit.median, 100 * t->rate / a->limit.q3,
	       100 * t->rate / a->limit.q1);
}

/* Can the policy's rings take the rate without much waiting? 1: yes, -1: no, 0: the spread of the
 * runs is too wide to tell. */
static int is_enough(const struct tune *t, const struct advice *a)
{
	if (t->rate <= UTILISATION * a->limit.q1)
		return 1;
	return t->rate > UTILISATION * a->limit.q3 ? -1 : 0;
}

static void print_fewer(const struct tune *t, const struct advice *a)
{
	int enough = is_enough(t, a);

	printf("  With %s it would be ", a->policy);
	print_use(t, a);
	if (enough < 0)
		printf("; beyond %.0f %% producers wait for each other, with preemption off.\n",
		       100 * UTILISATION);
	else if (enough > 0)
		printf(": that would do too, at %.0f ns a record when all want one.\n",
		       a->ns.median);
	else
		puts(": the spread of the runs is too wide to tell whether that is enough.");
}

static void print_rings(const struct tune *t, const struct advice *list, const struct advice *a)
{
	printf("  --shards %-8s  the busiest ring is used to ", a->policy);
	print_use(t, a);
	puts(" of what it can take.");
	if (!is_enough(t, a))
		printf("  The spread of the runs is too wide to tell whether that is below %.0f "
		       "%%.\n",
		       100 * UTILISATION);
	if (a > list)
		print_fewer(t, a - 1);
	if (t->rate > UTILISATION * a->limit.median)
		puts("  No policy can take this rate: emit fewer records, or larger ones.");
}

static void print_advice(const struct tune *t, const struct advice *list, unsigned n)
{
	const struct advice *a = &list[choose(t, list, n)];
	char rate[32];

	printf("\nFor %s records/s from %" PRIu64 " producer%s:\n", count_text(rate, t->rate),
	       t->producers, t->producers == 1 ? "" : "s");
	print_transport(t);
	if (t->lanes)
		printf("  --shards %-8s  producers do not wait for each other in lanes.\n",
		       a->policy);
	else
		print_rings(t, list, a);
	print_ring(t, a);
	print_user_side(t, a);
}

static void tune(struct tune *t)
{
	struct advice advice[MAX_ADVICE];
	unsigned n;

	find_others(t);
	measure(t);
	estimate(t);
	n = advise_all(t, advice);
	print_measured(t);
	print_estimate(t);
	print_table(advice, n);
	if (t->rate)
		print_advice(t, advice, n);
	else
		puts("\nGive --rate for a recommended transport, shards and ring size.");
}

/* ---- the command ---- */

#define AT(field) .offset = offsetof(struct tune, field)

static const struct opt options[] = {
	{ "rate", 0, "N", "records/s of all producers together, k and M allowed", OPTION_COUNT,
	  AT(rate), .number = { 1, INT64_MAX } },
	{ "producers", 0, "N", "CPUs they come from (default: all)", OPTION_COUNT, AT(producers),
	  .number = { 1, 65536 } },
	{ "size", 0, "BYTES",
	  "bytes of a record with its header of 16, a multiple of 8 from 24 to 4096 (default: 64)",
	  OPTION_COUNT, AT(size), .number = { 24, BENCH_MAX_SIZE, 8 } },
	{ "duration", 'd', "SECONDS", "seconds to measure, up to 3600 (default: 30)",
	  OPTION_SECONDS, AT(seconds) },
};

int cmd_tune(int argc, char **argv)
{
	static struct tune t = { .size = 64, .seconds = 30 };
	const struct command_line line = {
		.doc = "Measure this host for half a minute and recommend a transport, shards and "
		       "a ring size.\v"
		       "Examples:\n"
		       "  numaring tune\n"
		       "  numaring tune --rate 2M --size 128",
		OPTIONS(options),
		.base = &t,
	};

	options_parse(&line, argc, argv);
	host_check();
	t.rows = json_array();
	t.traces = json_array();
	t.topo = bench_topology();
	placement(t.topo, "spread", &t.cpus, &t.n_cpus);
	if (!t.producers)
		t.producers = t.n_cpus;
	if (t.producers > t.n_cpus)
		errx(BENCH_FAILED, "%" PRIu64 " producers need as many CPUs, there are %u",
		     t.producers, t.n_cpus);
	tune(&t);
	return BENCH_DONE;
}
