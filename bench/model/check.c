/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does the model hold? Each table states its bounds; one that is exceeded makes the check fail. All
 * errors are rms of the natural log of predicted / measured time per record, in percent.
 */
#include <math.h>

#include "../bench.h"
#include "model.h"

/* What we claim; README.md says why these. */
#define MAX_SERIES     18.0 /* each half of each series, N >= 3 */
#define MAX_MEAN_FIRST 8.0  /* mean over the series, fit on the 1st, 3rd, 5th... point */
#define MAX_MEAN_OTHER 10.5 /* fit on the 1st and the 2nd, 4th, 6th... point */
#define MAX_THREE      8.5  /* mean over both halves of the series with three levels */
#define MAX_LOCK       10.0 /* each series of the 192-thread data, threads >= 8 */
#define MAX_PLATEAU    10.0 /* and its plateau, predicted from 96 threads and less */
#define MAX_EXACT      3.0  /* simulation v. exact result */
#define MAX_FORMULA    5.0  /* simulation v. the closed formula the fit uses */
#define MAX_ACROSS     60.0 /* leave-one-host-out, rms over the hosts that have a relative */
#define MIN_INSIDE     60.0 /* part of their points, %, inside the interval widened by that */
#define MAX_HELD       45.0 /* each series of points that were held out */
#define MIN_HELD       50.0 /* part of them, %, inside their intervals */
#define MIN_OWN	       60.0 /* the same of this project's own sweeps, each */
#define MIN_TRANSFERS  2.5  /* lines that move with one record, by core-to-core latency */
#define MAX_TRANSFERS  9.0

static unsigned n_exceeded;

static const char *verdict(bool good)
{
	n_exceeded += !good;
	return good ? "" : "  <-- out of bounds";
}

/* ---- 1: leave-half-out ---- */
enum { USL, TWO_LEVEL, MODEL, N_MODELS };

struct errors {
	double rms[N_MODELS]; /* % */
	unsigned n_levels;    /* distances of the curve that was fitted */
	char at_two[16];      /* log ratio of the model at N = 2, %; "-": not predicted */
};

static struct errors predict_rest(const struct curve *train, const struct curve *test,
				  unsigned least)
{
	struct rival usl = fit_usl(train), two = fit_two_level(train);
	struct costs costs = fit_costs(train);
	struct rms rms[N_MODELS] = { 0 };
	struct errors e = { .n_levels = __builtin_popcount(costs.seen), .at_two = "-" };

	for (unsigned i = 0; i < test->n; i++) {
		const struct point *p = &test->points[i];
		double off[N_MODELS] = { log_ratio(usl.ns(usl.v, &p->mix), p),
					 log_ratio(two.ns(two.v, &p->mix), p),
					 log_ratio(mean_ns(&costs, &p->mix), p) };

		if (p->mix.n == 2)
			snprintf(e.at_two, sizeof(e.at_two), "%+.1f", 100 * off[MODEL]);
		for (unsigned m = 0; m < N_MODELS && p->mix.n >= least; m++)
			rms_add(&rms[m], off[m]);
	}
	for (unsigned m = 0; m < N_MODELS; m++)
		e.rms[m] = 100 * rms_of(&rms[m]);
	return e;
}

struct mean {
	double sum[N_MODELS];
	unsigned n;
};

static void add_errors(struct mean *mean, const struct errors *e)
{
	for (unsigned m = 0; m < N_MODELS; m++)
		mean->sum[m] += e->rms[m];
	mean->n++;
}

/* Of the second batch only half of the points are here: too few to halve again. */
#define LEAST_HALVED 12

static void halve_one(struct mean *mean, struct mean *three, const struct curve *curve,
		      unsigned half)
{
	struct curve train, test;
	struct errors e;

	curve_split(curve, 2, 1 - half, &train, &test);
	e = predict_rest(&train, &test, 3);
	add_errors(mean, &e);
	if (e.n_levels >= 3)
		add_errors(three, &e);
	printf("%-27s %-5s %6.1f %9.1f %7.1f %8s%s\n", curve->name, half ? "other" : "first",
	       e.rms[USL], e.rms[TWO_LEVEL], e.rms[MODEL], e.at_two,
	       verdict(e.rms[MODEL] <= MAX_SERIES));
}

static void print_mean(const char *what, const struct mean *mean, double bound)
{
	double usl = mean->sum[USL] / mean->n, two = mean->sum[TWO_LEVEL] / mean->n;
	double model = mean->sum[MODEL] / mean->n;

	printf("%-33s %6.1f %9.1f %7.1f   bound %.1f, and less than both%s\n", what, usl, two,
	       model, bound, verdict(model <= bound && model < usl && model < two));
}

static void check_halves(const struct curves *curves)
{
	struct mean mean[2] = { 0 }, three = { 0 };

	printf("1. Leave-half-out: fit on every other point, predict the rest. rms log ratio, %%,\n"
	       "   points with three producers and more; the log ratio at two beside it.\n"
	       "   Bound: %.0f for each row.\n\n",
	       MAX_SERIES);
	printf("%-27s %-5s %6s %9s %7s %8s\n", "series", "fit", "USL", "two-level", "model",
	       "at two");
	for (unsigned i = 0; i < curves->n; i++)
		for (unsigned half = 0; half < 2 && curves->curve[i].n >= LEAST_HALVED; half++)
			halve_one(&mean[half], &three, &curves->curve[i], half);
	print_mean("mean, first half fitted", &mean[0], MAX_MEAN_FIRST);
	print_mean("mean, other half fitted", &mean[1], MAX_MEAN_OTHER);
	print_mean("mean, three levels, both halves", &three, MAX_THREE);
}

/* ---- 2: fitted costs and core-to-core latency ---- */
static double latency_ns(const char *data_dir, const char *row)
{
	char path[4096], line[256];
	double ns;

	snprintf(path, sizeof(path), "%s/core_to_core_latency.csv", data_dir);
	errno = ENODATA;
	if (!bench_read_line(path, row, line, sizeof(line)) ||
	    sscanf(line + strlen(row), ",%lf", &ns) != 1 || !(ns > 0))
		err(BENCH_FAILED, "%s: no latency of %s", path, row);
	return ns;
}

static void print_transfers(const struct costs *k, unsigned d, const char *data_dir,
			    const char *row)
{
	double transfers;

	if (!row) {
		printf("  %5s", "-");
		return;
	}
	transfers = k->hand[d] * (1 + k->consumer) / latency_ns(data_dir, row);
	printf("  %5.1f%s", transfers,
	       verdict(transfers >= MIN_TRANSFERS && transfers <= MAX_TRANSFERS));
}

/* Where a latency for "anywhere in the package" is published, it is that of the nearer distance. */
static unsigned far_distance(const struct costs *k)
{
	for (unsigned d = NR_OTHER_PACKAGE; d > NR_SAME_NODE; d--)
		if (d != NR_SAME_PACKAGE && k->seen & (1u << d))
			return d;
	return NR_SAME_NODE;
}

static void cost_row(const struct curve *curve, const char *data_dir)
{
	const struct host *host = host_of(curve->name);
	struct costs k = fit_costs(curve);

	printf("%-27s %5.0f %5.0f", curve->name, k.alone, k.own);
	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
		if (k.seen & (1u << d))
			printf(" %5.0f", k.hand[d]);
		else
			printf(" %5s", "-");
	printf(" %5.2f %5.2f", k.retake, k.consumer);
	print_transfers(&k, NR_SAME_LLC, data_dir, host->latency_near);
	print_transfers(&k, far_distance(&k), data_dir, host->latency_far);
	printf("\n");
}

static void check_costs(const struct curves *curves, const char *data_dir)
{
	printf("\n2. Fitted costs, ns, and how many cache-line messages that is: (hand-over +\n"
	       "   consumer's share) / published core-to-core latency of a like host. Bounds: "
	       "%.1f\n   to %.0f messages for a record.\n\n",
	       MIN_TRANSFERS, MAX_TRANSFERS);
	printf("%-27s %5s %5s %5s %5s %5s %5s %5s %5s  %5s  %5s\n", "series", "alone", "own", "llc",
	       "node", "pack", "other", "rtake", "cons", "near", "far");
	for (unsigned i = 0; i < curves->n; i++)
		cost_row(&curves->curve[i], data_dir);
}

/* ---- 3: the 192-thread lock ---- */
struct lock_host {
	const char *file;
	struct layout layout;
};
static const struct lock_host xeon_192 = { "kernel_lock_192_threads.csv", { 2, 48, 2, 48, 48 } };
static const struct lock_host xeon_8468 = { "kernel_lock_256_threads.csv", { 2, 48, 2, 48, 48 } };
/* It has no cache that its cores share: a package is one level. */
static const struct lock_host ampere = { "kernel_lock_256_threads.csv", { 2, 128, 1, 128, 128 } };

/* The rows that begin so, from `least` threads on. */
static void read_lock_curve(struct curve *curve, const char *data_dir, const struct lock_host *host,
			    const char *row, unsigned least)
{
	char path[4096], line[256];
	struct machine *machine = machine_regular(&host->layout);
	bool good = true;
	unsigned threads;
	double ops;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", data_dir, host->file);
	f = fopen(path, "re");
	if (!f)
		err(BENCH_FAILED, "%s", path);
	*curve = (struct curve){ 0 };
	snprintf(curve->name, sizeof(curve->name), "%s", row);
	*strchr(curve->name, ',') = ' ';
	while (good && fgets(line, sizeof(line), f))
		if (!strncmp(line, row, strlen(row)) &&
		    sscanf(line + strlen(row), ",%u,%lf", &threads, &ops) == 2 && threads >= least)
			good = !curve_add_plain(curve, machine, threads, -1, 1e9 / ops);
	if (!good || !curve->n)
		errx(BENCH_FAILED, "%s: no figures of %s", path, curve->name);
	/* The benchmark does more than lock: a re-take saves nothing that is known. */
	curve->prior = (struct prior){ curve->points[0].ns, 0.23 };
	fclose(f);
	free(machine);
}

static void lock_row(const char *data_dir, const char *row, unsigned least)
{
	struct curve curve, low, train, test;
	struct errors half = { 0 }, plateau;

	read_lock_curve(&curve, data_dir, &xeon_192, row, least);
	printf("%-40s", curve.name);
	if (least > 1) {
		printf(" %20s", "-");
	} else {
		curve_split(&curve, 2, 1, &train, &test);
		half = predict_rest(&train, &test, 8);
		printf(" %6.1f %6.1f %6.1f", half.rms[USL], half.rms[TWO_LEVEL], half.rms[MODEL]);
	}
	low = curve;
	while (low.n > 1 && low.points[low.n - 1].mix.n > 96)
		low.n--;
	plateau = predict_rest(&low, &curve, 128);
	printf("  %6.1f %6.1f %6.1f%s\n", plateau.rms[USL], plateau.rms[TWO_LEVEL],
	       plateau.rms[MODEL],
	       verdict(half.rms[MODEL] <= MAX_LOCK && plateau.rms[MODEL] <= MAX_PLATEAU));
}

static void check_lock(const char *data_dir)
{
	printf("\n3. Kernel queue lock, 192 threads (2 x 48 cores, SMT from 97 on). Left: "
	       "leave-half-out,\n   8 threads and more, bound %.0f. Right: the plateau at 128 to "
	       "192 threads predicted\n   from 96 and less, bound %.0f.\n\n",
	       MAX_LOCK, MAX_PLATEAU);
	printf("%-40s %6s %6s %6s  %6s %6s %6s\n", "series", "USL", "two-l", "model", "USL",
	       "two-l", "model");
	lock_row(data_dir, "will_it_scale_lock2_threads,qspinlock", 1);
	lock_row(data_dir, "will_it_scale_lock2_threads,rqspinlock", 1);
	/* Holds the lock for times that depend on the number of threads: only its plateau says
	 * something about hand-over. */
	lock_row(data_dir, "locktorture_30s,qspinlock", 48);
}

/* ---- 4: simulation v. exact results ---- */
static const struct layout flat = {
	.packages = 1, .cores = 512, .smt = 1, .llc = 512, .node = 512
};
#define SERVICE_NS 100.0

static struct sim_result simulate_flat(unsigned n, double think_ns, enum times service)
{
	struct costs costs = { .alone = SERVICE_NS, .own = SERVICE_NS };
	struct sim_opts opts = {
		.seed = DEFAULT_SEED + n,
		.think_ns = think_ns,
		.think = EXPONENTIAL,
		.service = service,
		.records = 150000,
		.batches = 1,
	};
	struct machine *machine = machine_regular(&flat);
	/* The machine's own numbers are 0, 1, 2... */
	struct load load = { machine, n, machine->os, -1 };
	struct sim_result r;

	for (unsigned d = 0; d < N_LEVELS; d++)
		costs.hand[d] = SERVICE_NS;
	r = sim_must(&costs, &load, &opts);
	free(machine);
	return r;
}

static void exact_row(const char *what, unsigned n, double think_ns, const struct sim_result *r,
		      double per_sec, double wait)
{
	double rate_off = 100 * (r->per_sec / per_sec - 1);
	double wait_off = 100 * (r->wait_mean_ns / wait - 1);

	printf("%-24s %4u %8.0f %9.3f %9.3f %+6.2f %9.1f %9.1f %+6.2f%s\n", what, n, think_ns,
	       r->per_sec / 1e6, per_sec / 1e6, rate_off, r->wait_mean_ns, wait, wait_off,
	       verdict(fabs(rate_off) <= MAX_EXACT && fabs(wait_off) <= MAX_EXACT));
}

static void check_repairman(unsigned n, double think_ns)
{
	struct sim_result r = simulate_flat(n, think_ns, EXPONENTIAL);
	double per_sec, wait;

	repairman(&per_sec, &wait, n, think_ns, SERVICE_NS);
	exact_row("M/M/1//N, MVA", n, think_ns, &r, per_sec, wait);
}

/* Many customers who think long are a Poisson stream: M/D/1. Few who think short saturate the lock:
 * it hands out one record per service time, each waits for all others. */
static void check_fixed(unsigned n, double think_ns)
{
	struct sim_result r = simulate_flat(n, think_ns, FIXED);
	double load = n * SERVICE_NS / think_ns;

	if (load > 2)
		exact_row("saturated, 1/s", n, think_ns, &r, 1e9 / SERVICE_NS,
			  n * SERVICE_NS - think_ns);
	else
		exact_row("M/D/1 limit", n, think_ns, &r, n * 1e9 / (think_ns + SERVICE_NS),
			  SERVICE_NS * (1 + load / (2 * (1 - load))));
}

static void check_exact(void)
{
	printf("\n4. Simulation v. exact results, one service time of %.0f ns. Bound %.0f %%.\n\n",
	       SERVICE_NS, MAX_EXACT);
	printf("%-24s %4s %8s %9s %9s %6s %9s %9s %6s\n", "case", "N", "think ns", "sim M/s",
	       "exact", "%", "wait ns", "exact", "%");
	for (unsigned n = 1; n <= 64; n *= 4)
		check_repairman(n, 1000);
	check_repairman(512, 40000);
	check_fixed(512, 512 * SERVICE_NS / 0.3);
	check_fixed(512, 512 * SERVICE_NS / 0.6);
	check_fixed(64, 1000);
}

/* ---- 5: simulation v. closed formula ---- */
static double formula_off(const struct costs *costs, const struct load *load)
{
	struct sim_opts opts = { .seed = DEFAULT_SEED,
				 .records = 4 * load->n + 200,
				 .batches = 60 };
	struct sim_result r = sim_must(costs, load, &opts);
	struct mix mix = mix_of(load);

	return 100 * log(1e9 / r.per_sec / mean_ns(costs, &mix));
}

static void formula_row(const struct curve *curve)
{
	static const unsigned producers[] = { 2, 3, 8, 16, 28, 52 };
	const struct host *host = host_of(curve->name);
	struct machine *machine = machine_regular(&host->layout);
	unsigned cpus[52];
	struct load load = { .machine = machine, .cpus = cpus };
	struct costs costs = fit_costs(curve);
	double worst = 0;

	load.consumer_cpu = costs.consumer == 0 ? -1 : 0;
	for (unsigned i = 0; i < 52; i++)
		cpus[i] = (load.consumer_cpu + 1 + i) % machine->n_cpus;
	printf("%-27s", curve->name);
	for (unsigned i = 0; i < sizeof(producers) / sizeof(producers[0]); i++) {
		double off;

		load.n = producers[i];
		off = formula_off(&costs, &load);
		printf(" %+6.2f", off);
		worst = fmax(worst, fabs(off));
	}
	printf("%s\n", verdict(worst <= MAX_FORMULA));
	free(machine);
}

static void check_formula(const struct curves *curves)
{
	printf("\n5. Simulation, flat out, v. the closed formula with the fitted costs: log ratio, "
	       "%%.\n   Bound %.0f %%.\n\n%-27s %6d %6d %6d %6d %6d %6d\n",
	       MAX_FORMULA, "series", 2, 3, 8, 16, 28, 52);
	for (unsigned i = 0; i < curves->n; i++)
		formula_row(&curves->curve[i]);
}

/* ---- 6: leave-one-host-out ---- */
static struct host_error across_row(const struct curves *curves, const struct host *host,
				    const char *from, const char *like, double wide)
{
	struct host_error e = predict_host(curves, host, like, wide);

	printf("%-12s %-34s %5u %6.0f %6.2f %6.2f %10.0f", host->prefix, from, e.rms.n,
	       100 * rms_of(&e.rms), exp(e.least), exp(e.most), 100.0 * e.inside / e.rms.n);
	return e;
}

/* All others: what comes of the wrong --like. */
static void row_of_others(const struct curves *curves, const struct host *host)
{
	char like[256] = "";

	for (const struct host *h = published_hosts; h->prefix; h++)
		if (h != host)
			strcat(strcat(like, ","), h->prefix);
	across_row(curves, host, "all others", like + 1, 0);
	printf(" %8s\n", "-");
}

static void check_across(const struct curves *curves)
{
	double across = across_hosts(curves), inside = 0;
	unsigned points = 0;

	printf("\n6. Leave-one-host-out: all series of a host, predicted from the other host of "
	       "its maker,\n   and from all others. rms log ratio, %%, and the least and the "
	       "largest ratio of predicted\n   and measured time per record; the part of the "
	       "points, %%, that the interval contains,\n   widened by the other host's own "
	       "leave-half-out error, and widened by the rms of this\n   table. Bounds: rms %.0f, "
	       "inside at least %.0f.\n\n",
	       MAX_ACROSS, MIN_INSIDE);
	printf("%-12s %-34s %5s %6s %6s %6s %10s %8s\n", "host", "predicted from", "n", "rms",
	       "least", "most", "inside own", "this");
	for (const struct host *host = published_hosts; host->prefix; host++) {
		if (host->kin) {
			struct host_error e =
				across_row(curves, host, host->kin, host->kin, across);

			printf(" %8.0f\n", 100.0 * e.inside_wide / e.rms.n);
			points += e.rms.n;
			inside += 100.0 * e.inside_wide;
		}
		row_of_others(curves, host);
	}
	printf("rms over the hosts that have a relative: %.0f %%, a factor of %.2f; inside: %.0f "
	       "%%%s\n",
	       100 * across, exp(across), inside / points,
	       verdict(100 * across <= MAX_ACROSS && inside / points >= MIN_INSIDE));
}

/* ---- 7: points that were not used to fit ---- */
static const char *const ampere_rows[] = {
	"arm64_will_it_scale_open1_threads,qspinlock",
	"arm64_will_it_scale_open1_threads,rqspinlock",
	"arm64_will_it_scale_lock2_threads,qspinlock",
	"arm64_will_it_scale_lock2_threads,rqspinlock",
	NULL,
};

struct tally {
	unsigned n, inside;
	struct rms rms;
};

static void held_row(struct tally *tally, const char *name, const struct host_error *e)
{
	printf("%-42s %5u %6.0f %6.2f %6.2f %7u%s\n", name, e->rms.n, 100 * rms_of(&e->rms),
	       exp(e->least), exp(e->most), e->inside, verdict(100 * rms_of(&e->rms) <= MAX_HELD));
	tally->n += e->rms.n;
	tally->inside += e->inside;
}

/* The other half of its points, by the family of its host. */
static void held_series(struct tally *tally, const struct curves *curves, const struct curve *held)
{
	const char *like = host_of(held->name)->prefix;
	struct family f = family_fit(curves, like, has_consumer(held));
	struct host_error e = host_error_none;

	add_held(&e, &f, held, 0);
	held_row(tally, held->name, &e);
	free(f.sets);
}

/* A lock's curve, of which one half predicts the other. */
static void held_lock(struct tally *tally, const char *data_dir, const struct lock_host *host,
		      const char *row)
{
	struct host_error e = host_error_none;
	struct curve curve, train, test;
	struct curves half = { 1, &train };
	struct family f;

	read_lock_curve(&curve, data_dir, host, row, 1);
	curve_split(&curve, 2, 1, &train, &test);
	f = family_fit(&half, curve.name, false);
	add_held(&e, &f, &test, 0);
	held_row(tally, curve.name, &e);
	free(f.sets);
}

/* Its file lock is left out: it falls to a quarter with the first threads of the second socket and
 * recovers, as no mixture of distances does. */
static double far_ratio(const char *data_dir, const char *row)
{
	struct curve curve, train, test;
	struct costs k;

	read_lock_curve(&curve, data_dir, &ampere, row, 1);
	curve_split(&curve, 2, 1, &train, &test);
	k = fit_costs(&train);
	return k.hand[NR_OTHER_PACKAGE] / k.hand[NR_SAME_LLC];
}

static void check_far(const char *data_dir)
{
	double least = INFINITY, most = 0;

	for (const char *const *row = ampere_rows; *row; row++) {
		double ratio = far_ratio(data_dir, *row);

		least = fmin(least, ratio);
		most = fmax(most, ratio);
	}
	printf("the other socket on Ampere, as a multiple of the own one: %.1f to %.1f; assumed of "
	       "Kunpeng: %.1f%s\n",
	       least, most, host_of("kunpeng920")->far_ratio,
	       verdict(host_of("kunpeng920")->far_ratio >= 0.9 * least));
}

/* Perf buffers by records per wake-up: output and wake-up fitted to half of the points. */
struct perf_fit {
	unsigned n;
	double ns[32], records[32];
	double output, wake;
	struct rms rms;
};

static double perf_misfit(unsigned n, const double *x, double *gradient, void *ctx)
{
	struct perf_fit *fit = ctx;

	(void)n;
	(void)gradient;
	fit->output = exp(x[0]);
	fit->wake = exp(x[1]);
	fit->rms = (struct rms){ 0 };
	for (unsigned i = 0; i < fit->n; i += 2)
		rms_add(&fit->rms, log((fit->output + fit->wake / fit->records[i]) / fit->ns[i]));
	return fit->rms.sum;
}

static void read_perf(struct perf_fit *fit, const char *data_dir, const char *host)
{
	char path[4096], line[256];
	double mops;
	FILE *f;

	snprintf(path, sizeof(path), "%s/perfbuf_sample_rate.csv", data_dir);
	f = fopen(path, "re");
	if (!f)
		err(BENCH_FAILED, "%s", path);
	while (fit->n < 32 && fgets(line, sizeof(line), f))
		if (!strncmp(line, host, strlen(host)) &&
		    sscanf(line + strlen(host), ",%lf,%lf", &fit->records[fit->n], &mops) == 2)
			fit->ns[fit->n++] = 1e3 / mops;
	fclose(f);
	if (fit->n < 4)
		errx(BENCH_FAILED, "%s: no figures of %s", path, host);
}

static void held_perf(struct tally *tally, const char *data_dir, const char *host)
{
	struct host_error e = host_error_none;
	struct perf_fit fit = { 0 };
	double x[2] = { log(100), log(600) };
	char name[64];

	read_perf(&fit, data_dir, host);
	minimize(perf_misfit, &fit, x, 2);
	perf_misfit(2, x, NULL, &fit);
	for (unsigned i = 1; i < fit.n; i += 2) {
		double off = log((fit.output + fit.wake / fit.records[i]) / fit.ns[i]);

		rms_add(&e.rms, off);
		e.least = fmin(e.least, off);
		e.most = fmax(e.most, off);
		e.inside += fabs(off) <= rms_of(&fit.rms);
	}
	snprintf(name, sizeof(name), "perf buffer: %.0f ns, a wake-up %.0f", fit.output, fit.wake);
	held_row(tally, name, &e);
}

static void check_held(const struct curves *curves, const struct curves *held, const char *data_dir)
{
	static const char *const xeon_rows[] = { "x86_64_will_it_scale_open1_threads,qspinlock",
						 "x86_64_will_it_scale_open1_threads,rqspinlock",
						 "x86_64_will_it_scale_lock1_threads,qspinlock",
						 "x86_64_will_it_scale_lock1_threads,rqspinlock",
						 NULL };
	struct tally tally = { 0 };

	printf("\n7. Held out: every other point of the second batch of data was not used to fit. "
	       "What\n   the other points (and the first batch) say of it: rms log ratio, %%, "
	       "least "
	       "and largest\n   ratio of predicted and measured time, and how many points the "
	       "interval contains.\n   Bounds: rms %.0f, inside at least %.0f %%.\n\n",
	       MAX_HELD, MIN_HELD);
	printf("%-42s %5s %6s %6s %6s %7s\n", "series", "n", "rms", "least", "most", "inside");
	for (unsigned i = 0; i < held->n; i++)
		held_series(&tally, curves, &held->curve[i]);
	for (const char *const *row = xeon_rows; *row; row++)
		held_lock(&tally, data_dir, &xeon_8468, *row);
	for (const char *const *row = ampere_rows; *row; row++)
		held_lock(&tally, data_dir, &ampere, *row);
	held_perf(&tally, data_dir, "e5_2680v4_v1_2020");
	held_perf(&tally, data_dir, "ryzen7950x_script_2023");
	printf("inside: %u of %u%s\n", tally.inside, tally.n,
	       verdict(100.0 * tally.inside / tally.n >= MIN_HELD));
	check_far(data_dir);
}

/* ---- 8: this project's own sweeps ---- */
static void own_row(struct tally *tally, const struct measured *m, const struct interval *ns,
		    const char *use)
{
	bool inside = m->ns[1] >= ns->lo && m->ns[1] <= ns->hi;
	bool held = !strcmp(use, "held");

	printf("%-16s %9u %9.0f %9.0f %8.0f [%4.0f, %4.0f] %+5.0f  %s%s\n", m->transport,
	       m->producers, m->rate, m->ns[1], ns->mid, ns->lo, ns->hi,
	       100 * log(ns->mid / m->ns[1]), use, inside ? "" : ", outside");
	tally->n += held;
	tally->inside += held && inside;
	if (held)
		rms_add(&tally->rms, log(ns->mid / m->ns[1]));
}

/* Of the rows below saturation, the first of each `every` were used to fit. */
static void own_rows(struct tally *tally, const struct own *own, const struct rest *rest,
		     unsigned every)
{
	struct interval ns;

	for (unsigned i = 0, paced = 0; i < own->rows.n; i++) {
		const struct measured *m = &own->rows.of[i];
		const char *use = m->rate == 0 || (every && paced % every == 0) ? "fit" : "held";

		/* A ring flat out is fitted by its rate, which contains the loop. */
		if (m->rate == 0 && !is_perf(m))
			continue;
		paced += m->rate > 0;
		if (predict_measured(&ns, m, own->machine, &own->family, rest))
			errx(BENCH_FAILED, "a row of bench/data is of another machine");
		own_row(tally, m, &ns, use);
	}
}

static void check_own(const struct curves *curves, const char *data_dir)
{
	static const char *const names[] = { "own_rates.jsonl", "own_sweep.jsonl" };
	struct tally tally[2] = { 0 };
	struct rest rest = rest_default;
	struct own own;

	if (rest_read(&rest, curves, data_dir))
		exit(BENCH_FAILED); /* explained */
	printf("\n8. This project's own sweeps, 2 CPUs in one cache. What is flat out and half of "
	       "the rows\n   of %s is fitted, everything else is held out. Cost of a record, "
	       "ns,\n   middle [lowest, highest], and log ratio, %%. After a gap of g us (at most "
	       "1000) a\n   record costs %.2f g^%.2f times one alone more in a ring, %.2f g^%.2f "
	       "in "
	       "a perf buffer;\n   rms of the fit %.0f %%. Bound: inside at least %.0f %%.\n",
	       names[0], rest.cold, rest.cold_power, rest.perf_cold, rest.cold_power,
	       100 * rest.error, MIN_OWN);
	for (unsigned i = 0; i < 2; i++) {
		if (own_read(&own, curves, data_dir, names[i]))
			exit(BENCH_FAILED);
		rest_take_flat(&rest, &own.rows);
		printf("\n%-16s %9s %9s %9s %8s %14s %4s\n", names[i], "producers", "rate",
		       "measured", "model", "", "%");
		own_rows(&tally[i], &own, &rest, i ? 0 : 2);
		printf("held out: rms %.0f %%, inside: %u of %u%s\n", 100 * rms_of(&tally[i].rms),
		       tally[i].inside, tally[i].n,
		       verdict(100.0 * tally[i].inside / tally[i].n >= MIN_OWN));
		own_free(&own);
	}
}

int model_check(const char *data_dir)
{
	struct curves curves, held;

	if (curves_read(&curves, &held, data_dir))
		return 1;
	n_exceeded = 0;
	printf("seed %d\n\n", DEFAULT_SEED);
	check_halves(&curves);
	check_costs(&curves, data_dir);
	check_lock(data_dir);
	check_exact();
	check_formula(&curves);
	check_across(&curves);
	check_held(&curves, &held, data_dir);
	check_own(&curves, data_dir);
	printf("\n%u bounds exceeded\n", n_exceeded);
	free(held.curve);
	free(curves.curve);
	return n_exceeded ? 1 : 0;
}
