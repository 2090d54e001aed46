/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring-bench model check|fit|predict|surface|limits */
#include <math.h>

#include "../bench.h"
#include "cmd.h"

/* ---- the machine ---- */
/* host: an XML or .synthetic file; NULL: the description in `synthetic`, or this host. */
static struct nr_topology *open_topology(const char *host, const char *synthetic)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts),
					 .synthetic = synthetic,
					 .log = bench_log };
	const char *suffix = host ? strrchr(host, '.') : NULL;
	struct nr_topology *topo = NULL;
	char line[4096] = "";

	if (suffix && !strcmp(suffix, ".xml")) {
		opts.xml = host;
	} else if (host) {
		errno = ENODATA;
		if (!bench_read_line(host, "", line, sizeof(line)))
			err(BENCH_FAILED, "%s", host);
		opts.synthetic = line;
	}
	if (nr_topology_open(&topo, &opts))
		exit(BENCH_FAILED); /* explained */
	return topo;
}

/* Each prefix of this order is spread over the machine as evenly as it can be. */
static void spread_order(unsigned *cpus, unsigned count)
{
	unsigned n = 0, bits = 0;

	while ((1u << bits) < count)
		bits++;
	for (unsigned i = 0; i < 1u << bits; i++) {
		unsigned cpu = 0;

		for (unsigned b = 0; b < bits; b++)
			cpu |= (i >> b & 1) << (bits - 1 - b);
		if (cpu < count)
			cpus[n++] = cpu;
	}
}

/* ---- what is known ---- */
static void open_job(struct job *job, const struct args *a)
{
	struct curves held;

	*job = (struct job){ .args = a, .rest = a->rest };
	if (curves_read(&job->curves, &held, a->data))
		exit(BENCH_FAILED);
	free(held.curve);
	if (like_parse(&job->like, &job->curves, a->like))
		exit(BENCH_USAGE);
}

static void read_machine(struct job *job)
{
	job->topo = open_topology(job->args->host, job->args->synthetic);
	job->machine = machine_from_topology(job->topo, job->like.hidden);
}

/* The sweep is of the machine, unless --sweep-host names another. */
static void read_sweep(struct job *job)
{
	const char *host = job->args->sweep_host;
	struct nr_topology *topo = host ? open_topology(host, NULL) : NULL;

	job->swept = topo ? machine_from_topology(topo, job->like.hidden) : job->machine;
	if (sweep_curve_read(&job->sweep, job->args->sweep, "single", job->swept))
		exit(BENCH_FAILED);
	job->sweep.curve.prior = job->like.host->prior;
	nr_topology_free(topo);
}

/* What else the sweep says, of its own machine. */
static void fit_rest(struct job *job, const struct family *like, double across)
{
	struct family own = family_of_sweep(&job->sweep.curve, like, job->swept, across);
	struct measurements rows;

	if (measured_read(&rows, job->args->sweep))
		exit(BENCH_FAILED);
	if (rest_fit(&job->rest, &rows, job->swept, &own, 1))
		errx(BENCH_FAILED, "%s: the producers of a row are not of this machine",
		     job->args->sweep);
	measured_free(&rows);
	free(own.sets);
}

static bool is_published(const struct job *job)
{
	struct machine *published = machine_regular(&job->like.host->layout);
	bool alike = job->like.single && machine_alike(published, job->machine);

	free(published);
	return alike;
}

static void fit_family(struct job *job)
{
	double across = across_hosts(&job->curves);
	/* like_parse has found hosts for each. */
	struct family like = family_fit(&job->curves, job->args->like, true);

	job->family = like;
	job->own = is_published(job);
	if (rest_read(&job->rest, &job->curves, job->args->data) ||
	    rest_across(&job->rest.error, &job->rest, &job->curves, job->args->data))
		exit(BENCH_FAILED);
	if (job->args->sweep) {
		read_sweep(job);
		job->family = family_of_sweep(&job->sweep.curve, &like, job->machine, across);
		fit_rest(job, &like, across);
		free(like.sets);
	} else if (!job->own) {
		job->family.error = fmax(like.error, across);
	}
}

/* ---- what a reader has to know of a sweep ---- */
static void print_doubts(const struct sweep_curve *sweep, const char *begin)
{
	if (sweep->dropped)
		printf("%s%u rows left out: of another record size, memory, burst, order or "
		       "delivery\n",
		       begin, sweep->dropped);
	if (sweep->no_rate)
		printf("%s%u rows left out: valid, but without a rate of records\n", begin,
		       sweep->no_rate);
	if (sweep->busy)
		printf("%sThe host was BUSY in %u of the %u rows used: more than %.0f %% of its "
		       "CPU time went elsewhere. Producers that do not run neither deliver nor "
		       "contend, so take the costs with care\n",
		       begin, sweep->busy, sweep->curve.n, 100 * BUSY_SHARE);
}

/* ---- tables of predictions ---- */
static void plan_shards(struct shards *s, const struct job *job)
{
	struct nr_plan_opts opts = { .sz = sizeof(opts), .policy = s->policy, .log = bench_log };
	const struct machine *m = job->machine;
	struct nr_plan *plan = NULL;

	if (!strcmp(s->policy, "perfbuf"))
		return;
	s->lanes = !strcmp(s->policy, "lane");
	if (s->lanes)
		opts.policy = "node";
	if (nr_plan_make(&plan, job->topo, &opts))
		exit(BENCH_USAGE); /* explained */
	s->n = plan->n_shards;
	s->cpu_shard = bench_alloc(m->n_cpus, sizeof(*s->cpu_shard));
	s->consumer = bench_alloc(s->n, sizeof(*s->consumer));
	for (unsigned i = 0; i < m->n_cpus; i++)
		s->cpu_shard[i] = plan->cpu_shard[m->os[i]];
	for (unsigned i = 0; i < s->n; i++)
		s->consumer[i] = machine_index(m, nr_plan_shard_at(plan, i)->consumer_cpus[0]);
	nr_plan_free(plan);
}

static const char *const level_names[] = { "cpu", "core", "llc", "node", "package", "other" };

static void print_source(const struct job *job)
{
	const struct args *a = job->args;
	const char *between = "";

	if (!a->sweep) {
		printf("like %s%s", a->like, job->own ? "" : ", but another host");
		return;
	}
	printf("costs from %s", a->sweep);
	if (!job->family.borrowed)
		return;
	printf(", hand-overs it does not contain (");
	for (unsigned d = 0; d < N_LEVELS; d++)
		if (job->family.borrowed & (1u << d)) {
			printf("%s%s", between, level_names[d]);
			between = ", ";
		}
	printf(") from %s", a->like);
}

static void print_preamble(const struct job *job)
{
	const struct args *a = job->args;
	const char *begin = a->markdown ? "" : "# ";

	printf("%sPredicted, not measured: %u CPUs, ", begin, job->machine->n_cpus);
	print_source(job);
	printf(" (%u parameter set%s, error %.0f %%), seed %llu.\n%sEach figure: middle [lowest, "
	       "highest]. Producers %s.\n",
	       job->family.n, job->family.n == 1 ? "" : "s", 100 * job->family.error,
	       (unsigned long long)a->seed, begin,
	       a->fill ? "fill one cache domain after the other" : "spread evenly");
	print_doubts(&job->sweep, begin);
	if (a->markdown)
		printf("\n");
}

static void predict_tables(const struct args *a)
{
	static struct job job;
	unsigned n;

	open_job(&job, a);
	read_machine(&job);
	n = job.machine->n_cpus;
	for (unsigned i = 0; i < a->n_producers; i++)
		if (a->producers[i] > n)
			errx(BENCH_USAGE, "--producers %.0f: the machine has %u CPUs",
			     a->producers[i], n);
	fit_family(&job);
	for (unsigned i = 0; i < a->n_policies; i++) {
		job.shards[i].policy = a->policies[i];
		plan_shards(&job.shards[i], &job);
	}
	job.order = bench_alloc(n, sizeof(*job.order));
	for (unsigned i = 0; i < n; i++)
		job.order[i] = i;
	if (!a->fill)
		spread_order(job.order, n);
	print_preamble(&job);
	print_table(&job);
}

/* ---- fits ---- */
static struct costs print_fit(const char *name, const struct curve *curve)
{
	struct costs c = fit_costs(curve);

	printf("%-27s alone %.0f own %.0f", name, c.alone, c.own);
	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
		if (c.seen & (1u << d))
			printf(" %s %.0f", level_names[d], c.hand[d]);
	printf(" ns, re-take %.2f, consumer's share %.2f\n", c.retake, c.consumer);
	return c;
}

static void fit_sweep(struct job *job)
{
	const struct curve *curve = &job->sweep.curve;
	struct costs c;

	read_machine(job);
	read_sweep(job);
	c = print_fit(job->args->sweep, curve);
	for (unsigned i = 0; i < curve->n; i++)
		printf("%4u producers: measured %.3f, model %.3f M/s\n", curve->points[i].mix.n,
		       1e3 / curve->points[i].ns, 1e3 / mean_ns(&c, &curve->points[i].mix));
	printf("rms log ratio %.1f %%, in the fit\n", 100 * fit_error(&c, curve));
	print_doubts(&job->sweep, "");
	if (job->sweep.consumer_not_known)
		printf("The sweep does not say where the consumer was: its share is in the "
		       "hand-overs\n");
	if (!has_enough_points(curve, c.seen))
		printf("%u points are fewer than there are costs: the published hosts fill in\n",
		       curve->n);
}

static void fit(const struct args *a)
{
	static struct job job;

	open_job(&job, a);
	for (unsigned i = 0; !a->sweep && i < job.curves.n; i++)
		print_fit(job.curves.curve[i].name, &job.curves.curve[i]);
	if (a->sweep)
		fit_sweep(&job);
}

int cmd_model(int argc, char **argv)
{
	static struct args a; /* policies stay in use */

	args_parse(&a, argc, argv);
	switch (a.verb) {
	case VERB_CHECK:
		return model_check(a.data);
	case VERB_FIT:
		fit(&a);
		break;
	default:
		predict_tables(&a);
	}
	return BENCH_DONE;
}
