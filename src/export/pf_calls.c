// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* System calls as slices of their threads. */
#include <string.h>
#include "pf_state.h"

enum { NR, PID, TID, COMM, ARGS };
enum { RET = ARGS, ERROR, DURATION };

static struct pf_thread *thread_of(struct pf *pf, const struct feed_event *e)
{
	char comm[PF_COMM];
	int32_t tid = feed_int(e, TID);

	feed_text(e, COMM, comm, sizeof(comm));
	return tid > 0 ? pf_thread_get(&pf->tracks, tid, feed_int(e, PID), comm) : NULL;
}

static uint64_t call_name(struct pf *pf, const char *name, int64_t nr)
{
	char text[32];

	if (name)
		return pf_intern(&pf->out, PF_EVENT, name);
	snprintf(text, sizeof(text), "syscall %lld", (long long)nr);
	return pf_intern(&pf->out, PF_EVENT, text);
}

static void add_args(struct pf *pf, struct pf_args *args, const struct pf_call *call)
{
	Pf__DebugAnnotation *list;
	struct pf_args words = {};

	if (!call->n_args)
		return;
	list = pf_arg(&pf->out, args, pf_intern(&pf->out, PF_ARG, "args"));
	for (unsigned i = 0; i < call->n_args; i++) {
		Pf__DebugAnnotation *word = pf_arg(&pf->out, &words, 0);

		word->has_uint_value = true;
		word->uint_value = call->args[i];
	}
	list->array_values = words.list;
	list->n_array_values = words.n;
	args->bytes += words.bytes;
}

static void write_call(struct pf *pf, struct pf_thread *t, const struct pf_call *call, uint64_t end,
		       struct pf_args *args)
{
	struct pf_event e = { .begin = call->begin, .end = end, .args = args };

	if (!t->call_uuid)
		t->call_uuid = pf_track(&pf->out, t->uuid, "System calls", 1);
	e.track = t->call_uuid;
	e.name = call_name(pf, call->name, call->nr);
	pf_write(pf, &e, &t->call.written);
	t->call.begin = 0;
}

void pf_cut_call(struct pf *pf, struct pf_thread *t, uint64_t at, const char *why)
{
	struct pf_args args = {};

	if (!t->call.begin)
		return;
	add_args(pf, &args, &t->call);
	if (why)
		pf_arg_text(&pf->out, &args, "incomplete", why);
	write_call(pf, t, &t->call, at, &args);
}

void pf_on_enter(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct pf_thread *t = thread_of(pf, e);
	const uint64_t *words;
	size_t n;

	if (!t)
		return;
	pf_cut_call(pf, t, t->call.begin, PF_MISSING);
	words = feed_words(e, ARGS, &n);
	t->call.begin = pf->now;
	t->call.nr = feed_int(e, NR);
	t->call.name = feed_name(e, NR);
	t->call.n_args = n < 6 ? n : 6;
	if (n)
		memcpy(t->call.args, words, t->call.n_args * sizeof(*words));
}

/* A new thread begins by returning from the call that made it. */
static bool is_child(const struct feed_event *e)
{
	const char *name = feed_name(e, NR);

	return name && !feed_int(e, RET) && (!strncmp(name, "clone", 5) || strstr(name, "fork"));
}

/* The call that ends, as its own event says, if its begin is not known. */
static struct pf_call unknown_call(const struct pf *pf, const struct feed_event *e)
{
	uint64_t ns = feed_int(e, DURATION);
	uint64_t begin = is_child(e) ? pf->now : pf_floor(pf);

	return (struct pf_call){
		.begin = ns && ns < pf->now ? pf->now - ns : begin,
		.nr = feed_int(e, NR),
		.name = feed_name(e, NR),
	};
}

static bool begins_before(const struct pf *pf, const struct pf_thread *t,
			  const struct pf_call *call, const struct feed_event *e)
{
	if (t->call.begin)
		return false;
	if (!feed_int(e, DURATION))
		return !is_child(e);
	return call->begin < pf->first || call->begin < t->call.written;
}

void pf_on_exit(void *state, const struct feed_event *e)
{
	struct pf *pf = state;
	struct pf_thread *t = thread_of(pf, e);
	const char *error = feed_name(e, ERROR);
	struct pf_args args = {};
	struct pf_call call;

	if (!t)
		return;
	if (t->call.begin && t->call.nr != feed_int(e, NR) && feed_int(e, NR) >= 0)
		pf_cut_call(pf, t, t->call.begin, PF_MISSING);
	call = t->call.begin ? t->call : unknown_call(pf, e);
	add_args(pf, &args, &call);
	pf_arg_int(&pf->out, &args, "ret", feed_int(e, RET));
	if (error && feed_int(e, ERROR))
		pf_arg_text(&pf->out, &args, "error", error);
	if (begins_before(pf, t, &call, e))
		pf_arg_text(&pf->out, &args, "incomplete", PF_BEFORE);
	write_call(pf, t, &call, pf->now, &args);
}
