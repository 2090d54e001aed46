/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <numaring/numaring.h>
#include "cli.h"
#include "lines.h"
#include "misfits.h"
#include "trace_json.h"

struct json_types {
	const struct counts *counts;
	json_t *object;
};

static int add_type(void *ctx, uint16_t id, const char *name)
{
	struct json_types *t = ctx;

	if (!json_object_get(t->object, name))
		json_object_set_new(t->object, name, json_integer(t->counts->by_type[id]));
	return 0;
}

/* As in all our JSON: a number that a double cannot hold is a string. */
static json_t *json_u64(uint64_t v)
{
	return v > 1ull << 53 ? json_sprintf("%" PRIu64, v) : json_integer(v);
}

static json_t *json_cpus(const struct counts *n)
{
	json_t *cpus = json_object();
	char key[8];

	for (unsigned cpu = 0; cpu < COUNTS_CPUS; cpu++) {
		if (!n->by_cpu[cpu])
			continue;
		snprintf(key, sizeof(key), "%u", cpu);
		json_object_set_new(cpus, key, json_integer(n->by_cpu[cpu]));
	}
	return cpus;
}

static json_t *json_causes(const struct nr_account *a)
{
	json_t *o = json_object();
	char key[32];

	for (unsigned k = 0; k < a->n_lost; k++) {
		const char *name = nr_loss_name(k);

		snprintf(key, sizeof(key), "cause_%u", k); /* of a newer recorder */
		json_object_set_new(o, name ? name : key, json_integer(a->lost[k]));
	}
	return o;
}

/* The mark of a repair, or of a chunk that is not the last, has not all of it. */
static json_t *json_account(const struct nr_account *a, const struct nr_types *types)
{
	const struct misfits misfits = { types, a->misfits, a->n_misfits, a->misfit_stride };
	bool brief = a->repaired || a->rotated;
	json_t *o = json_pack("{s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "time", json_u64(a->end),
			      "repaired", a->repaired, "rotated", a->rotated, "written",
			      (json_int_t)a->written, "late", (json_int_t)a->late, "lost",
			      (json_int_t)a->lost_total, "chunk", (json_int_t)a->chunk, "earlier",
			      (json_int_t)a->earlier);
	const struct {
		const char *key;
		uint64_t n;
	} rest[] = {
		{ "reserved", a->reserved },	   { "discarded", a->discarded },
		{ "malformed", a->malformed },	   { "unwritten", a->unwritten },
		{ "unaccounted", a->unaccounted }, { "filtered", a->filtered },
	};

	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		json_object_set_new(o, rest[i].key, brief ? json_null() : json_integer(rest[i].n));
	json_object_set_new(o, "lost_by_cause", brief ? json_null() : json_causes(a));
	json_object_set_new(o, "misfits", brief ? json_null() : misfits_json(&misfits));
	json_object_set_new(o, "error", a->error ? json_string(strerror(-a->error)) : json_null());
	return o;
}

static json_t *json_gaps(const struct gaps *g)
{
	json_t *list = json_array();

	for (size_t i = 0; i < g->n; i++) {
		const struct gap *gap = &g->list[i];
		bool unknown = gap->damaged && !gap->events;
		json_t *o =
			json_pack("{s:o, s:o, s:I, s:o, s:I}", "begin", json_u64(gap->begin), "end",
				  json_u64(gap->end), "packets", (json_int_t)gap->packets, "events",
				  unknown ? json_null() : json_integer(gap->events),
				  "damaged_packets", (json_int_t)gap->damaged);

		json_array_append_new(list, o);
	}
	return list;
}

/* "why" is the reason why "complete" is not true. */
static void add_status(json_t *o, const struct trace_status *s, const struct nr_types *types)
{
	bool complete = trace_status_is_complete(s);
	char text[512];

	json_object_set_new(o, "complete",
			    trace_status_is_unknown(s) ? json_null() : json_boolean(complete));
	json_object_set_new(o, "why",
			    complete ? json_null()
				     : json_string(trace_status_text(s, text, sizeof(text))));
	json_object_set_new(o, "end",
			    s->end_error ? json_null() : json_account(&s->account, types));
}

static json_t *json_window(const struct window *w)
{
	if (!window_is_given(w))
		return json_null();
	return json_pack("{s:o, s:o, s:f, s:f}", "begin", json_u64(w->begin), "end",
			 w->end == UINT64_MAX ? json_null() : json_u64(w->end), "duration_s",
			 window_length(w) / 1e9, "of_s", (w->last - w->first) / 1e9);
}

/* What the recorder was told to keep; NULL: everything. */
static json_t *json_filter(const struct nr_trace *trace)
{
	char *safe = nr_trace_filter(trace) ? cli_escape(nr_trace_filter(trace)) : NULL;
	json_t *text = safe ? json_string(safe) : json_null();

	free(safe);
	return text;
}

json_t *trace_json(const struct nr_trace *trace, const struct counts *n, const struct window *w,
		   const struct trace_status *s)
{
	const struct nr_types *types = nr_trace_types(trace);
	struct json_types by_type = { n, json_object() };
	json_t *o;

	nr_types_each(types, add_type, &by_type);
	if (n->raw)
		json_object_set_new(by_type.object, LINES_RAW, json_integer(n->raw));
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:b, s:o, s:o}", "events",
		      (json_int_t)n->events, "unordered", (json_int_t)n->unordered, "lost",
		      (json_int_t)n->lost, "misplaced", (json_int_t)n->misplaced, "late",
		      (json_int_t)n->late, "packets", (json_int_t)n->packets, "duration_s",
		      counts_seconds(n), "watermark", json_u64(n->watermark), "damaged",
		      s->read_error != 0, "types", by_type.object, "cpus", json_cpus(n));
	json_object_set_new(o, "filter", json_filter(trace));
	json_object_set_new(o, "window", json_window(w));
	json_object_set_new(o, "missed_packets", json_integer(n->gaps.packets));
	json_object_set_new(o, "missed_events", json_integer(n->gaps.events));
	json_object_set_new(o, "damaged_packets", json_integer(n->gaps.damaged));
	json_object_set_new(o, "gaps", json_gaps(&n->gaps));
	json_object_set_new(o, "removed_chunks", json_integer(s->removed_chunks));
	add_status(o, s, types);
	return o;
}
