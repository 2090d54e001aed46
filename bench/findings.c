// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a report says in words: the host, what makes figures doubtful, and how transports differ. */
#include <math.h>
#include "report.h"

void write_host(const struct page *p)
{
	const json_t *h = p->report->file.host, *t = json_object_get(h, "topology");
	const char *below = row_word(h, "hypervisor");

	write_paragraph(p, "host",
			"%s%s%s; %.0f CPUs, %.0f cores, %.0f last-level caches, %.0f nodes, %.0f "
			"packages; Linux %s (%s), clocksource %s, lock of the ring %s; numaring "
			"%s, libbpf %s; begun %s.",
			row_word(h, "cpu_model"), *below ? ", below it " : "", below,
			row_number(t, "cpus"), row_number(t, "cores"), row_number(t, "caches"),
			row_number(t, "nodes"), row_number(t, "packages"), row_word(h, "kernel"),
			row_word(h, "machine"), row_word(h, "clocksource"), row_word(h, "lock"),
			row_word(h, "numaring"), row_word(h, "libbpf"), row_word(h, "begun"));
}

/* ---- doubts ---- */

/* Transports are to be compared by what they do with memory, not by how much they have: finds the
 * rows of the same memory whose rings differ most. */
static void warn_of_memory(const struct page *p)
{
	const json_t *a, *b, *less = NULL, *more = NULL;
	double most = 1.1;

	for_each_row (a, p->report->medians) {
		for_each_row (b, p->report->medians) {
			double ratio = row_median(b, "ring_bytes") / row_median(a, "ring_bytes");

			if (row_number(a, "memory") != row_number(b, "memory") || !(ratio > most))
				continue;
			most = ratio;
			less = a;
			more = b;
		}
	}
	if (less)
		write_paragraph(p, "warn",
				"Rings that are compared do not have the same memory: of %.2f MiB, "
				"%s has %.2f and %s %.2f. See \"rings MiB\".",
				row_number(more, "memory") / (1 << 20), row_word(more, "transport"),
				row_median(more, "ring_bytes") / (1 << 20),
				row_word(less, "transport"),
				row_median(less, "ring_bytes") / (1 << 20));
}

static bool is_split(const json_t *sum, const char *metric)
{
	return row_number(json_object_get(sum, metric), "groups") > 1;
}

/* What a median hides. */
static void warn_of_groups(const struct page *p)
{
	char label[96], rate[32];
	const json_t *sum;

	for_each_row (sum, p->report->medians) {
		bool delivered = is_split(sum, "events_per_sec");

		if (!delivered && !is_split(sum, "cost_mean_ns"))
			continue;
		snprintf(rate, sizeof(rate), "%.0f/s each", row_number(sum, "rate"));
		write_paragraph(p, "warn",
				"%s, producers: %.0f, %s: by %s, the runs fall into two groups, "
				"and their median describes neither. See \"turns %%\" and \"CPU "
				"elsewhere %%\".",
				write_label(p->report, sum, label, sizeof(label)),
				row_number(sum, "producers"),
				row_number(sum, "rate") ? rate : "flat out",
				delivered ? "what was delivered" : "the cost");
	}
}

void write_warnings(const struct page *p)
{
	unsigned invalid = sweep_invalid(p->report->file.runs);
	double elsewhere = sweep_elsewhere(p->report->medians);

	if (json_is_true(json_object_get(p->report->file.host, "emulated")))
		write_paragraph(p, "warn",
				"EMULATED: the CPU of this host is emulated. The figures show that "
				"it works, not how fast.");
	if (invalid)
		write_paragraph(p, "warn",
				"%u of %zu runs are NOT VALID and are left out; their rows in the "
				"sweep's file say why.",
				invalid, json_array_size(p->report->file.runs));
	if (elsewhere > BUSY_SHARE)
		write_paragraph(p, "warn",
				"This host was not idle: up to %.0f %% of its CPU time went "
				"elsewhere.",
				100 * elsewhere);
	warn_of_memory(p);
	warn_of_groups(p);
}

/* ---- differences: claimed only where they exceed the spread ---- */

static struct range range_of(const json_t *sum, const char *metric)
{
	const json_t *runs = row_runs(sum, metric), *run;
	struct range range = { INFINITY, -INFINITY, json_array_size(runs) };

	for_each_row (run, runs) {
		range.low = fmin(range.low, json_number_value(run));
		range.high = fmax(range.high, json_number_value(run));
	}
	return range;
}

/* "1.97 times (1.93 to 2.01)", of the medians, and of any two runs. */
static char *ratio_text(const json_t *a, const json_t *b, const char *metric, char buf[64])
{
	struct range x = range_of(a, metric), y = range_of(b, metric);

	if (x.n < 3 || y.n < 3)
		snprintf(buf, 64, "too few runs to tell");
	else if (!ranges_differ(x, y))
		snprintf(buf, 64, "no difference beyond the spread");
	else
		snprintf(buf, 64, "%.2f times (%.2f to %.2f)",
			 row_median(a, metric) / row_median(b, metric), x.low / y.high,
			 x.high / y.low);
	return buf;
}

/* One ring, flat out, from the most producers: what others are compared with. */
static const json_t *find_single(const struct report *r)
{
	const json_t *sum, *best = NULL;

	for_each_row (sum, r->medians) {
		if (strcmp(row_word(sum, "transport"), "single") || row_number(sum, "rate") ||
		    is_trace(sum))
			continue;
		if (!best || row_number(sum, "producers") > row_number(best, "producers"))
			best = sum;
	}
	return best;
}

void write_comparison(const struct page *p)
{
	static const char *const same[] = { "producers", "placement", "rate",	  "size", "burst",
					    "memory",	 "duration",  "delivery", NULL };
	const json_t *single = find_single(p->report), *sum;
	char label[96], ratio[3][64];

	for_each_row (sum, p->report->medians) {
		if (!single || sum == single || !rows_agree(sum, single, same))
			continue;
		write_paragraph(p, "how",
				"%s against single, %.0f producers, flat out: delivered, %s; cost "
				"for the producer, %s; CPU time behind a record, %s.",
				write_label(p->report, sum, label, sizeof(label)),
				row_number(sum, "producers"),
				ratio_text(sum, single, "events_per_sec", ratio[0]),
				ratio_text(sum, single, "cost_mean_ns", ratio[1]),
				ratio_text(sum, single, "cpu_s_per_million", ratio[2]));
	}
}
