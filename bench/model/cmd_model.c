/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring-bench model check|fit|predict|surface|limits|merge */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

/* A failure that was explained, as an exit status. */
#define FAILED 1
#define USAGE  2

void model_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "numaring-bench: model: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

void model_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		model_error("%s", text);
}

/* ---- the machine ---- */
static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

static int read_line(char *line, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");
	int err = f ? 0 : -errno;

	if (!err && !fgets(line, size, f))
		err = ferror(f) ? -errno : -ENODATA;
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = 0;
	return err;
}

/* host: an XML or .synthetic file, NULL: the description in `synthetic`, or this host. */
static int open_topology(struct nr_topology **out, const char *host, const char *synthetic)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts),
					 .synthetic = synthetic,
					 .log = model_log };
	char line[4096] = "";
	int err;

	if (host && ends_with(host, ".xml")) {
		opts.xml = host;
	} else if (host) {
		err = read_line(line, sizeof(line), host);
		if (err) {
			model_error("%s: %s", host, strerror(-err));
			return FAILED;
		}
		opts.synthetic = line;
	}
	err = nr_topology_open(out, &opts);
	return err && err != -ENOMEM ? FAILED : err; /* the rest was explained */
}

/* Each prefix of this order is spread over the machine as evenly as it can be. */
static unsigned spread_order(unsigned *cpus, unsigned count)
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
	return n;
}

/* ---- what is known ---- */
/* Everything a verb works with. */
struct inputs {
	const struct args *args;
	struct curve *curves;
	unsigned n_curves;
	struct like like;
	struct nr_topology *topo;
	struct machine *machine;
	double across; /* error of predictions across hosts */
	bool own;      /* the machine is the published host itself */
	struct family *family;
	struct sweep_curve sweep; /* if there is one */
};

static void close_inputs(struct inputs *in)
{
	family_free(in->family);
	machine_free(in->machine);
	nr_topology_free(in->topo);
	free(in->curves);
}

static int open_published(struct inputs *in)
{
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/ringbuf_contention.csv", in->args->data);
	err = curves_read(&in->curves, &in->n_curves, path, model_log, NULL);
	if (err)
		return FAILED;
	err = like_parse(&in->like, in->curves, in->n_curves, in->args->like, model_log, NULL);
	return err ? USAGE : 0;
}

static int read_machine(struct inputs *in)
{
	int err = open_topology(&in->topo, in->args->host, in->args->synthetic);

	if (err)
		return err;
	return machine_from_topology(&in->machine, in->topo, in->like.hidden_llc,
				     in->like.hidden_node);
}

/* The sweep is of the machine, unless --sweep-host names another. */
static int read_sweep(struct sweep_curve *out, const struct inputs *in)
{
	struct machine *of = NULL;
	struct nr_topology *topo = NULL;
	int err = 0;

	if (in->args->sweep_host) {
		err = open_topology(&topo, in->args->sweep_host, NULL);
		if (!err)
			err = machine_from_topology(&of, topo, in->like.hidden_llc,
						    in->like.hidden_node);
	}
	if (!err && sweep_curve_read(out, in->args->sweep, "single", of ? of : in->machine,
				     model_log, NULL))
		err = FAILED;
	machine_free(of);
	nr_topology_free(topo);
	return err;
}

static int is_published(bool *out, const struct inputs *in)
{
	struct machine *published = NULL;
	int err = machine_regular(&published, &in->like.host->layout);

	if (err)
		return err;
	*out = in->like.single && machine_alike(published, in->machine);
	machine_free(published);
	return 0;
}

static int use_sweep(struct inputs *in)
{
	struct family *family = NULL;
	int err = read_sweep(&in->sweep, in);

	if (!err)
		err = family_of_sweep(&family, &in->sweep.curve, &in->like.host->prior, in->family,
				      machine_levels(in->machine), in->across);
	if (err)
		return err;
	family_free(in->family);
	in->family = family;
	return 0;
}

static int fit_family(struct inputs *in)
{
	int err = family_fit(&in->family, in->curves, in->n_curves, in->args->like);

	if (!err)
		err = across_hosts(&in->across, in->curves, in->n_curves);
	if (!err)
		err = is_published(&in->own, in);
	if (err)
		return err;
	if (in->args->sweep)
		return use_sweep(in);
	if (!in->own)
		in->family->error = fmax(in->family->error, in->across);
	return 0;
}

/* ---- what is to be known of a sweep ---- */
static void print_rows_left_out(const struct sweep_curve *sweep, const char *begin)
{
	if (sweep->dropped)
		printf("%s%u rows left out: of another record size, memory, burst, order or "
		       "delivery\n",
		       begin, sweep->dropped);
	if (sweep->no_rate)
		printf("%s%u rows left out: valid, but without a rate of records\n", begin,
		       sweep->no_rate);
}

static void print_busy(const struct sweep_curve *sweep, const char *begin)
{
	if (sweep->busy)
		printf("%sThe host was BUSY in %u of the %u rows used, more than %.0f %% of its "
		       "CPU time went elsewhere: producers that do not run neither deliver nor "
		       "contend, so take the costs with care\n",
		       begin, sweep->busy, sweep->curve.n, 100 * BUSY_SHARE);
}

/* ---- tables of predictions ---- */
static void free_shards(struct shards *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(s[i].cpu_shard);
		free(s[i].consumer);
	}
}

static int shards_of(struct shards *s, const struct inputs *in, const char *policy)
{
	struct nr_plan_opts opts = { .sz = sizeof(opts), .policy = policy, .log = model_log };
	const struct machine *m = in->machine;
	struct nr_plan *plan = NULL;
	int err;

	if (!strcmp(policy, "perfbuf"))
		return 0;
	err = nr_plan_make(&plan, in->topo, &opts);
	if (err)
		return err == -EINVAL ? USAGE : err; /* the first was explained */
	s->cpu_shard = calloc(m->n_cpus, sizeof(*s->cpu_shard));
	s->consumer = calloc(plan->n_shards, sizeof(*s->consumer));
	if (!s->cpu_shard || !s->consumer) {
		err = -ENOMEM;
		goto out;
	}
	s->n = plan->n_shards;
	for (unsigned i = 0; i < m->n_cpus; i++)
		s->cpu_shard[i] = plan->cpu_shard[m->os[i]];
	for (unsigned i = 0; i < s->n; i++)
		s->consumer[i] = machine_index(m, nr_plan_shard_at(plan, i)->consumer_cpus[0]);
out:
	nr_plan_free(plan);
	return err;
}

static const char *const level_names[] = { "cpu", "core", "llc", "node", "package", "other" };

static void print_levels(unsigned levels)
{
	const char *between = "";

	for (unsigned d = 0; d < N_LEVELS; d++)
		if (levels & (1u << d)) {
			printf("%s%s", between, level_names[d]);
			between = ", ";
		}
}

static void print_source(const struct inputs *in)
{
	const struct args *a = in->args;

	if (!a->sweep) {
		printf("like %s%s", a->like, in->own ? "" : ", which it is not");
		return;
	}
	printf("costs from %s", a->sweep);
	if (!in->family->borrowed)
		return;
	printf(", hand-overs it does not contain (");
	print_levels(in->family->borrowed);
	printf(") from %s", a->like);
}

static void print_preamble(const struct inputs *in)
{
	const struct args *a = in->args;

	printf("%sPredicted, not measured: %u CPUs, ", a->markdown ? "" : "# ",
	       in->machine->n_cpus);
	print_source(in);
	printf(" (%u parameter set%s, error %.0f %%), seed %llu.\n%sEach figure: middle [lowest, "
	       "highest]. Producers %s.\n",
	       in->family->n, in->family->n == 1 ? "" : "s", 100 * in->family->error,
	       (unsigned long long)a->seed, a->markdown ? "" : "# ",
	       a->fill ? "fill one cache domain after the other" : "spread evenly");
	print_rows_left_out(&in->sweep, a->markdown ? "" : "# ");
	print_busy(&in->sweep, a->markdown ? "" : "# ");
	if (a->markdown)
		printf("\n");
}

static int check_producers(const struct args *a, unsigned n_cpus)
{
	for (unsigned i = 0; i < a->n_producers; i++)
		if (a->producers[i] > n_cpus) {
			model_error("--producers %u: the machine has %u CPUs", a->producers[i],
				    n_cpus);
			return USAGE;
		}
	return 0;
}

static int print_tables(const struct inputs *in)
{
	const struct args *a = in->args;
	unsigned *order = calloc(in->machine->n_cpus, sizeof(*order));
	struct shards shards[MAX_LIST] = { 0 };
	struct job job = { a, in->machine, in->family, shards, order };
	int err = order ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < a->n_policies; i++)
		err = shards_of(&shards[i], in, a->policies[i]);
	if (err)
		goto out;
	if (a->fill)
		for (unsigned i = 0; i < in->machine->n_cpus; i++)
			order[i] = i;
	else
		spread_order(order, in->machine->n_cpus);
	print_preamble(in);
	err = print_table(&job);
out:
	free_shards(shards, a->n_policies);
	free(order);
	return err;
}

static int predict_tables(const struct args *a)
{
	struct inputs in = { .args = a };
	int err = open_published(&in);

	if (!err)
		err = read_machine(&in);
	if (!err)
		err = check_producers(a, in.machine->n_cpus);
	if (!err)
		err = fit_family(&in);
	if (!err)
		err = print_tables(&in);
	close_inputs(&in);
	return err;
}

/* ---- fits ---- */
static void print_costs(const char *name, const struct costs *c)
{
	printf("%-27s alone %.0f own %.0f", name, c->alone, c->own);
	for (unsigned d = NR_SAME_LLC; d < N_LEVELS; d++)
		if (c->seen & (1u << d))
			printf(" %s %.0f", level_names[d], c->hand[d]);
	printf(" ns, re-take %.2f, consumer's share %.2f\n", c->retake, c->consumer);
}

static void print_fitted_sweep(const char *path, const struct sweep_curve *sweep,
			       const struct costs *c)
{
	const struct curve *curve = &sweep->curve;
	double sum = 0;

	print_costs(path, c);
	for (unsigned i = 0; i < curve->n; i++) {
		const struct point *p = &curve->points[i];
		double ns = mean_ns(c, &p->mix);

		printf("%4u producers: measured %.3f, model %.3f M/s\n", p->mix.n, 1e3 / p->ns,
		       1e3 / ns);
		sum += log(ns / p->ns) * log(ns / p->ns);
	}
	printf("rms log ratio %.1f %%, in the fit\n", 100 * sqrt(sum / curve->n));
	print_rows_left_out(sweep, "");
	print_busy(sweep, "");
	if (sweep->consumer_not_known)
		printf("where the consumer was is not told: its share is in the hand-overs\n");
	if (curve->n < 3 + (unsigned)__builtin_popcount(c->seen))
		printf("%u points are fewer than there are costs: what the published hosts have "
		       "fills in\n",
		       curve->n);
}

static int fit(const struct args *a)
{
	struct inputs in = { .args = a };
	struct costs c;
	int err = open_published(&in);

	for (unsigned i = 0; !err && !a->sweep && i < in.n_curves; i++) {
		fit_costs(&c, &in.curves[i], &host_of(in.curves[i].name)->prior);
		print_costs(in.curves[i].name, &c);
	}
	if (!err && a->sweep) {
		err = read_machine(&in);
		if (!err)
			err = read_sweep(&in.sweep, &in);
		if (!err) {
			fit_costs(&c, &in.sweep.curve, &in.like.host->prior);
			print_fitted_sweep(a->sweep, &in.sweep, &c);
		}
	}
	close_inputs(&in);
	return err;
}

/* ---- command ---- */
static int run(const struct args *a)
{
	switch (a->verb) {
	case VERB_CHECK:
		return model_check(a->data);
	case VERB_FIT:
		return fit(a);
	case VERB_MERGE:
		return model_merge();
	default:
		return predict_tables(a);
	}
}

int cmd_model(int argc, char **argv)
{
	struct args a;
	int err;

	args_parse(&a, argc, argv);
	err = run(&a);
	if (err < 0)
		model_error("%s", strerror(-err));
	return err < 0 ? FAILED : err;
}
