// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Perfetto traces: events -> tracks, slices, instants and flows. */
#include "perfetto.h"

#include <errno.h>
#include <string.h>
#include "pf_state.h"

#define NR_IDS (UINT16_MAX + 1)

/* ---- samples, and threads that end ---- */

static void on_sample(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct nr_stack stack = { .sz = sizeof(stack) };
	const struct pf_type *type = pf->types[e->ev->rec->id];
	const struct pf_thread *t = pf_thread_of(pf, type, e);
	struct pf_sample sample = { .ts = pf->now, .cpu = e->cpu };

	if (!t || nr_stack_of(pf->env->types, e->ev, &stack)) {
		pf_draw(state, e);
		return;
	}
	sample.pid = t->process->pid;
	sample.tid = t->tid;
	sample.in_kernel = stack.n_kernel;
	sample.callstack = pf_stacks_get(&pf->stacks, &pf->out, &stack);
	pf_sample(&pf->out, &sample);
}

/* With the source "sched", the thread ends with its last switch. */
static void on_process_exit(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct pf_thread *t;

	pf_draw(state, e);
	t = pf_thread_of(pf, pf->types[e->ev->rec->id], e);
	if (t && t->state == PF_UNKNOWN)
		pf_end_thread(pf, t);
}

/* ---- types ---- */

static const struct feed_type types[] = {
	{ "sched_switch", "sched", PF_SWITCH_FIELDS, pf_on_switch },
	{ "sched_wakeup", "sched", PF_WAKEUP_FIELDS, pf_on_wakeup },
	{ "sys_enter", "syscalls", PF_ENTER_FIELDS, pf_on_enter },
	{ "sys_exit", "syscalls", PF_EXIT_FIELDS, pf_on_exit },
	{ "sample", "sample", { "pid", "tid", "comm", "stack" }, on_sample },
	{ "process_exit", "exec", { "pid", "tid", "comm" }, on_process_exit },
};

static void find_fn(struct pf_type *type, const struct nr_types *known, uint16_t id)
{
	const char *missing;

	type->fn = pf_draw;
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, type->name) &&
		    !feed_bind(type->bound, &types[i], known, id, &missing))
			type->fn = types[i].fn;
}

/* NULL: no type is known by this number. */
static struct pf_type *type_of(struct pf *pf, uint16_t id)
{
	struct pf_type *type = pf->types[id];
	const char *name = type ? NULL : nr_types_name(pf->env->types, id);

	if (type || !name)
		return type;
	type = pf->types[id] = memory_new(1, sizeof(*type));
	type->name = name;
	find_fn(type, pf->env->types, id);
	pf_fields_open(&type->fields, pf->env->types, id, NULL);
	pf_draw_open(type, pf->env->types, id);
	return type;
}

/* ---- the format ---- */

static int status(struct pf *pf)
{
	return pf->out.failed ? -EIO : 0;
}

static void cut_all(struct pf *pf, uint64_t at, const char *why)
{
	struct pf_thread *t, *next;

	for (unsigned i = 0; i < NR_IDS; i++)
		if (pf->tracks.cpus[i])
			pf_cut_cpu(pf, pf->tracks.cpus[i], at, why);
	HASH_ITER(hh, pf->tracks.threads, t, next)
	{
		pf_cut_call(pf, t, at, why);
		pf_cut_thread(pf, t, at, why);
	}
}

static void evict(void *ctx, struct pf_thread *t)
{
	struct pf *pf = ctx;

	pf_cut_call(pf, t, pf->now, PF_MISSING);
	pf_cut_thread(pf, t, pf->now, PF_MISSING);
}

static int open_perfetto(void **state, const struct export_env *env, struct export_sink *sink)
{
	struct pf *pf = memory_new(1, sizeof(*pf));

	*state = pf;
	pf->env = env;
	pf->types = memory_new(NR_IDS, sizeof(*pf->types));
	pf->stacks.symbols = env->symbols;
	pf->tracks.out = &pf->out;
	pf->tracks.env = env;
	pf->tracks.evict = evict;
	pf->tracks.ctx = pf;
	pf->out.file = sink->file;
	return 0;
}

static void begin(struct pf *pf, uint64_t ts)
{
	if (pf->begun)
		return;
	pf_out_open(&pf->out, pf->out.file, pf->env->clock_offset, ts);
	pf->begun = true;
	pf->first = pf->floor = pf->now = ts;
}

static int take_event(void *state, const struct nr_event *ev)
{
	struct pf *pf = state;
	struct pf_type *type;
	struct feed_event e = { .ev = ev, .ts = ev->ts, .cpu = ev->rec->cpu, .passes = true };

	begin(pf, ev->ts);
	pf_out_next(&pf->out);
	pf->now = ev->ts > pf->first ? ev->ts : pf->first;
	type = type_of(pf, ev->rec->id);
	if (type) {
		e.fields = type->bound;
		type->fn(pf, &e);
	} else {
		pf_draw_raw(pf, ev);
	}
	return status(pf);
}

static int take_missing(void *state, const struct export_missing *m)
{
	struct pf *pf = state;
	struct pf_args args = {};
	struct pf_event e = { .begin = m->begin, .end = m->end, .args = &args };
	char text[64];

	begin(pf, m->begin);
	pf_out_next(&pf->out);
	cut_all(pf, m->begin, PF_MISSING);
	pf->floor = m->end;
	snprintf(text, sizeof(text), "%llu events missing",
		 (unsigned long long)(m->lost + m->missed));
	e.name = pf_intern(&pf->out, PF_EVENT, text);
	pf_arg_uint(&pf->out, &args, "lost", m->lost);
	pf_arg_uint(&pf->out, &args, "missed", m->missed);
	e.track = pf_losses_track(&pf->tracks, m->begin, m->end);
	pf_slice(&pf->out, &e);
	return status(pf);
}

static int end(void *state)
{
	struct pf *pf = state;

	begin(pf, 0);
	pf_out_next(&pf->out);
	cut_all(pf, pf->now, PF_END);
	return pf_out_flush(&pf->out);
}

static void close_perfetto(void *state)
{
	struct pf *pf = state;

	if (!pf)
		return;
	pf_tracks_close(&pf->tracks);
	pf_stacks_close(&pf->stacks);
	if (pf->begun)
		pf_out_close(&pf->out);
	for (unsigned i = 0; i < NR_IDS; i++) {
		if (pf->types[i])
			pf_fields_close(&pf->types[i]->fields);
		free(pf->types[i]);
	}
	free(pf->types);
	free(pf);
}

const struct export_format export_perfetto = {
	.name = "perfetto",
	.binary = true,
	.open = open_perfetto,
	.event = take_event,
	.missing = take_missing,
	.end = end,
	.close = close_perfetto,
};
