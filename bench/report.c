// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* numaring-bench report: a page and a table of a sweep. */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include "report.h"

/* ---- text ---- */

void write_escaped(FILE *out, const char *text)
{
	static const char *const escapes[UCHAR_MAX + 1] = {
		['&'] = "&amp;",  ['<'] = "&lt;",   ['>'] = "&gt;",
		['"'] = "&quot;", ['|'] = "&#124;", ['\n'] = " ",
	};

	for (; *text; text++)
		if (escapes[(unsigned char)*text])
			fputs(escapes[(unsigned char)*text], out);
		else
			putc(*text, out);
}

void write_paragraph(const struct page *p, const char *class, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->html)
		fprintf(p->out, "<p class=\"%s\">", class);
	write_escaped(p->out, text);
	fputs(p->html ? "</p>\n" : "\n\n", p->out);
}

bool is_trace(const json_t *sum)
{
	return !strcmp(row_word(sum, "delivery"), "trace");
}

char *write_label(const struct report *r, const json_t *sum, char *buf, size_t size)
{
	const char *transport = row_word(sum, "transport");
	bool rcu = !strcmp(row_word(sum, "order"), "rcu") && strncmp(transport, "perfbuf", 7);
	bool base = json_equal(json_object_get(sum, "placement"),
			       json_object_get(r->base, "placement"));

	snprintf(buf, size, "%s%s%s%s%s", transport, is_trace(sum) ? " to a trace" : "",
		 rcu ? ", rcu" : "", base ? "" : ", ", base ? "" : row_word(sum, "placement"));
	return buf;
}

/* ---- the two pages, from their templates ---- */

static int write_section(const struct page *p, const char *name);

/* Copies the template; {{NAME}} is replaced by a section, and {{# ...}} by nothing. */
static int fill(const struct page *p, const char *template)
{
	char name[32];
	int err = 0, len;

	while (!err && *template) {
		if (sscanf(template, "{{%31[a-z]}}%n", name, &len) == 1) {
			err = write_section(p, name);
			template += len;
		} else if (!strncmp(template, "{{#", 3)) {
			template = strstr(template, "}}") + 2;
		} else {
			putc(*template ++, p->out);
		}
	}
	return err;
}

static int write_section(const struct page *p, const char *name)
{
	static const struct {
		const char *name;
		void (*write)(const struct page *p);
	} sections[] = { { "host", write_host },
			 { "warnings", write_warnings },
			 { "comparison", write_comparison },
			 { "table", write_table } };

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (!strcmp(name, sections[i].name))
			sections[i].write(p);
	if (!strcmp(name, "explanation"))
		return fill(p, template_explanation_txt);
	return strcmp(name, "figures") ? 0 : write_figures(p);
}

/* Refuses a link: whoever made it would choose where we write. */
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

	return fd < 0 ? NULL : fdopen(fd, "w");
}

static void explain_plots(const struct report *r, int err)
{
	if (err == -ENOENT)
		bench_error("gnuplot is not installed, so there is no page; %s/report.md has the "
			    "figures. Debian: apt-get install gnuplot-nox",
			    r->dir);
	else
		bench_error("cannot draw plots in %s (%s), so there is no page; %s/report.md has "
			    "the figures",
			    r->dir,
			    err == -EIO	      ? "gnuplot failed"
			    : err == -ENODATA ? "gnuplot's SVG is cut short; is the disk full?"
					      : strerror(-err),
			    r->dir);
}

/* A page that could not be completed is removed. */
static int write_page(const struct report *r, const char *name, const char *template, bool html)
{
	struct page p = { create(r, name), html, r };
	int err, io = 0;

	if (!p.out) {
		bench_error("cannot create %s/%s: %s", r->dir, name, strerror(errno));
		return -EIO;
	}
	err = fill(&p, template);
	if (err)
		explain_plots(r, err);
	if (fflush(p.out))
		io = -errno;
	if (fclose(p.out) && !io)
		io = -errno;
	if (io)
		bench_error("cannot write %s/%s: %s", r->dir, name, strerror(-io));
	if (err || io)
		unlinkat(r->dir_fd, name, 0);
	return err ? err : io;
}

/* ---- the report ---- */

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

static json_t *most_common_values(const json_t *medians)
{
	static const char *const keys[] = { "size", "burst", "memory", "duration", "placement" };
	json_t *base = json_object();

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const char *const one[] = { keys[k], NULL };
		const json_t *row = rows_most_common(medians, one);

		json_object_set(base, keys[k], json_object_get(row, keys[k]));
	}
	return base;
}

static int report(struct report *r)
{
	int err = sweep_read(&r->file, r->input);

	if (!err)
		err = check_runs(r);
	if (err)
		return err;
	r->medians = sweep_medians(r->file.runs);
	r->base = most_common_values(r->medians);
	err = make_dir(r);
	if (!err)
		err = write_page(r, "report.md", template_report_md, false);
	if (!err)
		err = write_page(r, "report.html", template_report_html, true);
	if (!err)
		printf("%s/report.html\n%s/report.md\n", r->dir, r->dir);
	return err;
}

/* ---- the command ---- */

static const struct opt options[] = {
	{ "output", 'o', "DIR", "directory for report.html and report.md (default: .)", OPTION_TEXT,
	  .offset = offsetof(struct report, dir) },
};

int cmd_report(int argc, char **argv)
{
	struct report r = { .dir = ".", .dir_fd = -1 };
	const struct command_line line = {
		.doc = "Turn a sweep into one page with plots (report.html) and a table "
		       "(report.md).",
		.args_doc = "SWEEP.jsonl",
		.options = options,
		.n_options = 1,
		.base = &r,
		.words = &r.input,
		.least_words = 1,
		.most_words = 1,
	};
	int err;

	options_parse(&line, argc, argv);
	err = report(&r);
	json_decref(r.medians);
	json_decref(r.base);
	sweep_free(&r.file);
	if (r.dir_fd >= 0)
		close(r.dir_fd);
	return err ? BENCH_FAILED : BENCH_DONE;
}
