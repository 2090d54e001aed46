// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter.h"

static bool passes(const struct nr_filter *f, const struct nr_event *ev)
{
	uint16_t id = ev->rec->id;

	return (id < f->n_types && f->tested[id]) || nr_query_matches(f->query, ev);
}

/* An event takes one or two words. */
static uint64_t *keep(uint64_t *to, const uint64_t *place, const uint64_t *next)
{
	while (place < next)
		*to++ = *place++;
	return to;
}

struct nr_left_out nr_filter_packet(const struct nr_filter *f, struct nr_packet *p)
{
	const uint64_t *place = p->places, *end = place + p->n_places, *next;
	struct nr_left_out out = {};
	uint64_t *to = p->places;
	struct nr_event ev;

	for (; place < end; place = next) {
		if (end - place > NR_PLACE_PREFETCH)
			nr_place_prefetch(place[NR_PLACE_PREFETCH]);
		next = nr_place_read(place, &ev);
		if (passes(f, &ev)) {
			to = keep(to, place, next);
			continue;
		}
		p->records -= nr_round8(nr_place_length(*place));
		out.events++;
		out.late += !!(ev.flags & NR_EVENT_LATE);
	}
	p->n_places = to - p->places;
	p->n_events -= out.events;
	if (!p->n_events)
		p->begin = p->end;
	return out;
}
