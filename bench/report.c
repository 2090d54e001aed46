// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench report: a page and a table of a sweep. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "plot.h"
#include "sweep.h"

struct report {
	const char *input;
	const char *dir;
	int dir_fd; /* from the first look at it on: a name can be given to another one */
	struct sweep_file file;
	json_t *medians;
	/* What most configurations have: plots hold these fixed. */
	json_t *base;
};

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static double median(const json_t *sum, const char *metric)
{
	const json_t *m = json_object_get(sum, metric);

	return json_is_object(m) ? number(m, "median") : NAN;
}

static const char *word(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is_trace(const json_t *sum)
{
	return !strcmp(word(sum, "delivery"), "trace");
}

/* Not through a link: whoever made it would choose where we write. */
static int make_dir(struct report *r)
{
	int err = 0;

	if (mkdir(r->dir, 0777) && errno != EEXIST)
		err = -errno;
	if (!err)
		r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!err && r->dir_fd < 0)
		err = -errno;
	if (err == -ELOOP || err == -ENOTDIR)
		bench_error("%s is not a directory, or a link to one: give the directory itself",
			    r->dir);
	else if (err)
		bench_error("cannot create %s: %s", r->dir, strerror(-err));
	return err;
}

static FILE *create(const struct report *r, const char *name)
{
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0666);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		bench_error("cannot create %s/%s: %s", r->dir, name, strerror(errno));
	return f;
}

static int finish(const struct report *r, FILE *f, const char *name)
{
	bool bad = ferror(f);

	errno = 0;
	if (!fclose(f) && !bad)
		return 0;
	bench_error("cannot write %s/%s: %s", r->dir, name, strerror(errno ? errno : EIO));
	return -EIO;
}

/* ---- the table ---- */

struct column {
	const char *head;
	const char *key;
	double scale; /* 0: a value of the configuration, as it is */
	int digits;
};

static const struct column columns[] = {
	{ "transport", "transport", 0, 0 },
	{ "pro-ducers", "producers", 0, 0 },
	{ "place-ment", "placement", 0, 0 },
	{ "rate each /s (0: flat out)", "rate", 0, 0 },
	{ "record B", "size", 0, 0 },
	{ "burst", "burst", 0, 0 },
	{ "order", "order", 0, 0 },
	{ "delivery", "delivery", 0, 0 },
	{ "rings", "rings", 0, 0 },
	{ "rings MiB", "ring_bytes", 1.0 / (1 << 20), 2 },
	{ "user MiB", "user_bytes", 1.0 / (1 << 20), 2 },
	{ "delivered M/s", "events_per_sec", 1e-6, 3 },
	{ "tried M/s", "attempts_per_sec", 1e-6, 3 },
	{ "reached %", "reached_share", 100, 0 },
	{ "lost %", "lost_share", 100, 1 },
	{ "turns %", "turns_share", 100, 1 },
	{ "cost mean ns", "cost_mean_ns", 1, 0 },
	{ "cost p50 ns", "cost_p50_ns", 1, 0 },
	{ "cost p99 ns", "cost_p99_ns", 1, 0 },
	{ "cost max us", "cost_max_ns", 1e-3, 0 },
	{ "consumers ns", "consumers_s_per_million", 1e3, 0 },
	{ "merge ns", "merge_s_per_million", 1e3, 0 },
	{ "both ns", "cpu_s_per_million", 1e3, 0 },
	{ "of it kernel ns", "system_s_per_million", 1e3, 0 },
	{ "trace B", "trace_bytes_per_event", 1, 1 },
	{ "latency p50 ms", "latency_p50_ms", 1, 1 },
	{ "latency p99 ms", "latency_p99_ms", 1, 1 },
	{ "lag max ms", "lag_max_ms", 1, 1 },
	{ "CPU elsewhere %", "elsewhere_share", 100, 0 },
	{ "valid runs", "valid_runs", 0, 0 },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Of more runs than that the quartiles stand for them. */
#define MAX_SHOWN 12

/* "8.5 3.3 6.0", or "[3.3, 8.5]"; empty: all look like the median, which is in front. */
static void runs_text(const json_t *v, const struct column *c, const char *median, char *buf,
		      size_t size)
{
	const json_t *runs = json_object_get(v, "runs"), *run;
	bool same = true;
	size_t i, len = 0;

	*buf = 0;
	json_array_foreach(runs, i, run)
	{
		char text[64];

		snprintf(text, sizeof(text), "%.*f", c->digits, c->scale * json_number_value(run));
		same &= !strcmp(text, median);
		if (len < size)
			len += snprintf(buf + len, size - len, "%s%s", i ? " " : "", text);
	}
	if (same)
		*buf = 0;
	else if (json_array_size(runs) > MAX_SHOWN)
		snprintf(buf, size, "[%.*f, %.*f]", c->digits, c->scale * number(v, "q1"),
			 c->digits, c->scale * number(v, "q3"));
}

/* The median of a metric, every run's, and of how many runs where not all had a value. */
static void median_text(const json_t *sum, const json_t *v, const struct column *c, char *buf,
			size_t size)
{
	double n = number(v, "n"), valid = number(sum, "valid_runs");
	char median[64], runs[256], some[64] = "";

	snprintf(median, sizeof(median), "%.*f", c->digits, c->scale * number(v, "median"));
	runs_text(v, c, median, runs, sizeof(runs));
	if (n < valid)
		snprintf(some, sizeof(some), " (%.0f of %.0f)", n, valid);
	snprintf(buf, size, "%s%s%s%s%s", median, *runs ? ": " : "", runs,
		 number(v, "groups") > 1 ? ", two groups" : "", some);
}

static void cell_text(const json_t *sum, const struct column *c, char *buf, size_t size)
{
	const json_t *v = json_object_get(sum, c->key);

	if (json_is_string(v))
		snprintf(buf, size, "%s", json_string_value(v));
	else if (!c->scale && json_is_number(v))
		snprintf(buf, size, "%.12g", json_number_value(v));
	else if (!json_is_object(v))
		snprintf(buf, size, "-");
	else
		median_text(sum, v, c, buf, size);
}

/* Both in HTML and in Markdown. */
static void escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '|':
			fputs("&#124;", out);
			break;
		case '\n':
			putc(' ', out);
			break;
		default:
			putc(*text, out);
		}
	}
}

static void rows(FILE *out, const struct report *r, bool html)
{
	const json_t *sum;
	char text[512];
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		fputs(html ? "<tr>" : "|", out);
		for (size_t k = 0; k < N_COLUMNS; k++) {
			cell_text(sum, &columns[k], text, sizeof(text));
			fputs(html ? "<td>" : " ", out);
			escaped(out, text);
			fputs(html ? "</td>" : " |", out);
		}
		fputs(html ? "</tr>\n" : "\n", out);
	}
}

static void table(FILE *out, const struct report *r, bool html)
{
	fputs(html ? "<table><thead><tr>" : "|", out);
	for (size_t k = 0; k < N_COLUMNS; k++) {
		const char *p = columns[k].head;

		fputs(html ? "<th>" : " ", out);
		/* A hyphen before a small letter is one where a narrow column may break the word.
		 */
		for (; *p; p++) {
			if (*p == '-' && p[1] >= 'a' && p[1] <= 'z')
				fputs(html ? "&shy;" : "", out);
			else
				putc(*p, out);
		}
		fputs(html ? "</th>" : " |", out);
	}
	fputs(html ? "</tr></thead><tbody>\n" : "\n|", out);
	for (size_t k = 0; !html && k < N_COLUMNS; k++)
		fputs(k < 3 || k == 6 ? " --- |" : " ---: |", out);
	if (!html)
		putc('\n', out);
	rows(out, r, html);
	if (html)
		fputs("</tbody></table>\n", out);
}

/* The name of a row, where all but its transport is the usual. */
static void label_of(const struct report *r, const json_t *sum, char *buf, size_t size)
{
	const char *transport = word(sum, "transport"), *order = word(sum, "order");
	bool rcu = !strcmp(order, "rcu") && strncmp(transport, "perfbuf", 7);
	bool base = json_equal(json_object_get(sum, "placement"),
			       json_object_get(r->base, "placement"));

	snprintf(buf, size, "%s%s%s%s%s", transport, is_trace(sum) ? " to a trace" : "",
		 rcu ? ", rcu" : "", base ? "" : ", ", base ? "" : word(sum, "placement"));
}

/* ---- words ---- */

static void paragraph(FILE *out, bool html, const char *class, const char *text)
{
	if (html)
		fprintf(out, "<p class=\"%s\">", class);
	escaped(out, text);
	fputs(html ? "</p>\n" : "\n\n", out);
}

static void describe_host(FILE *out, const struct report *r, bool html)
{
	const json_t *h = r->file.host, *t = json_object_get(h, "topology");
	char text[1024];

	snprintf(text, sizeof(text),
		 "%s%s%s; %.0f CPUs, %.0f cores, %.0f last-level caches, %.0f nodes, %.0f "
		 "packages; Linux %s (%s), clocksource %s, lock of the ring %s; numaring %s, "
		 "libbpf %s; begun %s.",
		 word(h, "cpu_model"), *word(h, "hypervisor") ? ", below it " : "",
		 word(h, "hypervisor"), number(t, "cpus"), number(t, "cores"), number(t, "caches"),
		 number(t, "nodes"), number(t, "packages"), word(h, "kernel"), word(h, "machine"),
		 word(h, "clocksource"), word(h, "lock"), word(h, "numaring"), word(h, "libbpf"),
		 word(h, "begun"));
	paragraph(out, html, "host", text);
}

/* Of the same memory, the rows whose rings differ most; returns by how much. */
static double find_unequal(const struct report *r, const json_t **less, const json_t **more)
{
	const json_t *a, *b;
	double most = 1;
	size_t i, k;

	json_array_foreach(r->medians, i, a)
	{
		json_array_foreach(r->medians, k, b)
		{
			double ratio = median(b, "ring_bytes") / median(a, "ring_bytes");

			if (number(a, "memory") != number(b, "memory") || !(ratio > most))
				continue;
			most = ratio;
			*less = a;
			*more = b;
		}
	}
	return most;
}

/* Transports are to be compared by what they do with memory, not by how much they have. */
static void warn_of_memory(FILE *out, const struct report *r, bool html)
{
	const json_t *less = NULL, *more = NULL;
	char text[256];

	if (find_unequal(r, &less, &more) <= 1.1)
		return;
	snprintf(text, sizeof(text),
		 "Rings that are compared do not have the same memory: of %.2f MiB, %s has %.2f "
		 "and %s %.2f. See \"rings MiB\".",
		 number(more, "memory") / (1 << 20), word(more, "transport"),
		 median(more, "ring_bytes") / (1 << 20), word(less, "transport"),
		 median(less, "ring_bytes") / (1 << 20));
	paragraph(out, html, "warn", text);
}

static struct range range_of(const json_t *sum, const char *metric)
{
	const json_t *runs = json_object_get(json_object_get(sum, metric), "runs"), *run;
	struct range range = { INFINITY, -INFINITY, json_array_size(runs) };
	size_t i;

	json_array_foreach(runs, i, run)
	{
		range.low = fmin(range.low, json_number_value(run));
		range.high = fmax(range.high, json_number_value(run));
	}
	return range;
}

static bool is_split(const json_t *sum, const char *metric)
{
	return number(json_object_get(sum, metric), "groups") > 1;
}

/* What a median hides. */
static void warn_of_groups(FILE *out, const struct report *r, bool html)
{
	char label[96], rate[32], text[512];
	const json_t *sum;
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		bool delivered = is_split(sum, "events_per_sec");

		if (!delivered && !is_split(sum, "cost_mean_ns"))
			continue;
		label_of(r, sum, label, sizeof(label));
		snprintf(rate, sizeof(rate), "%.0f/s each", number(sum, "rate"));
		snprintf(text, sizeof(text),
			 "%s, producers: %.0f, %s: by %s, the runs fall into two groups, and their "
			 "median describes neither. See \"turns %%\" and \"CPU elsewhere %%\".",
			 label, number(sum, "producers"), number(sum, "rate") ? rate : "flat out",
			 delivered ? "what was delivered" : "the cost");
		paragraph(out, html, "warn", text);
	}
}

/* "1.97 times (1.93 to 2.01)", of the medians, and of any two runs. */
static void ratio_text(const json_t *a, const json_t *b, const char *metric, char *buf, size_t size)
{
	struct range x = range_of(a, metric), y = range_of(b, metric);

	if (x.n < 3 || y.n < 3)
		snprintf(buf, size, "too few runs to tell");
	else if (!ranges_differ(x, y))
		snprintf(buf, size, "no difference beyond the spread");
	else
		snprintf(buf, size, "%.2f times (%.2f to %.2f)",
			 median(a, metric) / median(b, metric), x.low / y.high, x.high / y.low);
}

/* One ring, flat out, from the most producers: what others are compared with. */
static const json_t *find_single(const struct report *r)
{
	const json_t *sum, *best = NULL;
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		if (strcmp(word(sum, "transport"), "single") || number(sum, "rate") ||
		    is_trace(sum))
			continue;
		if (!best || number(sum, "producers") > number(best, "producers"))
			best = sum;
	}
	return best;
}

static bool differs_in_transport_only(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "producers", "placement", "rate",	  "size",
					    "burst",	 "memory",    "duration", "delivery" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])) &&
		    json_object_get(a, keys[i]))
			return false;
	return a != b;
}

/* A difference is claimed only where it exceeds the spread. */
static void compare(FILE *out, const struct report *r, bool html)
{
	static const char *const metrics[] = { "events_per_sec", "cost_mean_ns",
					       "cpu_s_per_million" };
	const json_t *single = find_single(r), *sum;
	char label[96], ratio[3][64], text[512];
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		if (!single || !differs_in_transport_only(sum, single))
			continue;
		label_of(r, sum, label, sizeof(label));
		for (size_t k = 0; k < 3; k++)
			ratio_text(sum, single, metrics[k], ratio[k], sizeof(ratio[k]));
		snprintf(text, sizeof(text),
			 "%s against single, %.0f producers, flat out: delivered, %s; cost for the "
			 "producer, %s; CPU time of consumers and merge, %s.",
			 label, number(sum, "producers"), ratio[0], ratio[1], ratio[2]);
		paragraph(out, html, "how", text);
	}
}

static void warn(FILE *out, const struct report *r, bool html)
{
	unsigned invalid = sweep_invalid(r->file.runs);
	double busy = 0;
	const json_t *sum;
	char text[256];
	size_t i;

	if (json_is_true(json_object_get(r->file.host, "emulated")))
		paragraph(out, html, "warn",
			  "EMULATED: the CPU of this host is emulated. This shows that it works, "
			  "not how fast.");
	if (invalid) {
		snprintf(text, sizeof(text),
			 "%u of %zu runs are NOT VALID and are left out; their rows in the sweep's "
			 "file say why.",
			 invalid, json_array_size(r->file.runs));
		paragraph(out, html, "warn", text);
	}
	json_array_foreach(r->medians, i, sum) busy =
		fmax(busy, fmax(0, median(sum, "elsewhere_share")));
	if (busy > 0.1) {
		snprintf(text, sizeof(text),
			 "This host was not idle: up to %.0f %% of its CPU time went elsewhere.",
			 100 * busy);
		paragraph(out, html, "warn", text);
	}
	warn_of_memory(out, r, html);
	warn_of_groups(out, r, html);
}

static const char explanation[] =
	"Medians of the valid runs, and after a colon every run's figure where they differ, in the "
	"order of the runs (of more than 12 the quartiles, in brackets); (n of m): only n of the m "
	"valid runs had a value; two groups: the runs fall into two, and the median describes "
	"neither. Tried: records the programs wanted to emit; reached: as a share of the rate "
	"asked for. Delivered: records handed over, in exact order except for libbpf. Cost: time "
	"inside the BPF program for one record, one in 17 timed, the reading of the clock "
	"included; the mean is over all records. Consumers and merge: CPU time for a record "
	"delivered, the check of the bench not counted (of libbpf: counted); to a trace, all that "
	"this process does until the kernel has the data in its page cache. Turns: records of "
	"another CPU than the one before, in the order of time; of one ring, how often it changed "
	"hands. Latency: from the record's time to the hand-over. Lag: greatest age of the "
	"watermark. Elsewhere: share of the host's CPU time that other programs and the hypervisor "
	"took.";

static int write_markdown(const struct report *r)
{
	FILE *out = create(r, "report.md");

	if (!out)
		return -EIO;
	fputs("# numaring-bench\n\n", out);
	describe_host(out, r, false);
	warn(out, r, false);
	compare(out, r, false);
	paragraph(out, false, "", explanation);
	table(out, r, false);
	return finish(r, out, "report.md");
}

/* ---- plots ---- */

enum rates { FLAT_OUT, PACED };

struct spec {
	struct plot plot;
	const char *x;
	double x_scale;
	const char *metric;
	double scale;
	enum rates rates;
	const char *caption; /* after the number of producers where all have the same */
};

static const struct spec specs[] = {
	{ { .name = "throughput",
	    .title = "Throughput",
	    .xlabel = "producers, flat out",
	    .ylabel = "delivered, M records/s" },
	  "producers",
	  1,
	  "events_per_sec",
	  1e-6,
	  FLAT_OUT,
	  "In exact global order, except for libbpf, which has none." },
	{ { .name = "loss",
	    .title = "Loss",
	    .xlabel = "records/s of each producer",
	    .ylabel = "lost, % of those tried",
	    .log_x = true },
	  "rate",
	  1,
	  "lost_share",
	  100,
	  PACED,
	  "A transport that holds up its producers loses less: see the next plot." },
	{ { .name = "kept",
	    .title = "Rate reached",
	    .xlabel = "records/s of each producer",
	    .ylabel = "tried, % of those asked for",
	    .log_x = true },
	  "rate",
	  1,
	  "reached_share",
	  100,
	  PACED,
	  "Below 100 %, producers were held up, by the transport or by whatever else this host "
	  "did." },
	{ { .name = "cost",
	    .title = "Cost for the producer, mean",
	    .xlabel = "producers, flat out",
	    .ylabel = "ns per record (log)",
	    .log_y = true },
	  "producers",
	  1,
	  "cost_mean_ns",
	  1,
	  FLAT_OUT,
	  "Time the program spends on a record, whether or not it was lost." },
	{ { .name = "tail",
	    .title = "Cost for the producer, p99",
	    .xlabel = "producers, flat out",
	    .ylabel = "ns per record (log)",
	    .log_y = true },
	  "producers",
	  1,
	  "cost_p99_ns",
	  1,
	  FLAT_OUT,
	  "One record in 17 is timed." },
	{ { .name = "middle",
	    .title = "Latency, p50",
	    .xlabel = "records/s of each producer",
	    .ylabel = "ms (log)",
	    .log_x = true,
	    .log_y = true },
	  "rate",
	  1,
	  "latency_p50_ms",
	  1,
	  PACED,
	  "From the record's time to its hand-over in order." },
	{ { .name = "latency",
	    .title = "Latency, p99",
	    .xlabel = "records/s of each producer",
	    .ylabel = "ms (log)",
	    .log_x = true,
	    .log_y = true },
	  "rate",
	  1,
	  "latency_p99_ms",
	  1,
	  PACED,
	  "From the record's time to its hand-over in order." },
	{ { .name = "user",
	    .title = "CPU time of consumers and merge",
	    .xlabel = "producers, flat out",
	    .ylabel = "ns per record (log)",
	    .log_y = true },
	  "producers",
	  1,
	  "cpu_s_per_million",
	  1e3,
	  FLAT_OUT,
	  "The bench's own check is not counted, but for libbpf." },
	{ { .name = "room",
	    .title = "Loss by memory",
	    .xlabel = "MiB of all rings together",
	    .ylabel = "lost, % of those tried",
	    .log_x = true },
	  "memory",
	  1.0 / (1 << 20),
	  "lost_share",
	  100,
	  FLAT_OUT,
	  "" },
	{ { .name = "size",
	    .title = "Throughput by size",
	    .xlabel = "bytes of a record",
	    .ylabel = "delivered, M records/s",
	    .log_x = true },
	  "size",
	  1,
	  "events_per_sec",
	  1e-6,
	  FLAT_OUT,
	  "" },
};
#define N_SPECS (sizeof(specs) / sizeof(specs[0]))

static const char *const fixed[] = { "size",	  "burst", "memory",   "duration",
				     "placement", "rate",  "producers" };
#define N_FIXED (sizeof(fixed) / sizeof(fixed[0]))

/* The value that most configurations have. */
static json_t *most_common(const json_t *medians, const char *key)
{
	json_t *best = NULL, *sum;
	unsigned most = 0;
	size_t i, k;

	json_array_foreach(medians, i, sum)
	{
		const json_t *other;
		unsigned n = 0;

		json_array_foreach(medians, k, other) n +=
			json_equal(json_object_get(sum, key), json_object_get(other, key));
		if (n > most) {
			most = n;
			best = json_object_get(sum, key);
		}
	}
	return best;
}

static void find_base(struct report *r)
{
	r->base = json_object();
	for (size_t k = 0; k < N_FIXED; k++)
		json_object_set(r->base, fixed[k], most_common(r->medians, fixed[k]));
}

/* Could the configuration lie on the plot? All but x is fixed, and the producers are not yet. */
static bool is_candidate(const struct report *r, const struct spec *s, const json_t *sum)
{
	if (!json_is_object(json_object_get(sum, s->metric)))
		return false;
	if ((number(sum, "rate") == 0) != (s->rates == FLAT_OUT))
		return false;
	for (size_t k = 0; k < N_FIXED; k++) {
		bool is_free = !strcmp(fixed[k], s->x) || !strcmp(fixed[k], "producers") ||
			       !strcmp(fixed[k], "rate") || !strcmp(fixed[k], "placement");

		if (!is_free &&
		    !json_equal(json_object_get(sum, fixed[k]), json_object_get(r->base, fixed[k])))
			return false;
	}
	return true;
}

/* Plots of what a sweep need not have: of one value of x they are none. */
static bool needs_two_x(const struct spec *s)
{
	return !strcmp(s->x, "memory") || !strcmp(s->x, "size");
}

static bool has_other_x(const struct report *r, const struct spec *s, const json_t *sum)
{
	const json_t *other;
	size_t i;

	json_array_foreach(r->medians, i, other)
	{
		if (is_candidate(r, s, other) &&
		    number(other, "producers") == number(sum, "producers") &&
		    number(other, s->x) != number(sum, s->x))
			return true;
	}
	return false;
}

/*
 * Where producers are not x, the plot is of as many as there are: those of its own rows, as others
 * may have more. 0: of any number.
 */
static double producers_of(const struct report *r, const struct spec *s)
{
	const json_t *sum;
	double most = 0;
	size_t i;

	if (!strcmp(s->x, "producers"))
		return 0;
	json_array_foreach(r->medians, i, sum)
	{
		if (is_candidate(r, s, sum) && (!needs_two_x(s) || has_other_x(r, s, sum)))
			most = fmax(most, number(sum, "producers"));
	}
	return most;
}

static bool is_on(const struct report *r, const struct spec *s, double producers, const json_t *sum)
{
	return is_candidate(r, s, sum) && (!producers || number(sum, "producers") == producers);
}

static int fill_plot(const struct report *r, const struct spec *s, double producers,
		     struct plot *plot)
{
	const json_t *sum;
	char label[96];
	int err = 0;
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		const json_t *m = json_object_get(sum, s->metric);
		struct plot_point p;

		if (err || !is_on(r, s, producers, sum))
			continue;
		p = (struct plot_point){ s->x_scale * number(sum, s->x),
					 s->scale * number(m, "median"), 0 };
		/* There is no place for 0 on a logarithmic axis. */
		if (plot->log_y && !(p.y > 0))
			continue;
		label_of(r, sum, label, sizeof(label));
		err = plot_add(plot, label, &p, json_object_get(m, "runs"), s->scale);
	}
	return err;
}

static const struct spec memory = {
	{ .name = "memory",
	  .title = "Memory",
	  .xlabel = "",
	  .ylabel = "MiB",
	  .bars = true,
	  .parts = { "rings", "user space" } },
	"transport",
	1,
	"user_bytes",
	1,
	FLAT_OUT,
	"User space: indexes, queues and whatever else the process took for it, at most.",
};

static int fill_memory(const struct report *r, double producers, struct plot *plot)
{
	const json_t *sum;
	char label[96];
	int err = 0;
	size_t i;

	json_array_foreach(r->medians, i, sum)
	{
		double rings = median(sum, "ring_bytes") / (1 << 20);
		double user = median(sum, "user_bytes") / (1 << 20);
		struct plot_point p = { 0, rings + user, rings };
		const json_t *used = json_object_get(json_object_get(sum, "user_bytes"), "runs"),
			     *run;
		json_t *runs;
		size_t k;

		if (err || isnan(p.y) || !is_on(r, &memory, producers, sum))
			continue;
		label_of(r, sum, label, sizeof(label));
		runs = json_array();
		json_array_foreach(used, k, run) json_array_append_new(
			runs, json_real(rings + json_number_value(run) / (1 << 20)));
		err = plot_add(plot, label, &p, runs, 1);
		json_decref(runs);
	}
	return err;
}

static bool has_two_x(const struct plot *plot)
{
	for (unsigned i = 0; i < plot->n; i++)
		for (unsigned k = 1; k < plot->series[i].n; k++)
			if (plot->series[i].points[k].x != plot->series[i].points[0].x)
				return true;
	return false;
}

static void write_caption(FILE *out, const struct spec *s, double producers)
{
	if (producers)
		fprintf(out, "%.0f producer%s%s. ", producers, producers == 1 ? "" : "s",
			s->rates == FLAT_OUT ? ", flat out" : "");
	escaped(out, s->caption);
}

static int figure(FILE *out, const struct plot *plot, const struct spec *s, double producers)
{
	char *svg = NULL;
	int err = plot_svg(plot, &svg);

	if (!err) {
		fprintf(out, "<figure>%s<figcaption>", svg);
		write_caption(out, s, producers);
		fputs("</figcaption></figure>\n", out);
	}
	free(svg);
	return err;
}

static int draw_spec(FILE *out, const struct report *r, const struct spec *s)
{
	double producers = producers_of(r, s);
	struct plot plot = s->plot;
	int err = plot.bars ? fill_memory(r, producers, &plot) : fill_plot(r, s, producers, &plot);

	/* What was not swept is no plot. */
	if (!err && plot.n && (!needs_two_x(s) || has_two_x(&plot)))
		err = figure(out, &plot, s, producers);
	plot_free(&plot);
	return err;
}

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
	"charset=\"utf-8\"><title>numaring-bench</title>\n"
	"<style>body{font:15px/1.45 sans-serif;margin:2em auto;max-width:1600px;padding:0 "
	"1em;color:#222;background:#fff}figure{display:inline-block;margin:0 1em 1em "
	"0;vertical-align:top;max-width:760px}figure "
	"svg{max-width:100%;height:auto}figcaption{color:#555;font-size:13px}.warn{background:#"
	"ffe9cc;border-left:4px solid #d55e00;padding:.5em "
	"1em}div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:12px}td,th{border:"
	"1px solid #ddd;padding:2px "
	"6px;text-align:right;vertical-align:bottom}th{background:#f4f4f4}td:first-child{text-"
	"align:left}</style></head><body>\n<h1>numaring-bench</h1>\n";

static int draw_all(FILE *out, const struct report *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < N_SPECS; i++)
		err = draw_spec(out, r, &specs[i]);
	return err ? err : draw_spec(out, r, &memory);
}

static void explain_plots(const struct report *r, int err)
{
	const char *why = err == -EIO	    ? "gnuplot failed"
			  : err == -ENODATA ? "gnuplot's SVG is cut short; is the disk full?"
					    : strerror(-err);

	if (err == -ENOENT)
		bench_error("gnuplot is not installed, so there is no page; %s/report.md has the "
			    "figures. Debian: apt-get install gnuplot-nox",
			    r->dir);
	else
		bench_error("cannot draw plots in %s (%s), so there is no page; %s/report.md has "
			    "the figures",
			    r->dir, why, r->dir);
}

static int write_page(const struct report *r)
{
	FILE *out = create(r, "report.html");
	int err;

	if (!out)
		return -EIO;
	fputs(page_head, out);
	describe_host(out, r, true);
	warn(out, r, true);
	compare(out, r, true);
	err = draw_all(out, r);
	if (err) {
		explain_plots(r, err);
		fclose(out);
		return err;
	}
	fputs("<h2>All figures</h2>\n", out);
	paragraph(out, true, "how", explanation);
	fputs("<p>Lines in the plots join the medians; a dot is a run; points of one value stand "
	      "side by side.</p>\n<div class=\"wide\">\n",
	      out);
	table(out, r, true);
	fputs("</div></body></html>\n", out);
	return finish(r, out, "report.html");
}

static void drop_page(const struct report *r)
{
	unlinkat(r->dir_fd, "report.html", 0);
}

/* The medians are made anew, of the runs: the report also says how many were not valid. */
static int check_runs(const struct report *r)
{
	size_t n = json_array_size(r->file.runs);

	if (!n && r->file.medians)
		bench_error("%s has medians only and none of the runs that a report is made of",
			    r->input);
	else if (!n)
		bench_error("%s has no run, so there is nothing to report", r->input);
	else if (sweep_invalid(r->file.runs) == n)
		bench_error("%s has no valid run, so there is nothing to report", r->input);
	else
		return 0;
	return -ENODATA;
}

static int report(struct report *r)
{
	int err = sweep_read(&r->file, r->input);

	if (!err)
		err = check_runs(r);
	if (err)
		return err;
	r->medians = sweep_medians(r->file.runs);
	find_base(r);
	err = make_dir(r);
	if (!err)
		err = write_markdown(r);
	if (err)
		return err;
	err = write_page(r);
	if (err)
		drop_page(r);
	else
		printf("%s/report.html\n%s/report.md\n", r->dir, r->dir);
	return err;
}

/* ---- the command ---- */

static const struct argp_option options[] = {
	{ "output", 'o', "DIR", 0, "where report.html and report.md go (default: .)", 0 },
	{ 0 },
};

static error_t parse_opt(int key, char *arg, struct argp_state *state)
{
	struct report *r = state->input;

	switch (key) {
	case 'o':
		r->dir = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (r->input)
			argp_error(state, "one sweep at a time");
		r->input = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which sweep?");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_report(int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse_opt,
		.args_doc = "SWEEP.jsonl",
		.doc = "Turn a sweep into one page with plots (report.html) and a table "
		       "(report.md).",
	};
	struct report r = { .dir = ".", .dir_fd = -1 };
	int err;

	argp_err_exit_status = BENCH_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &r);
	err = report(&r);
	json_decref(r.medians);
	json_decref(r.base);
	sweep_free(&r.file);
	if (r.dir_fd >= 0)
		close(r.dir_fd);
	return err ? BENCH_FAILED : BENCH_DONE;
}
