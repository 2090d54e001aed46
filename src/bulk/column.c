// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/bits.h"
#include "base/nearest.h"
#include "column.h"
#include "types/json.h"
#include "value.h"

#define OF_PAYLOAD "fields."

/* ---- numbers ---- */

static void put_bytes(struct nr_bulk_column *c, const void *bytes, size_t n)
{
	if (c->size + n > c->cap) {
		size_t cap = (c->size + n) * 2 + 4096;
		uint8_t *grown = c->failed ? NULL : realloc(c->data, cap);

		if (!grown) {
			c->failed = true;
			return;
		}
		c->data = grown;
		c->cap = cap;
	}
	memcpy(c->data + c->size, bytes, n);
	c->size += n;
}

static void put_number(struct nr_bulk_column *c, uint64_t v)
{
	const uint32_t v32 = v;
	const uint16_t v16 = v;
	const uint8_t v8 = v;

	switch (c->about.bytes) {
	case 1:
		put_bytes(c, &v8, 1);
		break;
	case 2:
		put_bytes(c, &v16, 2);
		break;
	case 4:
		put_bytes(c, &v32, 4);
		break;
	default:
		put_bytes(c, &v, 8);
	}
}

/* ---- columns of the event ---- */

static void put_ts(struct nr_bulk_column *c, const struct nr_source *from,
		   const struct nr_event *ev)
{
	(void)from;
	put_number(c, ev->ts);
}

static void put_cpu(struct nr_bulk_column *c, const struct nr_source *from,
		    const struct nr_event *ev)
{
	(void)from;
	put_number(c, ev->rec->cpu);
}

static void put_lost(struct nr_bulk_column *c, const struct nr_source *from,
		     const struct nr_event *ev)
{
	(void)from;
	put_number(c, ev->rec->lost);
}

static void put_late(struct nr_bulk_column *c, const struct nr_source *from,
		     const struct nr_event *ev)
{
	(void)from;
	put_number(c, ev->flags & NR_EVENT_LATE ? 1 : 0);
}

static void put_time(struct nr_bulk_column *c, const struct nr_source *from,
		     const struct nr_event *ev)
{
	char text[NR_TIME_TEXT];

	nr_pickle_text(&c->pickle, text, nr_time_text(text, ev->ts, from->clock_offset));
}

static void put_name(struct nr_bulk_column *c, const struct nr_source *from,
		     const struct nr_event *ev)
{
	const char *name = nr_types_name(from->types, ev->rec->id);

	nr_pickle_word(&c->pickle, name ? ev->rec->id : NR_RAW_ID, name ? name : NR_RAW_NAME);
}

static const struct own {
	const char *name;
	void (*put)(struct nr_bulk_column *c, const struct nr_source *from,
		    const struct nr_event *ev);
	struct nr_column about;
	uint32_t n_words; /* of a pickle */
} own[] = {
	{ "ts", put_ts, { .kind = NR_FIELD_UINT, .bytes = 8 }, 0 },
	{ "cpu", put_cpu, { .kind = NR_FIELD_UINT, .bytes = 2 }, 0 },
	{ "lost", put_lost, { .kind = NR_FIELD_UINT, .bytes = 4 }, 0 },
	{ "late", put_late, { .kind = NR_FIELD_UINT, .bytes = 1, .is_bool = true }, 0 },
	{ "time", put_time, { .kind = NR_FIELD_ARRAY }, 0 },
	{ "event", put_name, { .kind = NR_FIELD_ARRAY }, NR_RAW_ID + 1 },
};

static const struct own *find_own(const char *name)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(own); i++)
		if (!strcmp(own[i].name, name))
			return &own[i];
	return NULL;
}

/* ---- columns of the payload ---- */

static struct nr_part part_of(const struct nr_bulk_column *c, const struct nr_event *ev)
{
	const uint8_t *data = ev->data;

	return (struct nr_part){ data + c->base, data + ev->size };
}

static void put_number_at(struct nr_bulk_column *c, const struct nr_field *f, const uint8_t *base)
{
	if (f->kind == NR_FLOAT)
		put_bytes(c, base + f->off / 8, c->about.bytes);
	else
		put_number(c, nr_field_load(f, base));
}

/* A row of zeros stands for a field that is not in the payload. */
static void put_missing(struct nr_bulk_column *c)
{
	for (unsigned i = 0; i < c->about.count; i++)
		put_number(c, 0);
}

static void put_field(struct nr_bulk_column *c, const struct nr_source *from,
		      const struct nr_event *ev)
{
	struct nr_part s = part_of(c, ev);

	if (nr_field_is_present(from->layout, c->field, s))
		put_number_at(c, c->field, s.base);
	else
		put_missing(c);
}

static void put_array(struct nr_bulk_column *c, const struct nr_source *from,
		      const struct nr_event *ev)
{
	struct nr_part s = part_of(c, ev);

	if (nr_field_count(from->layout, c->field, s) < c->about.count) {
		put_missing(c);
		return;
	}
	s.base += c->field->off / 8;
	for (unsigned i = 0; i < c->about.count; i++, s.base += c->field->stride / 8)
		put_number_at(c, c->field->kids, s.base);
}

static void put_value(struct nr_bulk_column *c, const struct nr_source *from,
		      const struct nr_event *ev)
{
	struct nr_part s = part_of(c, ev);

	if (nr_field_is_present(from->layout, c->field, s))
		nr_value(&c->pickle, 0, from->layout, c->field, s);
	else
		nr_pickle_none(&c->pickle);
}

/* Describes the numbers that a field holds. false: it holds no number. */
static bool describe(struct nr_column *about, const struct nr_field *f)
{
	switch (f->kind) {
	case NR_FLOAT:
		about->kind = NR_FIELD_FLOAT;
		break;
	case NR_INT:
		about->kind = NR_FIELD_INT;
		break;
	case NR_UINT:
	case NR_BOOL:
	case NR_PTR:
		about->kind = NR_FIELD_UINT;
		break;
	default:
		return false;
	}
	about->is_bool = f->kind == NR_BOOL;
	about->bytes = f->bits <= 8 ? 1 : f->bits <= 16 ? 2 : f->bits <= 32 ? 4 : 8;
	return true;
}

static void refuse(const struct nr_source *from, const char *name, const struct nr_logger *log)
{
	struct nr_nearest near = nr_nearest_begin(name);
	const struct nr_layout *layout = from->layout;

	for (size_t i = 0; i < NR_ARRAY_SIZE(own); i++)
		nr_nearest_try(&near, own[i].name);
	for (unsigned i = 0; layout && i < layout->root.n_kids; i++)
		nr_nearest_try(&near, layout->root.kids[i].name);
	if (near.best)
		nr_log(log, NR_LOG_ERROR, "there is no column %s: did you mean %s?", name,
		       near.best);
	else if (!layout)
		nr_log(log, NR_LOG_ERROR,
		       "there is no column %s: events of all types have ts, cpu, lost, late, time "
		       "and event; give a type for columns of its fields",
		       name);
	else
		nr_log(log, NR_LOG_ERROR, "there is no column %s, and the type has no such field",
		       name);
}

static int init_field(struct nr_bulk_column *c, const struct nr_source *from, const char *name,
		      const struct nr_logger *log)
{
	size_t skip = strncmp(name, OF_PAYLOAD, strlen(OF_PAYLOAD)) ? 0 : strlen(OF_PAYLOAD);
	const struct nr_field *root = from->layout ? &from->layout->root : NULL;
	uint32_t base = 0; /* bits */

	if (root && skip)
		c->field = nr_field_find(root, name + skip, &base);
	if (root && !c->field) {
		base = 0;
		c->field = nr_field_find(root, name, &base);
	}
	c->base = base / 8;
	if (!c->field) {
		refuse(from, name, log);
		return -ENOENT;
	}
	c->about.count = 1;
	c->put = put_field;
	if (describe(&c->about, c->field))
		return 0;
	c->about.is_array = c->field->kind == NR_ARRAY && !c->field->tail;
	if (c->about.is_array && describe(&c->about, c->field->kids)) {
		c->about.count = c->field->count;
		c->put = put_array;
		return 0;
	}
	c->about = (struct nr_column){ .kind = NR_FIELD_ARRAY };
	c->put = put_value;
	return nr_pickle_init(&c->pickle, from->layout->n_words);
}

int nr_bulk_column_init(struct nr_bulk_column *c, const struct nr_source *from, const char *name,
			const struct nr_logger *log)
{
	const struct own *found = find_own(name);

	if (!found)
		return init_field(c, from, name, log);
	c->about = found->about;
	c->about.count = c->about.kind == NR_FIELD_ARRAY ? 0 : 1;
	c->put = found->put;
	return c->about.count ? 0 : nr_pickle_init(&c->pickle, found->n_words);
}

void nr_bulk_column_free(struct nr_bulk_column *c)
{
	nr_pickle_free(&c->pickle);
	free(c->data);
}

void nr_bulk_column_begin(struct nr_bulk_column *c)
{
	c->size = 0;
	if (c->about.kind == NR_FIELD_ARRAY)
		nr_pickle_begin(&c->pickle);
}

int nr_bulk_column_end(struct nr_bulk_column *c)
{
	if (c->about.kind == NR_FIELD_ARRAY)
		nr_pickle_end(&c->pickle);
	return c->failed || c->pickle.failed ? -ENOMEM : 0;
}
