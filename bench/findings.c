// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a report says in words: the host, what makes figures doubtful, and how transports differ. */
#include <math.h>
#include "report.h"

/* A row is noisy if the middle half of its runs is wider than that share of their median. */
#define NOISE_SHARE 0.1
/* Rows that a warning names; of others it tells how many there are. */
#define MAX_NAMED 4

void write_verdict(const struct page *p)
{
	write_paragraph(p, "verdict", "%s", p->report->verdict);
}

/* ---- hosts ---- */

/* By the name that its CPUs report. */
static const char *hypervisor_name(const char *reported)
{
	static const char *const names[][2] = {
		{ "KVMKVMKVM", "KVM" },		 { "Microsoft Hv", "Hyper-V" },
		{ "VMwareVMware", "VMware" },	 { "XenVMMXenVMM", "Xen" },
		{ "TCGTCGTCGTCG", "QEMU TCG" },	 { "bhyve bhyve ", "bhyve" },
		{ "VBoxVBoxVBox", "VirtualBox" }
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(reported, names[i][0]))
			return names[i][1];
	return reported;
}

void write_host(const struct page *p)
{
	const struct report *r = p->report;

	for (unsigned i = 0; i < r->n; i++) {
		const json_t *h = r->files[i].host, *t = json_object_get(h, "topology");
		const char *below = hypervisor_name(row_word(h, "hypervisor"));
		const char *name = r->n < 2 ? "" : i ? "B: " : "A: ";

		write_paragraph(
			p, "host",
			"%s%s. CPU: %s%s%s. CPUs: %.0f, cores: %.0f, last-level caches: "
			"%.0f, nodes: %.0f, packages: %.0f. Linux %s (%s), clocksource %s, "
			"lock of the ring %s, numaring %s, libbpf %s, begun %s.",
			name, r->inputs[i], row_word(h, "cpu_model"),
			*below ? ". Virtual machine under " : "", below, row_number(t, "cpus"),
			row_number(t, "cores"), row_number(t, "caches"), row_number(t, "nodes"),
			row_number(t, "packages"), row_word(h, "kernel"), row_word(h, "machine"),
			row_word(h, "clocksource"), row_word(h, "lock"), row_word(h, "numaring"),
			row_word(h, "libbpf"), row_word(h, "begun"));
	}
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

			if (row_number(a, "memory") != row_number(b, "memory") ||
			    !row_median(a, "ring_bytes") || !(ratio > most))
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

/* Of what a reader looks at first: delivered, and the cost. */
static const json_t *find_metric(const json_t *sum, bool (*is_it)(const json_t *v),
				 const char **what)
{
	const json_t *rate = json_object_get(sum, "events_per_sec");
	const json_t *cost = json_object_get(sum, "cost_mean_ns");

	*what = is_it(rate) ? "what was delivered" : "the cost";
	return is_it(rate) ? rate : is_it(cost) ? cost : NULL;
}

static bool is_split(const json_t *v)
{
	return row_number(v, "groups") > 1;
}

static bool is_noisy(const json_t *v)
{
	return !is_split(v) &&
	       row_number(v, "q3") - row_number(v, "q1") > NOISE_SHARE * row_number(v, "median");
}

/* What a median hides: one paragraph names the first rows, and how many more there are. */
static void warn_of_rows(const struct page *p, bool (*is_it)(const json_t *v), const char *says)
{
	char names[700] = "", row[192];
	const char *what;
	unsigned n = 0;
	const json_t *sum;

	for_each_row (sum, p->report->medians) {
		if (!find_metric(sum, is_it, &what) || n++ >= MAX_NAMED)
			continue;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.100s (%s)",
			 n > 1 ? "; " : "", row_text(p->report->base, sum, row), what);
	}
	if (!n)
		return;
	if (n > MAX_NAMED)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "; and %u more",
			 n - MAX_NAMED);
	write_paragraph(p, "warn", "%s (%u of %zu configurations): %s.", says, n,
			json_array_size(p->report->medians), names);
}

static void warn_of_spread(const struct page *p)
{
	warn_of_rows(p, is_split,
		     "TWO MODES: the runs fall into two groups, and the median describes neither; "
		     "see the dots, turns %, and CPU elsewhere %");
	warn_of_rows(p, is_noisy,
		     "NOISE: the middle half of the runs is wider than a tenth of the median");
}

static void warn_of_few_runs(const struct page *p)
{
	double least = INFINITY;
	const json_t *sum;

	for_each_row (sum, p->report->medians)
		least = fmin(least, row_number(sum, "valid_runs"));
	if (least < 5)
		write_paragraph(
			p, "warn",
			"FEW RUNS: a configuration has %.0f valid runs. Five or more (sweep "
			"--repeat) make intervals of 99 %%; four 97 %%, three 90 %%, and "
			"fewer none.",
			least);
}

/* Where two hosts are not the same, what differs may not be numaring. */
static void warn_of_hosts(const struct page *p)
{
	static const char *const keys[] = { "cpu_model", "hypervisor", "topology", "machine",
					    "kernel",	 "lock",       "libbpf",   "clocksource" };
	const struct report *r = p->report;
	char names[200] = "";

	for (size_t k = 0; r->n > 1 && k < sizeof(keys) / sizeof(keys[0]); k++)
		if (!rows_agree(r->files[0].host, r->files[1].host,
				(const char *const[]){ keys[k], NULL }))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 *names ? ", " : "", keys[k]);
	if (*names)
		write_paragraph(
			p, "warn",
			"NOT THE SAME HOST: A and B differ in %s, so what differs may not be "
			"numaring.",
			names);
}

static void warn_of_sweep(const struct page *p, const struct sweep_file *file)
{
	unsigned invalid = sweep_invalid(file->runs);

	if (json_is_true(json_object_get(file->host, "emulated")))
		write_paragraph(p, "warn",
				"EMULATED: the CPU of this host is emulated. The figures show that "
				"it works, not how fast.");
	if (invalid)
		write_paragraph(p, "warn",
				"NOT VALID: %u of %zu runs are left out; their rows in the sweep's "
				"file say why.",
				invalid, json_array_size(file->runs));
}

void write_warnings(const struct page *p)
{
	double elsewhere = sweep_elsewhere(p->report->medians);

	for (unsigned i = 0; i < p->report->n; i++)
		warn_of_sweep(p, &p->report->files[i]);
	if (elsewhere > BUSY_SHARE)
		write_paragraph(p, "warn",
				"BUSY: up to %.0f %% of the host's CPU time went elsewhere.",
				100 * elsewhere);
	warn_of_hosts(p);
	warn_of_few_runs(p);
	warn_of_memory(p);
	warn_of_spread(p);
}

/* ---- differences: claimed only where they exceed the spread ---- */

static const struct {
	const char *metric, *head;
	bool more_is_better;
} compared[] = { { "events_per_sec", "delivered", true },
		 { "cost_mean_ns", "cost mean", false },
		 { "above_floor_ns", "above floor", false },
		 { "cpu_s_per_million", "all threads", false },
		 { "latency_p99_ms", "latency p99", false } };
#define N_COMPARED (sizeof(compared) / sizeof(compared[0]))

static void write_ratio(const struct page *p, struct ratio r, bool more_is_better)
{
	bool differs = ratio_differs(r);
	const char *word = !differs			   ? "no difference"
			   : (r.low > 1) == more_is_better ? "better"
							   : "worse";
	char text[64] = "-";

	if (r.confidence)
		snprintf(text, sizeof(text), "%.2f [%.2f, %.2f] %s", r.middle, r.low, r.high, word);
	table_cell(p, differs ? word : "same", text);
}

void write_ratios(const struct page *p)
{
	static const char *const heads[] = { KEY_HEADS,
					     compared[0].head,
					     compared[1].head,
					     compared[2].head,
					     compared[3].head,
					     compared[4].head,
					     NULL };
	const json_t *medians = p->report->medians, *sum, *rival = NULL;

	for_each_row (sum, medians)
		rival = rival ? rival : row_rival(medians, sum);
	if (!rival) {
		write_paragraph(p, "how", "No row of single to compare with.");
		return;
	}
	write_paragraph(p, "how",
			"%s: the ratio of the medians, and its interval in brackets. Better and "
			"worse are said only if the interval does not contain 1.",
			p->report->n > 1 ? "B against A" : "Each policy against single");
	table_begin(p, heads);
	for_each_row (sum, medians) {
		rival = row_rival(medians, sum);
		if (!rival)
			continue;
		table_key(p, sum);
		for (size_t k = 0; k < N_COMPARED; k++)
			write_ratio(p, row_ratio(sum, rival, compared[k].metric),
				    compared[k].more_is_better);
	}
	table_end(p);
}
