// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of a report: a row for each configuration, every run's figure beside the median. */
#include <math.h>
#include "report.h"

/* Of more runs than that the quartiles stand for them. */
#define MAX_SHOWN 12

/* Values of a configuration, as they are, in front of the metrics. */
static const struct {
	const char *head, *key;
} values[] = {
	{ "transport", "transport" }, { "producers", "producers" },
	{ "placement", "placement" }, { "rate each /s (0: flat out)", "rate" },
	{ "record B", "size" },	      { "burst", "burst" },
	{ "order", "order" },	      { "delivery", "delivery" },
	{ "rings", "rings" },
};
#define N_SHOWN	  (sizeof(values) / sizeof(values[0]))
#define N_COLUMNS (N_SHOWN + N_METRICS + 1)

static const char *head_of(size_t column)
{
	if (column < N_SHOWN)
		return values[column].head;
	return column < N_SHOWN + N_METRICS ? sweep_metrics[column - N_SHOWN].head : "valid runs";
}

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
static void write_metric(FILE *out, const json_t *sum, const json_t *v, const struct metric *m)
{
	double n = row_number(v, "n"), valid = row_number(sum, "valid_runs");
	char median[64];

	fputs(value_text(median, m, row_number(v, "median")), out);
	write_runs(out, v, m, median);
	if (row_number(v, "groups") > 1)
		fputs(", two groups", out);
	if (n < valid)
		fprintf(out, " (%.0f of %.0f)", n, valid);
}

static void write_value(FILE *out, const json_t *v)
{
	if (json_is_string(v))
		write_escaped(out, json_string_value(v));
	else if (json_is_number(v))
		fprintf(out, "%.12g", json_number_value(v));
	else
		putc('-', out);
}

static void write_cell(FILE *out, const json_t *sum, size_t column)
{
	const struct metric *m;
	const json_t *v;

	if (column < N_SHOWN || column == N_COLUMNS - 1) {
		write_value(out, json_object_get(sum, column < N_SHOWN ? values[column].key
								       : "valid_runs"));
		return;
	}
	m = &sweep_metrics[column - N_SHOWN];
	v = json_object_get(sum, m->name);
	if (json_is_object(v))
		write_metric(out, sum, v, m);
	else
		putc('-', out);
}

void write_table(const struct page *p)
{
	FILE *out = p->out;
	bool html = p->html;
	const json_t *sum;

	fputs(html ? "<table><thead><tr>" : "|", out);
	for (size_t k = 0; k < N_COLUMNS; k++)
		fprintf(out, html ? "<th>%s</th>" : " %s |", head_of(k));
	fputs(html ? "</tr></thead><tbody>" : "\n|", out);
	for (size_t k = 0; !html && k < N_COLUMNS; k++)
		fputs(k < 3 || k == 6 ? " --- |" : " ---: |", out);
	for_each_row (sum, p->report->medians) {
		fputs(html ? "\n<tr>" : "\n|", out);
		for (size_t k = 0; k < N_COLUMNS; k++) {
			fputs(html ? "<td>" : " ", out);
			write_cell(out, sum, k);
			fputs(html ? "</td>" : " |", out);
		}
		fputs(html ? "</tr>" : "", out);
	}
	fputs(html ? "\n</tbody></table>" : "", out);
}
