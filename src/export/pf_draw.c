// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Events of all types that no other file knows: with all their fields, on their threads or CPUs. */
#include <string.h>
#include "pf_state.h"

/* ---- types ---- */

/* What the slices and instants of these types are called, and their rows. */
static const struct title {
	const char *type, *title, *title_2, *row;
} titles[] = {
	{ "block_complete", "device", "op", "Disk" },
	{ "block_issue", "device", "op", "Disk queue" },
	{ "hardirq", "name", NULL, "Hardware interrupts" },
	{ "softirq", "vector", NULL, "Soft interrupts" },
	{ "memory_reclaim", NULL, NULL, "Memory" },
	{ "memory_compact", NULL, NULL, "Memory" },
};

static const char *const durations[] = { "duration_ns", "latency_ns", "queue_ns" };

static bool find(struct feed_field *f, const struct nr_types *types, uint16_t id, const char *name)
{
	const struct feed_type one = { .fields = { name } };
	const char *missing;

	return !feed_bind(f, &one, types, id, &missing);
}

static void find_integer(struct feed_field *f, const struct nr_types *types, uint16_t id,
			 const char *name)
{
	if (find(f, types, id, name) && !f->size)
		*f = (struct feed_field){};
}

/* As the columns of `numaring cat` do. The sched events call the thread pid, and the process tgid. */
static void find_task(struct feed_field *own, const struct nr_types *types, uint16_t id)
{
	static const struct {
		const char *tid, *pid;
	} pairs[] = { { "current_tid", "current_pid" }, { "tid", "pid" }, { "pid", "tgid" } };

	for (unsigned i = 0; i < 3 && !own[PF_TID].size; i++) {
		find_integer(&own[PF_TID], types, id, pairs[i].tid);
		if (own[PF_TID].size)
			find_integer(&own[PF_PID], types, id, pairs[i].pid);
	}
	if (!find(&own[PF_OWN_COMM], types, id, "current_comm"))
		find(&own[PF_OWN_COMM], types, id, "comm");
	if (own[PF_OWN_COMM].is_there && own[PF_OWN_COMM].info.kind != NR_FIELD_TEXT)
		own[PF_OWN_COMM] = (struct feed_field){};
}

void pf_draw_open(struct pf_type *type, const struct nr_types *types, uint16_t id)
{
	type->row = type->name;
	find_task(type->own, types, id);
	for (unsigned i = 0; i < 3 && !type->own[PF_DURATION].size; i++)
		find_integer(&type->own[PF_DURATION], types, id, durations[i]);
	for (unsigned i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
		if (strcmp(titles[i].type, type->name))
			continue;
		type->row = titles[i].row;
		if (titles[i].title)
			find(&type->own[PF_TITLE], types, id, titles[i].title);
		if (titles[i].title_2)
			find(&type->own[PF_TITLE_2], types, id, titles[i].title_2);
	}
}

/* ---- events ---- */

struct pf_thread *pf_thread_of(struct pf *pf, const struct pf_type *type,
			       const struct feed_event *e)
{
	struct feed_event own = { .ev = e->ev, .fields = type->own };
	int64_t tid = feed_int(&own, PF_TID);
	char comm[PF_COMM] = "";

	if (tid <= 0 || tid > INT32_MAX)
		return NULL;
	feed_text(&own, PF_OWN_COMM, comm, sizeof(comm));
	return pf_thread_get(&pf->tracks, (int32_t)tid, (int32_t)feed_int(&own, PF_PID),
			     *comm ? comm : NULL);
}

/* A field as a word of a title. */
static size_t put_word(char *buf, size_t size, const struct feed_event *own, unsigned i)
{
	const struct feed_field *f = &own->fields[i];
	const char *name = f->is_there ? feed_name(own, i) : NULL;
	size_t len;

	if (!f->is_there)
		return 0;
	if (f->info.kind != NR_FIELD_TEXT)
		return name ? snprintf(buf, size, "%s", name)
			    : snprintf(buf, size, "%lld", (long long)feed_int(own, i));
	name = nr_event_text(own->ev, &f->info, &len);
	return snprintf(buf, size, "%.*s", (int)len, name);
}

static uint64_t title_of(struct pf *pf, struct pf_type *type, const struct feed_event *e)
{
	struct feed_event own = { .ev = e->ev, .fields = type->own };
	char text[256] = "";
	size_t len = put_word(text, 100, &own, PF_TITLE);

	if (!len || len >= 100)
		return pf_intern_name(&pf->out, PF_EVENT, &type->iid, type->name);
	if (type->own[PF_TITLE_2].is_there) {
		text[len] = ' ';
		put_word(text + len + 1, 100, &own, PF_TITLE_2);
	}
	return pf_intern(&pf->out, PF_EVENT, pf_text(&pf->out, text, strlen(text)));
}

static void add_stack(struct pf *pf, const struct nr_event *ev, struct pf_event *event)
{
	struct nr_stack stack = { .sz = sizeof(stack) };

	if (!nr_stack_of(pf->env->types, ev, &stack))
		event->callstack = pf_stacks_get(&pf->stacks, &pf->out, &stack);
}

static void add_late(struct pf *pf, const struct nr_event *ev, struct pf_args *args)
{
	if (ev->flags & NR_EVENT_LATE)
		pf_arg_uint(&pf->out, args, "late_ts", ev->rec->ts);
}

/* When it began; now if it took no time, or if that is unknown. */
static uint64_t begin_of(const struct pf *pf, const struct pf_type *type,
			 const struct feed_event *e)
{
	struct feed_event own = { .ev = e->ev, .fields = type->own };
	uint64_t ns = feed_int(&own, PF_DURATION);

	return ns > pf->now - pf->first ? pf->first : pf->now - ns;
}

void pf_draw(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct pf_type *type = pf->types[e->ev->rec->id];
	struct pf_thread *t = pf_thread_of(pf, type, e);
	struct pf_cpu *c = t ? NULL : pf_cpu(&pf->tracks, e->cpu);
	struct pf_args args = {};
	struct pf_event event = { .end = pf->now, .args = &args };

	add_stack(pf, e->ev, &event);
	event.begin = begin_of(pf, type, e);
	event.name = title_of(pf, type, e);
	pf_fields_add(&pf->out, &args, &type->fields, e->ev, event.callstack ? "stack" : NULL);
	add_late(pf, e->ev, &args);
	if (t && event.begin == event.end)
		event.track = t->uuid;
	else
		event.track =
			pf_row_track(&pf->tracks, t ? &t->rows : &c->rows, t ? t->uuid : c->uuid,
				     type->row, type->row, event.begin, event.end);
	(event.begin < event.end ? pf_slice : pf_instant)(&pf->out, &event);
}

/* A record of no known type. */
void pf_draw_raw(struct pf *pf, const struct nr_event *ev)
{
	struct pf_cpu *c = pf_cpu(&pf->tracks, ev->rec->cpu);
	struct pf_args args = {};
	struct pf_event event = { .begin = pf->now, .args = &args };
	char *hex = obstack_alloc(&pf->out.arena, 2 * ev->size + 1);

	*hex = '\0';
	for (uint32_t i = 0; i < ev->size; i++)
		sprintf(hex + 2 * i, "%02x", ((const uint8_t *)ev->data)[i]);
	event.name = pf_intern(&pf->out, PF_EVENT, "numaring:raw");
	pf_arg_uint(&pf->out, &args, "id", ev->rec->id);
	pf_arg_text(&pf->out, &args, "data", hex);
	event.track = pf_row_track(&pf->tracks, &c->rows, c->uuid, "numaring:raw", "numaring:raw",
				   pf->now, pf->now);
	pf_instant(&pf->out, &event);
}
