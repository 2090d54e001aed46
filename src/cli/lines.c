/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lines.h"
#include "stacks.h"
#include "times.h"

#define NR_IDS (UINT16_MAX + 1)

static int grow(struct lines *l, size_t size)
{
	char *grown = realloc(l->buf, size);

	if (!grown)
		return -ENOMEM;
	l->buf = grown;
	l->size = size;
	return 0;
}

/* Formats the event's fields as CSV into the buffer, which grows if needed. Returns the length or a
 * negative errno. A record of unknown type has no columns. */
static int fields(struct lines *l, const struct nr_event *ev)
{
	int len = nr_types_format(l->types, ev, NR_FORMAT_CSV, l->buf, l->size);

	if (len == -ENOENT)
		*l->buf = 0;
	if (len < 0 || (size_t)len < l->size)
		return len == -ENOENT ? 0 : len;
	if (grow(l, (size_t)len * 2 + 256))
		return -ENOMEM;
	return nr_types_format(l->types, ev, NR_FORMAT_CSV, l->buf, l->size);
}

static const char *event_name(const struct lines *l, const struct nr_event *ev)
{
	return nr_types_name(l->types, ev->rec->id) ?: LINES_RAW;
}

static unsigned count_columns(const char *header)
{
	unsigned columns = *header ? 1 : 0;

	for (; *header; header++)
		columns += *header == ',';
	return columns;
}

/* Prints the column names of one type, "type.field", and counts them. Two ids with one name have
 * the same fields and share the columns. */
static int type_header(void *ctx, uint16_t id, const char *name)
{
	struct lines *l = ctx;
	int first = nr_types_id(l->types, name);
	char *rest, *column;
	int len;

	if (first != id) {
		l->first_column[id] = l->first_column[first];
		return 0;
	}
	len = nr_types_csv_header(l->types, id, l->buf, l->size);
	if (len >= 0 && (size_t)len >= l->size) {
		if (grow(l, (size_t)len + 1))
			return -ENOMEM;
		nr_types_csv_header(l->types, id, l->buf, l->size);
	}
	l->first_column[id] = l->columns;
	l->columns += count_columns(l->buf);
	for (rest = l->buf; (column = strsep(&rest, ",")) && *column;)
		fprintf(l->out, ",%s.%s", name, column);
	return 0;
}

/* A table has the columns of all types side by side. Each row fills those of its own type. */
static int csv_header(struct lines *l)
{
	int err;

	l->first_column = calloc(NR_IDS, sizeof(*l->first_column));
	if (!l->first_column)
		return -ENOMEM;
	fputs("time,ts,cpu,event,lost,late", l->out);
	err = nr_types_each(l->types, type_header, l);
	fputc('\n', l->out);
	return err;
}

int lines_open(struct lines *l, FILE *out, const struct lines_opts *opts,
	       const struct nr_types *types, int64_t clock_offset)
{
	*l = (struct lines){
		.out = out, .opts = *opts, .types = types, .clock_offset = clock_offset
	};
	if (opts->format == LINES_TEXT)
		return columns_open(&l->text, &opts->text, types, clock_offset);
	if (grow(l, 4096))
		return -ENOMEM;
	return opts->format == LINES_CSV ? csv_header(l) : 0;
}

void lines_close(struct lines *l)
{
	columns_close(&l->text);
	free(l->buf);
	free(l->first_column);
	memset(l, 0, sizeof(*l));
}

/* The time up to the second, which is kept because many events share it: UTC as in RFC 3339. */
static const char *clock_text(struct lines *l, time_t second)
{
	struct tm tm;

	if (*l->clock && l->second == second)
		return l->clock;
	l->second = second;
	strftime(l->clock, sizeof(l->clock), "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
	return l->clock;
}

static int text(struct lines *l, const struct nr_event *ev)
{
	int err = columns_event(&l->text, ev);

	if (err)
		return err;
	fwrite(l->text.line.buf, 1, l->text.line.len, l->out);
	return l->symbols ? stack_print(l->out, l->symbols, l->types, ev) : 0;
}

/* The line in the buffer ends with a brace, before which the names of its stack go. */
static int put_json(struct lines *l, const struct nr_event *ev, size_t len)
{
	int err = 0;

	if (!l->symbols) {
		fwrite(l->buf, 1, len, l->out);
		return 0;
	}
	fwrite(l->buf, 1, len - 2, l->out);
	err = stack_json(l->out, l->symbols, l->types, ev);
	fputs("}\n", l->out);
	return err;
}

static int json(struct lines *l, const struct nr_event *ev)
{
	int len = nr_types_json_line(l->types, ev, l->clock_offset, l->buf, l->size);

	if (len >= 0 && (size_t)len >= l->size) {
		if (grow(l, (size_t)len * 2))
			return -ENOMEM;
		len = nr_types_json_line(l->types, ev, l->clock_offset, l->buf, l->size);
	}
	return len < 0 ? len : put_json(l, ev, len);
}

static void csv_row(struct lines *l, const struct nr_event *ev, unsigned columns)
{
	unsigned before = l->first_column[ev->rec->id];
	struct timespec at = times_utc(ev->ts, l->clock_offset);

	fprintf(l->out, "%s.%09ldZ,%" PRIu64 ",%u,%s,%u,", clock_text(l, at.tv_sec), at.tv_nsec,
		ev->ts, ev->rec->cpu, event_name(l, ev), ev->rec->lost);
	if (ev->flags & NR_EVENT_LATE)
		fprintf(l->out, "%" PRIu64, (uint64_t)ev->rec->ts);
	for (unsigned i = 0; i < before; i++)
		fputc(',', l->out);
	if (columns)
		fprintf(l->out, ",%s", l->buf);
	for (unsigned i = before + columns; i < l->columns; i++)
		fputc(',', l->out);
	fputc('\n', l->out);
}

/* Counts the cells of a CSV row. A comma inside quotes does not separate. */
static unsigned count_cells(const char *row)
{
	unsigned cells = 1;
	bool quoted = false;

	for (; *row; row++) {
		quoted ^= *row == '"';
		cells += *row == ',' && !quoted;
	}
	return cells;
}

static int csv(struct lines *l, const struct nr_event *ev)
{
	int len = fields(l, ev);

	if (len >= 0)
		csv_row(l, ev, len ? count_cells(l->buf) : 0);
	return len < 0 ? len : 0;
}

int lines_event(struct lines *l, const struct nr_event *ev)
{
	enum lines_format format = l->opts.format;
	int err = format == LINES_TEXT	 ? text(l, ev)
		  : format == LINES_JSON ? json(l, ev)
					 : csv(l, ev);

	if (err)
		return err;
	return ferror(l->out) ? -(errno ? errno : EIO) : 0;
}

const char *lines_time(char *buf, size_t size, uint64_t ts, int64_t clock_offset)
{
	struct timespec at = times_utc(ts, clock_offset);
	char second[32] = "";
	struct tm tm;

	strftime(second, sizeof(second), "%H:%M:%S", localtime_r(&at.tv_sec, &tm));
	snprintf(buf, size, "%s.%09ld", second, at.tv_nsec);
	return buf;
}

const char *lines_utc(char *buf, size_t size, uint64_t ts, int64_t clock_offset)
{
	struct timespec at = times_utc(ts, clock_offset);
	struct lines l = {};

	snprintf(buf, size, "%s.%09ldZ", clock_text(&l, at.tv_sec), at.tv_nsec);
	return buf;
}
