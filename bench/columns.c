// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables of a report: a row for each configuration, every run's figure beside the median. None
 * has more columns than a screen has room for. */
#include <math.h>
#include "report.h"

/* Of more runs than that the quartiles stand for them. */
#define MAX_SHOWN 12

#define N_COLUMNS 5 /* besides those of the key */

/* Metrics, or values of a configuration. */
static const struct table {
	const char *title;
	const char *columns[N_COLUMNS];
} tables[] = {
	{ NULL,
	  { "events_per_sec", "lost_share", "above_floor_ns", "cpu_s_per_million",
	    "latency_p99_ms" } },
	{ "What was run", { "placement", "size", "burst", "rings", "valid_runs" } },
	{ "Rates and disturbance",
	  { "attempts_per_sec", "reached_share", "turns_share", "elsewhere_share" } },
	{ "Cost for the producer",
	  { "cost_mean_ns", "floor_ns", "cost_p50_ns", "cost_p99_ns", "cost_max_ns" } },
	{ "CPU time behind a record",
	  { "consumers_s_per_million", "merge_s_per_million", "packers_s_per_million",
	    "outputs_s_per_million", "system_s_per_million" } },
	{ "Latency and memory",
	  { "latency_p50_ms", "lag_max_ms", "ring_bytes", "user_bytes", "trace_bytes_per_event" } },
};
#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

/* ---- a table, in HTML and in Markdown ---- */

void table_begin(const struct page *p, const char *const *heads)
{
	unsigned n = 0;

	fputs(p->html ? "<div class=\"wide\"><table><thead><tr>" : "|", p->out);
	for (; heads[n]; n++)
		fprintf(p->out, p->html ? "<th>%s</th>" : " %s |", heads[n]);
	fputs(p->html ? "</tr></thead><tbody>" : "\n|", p->out);
	for (unsigned k = 0; !p->html && k < n; k++)
		fputs(k ? " ---: |" : " --- |", p->out);
}

void table_row(const struct page *p)
{
	fputs(p->html ? "\n<tr>" : "\n|", p->out);
}

void table_cell(const struct page *p, const char *class, const char *text)
{
	if (p->html)
		fprintf(p->out, "<td class=\"%s\">", class);
	else
		putc(' ', p->out);
	write_escaped(p->out, text);
	fputs(p->html ? "</td>" : " |", p->out);
}

void table_end(const struct page *p)
{
	fputs(p->html ? "\n</tbody></table></div>\n" : "\n\n", p->out);
}

void table_key(const struct page *p, const json_t *sum)
{
	double rate = row_number(sum, "rate");
	double unit = !fmod(rate, 1e6) ? 1e6 : !fmod(rate, 1e3) ? 1e3 : 1;
	char text[128];

	table_row(p);
	table_cell(p, "", row_variant(p->report->base, sum, text, sizeof(text)));
	snprintf(text, sizeof(text), "%.0f", row_number(sum, "producers"));
	table_cell(p, "", text);
	snprintf(text, sizeof(text), "%.0f%s", rate / unit,
		 unit == 1e6   ? "M"
		 : unit == 1e3 ? "k"
			       : "");
	if (!rate)
		strcpy(text, "flat out");
	table_cell(p, "", text);
}

/* ---- cells ---- */

static char *value_text(char buf[64], const struct metric *m, double v)
{
	snprintf(buf, 64, "%.*f", m->digits, m->scale * v);
	return buf;
}

static bool all_look_like(const char *median, const struct metric *m, const json_t *runs)
{
	const json_t *run;
	char text[64];

	for_each_row (run, runs)
		if (strcmp(value_text(text, m, json_number_value(run)), median))
			return false;
	return true;
}

/* ": 8.5 3.3 6.0" or ": [3.3, 8.5]"; nothing if all look like the median. */
static void write_runs(FILE *out, const json_t *v, const struct metric *m, const char *median)
{
	const json_t *runs = json_object_get(v, "runs"), *run;
	char low[64], high[64];

	if (all_look_like(median, m, runs))
		return;
	fputs(":", out);
	if (json_array_size(runs) > MAX_SHOWN)
		fprintf(out, " [%s, %s]", value_text(low, m, row_number(v, "q1")),
			value_text(high, m, row_number(v, "q3")));
	else
		for_each_row (run, runs)
			fprintf(out, " %s", value_text(low, m, json_number_value(run)));
}

/* The median, every run, and how many runs had a value if not all had. */
static void write_metric(const struct page *p, const json_t *sum, const json_t *v,
			 const struct metric *m)
{
	double n = row_number(v, "n"), valid = row_number(sum, "valid_runs");
	bool split = row_number(v, "groups") > 1;
	char median[64];

	if (p->html)
		fprintf(p->out, "<td class=\"%s\">", split ? "split" : "");
	else
		putc(' ', p->out);
	fputs(value_text(median, m, row_number(v, "median")), p->out);
	fputs(p->html ? "<small>" : "", p->out);
	write_runs(p->out, v, m, median);
	fputs(split ? ", two groups" : "", p->out);
	if (n < valid)
		fprintf(p->out, " (%.0f of %.0f)", n, valid);
	fputs(p->html ? "</small></td>" : " |", p->out);
}

static void write_cell(const struct page *p, const json_t *sum, const char *column)
{
	const struct metric *m = sweep_metric(column);
	const json_t *v = json_object_get(sum, column);
	char number[64] = "-";

	if (m && json_is_object(v)) {
		write_metric(p, sum, v, m);
		return;
	}
	if (json_is_number(v))
		snprintf(number, sizeof(number), "%.12g", json_number_value(v));
	table_cell(p, "", json_is_string(v) ? json_string_value(v) : number);
}

/* ---- sections ---- */

static const char *head_of(const char *column)
{
	const struct metric *m = sweep_metric(column);

	return m			      ? m->head
	       : !strcmp(column, "size")      ? "record B"
	       : strcmp(column, "valid_runs") ? column
					      : "valid runs";
}

static void write_table(const struct page *p, const struct table *t)
{
	const char *heads[3 + N_COLUMNS + 1] = { KEY_HEADS };
	const json_t *sum;

	for (unsigned k = 0; k < N_COLUMNS && t->columns[k]; k++)
		heads[3 + k] = head_of(t->columns[k]);
	table_begin(p, heads);
	for_each_row (sum, p->report->medians) {
		table_key(p, sum);
		for (unsigned k = 0; k < N_COLUMNS && t->columns[k]; k++)
			write_cell(p, sum, t->columns[k]);
	}
	table_end(p);
}

void write_main_table(const struct page *p)
{
	write_table(p, &tables[0]);
}

void write_other_tables(const struct page *p)
{
	for (size_t i = 1; i < N_TABLES; i++) {
		fprintf(p->out, p->html ? "<h3>%s</h3>\n" : "### %s\n\n", tables[i].title);
		write_table(p, &tables[i]);
	}
}
