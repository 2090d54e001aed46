// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables as lines of text and as JSON. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"
#include "report/duration.h"
#include "fill.h"
#include "top.h"

struct top_cell *top_table_row(struct top_table *table)
{
	if (table->n == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->rows = reallocarray(table->rows, table->room, sizeof(*table->rows));
	}
	if (!table->rows) {
		cli_error("out of memory");
		exit(CLI_FAILED);
	}
	memset(table->rows[table->n], 0, sizeof(*table->rows));
	return table->rows[table->n++];
}

/* Equal rows are in the order of their first column, so that they do not change places. */
static int by_order(const void *a, const void *b, void *ctx)
{
	const struct top_cell *x = a, *y = b;
	const struct top_view *view = ctx;
	int column = view->sort_by;

	if (x[column].value != y[column].value)
		return x[column].value < y[column].value ? 1 : -1;
	if (view->columns[0].unit == TOP_TEXT)
		return strcmp(x[0].text, y[0].text);
	return (x[0].value > y[0].value) - (x[0].value < y[0].value);
}

void top_table_fill(struct top_table *table, const struct top_view *view,
		    const struct top_snapshot *s)
{
	table->n = 0;
	view->fill(table, s);
	if (view->sort_by >= 0 && table->n)
		qsort_r(table->rows, table->n, sizeof(*table->rows), by_order, (void *)view);
}

/* ---- text ---- */

static void format_value(char *buf, size_t size, enum top_unit unit, double value)
{
	switch (unit) {
	case TOP_NUMBER:
		snprintf(buf, size, "%.0f", value);
		break;
	case TOP_COUNT:
	case TOP_RATE:
		cli_format_count(buf, size, value);
		break;
	case TOP_PERCENT:
		snprintf(buf, size, "%.1f", value);
		break;
	case TOP_NS:
		snprintf(buf, size, "%s", value > 0 ? duration(value).s : "-");
		break;
	case TOP_TEXT:
		break;
	}
}

static bool is_last(const struct top_view *view, unsigned i)
{
	return i + 1 == TOP_COLUMNS || !view->columns[i + 1].head;
}

/* Adds a cell. A text that is too long is cut, unless it is the last of its line. */
static size_t add_cell(char *line, size_t at, const struct top_view *view, unsigned i,
		       const char *text)
{
	int width = view->columns[i].width, most = abs(width);

	if (at >= TOP_LINE)
		return at;
	if (is_last(view, i))
		return at + snprintf(line + at, TOP_LINE - at, "%*s", width > 0 ? width : 0, text);
	return at + snprintf(line + at, TOP_LINE - at, "%*.*s ", width,
			     view->columns[i].unit == TOP_TEXT ? most : 24, text);
}

void top_table_head(const struct top_view *view, char line[TOP_LINE])
{
	size_t at = 0;

	for (unsigned i = 0; i < TOP_COLUMNS && view->columns[i].head; i++)
		at = add_cell(line, at, view, i, view->columns[i].head);
}

void top_table_line(const struct top_view *view, const struct top_cell *row, char line[TOP_LINE])
{
	size_t at = 0;

	for (unsigned i = 0; i < TOP_COLUMNS && view->columns[i].head; i++) {
		char buf[24];

		format_value(buf, sizeof(buf), view->columns[i].unit, row[i].value);
		at = add_cell(line, at, view, i,
			      view->columns[i].unit == TOP_TEXT ? row[i].text : buf);
	}
}

/* ---- the whole recording ---- */

static double cpu_percent(const struct top_snapshot *s)
{
	uint64_t before = s->before ? s->before->cpu_ns : 0;

	return s->seconds > 0 ? (s->stats->cpu_ns - before) / s->seconds / 1e7 : 0;
}

void top_summary(const struct top_snapshot *s, char lines[2][TOP_LINE])
{
	uint64_t lost_before = s->before ? s->before->lost_total : 0;
	char rate[24], events[24], lost[24];
	struct tm tm = {};

	localtime_r(&s->time, &tm);
	cli_format_count(rate, sizeof(rate), s->seconds > 0 ? s->tally->n / s->seconds : 0);
	cli_format_count(events, sizeof(events), s->stats->events_written);
	cli_format_count(lost, sizeof(lost),
			 s->seconds > 0 ? (s->stats->lost_total - lost_before) / s->seconds : 0);
	snprintf(lines[0], TOP_LINE, "%02d:%02d:%02d  %s events/s, %s in %.0f s", tm.tm_hour,
		 tm.tm_min, tm.tm_sec, rate, events, s->stats->duration_ns / 1e9);
	cli_format_count(events, sizeof(events), s->stats->lost_total);
	snprintf(lines[1], TOP_LINE,
		 "lost %s (%s/s), late %ju, lag %s, fullest shard %.0f %%, CPU %.1f %%", events,
		 lost, (uintmax_t)s->stats->late, duration(s->stats->lag_ns).s,
		 fill_of_fullest(s->stats), cpu_percent(s));
}

/* ---- JSON ---- */

static json_t *json_cell(const struct top_column *column, const struct top_cell *cell)
{
	switch (column->unit) {
	case TOP_TEXT:
		return json_string(cell->text);
	case TOP_NUMBER:
	case TOP_COUNT:
	case TOP_NS:
		return json_integer(cell->value);
	case TOP_RATE:
	case TOP_PERCENT:
		return json_real(cell->value);
	}
	return NULL;
}

json_t *top_table_json(const struct top_view *view, const struct top_table *table)
{
	json_t *rows = json_array();

	for (unsigned r = 0; r < table->n; r++) {
		json_t *row = json_object();

		for (unsigned i = 0; i < TOP_COLUMNS && view->columns[i].head; i++)
			json_object_set_new(row, view->columns[i].key,
					    json_cell(&view->columns[i], &table->rows[r][i]));
		json_array_append_new(rows, row);
	}
	return rows;
}

json_t *top_summary_json(const struct top_snapshot *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "time", json_integer(s->time));
	json_object_set_new(o, "seconds", json_real(s->seconds));
	json_object_set_new(o, "events", json_integer(s->tally->n));
	json_object_set_new(o, "total", json_integer(s->stats->events_written));
	json_object_set_new(o, "lost", json_integer(s->stats->lost_total));
	json_object_set_new(o, "late", json_integer(s->stats->late));
	json_object_set_new(o, "lag_ns", json_integer(s->stats->lag_ns));
	json_object_set_new(o, "fullest_percent", json_real(fill_of_fullest(s->stats)));
	json_object_set_new(o, "cpu_percent", json_real(cpu_percent(s)));
	return o;
}
