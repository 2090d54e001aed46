/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arguments of numaring-bench model. All of them are read before anything is printed. */
#include <limits.h>
#include <math.h>
#include <unistd.h>

#include "../bench.h"
#include "cmd.h"

/* ---- values ---- */
static void refuse_list(const char *option, const char *list)
{
	errx(BENCH_USAGE, "--%s %s: invalid list; see numaring-bench model --help", option, list);
}

/* Cuts a list into words, in place; returns how many. */
static unsigned split(const char *option, const char *list, char *rest, char **words)
{
	unsigned n = 0;

	for (char *word; (word = strsep(&rest, ",")); words[n++] = word)
		if (!*word || n == MAX_LIST)
			refuse_list(option, list);
	return n;
}

/* A list of counts; the word `zero` stands for 0. */
static unsigned split_counts(const char *option, const char *list, const char *zero, uint64_t least,
			     double *counts)
{
	char *words[MAX_LIST];
	unsigned n = split(option, list, strdupa(list), words);

	for (unsigned i = 0; i < n; i++) {
		uint64_t v = 0;

		if (strcmp(words[i], zero) && (parse_count(words[i], &v) || v < least))
			refuse_list(option, list);
		counts[i] = v;
	}
	return n;
}

static bool ascend(const double v[3])
{
	return v[0] <= v[1] && v[1] <= v[2] && isfinite(v[2]);
}

static int parse_merge(void *args, const char *s)
{
	struct rest *rest = &((struct args *)args)->rest;
	double a[3], b[3];
	int end = 0;

	if (sscanf(s, "%lf,%lf,%lf,%lf,%lf,%lf%n", &a[0], &a[1], &a[2], &b[0], &b[1], &b[2],
		   &end) != 6 ||
	    s[end] || !(a[0] > 0) || !(b[0] >= 0) || !ascend(a) || !ascend(b))
		return -EINVAL;
	memcpy(rest->merge_ns, a, sizeof(a));
	memcpy(rest->merge_log2_ns, b, sizeof(b));
	return 0;
}

/* ---- options ---- */
#define AT(field) .offset = offsetof(struct args, field)

static const struct opt options[] = {
	{ "data", 0, "DIR", "published curves (default: those installed)", OPTION_TEXT, AT(data) },
	{ "host", 'H', "FILE", "machine: an hwloc XML or .synthetic file (default: this host)",
	  OPTION_TEXT, AT(host) },
	{ "synthetic", 0, "TEXT", "machine: an hwloc synthetic description", OPTION_TEXT,
	  AT(synthetic) },
	{ "like", 'l', "SERIES",
	  "published hosts the machine is like, as prefixes of their series: e5_2680v4, spr, "
	  "epyc9654, kunpeng920, ryzen7950x (default: e5_2680v4,spr)",
	  OPTION_TEXT, AT(like) },
	{ "sweep", 0, "FILE",
	  "take costs from a sweep of the machine; --like fills in distances it lacks", OPTION_TEXT,
	  AT(sweep) },
	{ "sweep-host", 0, "FILE", "the sweep is of this machine, not of the one that is predicted",
	  OPTION_TEXT, AT(sweep_host) },
	{ "policy", 'p', "LIST",
	  "at most 32 policies, lane (one for each CPU) and perfbuf (default: "
	  "single,node,llc,lane,perfbuf)",
	  OPTION_TEXT, AT(policy_list) },
	{ "producers", 'n', "LIST", "at most 32 numbers of producers from 1, or all (default: all)",
	  OPTION_TEXT, AT(producer_list) },
	{ "rate", 'r', "LIST",
	  "at most 32 whole numbers of records/s of each producer, with k, M or G, or flat "
	  "(default: 1k,10k,100k,flat)",
	  OPTION_TEXT, AT(rate_list) },
	{ "fill", 0, NULL, "producers fill one cache domain after the other", OPTION_FLAG,
	  AT(fill) },
	{ "wakeup-events", 0, "N", "perfbuf: records per wake-up, from 1 (default: 500)",
	  OPTION_COUNT, AT(rest.perf_sample), .number = { 1, UINT_MAX } },
	{ "merge", 0, "A,B,C,D,E,F",
	  "ns per record of the merge: low, middle, high, and the same for each doubling of the "
	  "rings, as in 4,16,48,1.4,1.9,2.8",
	  OPTION_PARSED, .parse = parse_merge },
	{ "merges", 0, "N", "merge threads, from 1 (default: 1)", OPTION_COUNT, AT(rest.merges),
	  .number = { 1, 64 } },
	{ "markdown", 0, NULL, "print tables in Markdown", OPTION_FLAG, AT(markdown) },
	{ "seed", 0, "N", "seed of the simulation", OPTION_COUNT, AT(seed),
	  .number = { 0, INT64_MAX } },
};

static enum verb find_verb(const char *s)
{
	static const char *const verbs[] = {
		[VERB_CHECK] = "check",	    [VERB_FIT] = "fit",	      [VERB_PREDICT] = "predict",
		[VERB_SURFACE] = "surface", [VERB_LIMITS] = "limits",
	};

	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(s, verbs[i]))
			return i;
	errx(BENCH_USAGE, "model %s: unknown; use check, fit, predict, surface or limits", s);
}

/* The sweep to fit is an argument; elsewhere it is an option, which fit takes too. */
static void take_sweep(struct args *a, const char *sweep)
{
	if (a->verb != VERB_FIT)
		errx(BENCH_USAGE, "unexpected argument \"%s\"", sweep);
	if (a->sweep)
		errx(BENCH_USAGE, "fit %s --sweep %s: one sweep at a time", sweep, a->sweep);
	a->sweep = sweep;
}

/* A limit is of a lock and of a rate. */
static void check_limits(const struct args *a)
{
	for (unsigned i = 0; i < a->n_policies; i++)
		if (!strcmp(a->policies[i], "perfbuf") || !strcmp(a->policies[i], "lane"))
			errx(BENCH_USAGE,
			     "limits --policy %s: it has no lock to saturate; use predict",
			     a->policies[i]);
	for (unsigned i = 0; i < a->n_rates; i++)
		if (a->rates[i] == 0)
			errx(BENCH_USAGE,
			     "limits --rate flat: a limit is the number of producers at a "
			     "rate; use --rate 100k or the like");
}

void args_parse(struct args *a, int argc, char **argv)
{
	const char *words[2] = { NULL, NULL };
	const struct command_line line = {
		.doc = "Model the contention of producers for ring locks.\v"
		       "check: errors against everything published; exit status 1 if a stated "
		       "bound is exceeded.\n"
		       "fit: hand-over costs from the published curves, or from a sweep of the "
		       "machine.\n"
		       "predict: throughput and cost of a reservation, as intervals.\n"
		       "surface: the same as a table of producers and policies by rates.\n"
		       "limits: the number of producers at which a policy is no longer enough.\n\n"
		       "Example:\n"
		       "  numaring-bench model predict --like epyc9654 --rate 100k,flat",
		.args_doc = "check\nfit [SWEEP.jsonl]\npredict\nsurface\nlimits",
		OPTIONS(options),
		.base = a,
		.words = words,
		.least_words = 1,
		.most_words = 2,
	};
	char *policies;
	bool limits;

	*a = (struct args){
		.data = access(NR_MODEL_DATA, R_OK) ? NR_MODEL_DATA_SOURCE : NR_MODEL_DATA,
		.like = "e5_2680v4,spr",
		.producer_list = "all",
		.rest = rest_default,
		.seed = DEFAULT_SEED,
	};
	options_parse(&line, argc, argv);
	a->verb = find_verb(words[0]);
	if (words[1])
		take_sweep(a, words[1]);
	limits = a->verb == VERB_LIMITS;
	if (!a->policy_list)
		a->policy_list = limits ? "single,node,llc" : "single,node,llc,lane,perfbuf";
	if (!a->rate_list)
		a->rate_list = limits ? "1k,10k,100k" : "1k,10k,100k,flat";
	policies = bench_alloc(strlen(a->policy_list) + 1, 1); /* until the end of the process */
	a->n_policies =
		split("policy", a->policy_list, strcpy(policies, a->policy_list), a->policies);
	a->n_producers = split_counts("producers", a->producer_list, "all", 1, a->producers);
	a->n_rates = split_counts("rate", a->rate_list, "flat", 0, a->rates);
	if (limits)
		check_limits(a);
	if (a->sweep_host && !a->sweep)
		errx(BENCH_USAGE, "--sweep-host is the machine of a sweep, and there is no "
				  "--sweep");
}
