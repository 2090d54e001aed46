/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the parts of `report`: what it is made of, and who writes which part of it. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "sweep.h"

struct report {
	const char *inputs[2];
	unsigned n; /* sweeps */
	const char *dir;
	int dir_fd; /* kept open: the directory's name may be given to another one */
	struct sweep_file files[2];
	json_t *medians; /* of all sweeps; those of two have "sweep": "A" or "B" */
	json_t *base;	 /* what most configurations have: plots hold these fixed */
	char verdict[VERDICT_SIZE];
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

/* ---- tables (columns.c) ---- */
void table_begin(const struct page *p, const char *const *heads);
void table_row(const struct page *p); /* begins one */
void table_cell(const struct page *p, const char *class, const char *text);
void table_end(const struct page *p);
/* What every table begins with: configuration, producers, rate. */
#define KEY_HEADS "configuration", "producers", "each /s"
void table_key(const struct page *p, const json_t *sum);

/* ---- sections ---- */
void write_verdict(const struct page *p);      /* findings.c */
void write_host(const struct page *p);	       /* findings.c */
void write_warnings(const struct page *p);     /* findings.c */
void write_ratios(const struct page *p);       /* findings.c */
void write_figures(const struct page *p);      /* figures.c */
void write_main_table(const struct page *p);   /* columns.c */
void write_other_tables(const struct page *p); /* columns.c */

#endif
