// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "base/opts.h"
#include "column.h"
#include "event.h"

#define MAX_COLUMNS 65535

struct nr_bulk {
	struct nr_trace *trace;
	struct nr_bulk_opts opts; /* the strings are not kept */
	struct nr_logger log;
	struct nr_source source;
	bool *wanted;			/* [types->n_ids]: ids of opts.type; NULL: all */
	struct nr_bulk_column *columns; /* [opts.n_columns] */
	struct nr_events events;	/* if there are no columns */
	size_t rows;
};

static int refuse_type(struct nr_bulk *b, const char *name)
{
	const struct nr_types *types = b->source.types;
	struct nr_nearest near = nr_nearest_begin(name);

	for (uint32_t id = 0; id < types->n_ids; id++)
		if (types->by_id[id].name)
			nr_nearest_try(&near, types->by_id[id].name);
	nr_log(&b->log, NR_LOG_ERROR, "the trace has no event type %s%s%s%s", name,
	       near.best ? ": did you mean " : "", near.best ?: "", near.best ? "?" : "");
	return -ENOENT;
}

/* Ids of one name have the same layout. */
static int find_type(struct nr_bulk *b, const char *name)
{
	const struct nr_types *types = b->source.types;
	int id = nr_types_id(types, name);

	if (id < 0)
		return refuse_type(b, name);
	b->source.layout = nr_types_layout(types, id);
	b->wanted = calloc(types->n_ids, sizeof(*b->wanted));
	if (!b->wanted)
		return -ENOMEM;
	for (uint32_t i = id; i < types->n_ids; i++)
		b->wanted[i] = types->by_id[i].name && !strcmp(types->by_id[i].name, name);
	return 0;
}

static int add_columns(struct nr_bulk *b, const char *const *names, unsigned n)
{
	int err = 0;

	if (!n)
		return nr_events_init(&b->events, b->source.types, b->source.clock_offset);
	if (n > MAX_COLUMNS) {
		nr_log(&b->log, NR_LOG_ERROR, "%u columns are too many: use at most %d", n,
		       MAX_COLUMNS);
		return -EINVAL;
	}
	b->columns = calloc(n, sizeof(*b->columns));
	if (!b->columns)
		return -ENOMEM;
	b->opts.n_columns = n;
	for (unsigned i = 0; !err && i < n; i++)
		err = nr_bulk_column_init(&b->columns[i], &b->source, names[i], &b->log);
	return err;
}

int nr_bulk_new(struct nr_bulk **out, struct nr_trace *trace, const struct nr_bulk_opts *opts)
{
	struct nr_bulk *b = calloc(1, sizeof(*b));
	unsigned n_columns = 0;
	int err = b ? NR_COPY_OPTS(nr_bulk_opts, &b->opts, opts) : -ENOMEM;

	if (!err) {
		b->trace = trace;
		b->log = (struct nr_logger){ b->opts.log, b->opts.log_ctx };
		b->source.types = nr_trace_types(trace);
		b->source.clock_offset = nr_trace_clock_offset(trace);
		n_columns = b->opts.n_columns;
		b->opts.n_columns = 0;
		err = b->opts.type ? find_type(b, b->opts.type) : 0;
	}
	err = err ?: add_columns(b, b->opts.columns, n_columns);
	if (err)
		nr_bulk_free(b);
	else
		*out = b;
	return err;
}

void nr_bulk_free(struct nr_bulk *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->opts.n_columns; i++)
		nr_bulk_column_free(&b->columns[i]);
	nr_events_free(&b->events);
	free(b->columns);
	free(b->wanted);
	free(b);
}

static bool is_wanted(const struct nr_bulk *b, const struct nr_event *ev)
{
	uint16_t id = ev->rec->id;

	if (b->wanted && (id >= b->source.types->n_ids || !b->wanted[id]))
		return false;
	return !b->opts.query || nr_query_matches(b->opts.query, ev);
}

static void add_row(struct nr_bulk *b, const struct nr_event *ev)
{
	b->rows++;
	if (!b->opts.n_columns)
		nr_events_add(&b->events, ev);
	for (unsigned i = 0; i < b->opts.n_columns; i++)
		b->columns[i].put(&b->columns[i], &b->source, ev);
}

static void begin(struct nr_bulk *b)
{
	b->rows = 0;
	if (!b->opts.n_columns)
		nr_pickle_begin(&b->events.pickle);
	for (unsigned i = 0; i < b->opts.n_columns; i++)
		nr_bulk_column_begin(&b->columns[i]);
}

static int end(struct nr_bulk *b)
{
	int err = 0;

	if (!b->opts.n_columns) {
		nr_pickle_end(&b->events.pickle);
		return b->events.pickle.failed ? -ENOMEM : 0;
	}
	for (unsigned i = 0; i < b->opts.n_columns; i++)
		err = nr_bulk_column_end(&b->columns[i]) ?: err;
	return err;
}

int nr_bulk_next(struct nr_bulk *b, size_t max)
{
	struct nr_event ev;
	int ret = 1, err;

	begin(b);
	for (size_t i = 0; i < max; i++) {
		ret = nr_trace_next(b->trace, &ev);
		if (ret > 0 && b->opts.end && ev.ts >= b->opts.end)
			ret = 0;
		if (ret <= 0)
			break;
		if (is_wanted(b, &ev))
			add_row(b, &ev);
	}
	err = end(b);
	if (err)
		b->rows = 0;
	return err ?: ret;
}

size_t nr_bulk_rows(const struct nr_bulk *b)
{
	return b->rows;
}

const void *nr_bulk_data(const struct nr_bulk *b, unsigned i, size_t *size)
{
	const struct nr_pickle *pickle = i || b->opts.n_columns ? NULL : &b->events.pickle;
	const struct nr_bulk_column *c = i < b->opts.n_columns ? &b->columns[i] : NULL;

	if (c && c->about.kind == NR_FIELD_ARRAY)
		pickle = &c->pickle;
	*size = pickle ? pickle->size : c ? c->size : 0;
	return pickle ? pickle->data : c ? c->data : NULL;
}

int nr_bulk_column(const struct nr_bulk *b, unsigned i, struct nr_column *column)
{
	struct nr_column about = { .kind = NR_FIELD_ARRAY };

	if (!column->sz)
		return -EINVAL;
	if (i >= (b->opts.n_columns ?: 1))
		return -ENOENT;
	if (b->opts.n_columns)
		about = b->columns[i].about;
	about.sz = column->sz < sizeof(about) ? column->sz : sizeof(about);
	memcpy(column, &about, about.sz);
	return 0;
}
