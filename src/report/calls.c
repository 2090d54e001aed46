// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "calls.h"

#include "memory.h"

void calls_open(struct calls *c, const struct nr_types *types)
{
	c->sched = nr_types_id(types, "sched_switch") >= 0;
	c->by_tid = memory_new(CALLS_MAX_TID, sizeof(*c->by_tid));
}

void calls_close(struct calls *c)
{
	while (c->all) {
		struct call *call = c->all;

		c->all = call->next;
		free(call);
	}
	free(c->by_tid);
}

/* The call that a thread is in; NULL: in none that is known. */
static struct call *call_of(const struct calls *c, int64_t tid)
{
	struct call *call = tid > 0 && tid < CALLS_MAX_TID ? c->by_tid[tid] : NULL;

	return call && call->enter ? call : NULL;
}

void calls_on_enter(void *state, const struct feed_event *e)
{
	struct calls *c = state;
	int64_t tid = feed_int(e, 0);
	size_t n;
	const uint64_t *args = feed_words(e, 1, &n);
	struct call *call;

	if (tid <= 0 || tid >= CALLS_MAX_TID)
		return;
	call = c->by_tid[tid];
	if (!call) {
		call = c->by_tid[tid] = memory_new(1, sizeof(*call));
		call->next = c->all;
		c->all = call;
	}
	*call = (struct call){
		.next = call->next, .enter = e->ts, .waker.tid = -1, .last.tid = -1
	};
	for (size_t i = 0; i < n && i < CALL_ARGS; i++)
		call->args[i] = args[i];
}

struct call *calls_leave(struct calls *c, int32_t tid)
{
	struct call *call = call_of(c, tid);

	if (call)
		call->enter = 0;
	return call;
}

void calls_on_switch(void *state, const struct feed_event *e)
{
	struct calls *c = state;
	struct call *call = call_of(c, feed_int(e, 0));
	uint64_t off = feed_int(e, 1);

	if (!call || e->ts - off < call->enter)
		return;
	call->off += off;
	call->wait += feed_int(e, 2);
	if (off > call->longest) {
		call->longest = off;
		call->waker = call->last;
	}
	call->last.tid = -1;
}

void calls_on_wakeup(void *state, const struct feed_event *e)
{
	struct calls *c = state;
	struct call *call = call_of(c, feed_int(e, 0));

	if (!call)
		return;
	call->last.tid = feed_int(e, 1);
	call->last.interrupt = feed_int(e, 2) != 0;
	feed_text(e, 3, call->last.comm, sizeof(call->last.comm));
}
