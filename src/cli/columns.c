// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "show_calls.h"
#include "columns.h"
#include "times.h"

#define NR_IDS (UINT16_MAX + 1)

/* Bytes of a line without colours, where columns begin, counted from the time. */
#define TASK_WIDTH  22
#define EVENT_WIDTH 14

#define COLOUR_OFF   "\033[0m"
#define COLOUR_TIME  "\033[2m"	/* faint */
#define COLOUR_EVENT "\033[36m" /* cyan */
#define COLOUR_LATE  "\033[33m" /* yellow */

int columns_open(struct columns *c, const struct columns_opts *opts, const struct nr_types *types,
		 int64_t clock_offset)
{
	*c = (struct columns){ .types = types, .clock_offset = clock_offset, .opts = *opts };
	c->views = calloc(NR_IDS, sizeof(*c->views));
	c->memory = call_memory_new();
	return c->views && c->memory && put_room(&c->line, 1024) ? 0 : -ENOMEM;
}

void columns_close(struct columns *c)
{
	for (unsigned id = 0; c->views && id < NR_IDS; id++)
		view_free(c->views[id]);
	free(c->views);
	free(c->memory);
	free(c->line.buf);
	memset(c, 0, sizeof(*c));
}

static void colour(struct columns *c, const char *code)
{
	if (c->opts.colour)
		put_str(&c->line, code);
}

/* Many events share their second. */
static const char *clock_text(struct columns *c, time_t second)
{
	bool local = c->opts.time == COLUMNS_LOCAL;
	struct tm tm;

	if (*c->clock && c->second == second)
		return c->clock;
	c->second = second;
	strftime(c->clock, sizeof(c->clock), local ? "%H:%M:%S." : "%Y-%m-%dT%H:%M:%S.",
		 local ? localtime_r(&second, &tm) : gmtime_r(&second, &tm));
	return c->clock;
}

static void put_clock(struct columns *c, uint64_t ts)
{
	struct timespec at = times_utc(ts, c->clock_offset);

	put_str(&c->line, clock_text(c, at.tv_sec));
	put_digits(&c->line, at.tv_nsec, 9);
	if (c->opts.time == COLUMNS_UTC)
		put_str(&c->line, "Z");
}

/* Seconds, aligned at their point up to a day. */
static void put_seconds(struct put *p, uint64_t ns)
{
	uint64_t s = ns / TIMES_NSEC;

	for (uint64_t least = 10000; least > 1 && s < least; least /= 10)
		put_bytes(p, " ", 1);
	put_uint(p, s);
	put_bytes(p, ".", 1);
	put_digits(p, ns % TIMES_NSEC, 9);
}

static void put_time(struct columns *c, uint64_t ts)
{
	if (!c->begun)
		c->first = c->last = ts;
	c->begun = true;
	colour(c, COLOUR_TIME);
	if (c->opts.time <= COLUMNS_UTC)
		put_clock(c, ts);
	else
		put_seconds(&c->line, ts - (c->opts.time == COLUMNS_SINCE ? c->first : c->last));
	c->last = ts;
	put_str(&c->line, " [");
}

static void put_event_name(struct columns *c, const struct nr_event *ev, const char *name)
{
	bool late = ev->flags & NR_EVENT_LATE;

	colour(c, late ? COLOUR_LATE : COLOUR_EVENT);
	put_str(&c->line, name);
	if (late)
		put_str(&c->line, " (late)");
}

/* A record of no known type. */
static void put_raw(struct put *p, const struct nr_event *ev)
{
	const unsigned char *data = ev->data;

	put_str(p, "id = ");
	put_uint(p, ev->rec->id);
	put_str(p, ", data = ");
	for (uint32_t i = 0; i < ev->size; i++)
		put_bytes(p,
			  (char[]){ "0123456789abcdef"[data[i] / 16],
				    "0123456789abcdef"[data[i] % 16] },
			  2);
}

static struct view *view_of(struct columns *c, uint16_t id)
{
	if (!c->views[id] && nr_types_name(c->types, id))
		c->views[id] = view_new(c->types, id, c->memory);
	return c->views[id];
}

int columns_event(struct columns *c, const struct nr_event *ev)
{
	struct view *view = view_of(c, ev->rec->id);
	struct put *p = &c->line;
	size_t begin;

	if (!view && nr_types_name(c->types, ev->rec->id))
		return -ENOMEM;
	p->len = 0;
	put_time(c, ev->ts);
	put_digits(p, ev->rec->cpu, 3);
	put_str(p, "] ");
	colour(c, COLOUR_OFF);
	begin = p->len;
	if (view && view->task.has_tid)
		parts_put_task(p, ev, &view->task);
	else
		put_str(p, "-");
	put_column(p, begin + TASK_WIDTH);
	begin = p->len;
	put_event_name(c, ev, view ? view->name : COLUMNS_RAW);
	colour(c, COLOUR_OFF);
	put_column(p, begin + EVENT_WIDTH + (c->opts.colour ? strlen(COLOUR_EVENT COLOUR_OFF) : 0));
	begin = p->len;
	if (view)
		view->fn(p, ev, view);
	else
		put_raw(p, ev);
	while (p->len == begin && p->len && p->buf[p->len - 1] == ' ')
		begin = --p->len; /* the event says nothing more */
	put_str(p, "\n");
	return p->failed ? -ENOMEM : 0;
}
