// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "bytes.h"
#include "csv.h"
#include "file_names.h"

#define FULL 32768 /* bytes of a table that are written at once */
#define NSEC 1000000000ll

struct table {
	struct export_file *file;
	struct bytes text;
};

struct csv {
	const struct export_env *env;
	struct export_sink *sink;
	struct file_names *names;
	time_t second; /* of clock */
	char clock[32];
};

static int flush(struct csv *c, struct table *t)
{
	int err = t->text.failed ? -ENOMEM
				 : c->sink->write(c->sink, t->file, t->text.at, t->text.len);

	t->text.len = 0;
	return err;
}

static int put_header(struct csv *c, const struct file_name *name, struct bytes *b)
{
	int len = nr_types_csv_header(c->env->types, name->id, NULL, 0);
	char *to = len > 0 ? (char *)bytes_room(b, (size_t)len + 64) : NULL;

	if (!to && len > 0)
		return -ENOMEM;
	bytes_add_str(b, "time,ts,cpu,lost,late");
	if (len == -ENOENT)
		bytes_add_str(b, ",id,data");
	if (len > 0) {
		bytes_add_str(b, ",");
		nr_types_csv_header(c->env->types, name->id, (char *)b->at + b->len, len + 1);
		bytes_took(b, len);
	}
	bytes_add_str(b, "\n");
	return 0;
}

static int open_table(struct csv *c, struct file_name *name)
{
	struct table *t = calloc(1, sizeof(*t));
	char file[256];

	if (!t)
		return -ENOMEM;
	name->contents = t;
	snprintf(file, sizeof(file), "%s.csv", name->name);
	return put_header(c, name, &t->text) ?: c->sink->create(c->sink, file, &t->file);
}

/* The time up to the second, which many rows share: UTC as in RFC 3339. */
static const char *clock_text(struct csv *c, time_t second)
{
	struct tm tm;

	if (*c->clock && c->second == second)
		return c->clock;
	c->second = second;
	strftime(c->clock, sizeof(c->clock), "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &tm));
	return c->clock;
}

/* Seconds and ns are added apart, because a sum in ns would overflow in 2262. */
static void put_common(struct csv *c, struct bytes *b, const struct nr_event *ev)
{
	int64_t offset = c->env->clock_offset, ns = offset % NSEC + (int64_t)(ev->ts % NSEC);
	time_t second = (int64_t)(ev->ts / NSEC) + offset / NSEC + (ns < 0 ? -1 : ns / NSEC);
	char text[160];

	ns = ns < 0 ? ns + NSEC : ns % NSEC;
	bytes_add(b, text,
		  sprintf(text, "%s.%09" PRId64 "Z,%" PRIu64 ",%u,%u,", clock_text(c, second), ns,
			  ev->ts, ev->rec->cpu, ev->rec->lost));
	if (ev->flags & NR_EVENT_LATE)
		bytes_add(b, text, sprintf(text, "%" PRIu64, (uint64_t)ev->rec->ts));
}

/* Of a record that belongs to no type: its id and its bytes. */
static void put_raw(struct bytes *b, const struct nr_event *ev)
{
	const uint8_t *data = ev->data;
	char text[8];

	bytes_add(b, text, sprintf(text, ",%u,", ev->rec->id));
	for (uint32_t i = 0; i < ev->size; i++)
		bytes_add(b, text, sprintf(text, "%02x", data[i]));
}

static int put_fields(struct csv *c, struct bytes *b, const struct nr_event *ev)
{
	size_t room = b->size - b->len;
	int len = nr_types_format(c->env->types, ev, NR_FORMAT_CSV, (char *)b->at + b->len, room);

	if (len >= 0 && (size_t)len >= room) {
		if (!bytes_room(b, (size_t)len + 1))
			return -ENOMEM;
		nr_types_format(c->env->types, ev, NR_FORMAT_CSV, (char *)b->at + b->len, len + 1);
	}
	if (len >= 0)
		bytes_took(b, len);
	return len < 0 ? len : 0;
}

static int put_row(struct csv *c, struct bytes *b, const struct nr_event *ev)
{
	size_t at;
	int err;

	put_common(c, b, ev);
	at = b->len;
	bytes_add_str(b, ",");
	err = b->failed ? -ENOMEM : put_fields(c, b, ev);
	if (err == -ENOENT) {
		b->len = at;
		put_raw(b, ev);
		err = 0;
	}
	if (b->len == at + 1 && !nr_types_csv_header(c->env->types, ev->rec->id, NULL, 0))
		b->len = at; /* a type without fields */
	bytes_add_str(b, "\n");
	return err;
}

static int open_csv(void **state, const struct export_env *env, struct export_sink *sink)
{
	struct csv *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*state = c;
	c->env = env;
	c->sink = sink;
	return file_names_new(&c->names, env->types);
}

static int take(void *state, const struct nr_event *ev)
{
	struct csv *c = state;
	struct file_name *name = file_names_of(c->names, ev->rec->id);
	int err = name->contents ? 0 : open_table(c, name);
	struct table *t = name->contents;

	err = err ?: put_row(c, &t->text, ev);
	if (err)
		return err;
	return t->text.len >= FULL || t->text.failed ? flush(c, t) : 0;
}

static int end(void *state)
{
	struct csv *c = state;
	const struct file_name *name;
	int err = 0;

	for (size_t i = 0; !err && (name = file_names_at(c->names, i)); i++)
		if (name->contents)
			err = flush(c, name->contents);
	return err;
}

static void close_csv(void *state)
{
	struct csv *c = state;
	struct file_name *name;

	if (!c)
		return;
	for (size_t i = 0; c->names && (name = file_names_at(c->names, i)); i++) {
		struct table *t = name->contents;

		if (t)
			bytes_free(&t->text);
		free(t);
	}
	file_names_free(c->names);
	free(c);
}

const struct export_format export_csv = {
	.name = "csv",
	.directory = true,
	.open = open_csv,
	.event = take,
	.end = end,
	.close = close_csv,
};
