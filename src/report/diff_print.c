// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "diff" for people and programs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "diff.h"
#include "duration.h"
#include "text.h"

static const struct diff_row *row_at(const struct diff *d, unsigned i)
{
	return d->rows.list[i];
}

static uint64_t median(const struct diff_part *part)
{
	return hist_quantile(&part->took, 500);
}

static uint64_t p99(const struct diff_part *part)
{
	return hist_quantile(&part->took, 990);
}

static struct text p_text(double p)
{
	struct text t;

	if (p < 1e-15)
		return (struct text){ "<1e-15" };
	snprintf(t.s, sizeof(t.s), p < 0.0001 ? "%.0e" : "%.4f", p);
	return t;
}

/* "1.52", "-" of nothing to divide by. */
static struct text times_text(double a, double b)
{
	struct text t = { "new" };

	if (b <= 0)
		return (struct text){ "gone" };
	if (a > 0)
		snprintf(t.s, sizeof(t.s), "%.2f", b / a);
	return t;
}

static void print_first(const struct diff *d, FILE *out)
{
	const struct diff_row *r = row_at(d, 0);

	fprintf(out,
		" The largest change: %s %s took %.2f times as long (half of them up to %s, was "
		"%s).",
		r->kind, safe_text(r->key.name).s, r->took.ratio, duration(median(r->b)).s,
		duration(median(r->a)).s);
}

static void verdict(const void *state, FILE *out)
{
	const struct diff *d = state;
	fprintf(out, "diff: of %s, %u changed as a whole, and %u in their tail; of %s, %u changed.",
		counted_text(d->n_took - d->few, "distribution").s, d->took, d->tails,
		counted_text(d->rows.n, "rate").s, d->rates);
	if (d->took)
		print_first(d, out);
}

static void print_took(const struct diff *d, FILE *out, unsigned rows)
{
	unsigned shown = 0;

	if (d->took)
		fprintf(out, "\n%-8s %-20s %8s %8s %8s %8s %6s %-11s %6s %7s\n", "KIND", "NAME",
			"P50 A", "P50 B", "P99 A", "P99 B", "TIMES", "(95 %)", "DELTA", "P");
	for (unsigned i = 0; i < d->rows.n && shown < rows; i++) {
		const struct diff_row *r = row_at(d, i);

		if (!r->took_changed)
			continue;
		fprintf(out, "%-8s %-20s %8s %8s %8s %8s %6.2f %5.2f-%-5.2f %+6.2f %7s\n", r->kind,
			safe_text(r->key.name).s, duration(median(r->a)).s,
			duration(median(r->b)).s, duration(p99(r->a)).s, duration(p99(r->b)).s,
			r->took.ratio, r->took.low, r->took.high, r->took.delta,
			p_text(r->took.p).s);
		shown++;
	}
	print_more(out, d->took, rows);
}

static void print_tails(const struct diff *d, FILE *out, unsigned rows)
{
	unsigned shown = 0;

	if (d->tails)
		fprintf(out, "\n%-8s %-24s %12s %10s %10s %6s %7s\n", "KIND", "NAME", "LONGER THAN",
			"IN A", "IN B", "TIMES", "P");
	for (unsigned i = 0; i < d->rows.n && shown < rows; i++) {
		const struct diff_row *r = row_at(d, i);

		if (!r->tail_changed)
			continue;
		fprintf(out, "%-8s %-24s %12s %8.3f %% %8.3f %% %6s %7s\n", r->kind,
			safe_text(r->key.name).s, duration(r->took.tail_above).s,
			100 * r->took.tail_a, 100 * r->took.tail_b,
			times_text(r->took.tail_a, r->took.tail_b).s, p_text(r->took.tail_p).s);
		shown++;
	}
	print_more(out, d->tails, rows);
}

static void print_rates(const struct diff *d, FILE *out, unsigned rows)
{
	unsigned shown = 0;

	if (d->rates)
		fprintf(out, "\n%-8s %-24s %12s %12s %6s %6s %7s\n", "KIND", "NAME", "PER S OF A",
			"PER S OF B", "TIMES", "DELTA", "P");
	for (unsigned i = 0; i < d->rows.n && shown < rows; i++) {
		const struct diff_row *r = row_at(d, i);

		if (!r->rate_changed)
			continue;
		fprintf(out, "%-8s %-24s %12.1f %12.1f %6s %+6.2f %7s\n", r->kind,
			safe_text(r->key.name).s, r->a->per_second, r->b->per_second,
			times_text(r->a->per_second, r->b->per_second).s, r->rate.delta,
			p_text(r->rate.p).s);
		shown++;
	}
	print_more(out, d->rates, rows);
}

static void print_method(const struct diff *d, FILE *out)
{
	fprintf(out,
		"\nTIMES: how many times as long in B, by Hodges and Lehmann, with its 95 %% "
		"interval. "
		"DELTA: Cliff's.\nP: by Mann and Whitney, of tails by the share above the 99th "
		"percentile of both, of rates by the\ncounts in slices of %s; adjusted for %u "
		"tests "
		"by Benjamini and Hochberg. Changed: P < %.2f, and\na ratio of at least %.2f for "
		"durations, %.2f for tails, %.2f for rates, either way. Events depend on\neach "
		"other, so P is too small: look at the sizes. See docs/answers.md.\n",
		duration(d->slice).s, d->tests, DIFF_P, DIFF_RATIO, DIFF_TAIL, DIFF_RATE);
	if (d->few)
		fprintf(out, "%s with fewer than %d durations in a trace %s not compared.\n",
			counted_text(d->few, "name").s, COMPARE_MIN, d->few == 1 ? "was" : "were");
	if (d->lost[0] || d->lost[1])
		fprintf(out, "A lost %s, B lost %s: rates may be too low.\n",
			counted_text(d->lost[0], "record").s, counted_text(d->lost[1], "record").s);
	if (*d->skipped)
		fprintf(out, "Only one of the traces has the events for: %s.\n", d->skipped);
}

void diff_print(const struct diff *d, FILE *out, unsigned rows)
{
	print_paragraph(out, verdict, d);
	print_took(d, out, rows);
	print_tails(d, out, rows);
	print_rates(d, out, rows);
	print_method(d, out);
}

/* ---- JSON ---- */

static json_t *json_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *json_part(const struct diff_part *part, bool has_took)
{
	json_t *o = json_pack("{s:I, s:f}", "n", (json_int_t)part->n, "per_s", part->per_second);

	if (!has_took)
		return o;
	json_object_set_new(o, "p50_ns", json_integer(median(part)));
	json_object_set_new(o, "p99_ns", json_integer(p99(part)));
	json_object_set_new(o, "max_ns", json_integer(part->took.max));
	return o;
}

static json_t *json_took(const struct diff_row *r)
{
	if (r->a->took.n < COMPARE_MIN || r->b->took.n < COMPARE_MIN)
		return json_null();
	return json_pack("{s:b, s:f, s:f, s:f, s:f, s:f}", "changed", r->took_changed, "p",
			 r->took.p, "delta", r->took.delta, "ratio", r->took.ratio, "ratio_low",
			 r->took.low, "ratio_high", r->took.high);
}

static json_t *json_tail(const struct diff_row *r)
{
	if (r->a->took.n < COMPARE_MIN || r->b->took.n < COMPARE_MIN)
		return json_null();
	return json_pack("{s:b, s:f, s:I, s:f, s:f}", "changed", r->tail_changed, "p",
			 r->took.tail_p, "above_ns", (json_int_t)r->took.tail_above, "share_a",
			 r->took.tail_a, "share_b", r->took.tail_b);
}

static json_t *json_rate(const struct diff_row *r)
{
	return json_pack("{s:b, s:f, s:f, s:o}", "changed", r->rate_changed, "p", r->rate.p,
			 "delta", r->rate.delta, "ratio",
			 json_number(r->b->per_second / r->a->per_second));
}

json_t *diff_json(const struct diff *d)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < d->rows.n; i++) {
		const struct diff_row *r = row_at(d, i);

		json_array_append_new(rows, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "kind",
						      r->kind, "name", safe_text(r->key.name).s,
						      "a", json_part(r->a, r->has_took), "b",
						      json_part(r->b, r->has_took), "duration",
						      json_took(r), "tail", json_tail(r), "rate",
						      json_rate(r)));
	}
	return json_pack("{s:s, s:o, s:i, s:f, s:f, s:f, s:f, s:I, s:[I, I], s:s}", "report",
			 "diff", "rows", rows, "tests", (int)d->tests, "p_below", DIFF_P,
			 "least_ratio", DIFF_RATIO, "least_tail_ratio", DIFF_TAIL,
			 "least_rate_ratio", DIFF_RATE, "slice_ns", (json_int_t)d->slice, "lost",
			 (json_int_t)d->lost[0], (json_int_t)d->lost[1], "skipped", d->skipped);
}
