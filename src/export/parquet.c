// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The rows of each table wait in memory until there are enough for a row group. All tables together
 * keep up to MAX_WAITING bytes: then the longest one is written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <numaring/version.h>
#include "file_names.h"
#include "parquet.h"
#include "parquet_chunk.h"

#define GROUP_ROWS  262144
#define GROUP_BYTES (32u << 20)
#define MAX_WAITING (64u << 20)

#define MAGIC "PAR1"

struct table {
	struct export_file *file;
	struct parquet_columns columns;
	struct rows rows;
	uint64_t n_rows, n_groups, size; /* of what is written */
	struct bytes groups;		 /* RowGroups */
};

struct parquet {
	const struct export_env *env;
	struct export_sink *sink;
	struct file_names *names;
	struct parquet_chunks *chunks;
	size_t waiting; /* bytes of rows in all tables */
	uint64_t lost, missed;
};

static int put(struct parquet *p, struct table *t, const void *data, size_t size)
{
	t->size += size;
	return p->sink->write(p->sink, t->file, data, size);
}

/* ---- row groups ---- */

static int write_column(struct parquet *p, struct table *t, struct parquet_column *col,
			struct thrift *group, uint64_t *size)
{
	uint64_t offset = t->size;
	const struct bytes *pages;
	int err;

	if (p->env->stopped && p->env->stopped())
		return -EINTR;
	err = parquet_chunk_make(p->chunks, col, &t->rows, p->env->clock_offset);
	if (err)
		return err;
	pages = parquet_chunk_pages(p->chunks);
	parquet_chunk_describe(p->chunks, col, group, offset);
	*size += parquet_chunk_size(p->chunks);
	return put(p, t, pages->at, pages->len);
}

static int write_group(struct parquet *p, struct table *t)
{
	struct thrift group = { .out = &t->groups };
	uint64_t begin = t->size, size = 0;
	int err = 0;

	thrift_list(&group, 1, THRIFT_STRUCT, t->columns.n);
	for (unsigned i = 0; !err && i < t->columns.n; i++)
		err = write_column(p, t, &t->columns.at[i], &group, &size);
	thrift_i64(&group, 2, size);
	thrift_i64(&group, 3, t->rows.n);
	thrift_i64(&group, 5, begin);
	thrift_i64(&group, 6, t->size - begin);
	thrift_end(&group);
	t->n_groups++;
	t->n_rows += t->rows.n;
	p->waiting -= t->rows.bytes.len;
	rows_clear(&t->rows);
	return err ?: t->groups.failed ? -ENOMEM : 0;
}

static int write_longest(struct parquet *p)
{
	struct table *longest = NULL, *t;
	struct file_name *name;

	for (size_t i = 0; (name = file_names_at(p->names, i)); i++) {
		t = name->contents;
		if (t && (!longest || t->rows.bytes.len > longest->rows.bytes.len))
			longest = t;
	}
	return write_group(p, longest);
}

/* ---- the footer ---- */

static void put_schema(struct thrift *t, const struct parquet_columns *c)
{
	thrift_list(t, 2, THRIFT_STRUCT, c->n_schema + 1);
	thrift_element_struct(t);
	thrift_text(t, 4, "event");
	thrift_i32(t, 5, c->n_top);
	thrift_end(t);
	bytes_add(t->out, c->schema.at, c->schema.len);
}

static void put_pair(struct thrift *t, const char *key, const char *value)
{
	thrift_element_struct(t);
	thrift_text(t, 1, key);
	thrift_text(t, 2, value);
	thrift_end(t);
}

static void put_number(struct thrift *t, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	put_pair(t, key, text);
}

static void put_key_values(struct thrift *t, const struct parquet *p, const char *event)
{
	thrift_list(t, 5, THRIFT_STRUCT, 4);
	put_pair(t, "numaring.event", event);
	put_number(t, "numaring.clock_offset_ns", p->env->clock_offset);
	put_number(t, "numaring.lost", p->lost);
	put_number(t, "numaring.missed", p->missed);
}

/* How least and greatest values are compared: as the column's type says. */
static void put_orders(struct thrift *t, unsigned columns)
{
	thrift_list(t, 7, THRIFT_STRUCT, columns);
	for (unsigned i = 0; i < columns; i++) {
		thrift_element_struct(t);
		thrift_empty(t, 1);
		thrift_end(t);
	}
}

static int write_footer(struct parquet *p, struct table *t, const char *event)
{
	struct bytes footer = {};
	struct thrift meta = { .out = &footer };
	uint64_t len;
	int err;

	thrift_i32(&meta, 1, 2);
	put_schema(&meta, &t->columns);
	thrift_i64(&meta, 3, t->n_rows);
	thrift_list(&meta, 4, THRIFT_STRUCT, t->n_groups);
	bytes_add(&footer, t->groups.at, t->groups.len);
	put_key_values(&meta, p, event);
	thrift_text(&meta, 6, "numaring version " NR_VERSION_STRING);
	put_orders(&meta, t->columns.n);
	thrift_end(&meta);
	len = footer.len;
	bytes_add_le(&footer, len, 4);
	bytes_add_str(&footer, MAGIC);
	err = footer.failed ? -ENOMEM : put(p, t, footer.at, footer.len);
	bytes_free(&footer);
	return err;
}

/* ---- tables ---- */

static int open_table(struct parquet *p, struct file_name *name)
{
	struct table *t = calloc(1, sizeof(*t));
	char file[256];

	if (!t)
		return -ENOMEM;
	name->contents = t;
	snprintf(file, sizeof(file), "%s.parquet", name->name);
	return parquet_columns_open(&t->columns, p->env->types, name->id)
		       ?: p->sink->create(p->sink, file, &t->file)
		       ?: put(p, t, MAGIC, strlen(MAGIC));
}

static void free_table(struct table *t)
{
	if (!t)
		return;
	parquet_columns_close(&t->columns);
	bytes_free(&t->rows.bytes);
	bytes_free(&t->groups);
	free(t);
}

static int end_table(struct parquet *p, const struct file_name *name)
{
	struct table *t = name->contents;
	const char *event = nr_types_name(p->env->types, name->id) ?: FILE_NAMES_RAW;
	int err;

	if (!t)
		return 0;
	err = t->rows.n ? write_group(p, t) : 0;
	return err ?: write_footer(p, t, event);
}

/* ---- the format ---- */

static int open_parquet(void **state, const struct export_env *env, struct export_sink *sink)
{
	struct parquet *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*state = p;
	p->env = env;
	p->sink = sink;
	return file_names_new(&p->names, env->types) ?: parquet_chunks_new(&p->chunks);
}

static int take(void *state, const struct nr_event *ev)
{
	struct parquet *p = state;
	struct file_name *name = file_names_of(p->names, ev->rec->id);
	int err = name->contents ? 0 : open_table(p, name);
	struct table *t = name->contents;

	err = err ?: rows_add(&t->rows, ev);
	if (err)
		return err;
	p->waiting += row_size(ev->size);
	if (t->rows.n >= GROUP_ROWS || t->rows.bytes.len >= GROUP_BYTES)
		return write_group(p, t);
	return p->waiting > MAX_WAITING ? write_longest(p) : 0;
}

static int missing(void *state, const struct export_missing *missing)
{
	struct parquet *p = state;

	p->lost += missing->lost;
	p->missed += missing->missed;
	return 0;
}

static int end(void *state)
{
	struct parquet *p = state;
	const struct file_name *name;
	int err = 0;

	for (size_t i = 0; !err && (name = file_names_at(p->names, i)); i++)
		err = end_table(p, name);
	return err;
}

static void close_parquet(void *state)
{
	struct parquet *p = state;
	struct file_name *name;

	if (!p)
		return;
	for (size_t i = 0; p->names && (name = file_names_at(p->names, i)); i++)
		free_table(name->contents);
	file_names_free(p->names);
	parquet_chunks_free(p->chunks);
	free(p);
}

const struct export_format export_parquet = {
	.name = "parquet",
	.directory = true,
	.open = open_parquet,
	.event = take,
	.missing = missing,
	.end = end,
	.close = close_parquet,
};
