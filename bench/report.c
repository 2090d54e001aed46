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

/* ---- the two pages, from their templates ---- */

static void fill(const struct page *p, const char *template);

static void write_explanation(const struct page *p)
{
	fill(p, template_explanation_txt);
}

static void write_section(const struct page *p, const char *name)
{
	static const struct {
		const char *name;
		void (*write)(const struct page *p);
	} sections[] = { { "verdict", write_verdict },
			 { "warnings", write_warnings },
			 { "host", write_host },
			 { "ratios", write_ratios },
			 { "main", write_main_table },
			 { "figures", write_figures },
			 { "explanation", write_explanation },
			 { "tables", write_other_tables } };

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (!strcmp(name, sections[i].name))
			sections[i].write(p);
}

/* Copies the template; {{NAME}} is replaced by a section, and {{# ...}} by nothing. */
static void fill(const struct page *p, const char *template)
{
	char name[32];
	int len;

	while (*template) {
		if (sscanf(template, "{{%31[a-z]}}%n", name, &len) == 1) {
			write_section(p, name);
			template += len;
		} else if (!strncmp(template, "{{#", 3)) {
			template = strstr(template, "}}") + 2;
		} else {
			putc(*template ++, p->out);
		}
	}
}

/* Refuses a link: whoever made it would choose where we write. */
static void make_dir(struct report *r)
{
	if (!mkdir(r->dir, 0777) || errno == EEXIST)
		r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r->dir_fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		errx(BENCH_FAILED,
		     "%s is not a directory, or a link to one: give the directory itself", r->dir);
	if (r->dir_fd < 0)
		err(BENCH_FAILED, "cannot create %s", r->dir);
}

void page_die(const struct page *p, const char *why)
{
	unlinkat(p->report->dir_fd, p->name, 0);
	errx(BENCH_FAILED, "cannot write %s/%s: %s", p->report->dir, p->name, why);
}

static void write_page(const struct report *r, const char *name, const char *template, bool html)
{
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0666);
	struct page p = { fd < 0 ? NULL : fdopen(fd, "w"), name, html, r };
	bool failed;

	if (!p.out)
		err(BENCH_FAILED, "cannot create %s/%s", r->dir, name);
	fill(&p, template);
	/* An earlier write may have failed: of that, errno is not kept. */
	failed = ferror(p.out);
	errno = 0;
	if (fclose(p.out) || failed)
		page_die(&p, strerror(errno ? errno : EIO));
}

/* ---- the report ---- */

/* The medians are made anew, of the runs: the report also says how many were not valid. */
static void check_runs(const char *path, const struct sweep_file *file)
{
	size_t n = json_array_size(file->runs);
	const char *what = !n && file->medians ? "has medians only and none of the runs that a "
						 "report is made of"
			   : !n		       ? "has no run, so there is nothing to report"
			   : sweep_invalid(file->runs) == n
				   ? "has no valid run, so there is nothing to report"
				   : NULL;

	if (what)
		errx(BENCH_FAILED, "%s %s", path, what);
}

/* Adds the medians of a sweep; of two, rows know which they are of. */
static void add_sweep(struct report *r, unsigned i)
{
	struct sweep_file *file = &r->files[i];
	json_t *medians, *sum;

	*file = sweep_read(r->inputs[i]);
	check_runs(r->inputs[i], file);
	medians = sweep_medians(file->runs);
	for_each_row (sum, medians)
		if (r->n > 1)
			json_object_set_new(sum, "sweep", json_string(i ? "B" : "A"));
	json_array_extend(r->medians, medians);
	json_decref(medians);
}

static void report(struct report *r)
{
	bool in_both = true;

	r->n = r->inputs[1] ? 2 : 1;
	r->medians = json_array();
	for (unsigned i = 0; i < r->n; i++)
		add_sweep(r, i);
	r->base = verdict_base(r->medians);
	if (r->n > 1)
		in_both = verdict_of_two(r->verdict, r->medians, r->base);
	else
		verdict_of_sweep(r->verdict, r->medians, r->base, r->files[0].host);
	if (!in_both)
		errx(BENCH_FAILED,
		     "%s and %s have no configuration in common: run both sweeps with one grid",
		     r->inputs[0], r->inputs[1]);
	puts(r->verdict);
	make_dir(r);
	write_page(r, "report.md", template_report_md, false);
	write_page(r, "report.html", template_report_html, true);
	printf("%s/report.html\n%s/report.md\n", r->dir, r->dir);
}

/* ---- the command ---- */

static const struct opt options[] = {
	{ "output", 'o', "DIR", "directory for report.html and report.md (default: .)", OPTION_TEXT,
	  .offset = offsetof(struct report, dir) },
};

int cmd_report(int argc, char **argv)
{
	static struct report r = { .dir = ".", .dir_fd = -1 };
	const struct command_line line = {
		.doc = "Turn a sweep into one page with plots (report.html) and tables "
		       "(report.md), and print its verdict. With two sweeps, say how B differs "
		       "from A.\v"
		       "Examples:\n"
		       "  numaring-bench report my-host.jsonl -o my-host\n"
		       "  numaring-bench report before.jsonl after.jsonl -o change",
		.args_doc = "SWEEP.jsonl\nA.jsonl B.jsonl",
		OPTIONS(options),
		.base = &r,
		.words = r.inputs,
		.least_words = 1,
		.most_words = 2,
	};

	options_parse(&line, argc, argv);
	report(&r);
	return BENCH_DONE;
}
