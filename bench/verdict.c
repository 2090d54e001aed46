// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the medians of a sweep say: which policy wins, and how two sweeps differ. */
#include <math.h>
#include "sweep.h"

static const char *const base_keys[] = { "size",      "burst",	  "peak",  "memory", "duration",
					 "placement", "delivery", "order", NULL };

json_t *verdict_base(const json_t *medians)
{
	json_t *base = json_object();

	for (size_t k = 0; base_keys[k]; k++) {
		const char *const one[] = { base_keys[k], NULL };
		const json_t *row = rows_most_common(medians, one);

		json_object_set(base, base_keys[k], json_object_get(row, base_keys[k]));
	}
	return base;
}

/* ---- rows ---- */

static bool same(const json_t *a, const json_t *b, const char *key)
{
	return rows_agree(a, b, (const char *const[]){ key, NULL });
}

char *row_label(const json_t *base, const json_t *sum, char *buf, size_t size)
{
	const char *transport = row_word(sum, "transport"), *delivery = row_word(sum, "delivery");
	const char *sweep = row_word(sum, "sweep");
	bool rcu = !strcmp(row_word(sum, "order"), "rcu") && transport_is_policy(transport);
	bool placed = !same(sum, base, "placement");

	snprintf(buf, size, "%s%s%s%s%s%s%s%s%s", transport,
		 strcmp(delivery, "callback") ? " to a trace" : "",
		 strcmp(delivery, "zstd") ? "" : ", zstd", rcu ? ", rcu" : "", placed ? ", " : "",
		 placed ? row_word(sum, "placement") : "", *sweep ? " (" : "", sweep,
		 *sweep ? ")" : "");
	return buf;
}

char *row_variant(const json_t *base, const json_t *sum, char *buf, size_t size)
{
	static const struct {
		const char *key, *text;
		double scale;
	} values[] = { { "size", ", %g bytes", 1 },
		       { "burst", ", bursts of %g", 1 },
		       { "peak", ", peaks of %g", 1 },
		       { "memory", ", %g MiB", 1.0 / (1 << 20) },
		       { "duration", ", %g s", 1 } };
	size_t len = strlen(row_label(base, sum, buf, size));

	for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
		if (!same(sum, base, values[k].key) && len < size)
			len += snprintf(buf + len, size - len, values[k].text,
					values[k].scale * row_number(sum, values[k].key));
	return buf;
}

char *row_text(const json_t *base, const json_t *sum, char buf[192])
{
	double producers = row_number(sum, "producers"), rate = row_number(sum, "rate");
	char each[32];

	snprintf(each, sizeof(each), rate ? "%.0f/s each" : "flat out", rate);
	row_variant(base, sum, buf, 128);
	snprintf(buf + strlen(buf), 64, ", %.0f producer%s, %s", producers,
		 producers == 1 ? "" : "s", each);
	return buf;
}

const json_t *row_rival(const json_t *medians, const json_t *sum)
{
	static const char *const keys[] = { "producers", "placement", "rate",	  "size", "burst",
					    "peak",	 "memory",    "delivery", NULL };
	const char *sweep = row_word(sum, "sweep");
	const json_t *other;

	for_each_row (other, medians) {
		bool is_it =
			*sweep ? !strcmp(sweep, "B") && !strcmp(row_word(other, "sweep"), "A") &&
					 same(sum, other, "transport") && same(sum, other, "order")
			       : !strcmp(row_word(other, "transport"), "single");

		if (other != sum && is_it && rows_agree(sum, other, keys))
			return other;
	}
	return NULL;
}

static double *values_of(const json_t *sum, const char *metric, unsigned *n)
{
	const json_t *runs = row_runs(sum, metric), *run;
	double *values = bench_alloc(json_array_size(runs), sizeof(*values));

	*n = 0;
	for_each_row (run, runs)
		values[(*n)++] = json_number_value(run);
	return values;
}

struct ratio row_ratio(const json_t *a, const json_t *b, const char *metric)
{
	unsigned n, m;
	double *x = values_of(a, metric, &n), *y = values_of(b, metric, &m);
	struct ratio ratio = ratio_of(x, n, y, m);

	free(x);
	free(y);
	return ratio;
}

/* ---- one sweep ---- */

/* Do policies compete in this row? */
static bool competes(const json_t *base, const json_t *sum, double producers)
{
	const char *transport = row_word(sum, "transport");

	return !row_number(sum, "rate") && row_number(sum, "producers") == producers &&
	       rows_agree(sum, base, base_keys) && row_median(sum, "events_per_sec") > 0 &&
	       transport_is_policy(transport);
}

/* The two that deliver most, or the one that does and `single`. */
static void find_best(const json_t *medians, const json_t *base, double producers,
		      const json_t *best[2])
{
	const json_t *sum, *single = NULL;

	best[0] = best[1] = NULL;
	for_each_row (sum, medians) {
		double rate = row_median(sum, "events_per_sec");

		if (!competes(base, sum, producers))
			continue;
		if (!strcmp(row_word(sum, "transport"), "single"))
			single = sum;
		if (!best[0] || rate > row_median(best[0], "events_per_sec")) {
			best[1] = best[0];
			best[0] = sum;
		} else if (!best[1] || rate > row_median(best[1], "events_per_sec")) {
			best[1] = sum;
		}
	}
	if (single && single != best[0])
		best[1] = single;
}

/* Of those with which two policies or more compete; 0: none. */
static double most_producers(const json_t *medians, const json_t *base)
{
	const json_t *sum, *best[2];
	double most = 0;

	for_each_row (sum, medians) {
		double producers = row_number(sum, "producers");

		find_best(medians, base, producers, best);
		if (best[1])
			most = fmax(most, producers);
	}
	return most;
}

/* The least number of producers from which on this pair differs in this direction. */
static double ahead_from(const json_t *medians, const json_t *base, const json_t *const best[2])
{
	double from = row_number(best[0], "producers"), behind = 0;
	const json_t *a, *b;

	for_each_row (a, medians) {
		double producers = row_number(a, "producers");

		for_each_row (b, medians) {
			if (!same(a, best[0], "transport") || !same(b, best[1], "transport") ||
			    !competes(base, a, producers) || !competes(base, b, producers))
				continue;
			if (row_ratio(a, b, "events_per_sec").low > 1)
				from = fmin(from, producers);
			else
				behind = fmax(behind, producers);
		}
	}
	return from > behind ? from : row_number(best[0], "producers");
}

static void add(char text[VERDICT_SIZE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add(char text[VERDICT_SIZE], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, VERDICT_SIZE - len, fmt, ap);
	va_end(ap);
}

/* Others that the runs do not tell from the best. */
static void add_equals(char text[VERDICT_SIZE], const json_t *medians, const json_t *base,
		       const json_t *const best[2])
{
	double producers = row_number(best[0], "producers");
	const char *between = " No difference from it beyond the spread: ";
	const json_t *sum;

	for_each_row (sum, medians) {
		if (sum == best[0] || sum == best[1] || !competes(base, sum, producers) ||
		    ratio_differs(row_ratio(best[0], sum, "events_per_sec")))
			continue;
		add(text, "%s%s", between, row_word(sum, "transport"));
		between = ", ";
	}
	if (*between == ',')
		add(text, ".");
}

/* What makes it doubtful. */
static void add_doubts(char text[VERDICT_SIZE], const json_t *const best[2])
{
	for (int i = 0; i < 2; i++)
		if (row_number(json_object_get(best[i], "events_per_sec"), "groups") > 1)
			add(text,
			    " Careful: the runs of %s fall into two groups, so the ratio describes "
			    "neither.",
			    row_word(best[i], "transport"));
	if (fmax(row_median(best[0], "elsewhere_share"), row_median(best[1], "elsewhere_share")) >
	    BUSY_SHARE)
		add(text, " Careful: the host was busy with other work.");
}

/* "llc 31 [28, 33] ns" */
static void add_above(char text[VERDICT_SIZE], const char *before, const json_t *sum)
{
	const json_t *above = json_object_get(sum, "above_floor_ns");

	add(text, "%s%s %.0f [%.0f, %.0f] ns", before, row_word(sum, "transport"),
	    row_number(above, "median"), row_number(above, "q1"), row_number(above, "q3"));
}

/* What the transport itself costs. */
static void add_floor(char text[VERDICT_SIZE], const json_t *const best[2])
{
	if (isnan(row_median(best[0], "above_floor_ns") + row_median(best[1], "above_floor_ns")))
		return;
	add(text, " Above the floor of %.0f ns, a record costs", row_median(best[0], "floor_ns"));
	add_above(text, " ", best[0]);
	add_above(text, ", ", best[1]);
	add(text, ".");
}

static void add_winner(char text[VERDICT_SIZE], const json_t *medians, const json_t *base,
		       const json_t *const best[2], struct ratio r)
{
	const char *name = row_word(best[0], "transport"), *other = row_word(best[1], "transport");
	double from = ahead_from(medians, base, best);
	struct ratio cost = row_ratio(best[0], best[1], "cost_mean_ns");

	add(text,
	    "%s wins: it delivers %.3g M records/s in exact order, %.2f times as many as %s (%u %% "
	    "interval: %.2f to %.2f).",
	    name, row_median(best[0], "events_per_sec") / 1e6, r.middle, other, r.confidence, r.low,
	    r.high);
	if (ratio_differs(cost))
		add(text, " A record costs its program %.2f times as much (%.2f to %.2f).",
		    cost.middle, cost.low, cost.high);
	if (from < row_number(best[0], "producers"))
		add(text, " %s is ahead from %.0f producer%s on.", name, from,
		    from == 1 ? "" : "s");
}

void verdict_of_sweep(char text[VERDICT_SIZE], const json_t *medians, const json_t *base,
		      const json_t *host)
{
	double producers = most_producers(medians, base);
	const json_t *best[2];
	struct ratio r;

	*text = 0;
	find_best(medians, base, producers, best);
	r = best[1] ? row_ratio(best[0], best[1], "events_per_sec") : (struct ratio){ 0 };
	if (json_is_true(json_object_get(host, "emulated"))) {
		add(text, "No verdict: the CPU is emulated, so no figure says how fast it is.");
		return;
	}
	if (!producers || !r.confidence) {
		add(text, "No verdict: %s.",
		    producers ? "three valid runs are needed of each configuration, use --repeat 5"
			      : "it needs two policies with producers flat out, for instance "
				"--transport single,cpu");
		return;
	}
	add(text, "With %.0f of %.0f CPUs writing flat out, ", producers,
	    row_number(json_object_get(host, "topology"), "cpus"));
	if (ratio_differs(r))
		add_winner(text, medians, base, best, r);
	else
		add(text,
		    "no policy wins: %s delivers most, %.3g M records/s in exact order, but that "
		    "is %.2f times as many as %s, which is within the spread (%u %% interval: %.2f "
		    "to %.2f).",
		    row_word(best[0], "transport"), row_median(best[0], "events_per_sec") / 1e6,
		    r.middle, row_word(best[1], "transport"), r.confidence, r.low, r.high);
	add_floor(text, best);
	add_equals(text, medians, base, best);
	add_doubts(text, best);
}

/* ---- two sweeps ---- */

struct change {
	unsigned n, better, worse, unknown;
	const json_t *row; /* of the largest */
	struct ratio largest;
};

static struct change find_changes(const json_t *medians, const char *metric, bool more_is_better)
{
	struct change c = { .largest = { 1, 1, 1, 0 } };
	const json_t *sum, *before;

	for_each_row (sum, medians) {
		struct ratio r;

		if (strcmp(row_word(sum, "sweep"), "B") || !(before = row_rival(medians, sum)))
			continue;
		r = row_ratio(sum, before, metric);
		c.n++;
		c.unknown += !r.confidence;
		if (!ratio_differs(r))
			continue;
		c.better += (r.low > 1) == more_is_better;
		c.worse += (r.low > 1) != more_is_better;
		if (fabs(log(r.middle)) >= fabs(log(c.largest.middle))) {
			c.row = sum;
			c.largest = r;
		}
	}
	return c;
}

bool verdict_of_two(char text[VERDICT_SIZE], const json_t *medians, const json_t *base)
{
	struct change rate = find_changes(medians, "events_per_sec", true);
	struct change cost = find_changes(medians, "cost_mean_ns", false), *large;
	char what[192];

	*text = 0;
	add(text,
	    "Of %u configurations in both sweeps, B delivers more than A in %u and less in %u. A "
	    "record costs its program less in %u and more in %u. All others show no difference "
	    "beyond the spread.",
	    rate.n, rate.better, rate.worse, cost.better, cost.worse);
	large = fabs(log(rate.largest.middle)) > fabs(log(cost.largest.middle)) ? &rate : &cost;
	if (large->row)
		add(text,
		    " The largest difference: %s, %s %.2f times that of A (%u %% interval: "
		    "%.2f to %.2f).",
		    row_text(base, large->row, what), large == &rate ? "delivers" : "costs",
		    large->largest.middle, large->largest.confidence, large->largest.low,
		    large->largest.high);
	if (rate.unknown)
		add(text, " %u have fewer than three valid runs in a sweep, so they show nothing.",
		    rate.unknown);
	return rate.n;
}
