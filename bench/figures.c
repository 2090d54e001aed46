// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The plots of a report: which medians lie on which, and gnuplot, which draws them. */
#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <unistd.h>
#include "report.h"

struct figure {
	const char *name; /* letters only */
	const char *title;
	/* A value of the configuration; "": bars, one for each series. Rows are of producers flat
	 * out, unless it is the rate. */
	const char *x;
	const char *x_label;
	double x_scale;
	const char *metric;
	const char *y_label;
	double y_scale;
	const char *log;     /* axes that are logarithmic */
	const char *caption; /* after the number of producers where all have the same */
};

#define MIB	   (1.0 / (1 << 20))
#define EACH	   "records/s of each producer"
#define ALL	   "producers, flat out"
#define LOG_NS	   "ns per record (log)"
#define LOST	   "lost, % of those tried"
#define DELIVERED  "delivered, M records/s"
#define WHAT_IT_IS "From the record's time to its hand-over in order."

static const struct figure figures[] = {
	{ "throughput", "Throughput", "producers", ALL, 1, "events_per_sec", DELIVERED, 1e-6, "",
	  "In exact global order, except for libbpf and libbpf-nowakeup, which have none." },
	{ "loss", "Loss", "rate", EACH, 1, "lost_share", LOST, 100, "x",
	  "A transport that holds up its producers loses less: see the next plot." },
	{ "kept", "Rate reached", "rate", EACH, 1, "reached_share", "tried, % of those asked for",
	  100, "x",
	  "Below 100 %, producers were held up, by the transport or by whatever else this host "
	  "did." },
	{ "cost", "Cost for the producer above the floor, mean", "producers", ALL, 1,
	  "above_floor_ns", LOG_NS, 1, "y",
	  "Time the program spends on a record, whether or not it was lost, without what it spends "
	  "on the clock, the payload and the loop." },
	{ "tail", "Cost for the producer, p99", "producers", ALL, 1, "cost_p99_ns", LOG_NS, 1, "y",
	  "One record in 17 is timed." },
	{ "middle", "Latency, p50", "rate", EACH, 1, "latency_p50_ms", "ms (log)", 1, "xy",
	  WHAT_IT_IS },
	{ "latency", "Latency, p99", "rate", EACH, 1, "latency_p99_ms", "ms (log)", 1, "xy",
	  WHAT_IT_IS },
	{ "user", "CPU time behind a record", "producers", ALL, 1, "cpu_s_per_million", LOG_NS, 1e3,
	  "y", "The bench's own check is not counted, but for libbpf." },
	{ "room", "Loss by memory", "memory", "MiB of all rings together", MIB, "lost_share", LOST,
	  100, "x", "" },
	{ "size", "Throughput by size", "size", "bytes of a record", 1, "events_per_sec", DELIVERED,
	  1e-6, "x", "" },
	{ "memory", "Memory", "", "", 0, "user_bytes", "MiB", MIB, "",
	  "User space: indexes, queues and whatever else the process took for it, at most." },
};
#define N_FIGURES (sizeof(figures) / sizeof(figures[0]))

/* ---- which medians lie on a plot ---- */

/* Could it lie there? All but x is as in most configurations; producers are not looked at yet. */
static bool is_candidate(const struct report *r, const struct figure *f, const json_t *sum)
{
	static const char *const fixed[] = { "size", "burst", "peak", "memory", "duration" };

	if (!json_is_object(json_object_get(sum, f->metric)) ||
	    (row_number(sum, "rate") > 0) != !strcmp(f->x, "rate"))
		return false;
	for (size_t k = 0; k < sizeof(fixed) / sizeof(fixed[0]); k++)
		if (strcmp(fixed[k], f->x) &&
		    !rows_agree(sum, r->base, (const char *const[]){ fixed[k], NULL }))
			return false;
	return true;
}

/* A sweep need not have several values of these: with one there is nothing to plot. */
static bool lacks_other_x(const struct report *r, const struct figure *f, const json_t *sum)
{
	const json_t *other;

	if (strcmp(f->x, "memory") && strcmp(f->x, "size"))
		return false;
	for_each_row (other, r->medians) {
		if (is_candidate(r, f, other) &&
		    row_number(other, "producers") == row_number(sum, "producers") &&
		    row_number(other, f->x) != row_number(sum, f->x))
			return false;
	}
	return true;
}

/*
 * Where producers are not x, the plot is of as many as there are: those of its own rows, as others
 * may have more. 0: of any number.
 */
static double producers_of(const struct report *r, const struct figure *f)
{
	const json_t *sum;
	double most = 0;

	if (!strcmp(f->x, "producers"))
		return 0;
	for_each_row (sum, r->medians) {
		if (is_candidate(r, f, sum) && !lacks_other_x(r, f, sum))
			most = fmax(most, row_number(sum, "producers"));
	}
	return most;
}

/* ---- a plot ---- */

struct plot {
	const struct figure *figure;
	double producers;
	json_t *series; /* label: medians */
};

/* There is no place for 0 on a logarithmic axis. */
static bool has_place(const struct figure *f, double y)
{
	return !strchr(f->log, 'y') || y > 0;
}

static struct plot make_plot(const struct report *r, const struct figure *f)
{
	struct plot p = { f, producers_of(r, f), json_object() };
	char label[96];
	json_t *sum;

	for_each_row (sum, r->medians) {
		if (!is_candidate(r, f, sum) || !has_place(f, row_median(sum, f->metric)) ||
		    (p.producers && row_number(sum, "producers") != p.producers) ||
		    lacks_other_x(r, f, sum))
			continue;
		row_label(r->base, sum, label, sizeof(label));
		if (!json_object_get(p.series, label))
			json_object_set_new(p.series, label, json_array());
		json_array_append(json_object_get(p.series, label), sum);
	}
	return p;
}

/* In single quotes gnuplot replaces nothing. What could end them, or an element of the SVG, becomes
 * a question mark. */
static void assign(FILE *out, const char *name, const char *text)
{
	fprintf(out, "%s = '", name);
	for (; *text; text++)
		putc(isalnum((unsigned char)*text) || strchr(" _.,:;/+()%-[]=", *text) ? *text
										       : '?',
		     out);
	fputs("'\n", out);
}

/* What is below the metric: rings, below what user space takes. */
static double lower_part(const struct figure *f, const json_t *sum)
{
	return *f->x ? 0 : MIB * row_median(sum, "ring_bytes");
}

static void write_median(FILE *out, const struct figure *f, const json_t *sum)
{
	double low = lower_part(f, sum);

	fprintf(out, "%.9g %.9g %.9g\n", f->x_scale * row_number(sum, f->x),
		low + f->y_scale * row_median(sum, f->metric), low);
}

static void write_runs(FILE *out, const struct figure *f, const json_t *sum)
{
	const json_t *run;

	for_each_row (run, row_runs(sum, f->metric)) {
		double y = lower_part(f, sum) + f->y_scale * json_number_value(run);

		if (has_place(f, y))
			fprintf(out, "%.9g %.9g\n", f->x_scale * row_number(sum, f->x), y);
	}
}

/* Calls write for each median, and separates the series. */
static void write_series(FILE *out, const struct plot *p,
			 void (*write)(FILE *out, const struct figure *f, const json_t *sum))
{
	const char *label;
	json_t *sums, *sum;

	json_object_foreach (p->series, label, sums) {
		for_each_row (sum, sums)
			write(out, p->figure, sum);
		fputs("\n\n", out);
	}
}

/* What the template needs, and the template. */
static void write_script(FILE *out, const struct plot *p)
{
	const struct figure *f = p->figure;
	const char *label;
	char name[32];
	unsigned i = 0;
	json_t *sums;

	assign(out, "heading", f->title);
	assign(out, "x_label", f->x_label);
	assign(out, "y_label", f->y_label);
	fprintf(out, "log_x = %d\nlog_y = %d\nbars = %d\nn = %zu\narray label[n]\n",
		!!strchr(f->log, 'x'), !!strchr(f->log, 'y'), !*f->x, json_object_size(p->series));
	json_object_foreach (p->series, label, sums) {
		snprintf(name, sizeof(name), "label[%u]", ++i);
		assign(out, name, label);
	}
	fputs("$line << END\n", out);
	write_series(out, p, write_median);
	fputs("END\n$runs << END\n", out);
	write_series(out, p, write_runs);
	fputs("END\n", out);
	fputs(template_plot_gp, out);
}

/* ---- gnuplot ---- */

static _Noreturn void no_plots(const struct page *p, const char *what)
{
	char why[200];

	snprintf(why, sizeof(why), "%s; %.100s/report.md has the figures", what, p->report->dir);
	page_die(p, why);
}

static void run_gnuplot(const struct page *p, FILE *script, FILE *svg)
{
	static const char *const argv[] = { "gnuplot", NULL };
	pid_t pid = bench_spawn(argv[0], argv, (const int[]){ fileno(script), fileno(svg), -1 });

	if (pid == -ENOENT)
		no_plots(p, "gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
	if (pid < 0)
		no_plots(p, strerror(-pid));
	if (bench_wait(pid))
		no_plots(p, "gnuplot failed");
}

/* SVG text of all plots, one after the other. */
static char *draw(const struct page *page, const struct plot *plots, unsigned n)
{
	FILE *script = bench_memory_file("script"), *out = bench_memory_file("svg");
	char *svg = NULL;
	size_t size = 0;

	for (unsigned i = 0; i < n; i++)
		if (json_object_size(plots[i].series))
			write_script(script, &plots[i]);
	if (fflush(script))
		no_plots(page, strerror(errno));
	rewind(script);
	run_gnuplot(page, script, out);
	rewind(out);
	if (getdelim(&svg, &size, 0, out) < 0)
		svg = bench_alloc(1, 1); /* nothing was drawn */
	fclose(script);
	fclose(out);
	return svg;
}

/* ---- the page ---- */

/* What an SVG that is part of a page does not need, because it would refer to elsewhere; and, as the
 * last group, what stands before an identifier, where it is given or referred to. */
static const char to_change[] = " xmlns(:xlink)?=\"[^\"]*\"|<!--([^-]|-[^-])*-->|"
				"( id='| id=\"|href='#|href=\"#|url\\('?#)";
#define GROUPS 4

/* Identifiers are the same in every plot: they get the plot's name in front. */
static void write_svg(FILE *out, const char *text, const char *name)
{
	regmatch_t m[GROUPS];
	regex_t re;

	if (regcomp(&re, to_change, REG_EXTENDED))
		errx(BENCH_FAILED, "out of memory");
	for (; !regexec(&re, text, GROUPS, m, 0); text += m[0].rm_eo) {
		fwrite(text, 1, m[0].rm_so, out);
		if (m[GROUPS - 1].rm_so >= 0)
			fprintf(out, "%.*s%s_", m[0].rm_eo - m[0].rm_so, text + m[0].rm_so, name);
	}
	fputs(text, out);
	regfree(&re);
}

/* Writes the first SVG of the text; returns what is behind it, NULL: it is cut short. */
static char *write_figure(FILE *out, const struct plot *p, char *text)
{
	char *begin = strstr(text, "<svg"), *end = begin ? strstr(begin, "</svg>") : NULL;

	if (!end)
		return NULL;
	*end = 0;
	fputs("<figure>", out);
	write_svg(out, begin, p->figure->name);
	fputs("</svg><figcaption>", out);
	if (p->producers)
		fprintf(out, "%.0f producer%s%s. ", p->producers, p->producers == 1 ? "" : "s",
			strcmp(p->figure->x, "rate") ? ", flat out" : "");
	write_escaped(out, p->figure->caption);
	fputs("</figcaption></figure>\n", out);
	return end + 1;
}

void write_figures(const struct page *p)
{
	struct plot plots[N_FIGURES];
	char *svg, *rest;

	for (size_t i = 0; i < N_FIGURES; i++)
		plots[i] = make_plot(p->report, &figures[i]);
	rest = svg = draw(p, plots, N_FIGURES);
	for (size_t i = 0; i < N_FIGURES; i++) {
		if (json_object_size(plots[i].series))
			rest = write_figure(p->out, &plots[i], rest);
		if (!rest)
			no_plots(p, "gnuplot's SVG is cut short; is the disk full?");
		json_decref(plots[i].series);
	}
	free(svg);
}
