/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a ring's lock costs when many CPUs want it, on machines that are not at hand.
 *
 * A record costs its producer the hand-over of the lock and of the ring's cache lines from the CPU
 * that had them last. The price depends on the distance between the two, and on where the consumer
 * sits that reads the same lines. Three views of one model:
 *
 *	mean_ns()    closed formula for producers flat out; the fits use it
 *	sim_run()    discrete-event simulation; any rate, waiting times
 *	repairman()  exact result for exponential times; the simulation is tested against it
 *
 * Times are in nanoseconds, rates in records per second. Functions that can fail return 0 or a
 * negative errno and leave *out untouched on failure. There is no global state.
 */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <numaring/plan.h>

#define N_LEVELS (NR_OTHER_PACKAGE + 1)

#define DEFAULT_SEED 20200529

/* ---- machines (machine.c) ---- */
struct machine {
	unsigned n_cpus;
	unsigned pairs[N_LEVELS]; /* how many pairs of CPUs are so far apart */
	bool homed;		  /* see struct hidden */
	uint8_t *distance;	  /* [n_cpus * n_cpus], enum nr_distance */
	unsigned os[];		  /* [n_cpus], the operating system's number of each CPU */
};

/* A machine as vendors build them. CPU numbers are plain: all cores of package 0, of package 1,
 * ..., then the SMT siblings in the same order. */
struct layout {
	unsigned packages;
	unsigned cores; /* per package */
	unsigned smt;
	unsigned llc;  /* cores that share a last-level cache or, below it, a cluster */
	unsigned node; /* cores of a NUMA node or of a quadrant of a package */
};

/* Machines are freed with free(). */
struct machine *machine_regular(const struct layout *layout);
/* Structure that the operating system does not show. In cores: those of one cache but of different
 * clusters of `llc` are moved apart, and so are those of one node but of different groups of
 * `node`. 0: as the topology says. homed: two caches of one package are as far apart as two
 * packages if the memory of the line is in another package. */
struct hidden {
	unsigned llc, node;
	unsigned homed;
};
/* CPU i of the machine is the i-th of nr_topology_cpus(). */
struct machine *machine_from_topology(const struct nr_topology *topo, struct hidden hidden);

/* The same number of CPUs, and as many pairs of them at each distance. */
bool machine_alike(const struct machine *a, const struct machine *b);
/* Index of the CPU that the operating system calls os, -1: none. */
int machine_index(const struct machine *machine, unsigned os);

static inline unsigned machine_distance(const struct machine *m, unsigned a, unsigned b)
{
	return m->distance[(size_t)a * m->n_cpus + b];
}

/* ---- costs (mean.c) ---- */
struct costs {
	double alone;	       /* a producer without competition, its consumer running */
	double own;	       /* a record whose lock and lines are still in the CPU's cache */
	double hand[N_LEVELS]; /* hand-over by distance between last owner and next */
	double consumer; /* part of a hand-over from the consumer's CPU that each record pays */
	double retake;	 /* chance that the owner gets the lock again when one other waits */
	unsigned seen;	 /* bit per distance that the fitted curve contained */
};

/* Who produces and where the consumer is: consumer_cpu -1 for none. The ring is in the memory of the
 * consumer's node, or else of that of the first producer. */
struct load {
	const struct machine *machine;
	unsigned n;
	const unsigned *cpus; /* [n], indices into the machine */
	int consumer_cpu;
};

/* How often two producers drawn at random are this far apart, and a producer and the consumer. */
struct mix {
	unsigned n;
	double pair[N_LEVELS];
	double consumer[N_LEVELS];
};
struct mix mix_of(const struct load *load);
/* How far a line of the ring travels between two CPUs. */
enum nr_distance load_distance(const struct load *load, unsigned a, unsigned b);

/* Nanoseconds per record of one ring, all producers flat out. */
double mean_ns(const struct costs *costs, const struct mix *mix);

/* Exact mean values of n customers with exponential think and service times (M/M/1//N, by MVA). */
void repairman(double *per_sec, double *wait_ns, unsigned n, double think_ns, double service_ns);

/* ---- simulation (sim.c) ---- */
enum times { FIXED, EXPONENTIAL };

struct sim_opts {
	uint64_t seed;
	double think_ns; /* between a record and the producer's next attempt, 0: flat out */
	enum times think, service;
	unsigned records; /* attempts to measure in each batch */
	unsigned batches; /* each begins with a new order of the producers */
};

struct sim_result {
	double per_sec;
	double wait_mean_ns; /* attempt to end of reservation: interrupts are off meanwhile */
	double wait_p99_ns;
};

/* -EINVAL: options without records, or costs and times that are negative or not finite. */
int sim_run(struct sim_result *out, const struct costs *costs, const struct load *load,
	    const struct sim_opts *opts);
/* Ends the process instead. */
struct sim_result sim_must(const struct costs *costs, const struct load *load,
			   const struct sim_opts *opts);

/* ---- curves (curve.c) ---- */
/* What is known before the fit: own_ns, which a curve does not contain, and the chance of a re-take
 * on other hosts, which counts only as far as the curve has no point at two producers. */
struct prior {
	double own_ns;
	double retake;
};

struct point {
	struct mix mix;
	double ns; /* measured, per record of all producers together */
};

#define MAX_POINTS 1024 /* both placements of each number of producers, to 512 CPUs */
struct curve {
	char name[64];
	struct prior prior;
	unsigned n;
	struct point points[MAX_POINTS]; /* ascending in mix.n */
};

/* What a record can take. All others are no measurements, and no arithmetic is safe with them. */
static inline bool is_plausible(double ns)
{
	return ns >= 0.01 && ns <= 60e9;
}
/* -E2BIG: the curve is full; -EINVAL: ns is not plausible. */
int curve_add(struct curve *curve, const struct load *load, double ns);
/* The same for producers on the CPUs after the consumer, or from 0 (modulo the number of CPUs). */
int curve_add_plain(struct curve *curve, const struct machine *machine, unsigned n,
		    int consumer_cpu, double ns);
/* Takes the points i with i % every == which out for the test. The first point always stays:
 * nothing else tells what a producer alone costs. */
void curve_split(const struct curve *curve, unsigned every, unsigned which, struct curve *train,
		 struct curve *test);

struct curves {
	unsigned n;
	struct curve *curve;
};

/* All curves of ringbuf_contention.csv and every other point of those of ringbuf_contention_2.csv,
 * with columns series,producers,mops_per_sec, placed by plain CPU numbers on the published host: the
 * consumer on CPU 0 (series with _noconsumer in their names: none), producers on the CPUs after it.
 * held: the other points of the second file, to test with. The caller frees out->curve and
 * held->curve. Errors were explained; -ENOENT: a series of a host that is not known here. */
int curves_read(struct curves *out, struct curves *held, const char *data_dir);
bool has_consumer(const struct curve *curve);

/* ---- fits (fit.c) ---- */
/* A function of x[n], as NLopt calls it. */
typedef double (*objective_fn)(unsigned n, const double *x, double *gradient, void *ctx);
/* Moves x to a local minimum; returns its value. */
double minimize(objective_fn f, void *ctx, double *x, unsigned n);

/* Costs that explain the curve best, by squares of log ratios. */
struct costs fit_costs(const struct curve *curve);
/* The log of modelled / measured time, and of many: the root of the mean of squares. */
double log_ratio(double ns, const struct point *point);
struct rms {
	double sum; /* of squares */
	unsigned n;
};
void rms_add(struct rms *rms, double ratio);
double rms_of(const struct rms *rms); /* of none: 0 */

/* Are there as many points as costs: alone, re-take, the consumer's share, a hand-over for each
 * distance? */
bool has_enough_points(const struct curve *curve, unsigned seen);

/* What the model has to beat: ns per record by three parameters. */
struct rival {
	double (*ns)(const double v[3], const struct mix *mix);
	double v[3];
};
/* lambda (records per second of one producer), sigma, kappa. */
struct rival fit_usl(const struct curve *curve);
/* Alone, near (shared cache), far. */
struct rival fit_two_level(const struct curve *curve);

/* ---- published hosts (hosts.c) ---- */
struct host {
	const char *prefix; /* series of the published data that begin with it */
	struct layout layout;
	struct hidden hidden;
	struct prior prior;
	double far_ratio; /* other package / farthest distance seen, at most */
	const char *kin;  /* prefix of the other host of its maker, NULL: there is none */
	/* How rows of core_to_core_latency.csv begin, of a like host: for the innermost cache
	 * domain (NULL: not published), and for the outermost distance the curve contains. */
	const char *latency_near, *latency_far;
};
extern const struct host published_hosts[]; /* the last one has no prefix */
const struct host *host_of(const char *series);

/* The published hosts that a list of prefixes of series names: "e5_2680v4,spr". */
struct like {
	const struct host *host; /* the first of them */
	bool single;		 /* there is no other */
	struct hidden hidden;
};
bool is_like(const char *series, const char *like);
/* Errors were explained; -ENOENT: no series begins with one of the prefixes; -EINVAL: hosts that
 * hide different things. */
int like_parse(struct like *out, const struct curves *curves, const char *like);

/* ---- sweeps (rows.c) ---- */
/* The curve of one transport, flat out, of a sweep in JSON Lines; CPU numbers are those of machine.
 * Only medians that differ in nothing but producers, placement and duration make a curve: those
 * with the most common record size, memory, burst and order. */
struct sweep_curve {
	struct curve curve;
	unsigned dropped;	 /* other rows of the transport, flat out */
	unsigned no_rate;	 /* rows of the transport, flat out, without a plausible rate */
	unsigned busy;		 /* points with more than BUSY_SHARE of their CPU time elsewhere */
	bool consumer_not_known; /* a row does not say where the consumer was */
};
/* Errors were explained. */
int sweep_curve_read(struct sweep_curve *out, const char *path, const char *transport,
		     const struct machine *machine);

/* ---- families (family.c) ---- */
/* Costs of published hosts that a machine is taken to be like: a fit of each series, and of each
 * series less a quarter of its points. A machine that is larger than the curves reach has distances
 * they do not contain; such costs come three times, with the cheapest guess, the dearest, and their
 * geometric mean. */
struct family {
	unsigned n;
	struct costs *sets;
	/* By which the sets may be off. As fitted: rms log ratio of the leave-half-out predictions
	 * of its series, N >= 3. */
	double error;
	unsigned borrowed; /* of a sweep: bit per distance that comes from other hosts */
};
/* like: prefixes of series, "e5_2680v4,spr"; only those with a consumer, or only those without. No
 * sets: no such series begins with any of them. The caller frees the sets. */
struct family family_fit(const struct curves *curves, const char *like, bool consumer);
/* Costs of a sweep, for a machine. Distances above what the sweep contains come from `like`, and
 * then the costs are off by `across`. */
struct family family_of_sweep(const struct curve *sweep, const struct family *like,
			      const struct machine *machine, double across);

/* rms log ratio of all points. */
double fit_error(const struct costs *c, const struct curve *curve);

/* A published host predicted from others, N >= 3: the middle of their family against each series.
 */
struct host_error {
	struct rms rms; /* of the log ratios, predicted / measured time, and of them: */
	double least, most;
	unsigned inside;      /* points in the family's interval, widened by its own error */
	unsigned inside_wide; /* widened by `wide` */
};
/* Adds the points of a curve that have at least 3 producers. */
void add_held(struct host_error *e, const struct family *f, const struct curve *curve, double wide);
extern const struct host_error host_error_none;
struct host_error predict_host(const struct curves *curves, const struct host *host,
			       const char *like, double wide);
/* The error of a prediction for a host that was not itself published: each host is predicted from
 * the other one of its maker; rms over the hosts. */
double across_hosts(const struct curves *curves);

/* ---- predictions (predict.c) ---- */
struct interval {
	double lo, mid, hi;
};
struct interval interval_of(double *v, unsigned n); /* least, middle and most; sorts v */

/* What is not in the lock: user space, perf's buffers, lanes, and what a record costs more that does
 * not follow another at once. Low, middle and high, see README.md. */
struct rest {
	double merge_ns[3];	 /* of a record, one shard */
	double merge_log2_ns[3]; /* more for each doubling of the shards, or of a shard's lanes */
	uint64_t merges;	 /* merge threads, each with a slice of the time */
	double index_ns[3];	 /* a shard's consumer, one ring or lane */
	double packer_ns[3];	 /* a plain record of 64 bytes */
	double perf_ns[3];	 /* bpf_perf_event_output */
	double perf_wake_ns[3];	 /* one wake-up, paid by the producer */
	uint64_t perf_sample;	 /* records per wake-up */
	double lane[3];		 /* a record in a lane, as a part of one producer alone in a ring */

	/* A record costs more after a gap of g microseconds, at most 1000: cold * alone *
	 * g^cold_power in a ring or lane, perf_cold * perf_ns * g^cold_power in a perf buffer. */
	double cold, perf_cold, cold_power;
	double error; /* rms log ratio of what these give */
};
extern const struct rest rest_default;

/* The rings of a policy, or its lanes. */
struct shards {
	const char *policy;
	unsigned n;	/* 0: perf buffers, one per CPU, no lock */
	bool lanes;	/* one for each CPU of a shard, no lock */
	int *cpu_shard; /* [machine->n_cpus] */
	int *consumer;	/* [n], index of a CPU */
};

struct question {
	const struct machine *machine;
	const struct family *family;
	const struct rest *rest;
	const struct shards *shards;
	unsigned n;	      /* producers */
	const unsigned *cpus; /* [n] */
	double rate;	      /* per producer, 0: flat out */
	uint64_t seed;
};

struct answer {
	/* Delivered in order by producers that have nothing new to say while they wait. */
	struct interval per_sec;
	struct interval lock_per_sec;  /* what the locks let through */
	struct interval index_per_sec; /* what the consumers can take; perf buffers: INFINITY */
	struct interval merge_per_sec; /* what the merge threads can take */
	struct interval lock_capacity; /* what the locks could take if somebody always waited */
	struct interval wait_ns;       /* mean cost of a reservation */
	struct interval wait_p99_ns;
	struct interval packers; /* how many packers keep up with it */
	/* What stands between the producers and their demand: "lock", "output" (of perf buffers and
	 * lanes), "consumer", "merge", or "demand" for nothing. */
	const char *bound;
	bool at_low; /* only if the low end is true */
};
struct answer predict(const struct question *question);

/* The number of producers, the first question->n ones of question->cpus tried one by one, at which
 * something happens; INFINITY: not with that many. */
struct limits {
	struct interval saturated; /* the locks cannot take what the producers have to say */
	struct interval dearer;	   /* a reservation costs more CPU time than a perf buffer's output
				    * and the merge of so many buffers */
	struct interval merge;	   /* one merge thread cannot take it */
};
/* -EINVAL: question->rate is 0, or there is no lock. */
int find_limits(struct limits *out, const struct question *question);

/* ---- rows of a sweep, at any rate (rest.c) ---- */
struct measurements {
	json_t *rows;
	unsigned n;
	struct measured {
		const json_t *row;
		const char *transport; /* single, cpu, lane, perfbuf-fence or perfbuf-sampled */
		unsigned producers;
		double rate;  /* 0: flat out */
		double ns[3]; /* cost of a record: lower quartile, median, upper quartile */
	} * of;
};
/* The valid medians of these transports that share the most common record size, memory, burst and
 * delivery. Errors were explained. */
int measured_read(struct measurements *out, const char *path);
void measured_free(struct measurements *m);
bool is_perf(const struct measured *m);
/* The cost of a record. -EINVAL: the row's producers are not of the machine. */
int predict_measured(struct interval *out, const struct measured *m, const struct machine *machine,
		     const struct family *family, const struct rest *rest);
/* Costs of perf buffers and lanes, as far as the rows have them flat out. */
void rest_take_flat(struct rest *rest, const struct measurements *m);
/* These and the costs of gaps; the family is that of the same sweep. Of the rows below saturation
 * only the first of each `every` is used. */
int rest_fit(struct rest *rest, const struct measurements *m, const struct machine *machine,
	     const struct family *family, unsigned every);

/* A sweep of the project's own machine in bench/data. */
struct own {
	struct machine *machine;
	struct curve single; /* one ring, flat out */
	struct family family;
	struct measurements rows;
};
/* Errors were explained. */
int own_read(struct own *out, const struct curves *curves, const char *data_dir, const char *name);
void own_free(struct own *own);
/* Takes lanes and gaps from the project's own sweeps, from half of the rows below saturation.
 * Errors were explained. */
int rest_read(struct rest *rest, const struct curves *curves, const char *data_dir);

/* By how much these are off for another machine: the rms log ratio of the project's other sweep,
 * below saturation. Errors were explained. */
int rest_across(double *out, const struct rest *rest, const struct curves *curves,
		const char *data_dir);

/* What a record costs more after a gap, in units of the costs above. */
double gap_factor(const struct rest *rest, double rate);

/* ---- verbs of the command ---- */
/* Prints the tables of errors; 0: all stated bounds hold, 1: not, or an error that was explained.
 */
int model_check(const char *data_dir);

#endif
