/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every task and every CPU did, from the events of source "sched" in their order: a task runs,
 * is ready to run, or sleeps; a CPU runs a task or is idle. Keeps the latest stretches of each, which
 * is where causes are found.
 */
#ifndef NR_REPORT_SCHED_H
#define NR_REPORT_SCHED_H

#include "feed.h"

enum sched_state {
	SCHED_UNKNOWN, /* no event of it yet */
	SCHED_RUNS,
	SCHED_READY,
	SCHED_SLEEPS,
};

struct sched_task {
	struct sched_task *next; /* in its bucket, or free */
	int32_t tid;
	uint32_t pid;
	char comm[FEED_COMM];
	enum sched_state state;
	uint64_t since; /* when the state began */
	uint64_t out;	/* when it left its CPU; 0: not known */
	bool slept;	/* it left it to sleep, not because another task was to run */
	uint64_t woken; /* of a task that slept: when it was woken up; 0: not known */
	/* Where a ready task waits, and where it did before it was moved. */
	unsigned cpu, from_cpu;
	uint64_t moved; /* 0: it was not */
};

/* Something that a CPU did. */
struct sched_run {
	uint64_t begin, end;
	int32_t tid; /* 0: idle */
	char comm[FEED_COMM];
};

#define SCHED_RUNS_KEPT 1024

struct sched_cpu {
	int32_t tid; /* now, since then; -1: not known */
	uint64_t since;
	char comm[FEED_COMM];
	uint64_t n; /* stretches so far: the latest is runs[(n - 1) % SCHED_RUNS_KEPT] */
	struct sched_run runs[SCHED_RUNS_KEPT];
};

struct sched {
	/* Called when a task begins to run: t is as it was until now. */
	void (*starts)(void *ctx, const struct sched_task *t, const struct feed_event *e);
	void *ctx;

	struct sched_task **buckets;
	unsigned n_buckets, n_tasks;
	struct sched_task *free;
	struct sched_cpu **cpus; /* [65536] */
};

void sched_open(struct sched *s);
void sched_close(struct sched *s);

/* NULL: no event of it yet. */
struct sched_task *sched_find(const struct sched *s, int32_t tid);
/* Steps through all tasks; begin with NULL. */
struct sched_task *sched_each(const struct sched *s, const struct sched_task *t);

/* The event types of the source. The state of a report that uses them begins with a struct sched. */
void sched_on_switch(void *s, const struct feed_event *e);
void sched_on_wakeup(void *s, const struct feed_event *e);
void sched_on_migrate(void *s, const struct feed_event *e);

#define SCHED_EVENTS                                                                               \
	{ "sched_switch",                                                                          \
	  "sched",                                                                                 \
	  { "prev_pid", "prev_state", "preempt", "prev_comm", "next_pid", "next_comm",             \
	    "?prev_tgid", "?next_tgid" },                                                          \
	  sched_on_switch },                                                                       \
		{ "sched_wakeup",                                                                  \
		  "sched",                                                                         \
		  { "pid", "target_cpu", "comm", "is_new", "?tgid" },                              \
		  sched_on_wakeup },                                                               \
	{                                                                                          \
		"sched_migrate", "sched", { "pid", "from_cpu", "to_cpu" }, sched_on_migrate        \
	}

/* Who used a CPU between two times. */
#define SCHED_SHARES 16
struct sched_share {
	uint64_t ns;
	int32_t tid;
	char comm[FEED_COMM];
};

struct sched_shares {
	struct sched_share list[SCHED_SHARES]; /* the largest first */
	unsigned n;
	uint64_t known; /* ns of the time that the kept stretches tell about */
	uint64_t idle;	/* of these */
};

/* Adds what the CPU did between begin and end, at most up to now. */
void sched_add_shares(const struct sched *s, struct sched_shares *sum, unsigned cpu, uint64_t begin,
		      uint64_t end, uint64_t now);

#endif
