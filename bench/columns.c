// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of a report: a row for each configuration, every run's figure beside the median. */
#include <ctype.h>
#include <math.h>
#include "report.h"

/* Of more runs than that the quartiles stand for them. */
#define MAX_SHOWN 12

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

static char *value_text(char buf[64], const struct column *c, double v)
{
	snprintf(buf, 64, "%.*f", c->digits, c->scale * v);
	return buf;
}

static bool all_look_like(const char *median, const struct column *c, const json_t *runs)
{
	const json_t *run;
	char text[64];

	for_each_row (run, runs)
		if (strcmp(value_text(text, c, json_number_value(run)), median))
			return false;
	return true;
}

/* ": 8.5 3.3 6.0" or ": [3.3, 8.5]"; nothing if all look like the median. */
static void write_runs(FILE *out, const json_t *v, const struct column *c, const char *median)
{
	const json_t *runs = json_object_get(v, "runs"), *run;
	char low[64], high[64];

	if (all_look_like(median, c, runs))
		return;
	fputs(":", out);
	if (json_array_size(runs) > MAX_SHOWN)
		fprintf(out, " [%s, %s]", value_text(low, c, row_number(v, "q1")),
			value_text(high, c, row_number(v, "q3")));
	else
		for_each_row (run, runs)
			fprintf(out, " %s", value_text(low, c, json_number_value(run)));
}

/* The median, every run, and how many runs had a value if not all had. */
static void write_metric(FILE *out, const json_t *sum, const json_t *v, const struct column *c)
{
	double n = row_number(v, "n"), valid = row_number(sum, "valid_runs");
	char median[64];

	fputs(value_text(median, c, row_number(v, "median")), out);
	write_runs(out, v, c, median);
	if (row_number(v, "groups") > 1)
		fputs(", two groups", out);
	if (n < valid)
		fprintf(out, " (%.0f of %.0f)", n, valid);
}

static void write_cell(FILE *out, const json_t *sum, const struct column *c)
{
	const json_t *v = json_object_get(sum, c->key);

	if (json_is_string(v))
		write_escaped(out, json_string_value(v));
	else if (!c->scale && json_is_number(v))
		fprintf(out, "%.12g", json_number_value(v));
	else if (json_is_object(v))
		write_metric(out, sum, v, c);
	else
		putc('-', out);
}

/* A hyphen before a small letter is one where a narrow column may break the word. */
static void write_head(FILE *out, const char *head, bool html)
{
	for (const char *p = head; *p; p++)
		if (*p == '-' && islower((unsigned char)p[1]))
			fputs(html ? "&shy;" : "", out);
		else
			putc(*p, out);
}

void write_table(FILE *out, const struct report *r, bool html)
{
	const json_t *sum;

	fputs(html ? "<table><thead><tr>" : "|", out);
	for (size_t k = 0; k < N_COLUMNS; k++) {
		fputs(html ? "<th>" : " ", out);
		write_head(out, columns[k].head, html);
		fputs(html ? "</th>" : " |", out);
	}
	fputs(html ? "</tr></thead><tbody>" : "\n|", out);
	for (size_t k = 0; !html && k < N_COLUMNS; k++)
		fputs(k < 3 || k == 6 ? " --- |" : " ---: |", out);
	for_each_row (sum, r->medians) {
		fputs(html ? "\n<tr>" : "\n|", out);
		for (size_t k = 0; k < N_COLUMNS; k++) {
			fputs(html ? "<td>" : " ", out);
			write_cell(out, sum, &columns[k]);
			fputs(html ? "</td>" : " |", out);
		}
		fputs(html ? "</tr>" : "", out);
	}
	fputs(html ? "\n</tbody></table>" : "", out);
}
