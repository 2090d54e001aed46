/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every task did, from the events of source "sched" in their order: it runs, is ready to run, or
 * sleeps. Keeps the latest stretches of each task, which is where causes are found. With events of
 * the sources "syscalls" and "irq" it knows more.
 */
#ifndef NR_REPORT_SCHED_H
#define NR_REPORT_SCHED_H

#include "call_kinds.h"
#include "cpus.h"
#include "feed.h"
#include "saved_stack.h"

enum sched_state {
	SCHED_UNKNOWN, /* no event of it yet, or it has ended */
	SCHED_RUNS,
	SCHED_READY,
	SCHED_SLEEPS,
};

/* As in the events. From an interrupt, the waker is only the task that was interrupted. */
enum sched_context {
	SCHED_BY_TASK,
	SCHED_BY_SOFTIRQ,
	SCHED_BY_HARDIRQ,
	SCHED_BY_UNKNOWN,
};

struct sched_wake {
	uint64_t ts; /* 0: no wake-up is known */
	enum sched_context context;
	int32_t tid;  /* of the waker */
	unsigned cpu; /* of the waker */
	bool is_new;  /* the task was just made */
	char comm[FEED_COMM];
};

/* A part of a task's past in one state. */
struct sched_stretch {
	uint64_t begin, end;
	enum sched_state state;
	unsigned cpu;		      /* of a ready task */
	const struct call_kind *call; /* of a sleep, and what ended it: */
	struct sched_wake wake;
};

#define SCHED_STRETCHES 16
#define SCHED_PLACES	4

struct sched_task {
	struct sched_task *next; /* in its bucket, or free */
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	enum sched_state state;
	uint64_t since;		      /* when the state began */
	uint64_t out;		      /* when it left its CPU; 0: not known, or it runs */
	bool slept;		      /* it left it to sleep, not because another task was to run */
	bool split;		      /* it ran since then, and this was not recorded */
	bool by_design;		      /* it sleeps because it has nothing to do (docs/answers.md) */
	const struct call_kind *call; /* that it sleeps in */
	struct sched_wake wake;	      /* that ended its sleep */
	struct sched_wake early;      /* while it ran: it may have been about to sleep */
	unsigned cpu;		      /* where a ready task waits */
	uint64_t irq_time;	      /* of this CPU (cpus_irq_time), when it began to wait there */
	unsigned n_places;	      /* where it did before it was moved: */
	struct sched_place {
		unsigned cpu;
		uint64_t until;
		uint64_t irq_ns; /* that the CPU was in interrupts meanwhile */
	} places[SCHED_PLACES];	 /* in this order; if there are more, the latest are left out */
	bool futex_waits;	 /* its latest futex call waits for something else than a lock */
	/* Where it slept last, and where its latest waker was; NULL: not recorded. */
	struct saved_stack *slept_at, *woken_at;
	void *note; /* of the report; see `forget` */
	uint64_t n; /* stretches so far: the latest is past[(n - 1) % SCHED_STRETCHES] */
	struct sched_stretch past[SCHED_STRETCHES];
};

/* Of the tasks that ended, what the latest ones did is kept. */
#define SCHED_ENDED 1024

struct sched {
	/* Called when a task begins to run: t is as it was until now, ready or asleep. Unless t->split, it
	 * was so all the time. */
	void (*starts)(void *ctx, struct sched_task *t, const struct feed_event *e);
	/* Called when a task that slept was woken up. May be NULL. */
	void (*wakes)(void *ctx, struct sched_task *t);
	/* Called when a CPU goes on with another task: what it did until then. May be NULL. */
	void (*ran)(void *ctx, const struct cpu_run *run);
	/* Called when a task ends, or begins to run again, and has a note. */
	void (*forget)(void *note);
	void *ctx;

	const struct nr_types *types;
	struct sched_task **buckets;
	unsigned n_buckets, n_tasks;
	struct sched_task *free;
	struct sched_end {
		int32_t tid;
		uint64_t ts;
	} ended[SCHED_ENDED]; /* the latest is ended[(n_ended - 1) % SCHED_ENDED] */
	uint64_t n_ended;
	struct cpus cpus;
	struct call_kinds calls;
};

void sched_open(struct sched *s, const struct nr_types *types);
void sched_close(struct sched *s);

/* NULL: no event of it yet. */
struct sched_task *sched_find(const struct sched *s, int32_t tid);
/* Steps through all tasks; begin with NULL. */
struct sched_task *sched_each(const struct sched *s, const struct sched_task *t);

/* The event types. The state of a report that uses them begins with a struct sched. */
void sched_on_switch(void *s, const struct feed_event *e);
void sched_on_wakeup(void *s, const struct feed_event *e);
void sched_on_migrate(void *s, const struct feed_event *e);
void sched_on_call(void *s, const struct feed_event *e);
void sched_on_hardirq(void *s, const struct feed_event *e);
void sched_on_softirq(void *s, const struct feed_event *e);
void sched_on_stack(void *s, const struct feed_event *e);
void sched_on_waker_stack(void *s, const struct feed_event *e);

#define SCHED_SWITCH                                                                               \
	{                                                                                          \
		"sched_switch", "sched",                                                           \
			{ "prev_pid",  "prev_tgid", "prev_state", "prev_syscall", "preempt",       \
			  "prev_comm", "next_pid",  "next_tgid",  "next_comm",	  "?off_ns" },     \
			sched_on_switch                                                            \
	}
#define SCHED_WAKEUP                                                                               \
	{                                                                                          \
		"sched_wakeup", "sched", { "pid",	"tgid",	      "target_cpu", "comm",        \
					   "waker_pid", "waker_comm", "context",    "is_new" },    \
			sched_on_wakeup                                                            \
	}
#define SCHED_MIGRATE                                                                              \
	{                                                                                          \
		"sched_migrate", "sched", { "pid", "from_cpu", "to_cpu" }, sched_on_migrate        \
	}
/* These may be missing. */
#define SCHED_CALL                                                                                 \
	{                                                                                          \
		"?sys_enter", "syscalls", { "nr", "tid", "args" }, sched_on_call                   \
	}
#define SCHED_HARDIRQ                                                                              \
	{                                                                                          \
		"?hardirq", "irq", { "duration_ns", "name" }, sched_on_hardirq                     \
	}
#define SCHED_SOFTIRQ                                                                              \
	{                                                                                          \
		"?softirq", "irq", { "duration_ns", "vector" }, sched_on_softirq                   \
	}

#define SCHED_STACK                                                                                \
	{                                                                                          \
		"?sched_stack", "sched:stacks", { "tid" }, sched_on_stack                          \
	}
#define SCHED_WAKER_STACK                                                                          \
	{                                                                                          \
		"?sched_waker_stack", "sched:stacks", { "woken_tid" }, sched_on_waker_stack        \
	}

#endif
