/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a merge cannot do without: the loser tree that numaring and the bench's perf buffers use,
 * and the copy of a record. No queues, no check, no file: less than any merge costs.
 */
#include <math.h>

#include "../bench.h"
#include "merge/tree.h"
#include "model.h"

#define N_RECORDS 2000000u
#define N_TIMES	  5
#define OUT	  4096u /* records before the output begins anew: it stays in the cache */
#define MAX_N	  512u

struct record {
	uint64_t ts, payload[2];
};

struct sources {
	struct record *records; /* those of a source are next to each other, sorted */
	uint32_t next[MAX_N], end[MAX_N];
	uint32_t n;
};

/* Independent streams of the same rate. */
static void fill_sources(struct sources *s, struct rng *rng)
{
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t ts = 0;

		s->next[i] = (uint64_t)N_RECORDS * i / s->n;
		s->end[i] = (uint64_t)N_RECORDS * (i + 1) / s->n;
		for (uint32_t r = s->next[i]; r < s->end[i]; r++) {
			ts += 1 + rng_exp(rng, 1e6);
			s->records[r].ts = ts;
		}
	}
}

static void set_key(struct nr_tree *tree, const struct sources *s, uint32_t i)
{
	tree->dry[i] = s->next[i] == s->end[i];
	if (!tree->dry[i])
		tree->key[i] = s->records[s->next[i]].ts;
}

/* ns per record, CPU time. */
static double merge_once(struct nr_tree *tree, struct sources *s, struct record *out)
{
	uint64_t begin = bench_clock(CLOCK_THREAD_CPUTIME_ID);

	for (uint32_t i = 0; i < s->n; i++)
		set_key(tree, s, i);
	nr_tree_build(tree);
	for (uint32_t n = 0; n < N_RECORDS; n++) {
		uint32_t i = nr_tree_winner(tree);

		out[n % OUT] = s->records[s->next[i]++];
		set_key(tree, s, i);
		nr_tree_replay(tree);
	}
	return (double)(bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin) / N_RECORDS;
}

static void measure(struct sources *s, struct record *out)
{
	struct rng rng = { DEFAULT_SEED };
	double least = INFINITY, most = 0;
	struct nr_tree tree = { 0 };

	if (nr_tree_init(&tree, s->n))
		errx(BENCH_FAILED, "out of memory");
	for (unsigned i = 0; i < N_TIMES; i++) {
		double ns;

		fill_sources(s, &rng);
		ns = merge_once(&tree, s, out);
		least = fmin(least, ns);
		most = fmax(most, ns);
	}
	printf("%7u %9.1f %9.1f\n", s->n, least, most);
	nr_tree_destroy(&tree);
}

void model_merge(void)
{
	static const uint32_t sources[] = { 1, 2, 4, 8, 24, 96, 192, MAX_N };
	struct sources s = { .records = bench_alloc(N_RECORDS, sizeof(struct record)) };
	struct record *out = bench_alloc(OUT, sizeof(*out));

	printf("ns of CPU per record: loser tree and a copy of %zu bytes, %u records, least and "
	       "most of %d\n\n%7s %9s %9s\n",
	       sizeof(*out), N_RECORDS, N_TIMES, "sources", "least", "most");
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		s.n = sources[i];
		measure(&s, out);
	}
	free(out);
	free(s.records);
}
