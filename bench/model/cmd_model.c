/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* numaring-bench model check|fit|predict|surface|limits */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

#define DEFAULT_SEED 20200529

static int parse_merge(struct nr_model_rest *rest, const char *s)
{
	struct nr_model_interval *a = &rest->merge_ns, *b = &rest->merge_log2_ns;

	if (!s)
		return 0;
	return sscanf(s, "%lf,%lf,%lf,%lf,%lf,%lf", &a->lo, &a->mid, &a->hi, &b->lo, &b->mid,
		      &b->hi) == 6 &&
			       a->lo > 0 && b->lo >= 0
		       ? 0
		       : -EINVAL;
}

void nr_model_print_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "numaring-bench: %s\n", text);
}

/* ---- the machine ----------------------------------------------------------------------------- */
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
		err = -ENODATA;
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = 0;
	return err;
}

static int open_topology(struct nr_topology **out, const struct args *a)
{
	struct nr_topology_opts opts = { .sz = sizeof(opts),
					 .synthetic = a->synthetic,
					 .log = nr_model_print_log };
	char line[4096] = "";
	int err;

	if (a->host && ends_with(a->host, ".xml")) {
		opts.xml = a->host;
	} else if (a->host) {
		err = read_line(line, sizeof(line), a->host);
		if (err) {
			fprintf(stderr, "numaring-bench: %s: %s\n", a->host, strerror(-err));
			return err;
		}
		opts.synthetic = line;
	}
	return nr_topology_open(out, &opts);
}

static int machine_of(struct nr_model_machine **out, const struct nr_topology *topo,
		      const char *like)
{
	const struct nr_model_host *host = like ? nr_model_host_of(like) : NULL;

	return nr_model_machine_from_topology(out, topo, host ? host->hidden_llc : 0,
					      host ? host->hidden_node : 0);
}

/* Each prefix of this order is spread over the machine as evenly as it can be. */
static unsigned spread_order(unsigned *cpus, unsigned nr)
{
	unsigned n = 0, bits = 0;

	while ((1u << bits) < nr)
		bits++;
	for (unsigned i = 0; i < 1u << bits; i++) {
		unsigned cpu = 0;

		for (unsigned b = 0; b < bits; b++)
			cpu |= (i >> b & 1) << (bits - 1 - b);
		if (cpu < nr)
			cpus[n++] = cpu;
	}
	return n;
}

/* ---- verbs ----------------------------------------------------------------------------------- */
static int read_published(struct nr_model_curve **out, unsigned *nr, const struct args *a)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/ringbuf_contention.csv", a->data);
	return nr_model_read_published(out, nr, path, nr_model_print_log, NULL);
}

static void print_preamble(const struct args *a, const struct job *job)
{
	printf("%sPredicted, not measured: %u CPUs, like %s (%u parameter sets, error %.0f %%), "
	       "seed %llu.\n%sEach figure: middle [lowest, highest]. Producers %s.\n%s",
	       a->markdown ? "" : "# ", job->machine->nr_cpus, a->like, job->family->nr,
	       100 * job->family->error, (unsigned long long)a->seed, a->markdown ? "" : "# ",
	       a->fill ? "fill one cache domain after the other" : "spread evenly",
	       a->markdown ? "\n" : "");
}

static int predict(const struct args *a)
{
	struct job job = { .args = a, .rest = nr_model_rest_default };
	struct nr_model_curve *curves = NULL;
	struct nr_model_machine *machine = NULL;
	struct nr_model_family *family = NULL;
	struct nr_topology *topo = NULL;
	unsigned nr = 0;
	int err;

	job.rest.perf_sample = a->perf_sample;
	err = parse_merge(&job.rest, a->merge);
	if (err)
		goto out;
	err = open_topology(&topo, a);
	if (err)
		goto out;
	err = machine_of(&machine, topo, a->like);
	if (err)
		goto out;
	err = read_published(&curves, &nr, a);
	if (err)
		goto out;
	err = nr_model_family_fit(&family, curves, nr, a->like);
	if (err)
		goto out;
	job.topo = topo;
	job.machine = machine;
	job.family = family;
	job.order = calloc(machine->nr_cpus, sizeof(*job.order));
	if (!job.order) {
		err = -ENOMEM;
		goto out;
	}
	if (a->fill)
		for (unsigned i = 0; i < machine->nr_cpus; i++)
			job.order[i] = i;
	else
		spread_order(job.order, machine->nr_cpus);
	print_preamble(a, &job);
	err = nr_model_print_table(&job);
out:
	free(job.order);
	nr_model_family_free(family);
	nr_model_machine_free(machine);
	nr_topology_free(topo);
	free(curves);
	return err;
}

static void print_costs(const char *name, const struct nr_model_costs *c)
{
	static const char *const names[] = { "cpu", "core", "llc", "node", "package", "other" };

	printf("%-27s alone %.0f own %.0f", name, c->alone, c->own);
	for (unsigned d = NR_SAME_LLC; d < NR_MODEL_LEVELS; d++)
		if (c->seen & (1u << d))
			printf(" %s %.0f", names[d], c->hand[d]);
	printf(" ns, re-take %.2f, consumer's share %.2f\n", c->retake, c->consumer);
}

static int fit_published(const struct args *a)
{
	struct nr_model_curve *curves = NULL;
	struct nr_model_costs c;
	unsigned nr = 0;
	int err = read_published(&curves, &nr, a);

	for (unsigned i = 0; !err && i < nr; i++) {
		nr_model_fit(&c, &curves[i], &nr_model_host_of(curves[i].name)->prior);
		print_costs(curves[i].name, &c);
	}
	free(curves);
	return err;
}

static int fit_sweep(const struct args *a)
{
	const struct nr_model_host *host = nr_model_host_of(a->like);
	struct nr_model_machine *machine = NULL;
	struct nr_topology *topo = NULL;
	struct nr_model_curve curve;
	struct nr_model_costs c;
	double sum = 0;
	int err = open_topology(&topo, a);

	if (err)
		goto out;
	err = machine_of(&machine, topo, a->like);
	if (err)
		goto out;
	err = nr_model_read_sweep(&curve, a->file, machine, nr_model_print_log, NULL);
	if (err)
		goto out;
	nr_model_fit(&c, &curve, &(host ? host : &nr_model_hosts[0])->prior);
	print_costs(a->file, &c);
	for (unsigned i = 0; i < curve.nr; i++) {
		const struct nr_model_point *p = &curve.points[i];
		double ns = nr_model_mean_ns(&c, &p->mix);

		printf("%4u producers: measured %.3f, model %.3f M/s\n", p->mix.nr, 1e3 / p->ns,
		       1e3 / ns);
		sum += log(ns / p->ns) * log(ns / p->ns);
	}
	printf("rms log ratio %.1f %%, in the fit\n", 100 * sqrt(sum / curve.nr));
	if (curve.nr < 3 + (unsigned)__builtin_popcount(c.seen))
		printf("%u points are fewer than there are costs: what the published hosts have "
		       "fills in\n",
		       curve.nr);
out:
	nr_model_machine_free(machine);
	nr_topology_free(topo);
	return err;
}

/* ---- options --------------------------------------------------------------------------------- */
enum { OPT_DATA = 1000, OPT_SYNTHETIC, OPT_MERGE, OPT_SEED, OPT_WAKEUPS, OPT_MARKDOWN, OPT_FILL };

static const struct argp_option options[] = {
	{ "data", OPT_DATA, "DIR", 0, "the published curves (default: those installed)", 0 },
	{ "host", 'H', "FILE", 0, "machine: an hwloc XML or .synthetic file; default: this host",
	  0 },
	{ "synthetic", OPT_SYNTHETIC, "TEXT", 0, "machine: an hwloc synthetic description", 0 },
	{ "like", 'l', "SERIES", 0,
	  "published hosts the machine is like, prefixes of their series: e5_2680v4, spr, "
	  "epyc9654, kunpeng920, ryzen7950x (default: e5_2680v4,spr)",
	  0 },
	{ "policy", 'p', "LIST", 0, "policies, and perfbuf (default: single,node,llc,perfbuf)", 0 },
	{ "producers", 'n', "LIST", 0, "numbers of producers, or all (default: all)", 0 },
	{ "rate", 'r', "LIST", 0,
	  "records/s of each producer, k and M allowed, or flat "
	  "(default: 1k,10k,100k,flat)",
	  0 },
	{ "fill", OPT_FILL, NULL, 0, "producers fill one cache domain after the other", 0 },
	{ "wakeup-events", OPT_WAKEUPS, "N", 0, "perfbuf: records per wake-up (default: 500)", 0 },
	{ "merge", OPT_MERGE, "A,B,C,D,E,F", 0,
	  "ns per record of the merge, low, middle, high, and for each doubling of the rings", 0 },
	{ "markdown", OPT_MARKDOWN, NULL, 0, "tables in Markdown", 0 },
	{ "seed", OPT_SEED, "N", 0, "of the simulation", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_DATA:
		a->data = arg;
		break;
	case 'H':
		a->host = arg;
		break;
	case OPT_SYNTHETIC:
		a->synthetic = arg;
		break;
	case 'l':
		a->like = arg;
		break;
	case 'p':
		a->policies = arg;
		break;
	case 'n':
		a->producers = arg;
		break;
	case 'r':
		a->rates = arg;
		break;
	case OPT_FILL:
		a->fill = true;
		break;
	case OPT_WAKEUPS:
		a->perf_sample = strtoul(arg, NULL, 0);
		if (!a->perf_sample)
			argp_error(state, "--wakeup-events is a number from 1");
		break;
	case OPT_MERGE:
		a->merge = arg;
		break;
	case OPT_MARKDOWN:
		a->markdown = true;
		break;
	case OPT_SEED:
		a->seed = strtoull(arg, NULL, 0);
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "too many arguments");
		*(state->arg_num ? &a->file : &a->verb) = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "what: check, fit, predict, surface or limits?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	options,
	parse,
	"check\nfit [SWEEP.jsonl]\npredict\nsurface\nlimits",
	"Contention of producers for ring locks, modelled.\v"
	"check: errors against everything published; exit status 1 if a stated bound is exceeded.\n"
	"fit: hand-over costs from the published curves, or from a sweep of the machine.\n"
	"predict: throughput and cost of a reservation, as intervals.\n"
	"surface: the same as a table of producers and policies by rates.\n"
	"limits: the number of producers at which a policy is no longer enough.\n",
	NULL,
	NULL,
	NULL
};

static const char *default_data(void)
{
	return access(NR_MODEL_DATA, R_OK) ? NR_MODEL_DATA_SOURCE : NR_MODEL_DATA;
}

static int run(const struct args *a)
{
	if (!strcmp(a->verb, "check"))
		return nr_model_check(a->data);
	if (!strcmp(a->verb, "fit"))
		return a->file ? fit_sweep(a) : fit_published(a);
	if (!strcmp(a->verb, "predict") || !strcmp(a->verb, "surface") ||
	    !strcmp(a->verb, "limits"))
		return predict(a);
	fprintf(stderr,
		"numaring-bench: model %s: no such thing; check, fit, predict, surface, limits\n",
		a->verb);
	return 2;
}

int cmd_model(int argc, char **argv)
{
	struct args a = {
		.data = default_data(),
		.like = "e5_2680v4,spr",
		.policies = "single,node,llc,perfbuf",
		.producers = "all",
		.rates = "1k,10k,100k,flat",
		.perf_sample = nr_model_rest_default.perf_sample,
		.seed = DEFAULT_SEED,
	};
	int err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	err = run(&a);
	if (err < 0)
		fprintf(stderr, "numaring-bench: model %s: %s\n", a.verb, strerror(-err));
	return err < 0 ? 1 : err;
}
