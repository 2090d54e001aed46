// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "calls.h"

#include "memory.h"
#include "sched.h"

void calls_open(struct calls *c, const struct nr_types *types)
{
	c->sched = nr_types_id(types, "sched_switch") >= 0;
	c->by_tid = memory_new(CALLS_MAX_TID, sizeof(*c->by_tid));
}

void calls_close(struct calls *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->list[i]);
	free(c->list);
	free(c->by_tid);
}

/* The call that a thread is in; NULL: in none that is known. */
static struct call *call_of(const struct calls *c, int64_t tid)
{
	return tid > 0 && tid < CALLS_MAX_TID ? c->by_tid[tid] : NULL;
}

static void release(struct calls *c, struct call *call)
{
	c->by_tid[call->tid] = NULL;
	c->n_open--;
	call->enter = 0;
	call->next = c->free;
	c->free = call;
}

static void forget_oldest(struct calls *c, uint64_t now)
{
	for (uint64_t age = now / 2; c->n_open > CALLS_MAX_OPEN / 4 * 3; age /= 2)
		for (unsigned i = 0; i < c->n; i++)
			if (c->list[i]->enter && now - c->list[i]->enter >= age)
				release(c, c->list[i]);
}

static struct call *take(struct calls *c)
{
	struct call *call = c->free;

	if (call) {
		c->free = call->next;
		return call;
	}
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->list = memory_grow(c->list, c->room, sizeof(struct call *));
	}
	return c->list[c->n++] = memory_new(1, sizeof(*call));
}

void calls_on_enter(void *state, const struct feed_event *e)
{
	struct calls *c = state;
	int64_t tid = feed_int(e, 0);
	size_t n;
	const uint64_t *args = feed_words(e, 1, &n);
	struct call *call;

	if (tid <= 0 || tid >= CALLS_MAX_TID || !e->ts)
		return;
	if (c->by_tid[tid])
		release(c, c->by_tid[tid]);
	if (c->n_open == CALLS_MAX_OPEN)
		forget_oldest(c, e->ts);
	call = c->by_tid[tid] = take(c);
	c->n_open++;
	*call = (struct call){
		.tid = tid,
		.nr = feed_int(e, 2),
		.enter = e->ts,
		.waker.tid = -1,
		.last.tid = -1,
	};
	for (size_t i = 0; i < n && i < CALL_ARGS; i++)
		call->args[i] = args[i];
}

/* The exit of the call that is known, and the entry of the one that ends, may not be recorded: of other
 * calls, or lost. */
struct call *calls_leave(struct calls *c, int32_t tid, int64_t nr)
{
	struct call *call = call_of(c, tid);

	if (call)
		release(c, call);
	return call && (nr < 0 || call->nr == nr) ? call : NULL;
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
	int64_t context;

	if (!call)
		return;
	call->last.tid = feed_int(e, 1);
	context = feed_int(e, 2);
	call->last.interrupt = context == SCHED_BY_SOFTIRQ || context == SCHED_BY_HARDIRQ;
	call->last.unknown = context == SCHED_BY_UNKNOWN;
	feed_text(e, 3, call->last.comm, sizeof(call->last.comm));
}
