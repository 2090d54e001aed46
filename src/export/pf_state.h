/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a Perfetto export knows while it goes through the events. */
#ifndef NR_EXPORT_PF_STATE_H
#define NR_EXPORT_PF_STATE_H

#include "pf_fields.h"
#include "pf_stacks.h"
#include "pf_tracks.h"
#include "report/feed.h"

/* The fields of a type that say whose an event is, and how long it took. */
enum pf_own { PF_TID, PF_PID, PF_OWN_COMM, PF_DURATION, PF_TITLE, PF_TITLE_2, PF_OWN };

struct pf_type {
	const char *name;
	struct pf_name iid;
	void (*fn)(void *state, const struct feed_event *e);
	struct feed_field bound[FEED_FIELDS_MAX]; /* that fn takes */
	struct pf_fields fields;
	/* For pf_draw: */
	struct feed_field own[PF_OWN];
	const char *row; /* where its slices are, or its instants if they belong to a CPU */
};

struct pf {
	struct pf_out out;
	struct pf_tracks tracks;
	struct pf_stacks stacks;
	const struct export_env *env;
	struct pf_type **types; /* [65536], of an event before fn is called for it */
	bool begun;
	uint64_t first, now; /* times of the first event, and of this one */
	uint64_t floor;	     /* what is unknown since then is so since the first event, or
				      since events are missing */
};

/* When what is unknown began: now, as long as the events come from the stretch with the loss. */
static inline uint64_t pf_floor(const struct pf *pf)
{
	return pf->floor < pf->now ? pf->floor : pf->now;
}

/* A slice that does not begin before what was written of its track; then *written is its end. */
void pf_write(struct pf *pf, struct pf_event *e, uint64_t *written);

/* ---- pf_sched.c ---- */

#define PF_SWITCH_FIELDS                                                                           \
	{                                                                                          \
		"prev_pid", "prev_tgid", "prev_comm", "prev_state", "preempt", "prev_syscall",     \
			"next_pid", "next_tgid", "next_comm", "next_prio", "off_ns", "wait_ns"     \
	}
#define PF_WAKEUP_FIELDS                                                                           \
	{                                                                                          \
		"pid", "tgid", "comm", "target_cpu", "waker_pid", "waker_tgid", "waker_comm",      \
			"context", "is_new"                                                        \
	}
void pf_on_switch(void *state, const struct feed_event *e);
void pf_on_wakeup(void *state, const struct feed_event *e);
/* Writes what a thread does up to a time, and why that is not its end. */
void pf_cut_thread(struct pf *pf, struct pf_thread *t, uint64_t at, const char *why);
void pf_cut_cpu(struct pf *pf, struct pf_cpu *c, uint64_t at, const char *why);
/* The thread has ended: what is known of it is written, and it is forgotten. */
void pf_end_thread(struct pf *pf, struct pf_thread *t);

/* ---- pf_calls.c ---- */

#define PF_ENTER_FIELDS                                                                            \
	{                                                                                          \
		"nr", "pid", "tid", "comm", "args"                                                 \
	}
#define PF_EXIT_FIELDS                                                                             \
	{                                                                                          \
		"nr", "pid", "tid", "comm", "ret", "error", "duration_ns"                          \
	}
void pf_on_enter(void *state, const struct feed_event *e);
void pf_on_exit(void *state, const struct feed_event *e);
void pf_cut_call(struct pf *pf, struct pf_thread *t, uint64_t at, const char *why);

/* ---- pf_draw.c ---- */

/* Any other event: a slice that ends now if it took time, else an instant. On its thread, or on its CPU. */
void pf_draw(void *state, const struct feed_event *e);
void pf_draw_open(struct pf_type *type, const struct nr_types *types, uint16_t id);
void pf_draw_raw(struct pf *pf, const struct nr_event *ev);
struct pf_thread *pf_thread_of(struct pf *pf, const struct pf_type *type,
			       const struct feed_event *e);

#define PF_BEFORE  "it began before"
#define PF_MISSING "events are missing"
#define PF_END	   "the trace ends"

#endif
