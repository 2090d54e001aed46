/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A collector and all its parts: collector.c opens and closes it, add.c says what it records,
 * recording.c starts and stops it, stats.c has its numbers. */
#ifndef NR_COLLECTOR_H
#define NR_COLLECTOR_H

#include <pthread.h>
#include "drain/grace.h"
#include "kernel/host.h"
#include "kernel/object.h"
#include "stream.h"

enum nr_state { NR_OPEN, NR_RUNNING, NR_FAILED, NR_STOPPED };

/* Where the memory of a shard lies: what the statistics say under the same names. */
struct nr_placement {
	size_t pages; /* these two from the start on ... */
	ssize_t pages_on_node;
	size_t index_pages; /* ... and these from NR_STOPPED on */
	ssize_t index_on_node;
};

struct nr_collector {
	struct nr_collector_opts opts;
	struct nr_logger log;	  /* calls the user's function: */
	pthread_mutex_t log_lock; /* while it is called */
	bool silent;		  /* it is not to be called any more */
	pthread_mutex_t lock;	  /* nr_collector_enter and statistics take it */
	pid_t pids[NR_PIDS_MAX];  /* the only ones to record; none: all */
	unsigned n_pids;
	enum nr_state state;
	int64_t clock_offset; /* CLOCK_REALTIME less the host's CLOCK_MONOTONIC, ns */
	struct nr_topology *topo;
	struct nr_plan *plan;
	struct nr_maps maps;
	struct nr_shard *shards;     /* [plan->n_shards] */
	struct nr_shard **shard_ptr; /* [plan->n_shards] for the merge */
	struct nr_types *types;
	struct nr_misfits misfits;
	struct nr_object *objects;
	unsigned n_objects;
	unsigned sources;		  /* a bit for each that was added */
	const struct nr_object *entering; /* whose events go into types right now */

	bool threads; /* some were started: they have to be ended */
	struct nr_drain drain;
	struct nr_consumer *consumers; /* [plan->n_shards] */
	struct nr_grace grace;
	struct nr_stream stream;

	_Atomic(bool) abandoned; /* a thread is left behind in an output */
	int end_error;
	struct nr_account account; /* for the end marks, and what it points to: */
	struct nr_stats *account_stats;

	uint64_t started, stopped;	/* CLOCK_MONOTONIC ns; stopped from NR_STOPPED on */
	uint64_t cpu_before, cpu_after; /* the same */
	struct nr_placement *placement; /* [plan->n_shards] */
	char clocksource[32];
};

/* The collector is in this state from now on. Whoever takes statistics and finds it there reads
 * what was written before, and no time that is later than the stop. */
void nr_collector_enter(struct nr_collector *c, enum nr_state state);

uint64_t nr_collector_cpu_time(void);

/* -EBUSY, with a message: it was started already. */
int nr_collector_check_open(const struct nr_collector *c);
static inline const char *nr_collector_plural(const struct nr_collector *c)
{
	return c->plan->n_shards == 1 ? "" : "s";
}

/* recording.c: -EDEADLK, with a message: the calling thread is in a function of an output. */
int nr_recording_refuse_inside(const struct nr_collector *c);
/* Ends what nr_collector_start began, or failed to. */
int nr_recording_end(struct nr_collector *c);

/* placement.c: compare where memory and threads are with the plan; log what differs. Before the
 * start, and after the consumers were joined. */
void nr_placement_check_rings(struct nr_collector *c);
void nr_placement_check_consumers(struct nr_collector *c);

#endif
