/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arguments of numaring-bench model. All of them are read before anything is printed. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../bench.h"
#include "cmd.h"

#define DEFAULT_SEED 20200529

/* ---- values ---- */
/* Calls one() for each word of a list; -EINVAL for a bad word, -E2BIG for too many. */
static int each_word(struct args *a, const char *list, unsigned *count,
		     int (*one)(struct args *a, const char *word))
{
	char word[32];
	int err = 0;

	for (*count = 0; !err; list++) {
		size_t n = strcspn(list, ",");

		if (!n || n >= sizeof(word))
			return -EINVAL;
		if (*count == MAX_LIST)
			return -E2BIG;
		snprintf(word, sizeof(word), "%.*s", (int)n, list);
		err = one(a, word);
		++*count;
		list += n;
		if (!*list)
			break;
	}
	return err;
}

static int add_policy(struct args *a, const char *word)
{
	snprintf(a->policies[a->n_policies], sizeof(a->policies[0]), "%s", word);
	return 0;
}

static int parse_positive(const char *s, unsigned *out)
{
	uint64_t v;

	if (bench_parse_count(s, &v) || !v || v > UINT_MAX)
		return -EINVAL;
	*out = v;
	return 0;
}

static int add_producers(struct args *a, const char *word)
{
	unsigned *n = &a->producers[a->n_producers];

	*n = 0;
	return strcmp(word, "all") ? parse_positive(word, n) : 0;
}

static int add_rate(struct args *a, const char *word)
{
	uint64_t v = 0;

	if (strcmp(word, "flat") && bench_parse_count(word, &v))
		return -EINVAL;
	a->rates[a->n_rates] = v;
	return 0;
}

static bool ascends(const struct interval *i)
{
	return i->lo <= i->mid && i->mid <= i->hi && isfinite(i->hi);
}

static int parse_merge(struct rest *rest, const char *s)
{
	struct interval a, b;
	int end = 0;

	if (sscanf(s, "%lf,%lf,%lf,%lf,%lf,%lf%n", &a.lo, &a.mid, &a.hi, &b.lo, &b.mid, &b.hi,
		   &end) != 6 ||
	    s[end] || !(a.lo > 0) || !(b.lo >= 0) || !ascends(&a) || !ascends(&b))
		return -EINVAL;
	rest->merge_ns = a;
	rest->merge_log2_ns = b;
	return 0;
}

static int parse_verb(enum verb *out, const char *s)
{
	static const char *const verbs[] = {
		[VERB_CHECK] = "check",	    [VERB_FIT] = "fit",	      [VERB_PREDICT] = "predict",
		[VERB_SURFACE] = "surface", [VERB_LIMITS] = "limits", [VERB_MERGE] = "merge",
	};

	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(s, verbs[i])) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

/* ---- options ---- */
enum {
	OPT_DATA = 1000,
	OPT_SYNTHETIC,
	OPT_MERGE,
	OPT_SEED,
	OPT_WAKEUPS,
	OPT_MARKDOWN,
	OPT_FILL,
	OPT_SWEEP,
	OPT_SWEEP_HOST,
};

static const struct argp_option options[] = {
	{ "data", OPT_DATA, "DIR", 0, "published curves (default: those installed)", 0 },
	{ "host", 'H', "FILE", 0, "machine: an hwloc XML or .synthetic file (default: this host)",
	  0 },
	{ "synthetic", OPT_SYNTHETIC, "TEXT", 0, "machine: an hwloc synthetic description", 0 },
	{ "like", 'l', "SERIES", 0,
	  "published hosts the machine is like, as prefixes of their series: e5_2680v4, spr, "
	  "epyc9654, kunpeng920, ryzen7950x (default: e5_2680v4,spr)",
	  0 },
	{ "sweep", OPT_SWEEP, "FILE", 0,
	  "take costs from a sweep of the machine; --like fills in distances it lacks", 0 },
	{ "sweep-host", OPT_SWEEP_HOST, "FILE", 0,
	  "the sweep is of this machine, not of the one that is predicted", 0 },
	{ "policy", 'p', "LIST", 0, "policies, and perfbuf (default: single,node,llc,perfbuf)", 0 },
	{ "producers", 'n', "LIST", 0, "numbers of producers, or all (default: all)", 0 },
	{ "rate", 'r', "LIST", 0,
	  "records/s of each producer, with k, M or G, or flat (default: 1k,10k,100k,flat)", 0 },
	{ "fill", OPT_FILL, NULL, 0, "producers fill one cache domain after the other", 0 },
	{ "wakeup-events", OPT_WAKEUPS, "N", 0, "perfbuf: records per wake-up (default: 500)", 0 },
	{ "merge", OPT_MERGE, "A,B,C,D,E,F", 0,
	  "ns per record of the merge: low, middle, high, and the same for each doubling of the "
	  "rings",
	  0 },
	{ "markdown", OPT_MARKDOWN, NULL, 0, "print tables in Markdown", 0 },
	{ "seed", OPT_SEED, "N", 0, "seed of the simulation", 0 },
	{ 0 }
};

/* The sweep to fit is an argument; elsewhere it is an option, which fit takes too. */
static void parse_word(struct args *a, struct argp_state *state, char *arg)
{
	if (!state->arg_num) {
		if (parse_verb(&a->verb, arg))
			argp_error(state,
				   "unknown verb %s: use check, fit, predict, surface, limits or "
				   "merge",
				   arg);
	} else if (state->arg_num > 1 || a->verb != VERB_FIT) {
		argp_error(state, "unexpected argument %s", arg);
	} else if (a->sweep) {
		argp_error(state, "fit %s --sweep %s: one sweep at a time", arg, a->sweep);
	} else {
		a->sweep = arg;
	}
}

static void parse_list(struct args *a, struct argp_state *state, int key, const char *arg)
{
	if (key == 'p' && each_word(a, arg, &a->n_policies, add_policy))
		argp_error(state, "--policy %s: give a list of at most %d policies", arg, MAX_LIST);
	if (key == 'n' && each_word(a, arg, &a->n_producers, add_producers))
		argp_error(state,
			   "--producers %s: give a list of at most %d numbers from 1, or all", arg,
			   MAX_LIST);
	if (key == 'r' && each_word(a, arg, &a->n_rates, add_rate))
		argp_error(state,
			   "--rate %s: give a list of at most %d whole numbers with k, M or G, or "
			   "flat",
			   arg, MAX_LIST);
}

static void parse_number(struct args *a, struct argp_state *state, int key, const char *arg)
{
	if (key == OPT_WAKEUPS && parse_positive(arg, &a->rest.perf_sample))
		argp_error(state, "--wakeup-events %s: give a number from 1", arg);
	if (key == OPT_SEED && bench_parse_count(arg, &a->seed))
		argp_error(state, "--seed %s: give a number", arg);
	if (key == OPT_MERGE && parse_merge(&a->rest, arg))
		argp_error(state,
			   "--merge %s: give six numbers, each three of them ascending, as in "
			   "5,20,60,7,9.5,14",
			   arg);
}

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
	case OPT_SWEEP:
		if (a->sweep)
			argp_error(state, "--sweep %s and %s: one sweep at a time", a->sweep, arg);
		a->sweep = arg;
		break;
	case OPT_SWEEP_HOST:
		a->sweep_host = arg;
		break;
	case OPT_FILL:
		a->fill = true;
		break;
	case OPT_MARKDOWN:
		a->markdown = true;
		break;
	case 'p':
	case 'n':
	case 'r':
		parse_list(a, state, key, arg);
		break;
	case OPT_WAKEUPS:
	case OPT_MERGE:
	case OPT_SEED:
		parse_number(a, state, key, arg);
		break;
	case ARGP_KEY_ARG:
		parse_word(a, state, arg);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "give a verb: check, fit, predict, surface, limits or merge");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* A limit is of a lock and of a rate. */
static void check_limits(const struct args *a)
{
	for (unsigned i = 0; i < a->n_policies; i++)
		if (!strcmp(a->policies[i], "perfbuf"))
			bench_die(BENCH_USAGE, "limits --policy perfbuf: perf buffers have no lock "
					       "to saturate");
	for (unsigned i = 0; i < a->n_rates; i++)
		if (a->rates[i] == 0)
			bench_die(BENCH_USAGE,
				  "limits --rate flat: a limit is the number of producers at a "
				  "rate; use --rate 100k or the like");
}

void args_parse(struct args *a, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "check\nfit [SWEEP.jsonl]\npredict\nsurface\nlimits\nmerge",
		.doc = "Model the contention of producers for ring locks.\v"
		       "check: errors against everything published; exit status 1 if a stated "
		       "bound is exceeded.\n"
		       "fit: hand-over costs from the published curves, or from a sweep of the "
		       "machine.\n"
		       "predict: throughput and cost of a reservation, as intervals.\n"
		       "surface: the same as a table of producers and policies by rates.\n"
		       "limits: the number of producers at which a policy is no longer enough.\n"
		       "merge: cost of this host's merge for a record, by number of sources.\n",
	};
	bool limits;

	*a = (struct args){
		.data = access(NR_MODEL_DATA, R_OK) ? NR_MODEL_DATA_SOURCE : NR_MODEL_DATA,
		.like = "e5_2680v4,spr",
		.rest = rest_default,
		.seed = DEFAULT_SEED,
	};
	argp_err_exit_status = BENCH_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, a);
	limits = a->verb == VERB_LIMITS;
	if (!a->n_policies)
		each_word(a, limits ? "single,node,llc" : "single,node,llc,perfbuf", &a->n_policies,
			  add_policy);
	if (!a->n_producers)
		each_word(a, "all", &a->n_producers, add_producers);
	if (!a->n_rates)
		each_word(a, limits ? "1k,10k,100k" : "1k,10k,100k,flat", &a->n_rates, add_rate);
	if (limits)
		check_limits(a);
	if (a->sweep_host && !a->sweep)
		bench_die(BENCH_USAGE, "--sweep-host is the machine of a sweep, and there is no "
				       "--sweep");
}
