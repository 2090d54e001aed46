/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the parts of `report`: what it is made of, and who writes which part of it. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "sweep.h"

struct report {
	const char *input;
	const char *dir;
	int dir_fd; /* kept open: the directory's name may be given to another one */
	struct sweep_file file;
	json_t *medians;
	json_t *base; /* what most configurations have: plots hold these fixed */
};

/* templates/, embedded at build time. */
extern const char template_report_html[], template_report_md[], template_explanation_txt[],
	template_plot_gp[];

/* A page that is written, in HTML or in Markdown. */
struct page {
	FILE *out;
	const char *name;
	bool html;
	const struct report *report;
};

/* ---- text (report.c) ---- */
/* In HTML and in Markdown. */
void write_escaped(FILE *out, const char *text);
/* One paragraph; class is of HTML. */
void write_paragraph(const struct page *p, const char *class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Removes the page, which could not be completed, and ends the process. */
_Noreturn void page_die(const struct page *p, const char *why);
/* The name of a row, where all but its transport is the usual. */
char *write_label(const struct report *r, const json_t *sum, char *buf, size_t size);
bool is_trace(const json_t *sum);

/* ---- sections ---- */
void write_host(const struct page *p);	     /* findings.c */
void write_warnings(const struct page *p);   /* findings.c */
void write_comparison(const struct page *p); /* findings.c */
void write_figures(const struct page *p);    /* figures.c */
void write_table(const struct page *p);	     /* columns.c */

#endif
