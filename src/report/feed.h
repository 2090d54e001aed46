/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events as reports see them: fields by name, found once for each event type.
 */
#ifndef NR_REPORT_FEED_H
#define NR_REPORT_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <numaring/event.h>

#define FEED_FIELDS_MAX 24
#define FEED_COMM	16

struct feed_event;

/* An event type that a report reads. A name that begins with '?' may be missing in a trace. */
struct feed_type {
	const char *name;   /* "sched_switch"; NULL ends a list of types */
	const char *source; /* what records it: "sched" */
	/* Their numbers here are those that feed_int and feed_text take. */
	const char *fields[FEED_FIELDS_MAX];
	void (*fn)(void *state, const struct feed_event *e);
};

struct feed_field {
	uint32_t offset;
	uint8_t size; /* of an integer that is whole bytes; 0: of another kind, or missing */
	bool is_signed;
	bool is_there;
	struct nr_field_info info;
};

struct feed_event {
	const struct nr_event *ev;
	const struct feed_field *fields;
	uint64_t ts; /* in the order, ns */
	unsigned cpu;
	bool passes; /* --filter: count what ends with this event */
};

/* Finds the fields of a type. -ENOENT: *missing is a field that it has not. */
int feed_bind(struct feed_field *fields, const struct feed_type *type, const struct nr_types *types,
	      uint16_t id, const char **missing);

static inline bool feed_has(const struct feed_event *e, unsigned i)
{
	return e->fields[i].is_there;
}

/* The value of an integer field, extended by its sign; 0 if it is missing. */
static inline int64_t feed_int(const struct feed_event *e, unsigned i)
{
	const struct feed_field *f = &e->fields[i];
	const char *p = (const char *)e->ev->data + f->offset;
	uint64_t v = 0;

	if (!f->size)
		return f->is_there ? (int64_t)nr_event_int(e->ev, &f->info) : 0;
	if (f->offset + f->size > e->ev->size)
		return 0;
	switch (f->size) {
	case 1:
		return f->is_signed ? *(const int8_t *)p : *(const uint8_t *)p;
	case 4:
		memcpy(&v, p, 4);
		return f->is_signed ? (int32_t)v : (int64_t)v;
	case 2:
		memcpy(&v, p, 2);
		return f->is_signed ? (int16_t)v : (int64_t)v;
	}
	memcpy(&v, p, 8);
	return (int64_t)v;
}

/* The text of a field, cut to size - 1 bytes, with a 0 at its end and in all bytes behind it. */
static inline void feed_text(const struct feed_event *e, unsigned i, char *buf, size_t size)
{
	const char *text;
	size_t len;

	memset(buf, 0, size);
	if (!e->fields[i].is_there)
		return;
	text = nr_event_text(e->ev, &e->fields[i].info, &len);
	memcpy(buf, text, len < size ? len : size - 1);
}

/* The integers of an array field, *n of them; none if they have not 64 bits each. */
const uint64_t *feed_words(const struct feed_event *e, unsigned i, size_t *n);

/* The name of an enum field's value; NULL: it has none. */
const char *feed_name(const struct feed_event *e, unsigned i);

#endif
