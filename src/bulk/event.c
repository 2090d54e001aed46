// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include "event.h"
#include "types/json.h"
#include "value.h"

/* The words of all events; those of types follow. */
enum word { TIME, TS, CPU, EVENT, LOST, LATE_TS, FIELDS, RAW, ID, DATA, N_WORDS };

static const char *const texts[N_WORDS] = { "time",    "ts",	 "cpu",	      "event", "lost",
					    "late_ts", "fields", NR_RAW_NAME, "id",    "data" };

int nr_events_init(struct nr_events *e, const struct nr_types *types, int64_t clock_offset)
{
	uint32_t n = N_WORDS;

	e->types = types;
	e->clock_offset = clock_offset;
	e->words = calloc(types->n_ids + 1, sizeof(*e->words));
	if (!e->words)
		return -ENOMEM;
	for (uint32_t id = 0; id < types->n_ids; id++) {
		e->words[id] = n;
		if (types->by_id[id].name)
			n += 1 + types->by_id[id].layout->n_words;
	}
	return nr_pickle_init(&e->pickle, n);
}

void nr_events_free(struct nr_events *e)
{
	nr_pickle_free(&e->pickle);
	free(e->words);
}

static void put_word(struct nr_pickle *p, enum word word)
{
	nr_pickle_word(p, word, texts[word]);
}

static void put_int(struct nr_pickle *p, enum word word, uint64_t v)
{
	put_word(p, word);
	nr_pickle_int(p, v, false);
}

static void put_time(struct nr_pickle *p, uint64_t ts, int64_t clock_offset)
{
	char text[NR_TIME_TEXT];

	put_word(p, TIME);
	nr_pickle_text(p, text, nr_time_text(text, ts, clock_offset));
	put_int(p, TS, ts);
}

/* A record of no known type: its id and bytes. */
static void put_raw(struct nr_pickle *p, const struct nr_event *ev)
{
	nr_pickle_open_dict(p);
	put_int(p, ID, ev->rec->id);
	put_word(p, DATA);
	nr_value_hex_bytes(p, ev->data, ev->size);
	nr_pickle_close_dict(p);
}

static void put_fields(struct nr_events *e, const struct nr_event *ev)
{
	const struct nr_layout *layout = nr_types_layout(e->types, ev->rec->id);
	const struct nr_part s = { ev->data, (const uint8_t *)ev->data + ev->size };

	put_word(&e->pickle, FIELDS);
	if (layout)
		nr_value_fields(&e->pickle, e->words[ev->rec->id] + 1, layout, &layout->root, s);
	else
		put_raw(&e->pickle, ev);
}

void nr_events_add(struct nr_events *e, const struct nr_event *ev)
{
	const char *name = nr_types_name(e->types, ev->rec->id);
	struct nr_pickle *p = &e->pickle;

	nr_pickle_open_dict(p);
	put_time(p, ev->ts, e->clock_offset);
	put_int(p, CPU, ev->rec->cpu);
	put_word(p, EVENT);
	nr_pickle_word(p, name ? e->words[ev->rec->id] : RAW, name ? name : NR_RAW_NAME);
	put_int(p, LOST, ev->rec->lost);
	if (ev->flags & NR_EVENT_LATE)
		put_int(p, LATE_TS, ev->rec->ts);
	put_fields(e, ev);
	nr_pickle_close_dict(p);
}
