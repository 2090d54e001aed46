// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plot.h"

extern char **environ;

static int append(struct plot_point **points, unsigned *n, const struct plot_point *point)
{
	struct plot_point *grown = realloc(*points, (*n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*points = grown;
	grown[(*n)++] = *point;
	return 0;
}

static struct plot_series *series_of(struct plot *plot, const char *label)
{
	struct plot_series *s;

	for (unsigned i = 0; i < plot->n; i++)
		if (!strcmp(plot->series[i].label, label))
			return &plot->series[i];
	s = realloc(plot->series, (plot->n + 1) * sizeof(*s));
	if (!s)
		return NULL;
	plot->series = s;
	s = &plot->series[plot->n++];
	*s = (struct plot_series){ 0 };
	snprintf(s->label, sizeof(s->label), "%s", label);
	return s;
}

int plot_add(struct plot *plot, const char *label, const struct plot_point *point,
	     const json_t *runs, double scale)
{
	struct plot_series *s = series_of(plot, label);
	int err = s ? append(&s->points, &s->n, point) : -ENOMEM;
	const json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		struct plot_point p = { point->x, scale * json_number_value(run), 0 };

		if (!err && !(plot->log_y && !(p.y > 0)))
			err = append(&s->runs, &s->n_runs, &p);
	}
	return err;
}

void plot_free(struct plot *plot)
{
	for (unsigned i = 0; i < plot->n; i++) {
		free(plot->series[i].points);
		free(plot->series[i].runs);
	}
	free(plot->series);
	plot->series = NULL;
	plot->n = 0;
}

static int compare_x(const void *a, const void *b)
{
	const struct plot_point *p = a, *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

/* In single quotes gnuplot replaces nothing; what could end them is left out. */
static void quote(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++)
		putc(isalnum((unsigned char)*text) || strchr(" _.,:;/+()%-[]=", *text) ? *text
										       : '?',
		     out);
	putc('\'', out);
}

/* Beside the others of the same x, so that their runs can be told apart. */
static double beside(const struct plot *plot, unsigned series, double x, double span)
{
	double place = series - (plot->n - 1) / 2.0;

	return plot->log_x ? x * exp(place * 0.006 * log(span)) : x + place * 0.008 * span;
}

static double x_span(const struct plot *plot)
{
	double low = INFINITY, high = -INFINITY;

	for (unsigned i = 0; i < plot->n; i++) {
		for (unsigned k = 0; k < plot->series[i].n; k++) {
			low = fmin(low, plot->series[i].points[k].x);
			high = fmax(high, plot->series[i].points[k].x);
		}
	}
	return plot->log_x ? 2 * high / low : high - low + 0.5;
}

static void write_points(FILE *out, const char *name, unsigned series, const struct plot *plot,
			 const struct plot_point *points, unsigned n)
{
	double span = x_span(plot);

	fprintf(out, "$%s%u << END\n", name, series);
	for (unsigned k = 0; k < n; k++)
		fprintf(out, "%.9g %.9g %.9g\n", beside(plot, series, points[k].x, span),
			points[k].y, points[k].low);
	fputs("END\n", out);
}

static void write_data(FILE *out, const struct plot *plot)
{
	for (unsigned i = 0; i < plot->n; i++) {
		struct plot_series *s = &plot->series[i];

		qsort(s->points, s->n, sizeof(*s->points), compare_x);
		write_points(out, "line", i, plot, s->points, s->n);
		write_points(out, "runs", i, plot, s->runs, s->n_runs);
	}
}

/* Which x are there, at most as many as fit. */
static unsigned distinct_x(const struct plot *plot, double *x, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plot->n; i++) {
		for (unsigned k = 0; k < plot->series[i].n; k++) {
			bool known = false;

			for (unsigned j = 0; j < n; j++)
				known |= x[j] == plot->series[i].points[k].x;
			if (!known && n < max)
				x[n++] = plot->series[i].points[k].x;
		}
	}
	return n;
}

/* A mark at each value that was measured, and some room beside the first and the last. */
static void write_x_axis(FILE *out, const struct plot *plot)
{
	double x[24], low, high;
	unsigned n = distinct_x(plot, x, 24);

	if (!n)
		return;
	low = high = x[0];
	fputs("set xtics (", out);
	for (unsigned i = 0; i < n; i++) {
		bool mega = x[i] >= 1e6, kilo = x[i] >= 1e4;

		fprintf(out, "%s'%g%s' %.9g", i ? ", " : "",
			mega   ? x[i] / 1e6
			: kilo ? x[i] / 1e3
			       : x[i],
			mega   ? "M"
			: kilo ? "k"
			       : "",
			x[i]);
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	fputs(")\n", out);
	if (plot->log_x)
		fprintf(out, "set logscale x\nset xrange [%.9g:%.9g]\n", low / 1.5, high * 1.5);
	else
		fprintf(out, "set xrange [%.9g:%.9g]\n", low - 0.08 * (high - low) - 0.2,
			high + 0.08 * (high - low) + 0.2);
}

/* From 0, where an axis is not logarithmic; where all is 0 too. */
static void write_y_axis(FILE *out, const struct plot *plot)
{
	double high = 0;

	for (unsigned i = 0; i < plot->n; i++)
		for (unsigned k = 0; k < plot->series[i].n_runs; k++)
			high = fmax(high, plot->series[i].runs[k].y);
	if (plot->log_y)
		fputs("set logscale y\n", out);
	else
		fprintf(out, "set yrange [0:%s]\n", high > 0 ? "*" : "1");
}

static void write_lines(FILE *out, const struct plot *plot)
{
	static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
					       "#56b4e9", "#e69f00", "#000000", "#999933" };

	write_x_axis(out, plot);
	write_y_axis(out, plot);
	fputs("plot ", out);
	for (unsigned i = 0; i < plot->n; i++) {
		fprintf(out,
			"%s$line%u using 1:2 with linespoints lc rgb '%s' lw 1.5 pt %u ps 0.6 dt "
			"%u title ",
			i ? ", " : "", i, colours[i % 8], 4 + i % 10, 1 + i / 8);
		quote(out, plot->series[i].label);
		if (plot->series[i].n_runs)
			fprintf(out,
				", $runs%u using 1:2 with points lc rgb '%s' pt 7 ps 0.3 notitle",
				i, colours[i % 8]);
	}
	putc('\n', out);
}

static void write_bars(FILE *out, const struct plot *plot)
{
	fputs("set yrange [0:*]\nset style fill solid 0.8 noborder\nset boxwidth 0.6\nset xtics (",
	      out);
	for (unsigned i = 0; i < plot->n; i++) {
		fputs(i ? ", " : "", out);
		quote(out, plot->series[i].label);
		fprintf(out, " %u", i);
	}
	fprintf(out, ") rotate by -20\nset xrange [-0.6:%u.6]\nplot ", plot->n - 1);
	for (unsigned i = 0; i < plot->n; i++)
		fprintf(out, "$line%u using (%u):2 with boxes lc rgb '#56b4e9' %s%s%s, ", i, i,
			i ? "notitle" : "title '", i ? "" : plot->parts[1], i ? "" : "'");
	for (unsigned i = 0; i < plot->n; i++)
		fprintf(out, "%s$line%u using (%u):3 with boxes lc rgb '#0072b2' %s%s%s",
			i ? ", " : "", i, i, i ? "notitle" : "title '", i ? "" : plot->parts[0],
			i ? "" : "'");
	for (unsigned i = 0; i < plot->n; i++)
		if (plot->series[i].n_runs)
			fprintf(out,
				", $runs%u using (%u):2 with points lc rgb '#000000' pt 7 ps 0.3 "
				"notitle",
				i, i);
	putc('\n', out);
}

static int write_script(const struct plot *plot, int fd)
{
	FILE *out = fdopen(dup(fd), "w");

	if (!out)
		return -errno;
	fprintf(out,
		"set terminal svg size 760,420 noenhanced font 'sans-serif,13' background "
		"'#ffffff'\n"
		"set key outside right top\nset grid lc rgb '#dddddd'\n"
		"set title '%s'\nset xlabel '%s'\nset ylabel '%s'\n",
		plot->title, plot->xlabel, plot->ylabel);
	write_data(out, plot);
	if (plot->bars)
		write_bars(out, plot);
	else
		write_lines(out, plot);
	if (fclose(out) || lseek(fd, 0, SEEK_SET))
		return -errno;
	return 0;
}

static int run_gnuplot(int script, int svg)
{
	const char *argv[] = { "gnuplot", NULL };
	posix_spawn_file_actions_t actions;
	int err, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, svg, STDOUT_FILENO);
	err = posix_spawnp(&pid, "gnuplot", &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? -EIO : 0;
}

static int read_file(int fd, char **out)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size < 0 ? NULL : malloc(size + 1);

	if (!text)
		return -errno;
	if (pread(fd, text, size, 0) != size) {
		free(text);
		return -EIO;
	}
	text[size] = 0;
	*out = text;
	return 0;
}

/* Cuts every `what` and all up to `end` out of the text. */
static void cut(char *text, const char *what, const char *end)
{
	char *from;

	while ((from = strstr(text, what))) {
		char *to = strstr(from + strlen(what), end);

		if (!to)
			return;
		memmove(from, to + strlen(end), strlen(to + strlen(end)) + 1);
	}
}

/* Length of what stands before an identifier, where it is given or referred to; 0: no such place.
 */
static size_t before_id(const char *p)
{
	static const char *const before[] = { " id='",	  " id=\"", "href='#",
					      "href=\"#", "url(#",  "url('#" };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (!strncmp(p, before[i], strlen(before[i])))
			return strlen(before[i]);
	return 0;
}

/* Identifiers, the same in every plot, get the plot's name in front. */
static char *name_ids(const char *text, const char *name)
{
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	while (*text) {
		size_t len = before_id(text);

		fwrite(text, 1, len ? len : 1, f);
		if (len)
			fprintf(f, "%s_", name);
		text += len ? len : 1;
	}
	if (!fclose(f))
		return out;
	free(out);
	return NULL;
}

/* An SVG of its own becomes a part of a page: what comes before <svg> and the names of XML go. One
 * that is cut short would take the rest of the page with it. */
static char *make_inline(const char *file, const char *name)
{
	const char *begin = strstr(file, "<svg");
	char *text = begin && strstr(begin, "</svg>") ? strdup(begin) : NULL, *named;

	if (!text)
		return NULL;
	cut(text, " xmlns=\"", "\"");
	cut(text, " xmlns:xlink=\"", "\"");
	cut(text, "<!--", "-->");
	named = name_ids(text, name);
	free(text);
	return named;
}

int plot_svg(const struct plot *plot, char **svg)
{
	int script = memfd_create("script", MFD_CLOEXEC), out = memfd_create("svg", MFD_CLOEXEC);
	int err = script < 0 || out < 0 ? -errno : write_script(plot, script);
	char *text = NULL;

	if (!err)
		err = run_gnuplot(script, out);
	if (!err)
		err = read_file(out, &text);
	if (!err) {
		*svg = make_inline(text, plot->name);
		err = *svg ? 0 : -ENODATA;
	}
	free(text);
	if (script >= 0)
		close(script);
	if (out >= 0)
		close(out);
	return err;
}
