/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A collector and its parts. collector.c opens and closes it, objects.c and add.c add what it records
 * and its outputs, recording.c starts and stops it, stats.c takes statistics. */
#ifndef NR_COLLECTOR_H
#define NR_COLLECTOR_H

#include <pthread.h>
#include "drain/grace.h"
#include "kernel/follow.h"
#include "kernel/host.h"
#include "kernel/object.h"
#include "kernel/processes.h"
#include "kernel/stack_maps.h"
#include "stream.h"

/* The filter of a recording. */
struct nr_filtering {
	char *text;		/* NULL: there is none */
	uint32_t *node_of_cpu;	/* [maps.n_cpus] */
	struct nr_query *query; /* since the start */
	struct nr_cgroup cgroup;
	bool *tested; /* [types->n_ids]: struct nr_filter has it */
};

enum nr_state { NR_OPEN, NR_RUNNING, NR_FAILED, NR_STOPPED };

/* The places of a shard's memory; names as in struct nr_shard_stats. */
struct nr_placement {
	size_t pages; /* these two are set by the start ... */
	ssize_t pages_on_node;
	size_t index_pages; /* ... and these by the stop */
	ssize_t index_on_node;
};

struct nr_collector {
	struct nr_collector_opts opts;
	struct nr_logger log;	  /* calls the user's function, */
	pthread_mutex_t log_lock; /* held meanwhile */
	bool silent;		  /* the function must not be called any more */
	pthread_mutex_t lock;	  /* for state, stopped and cpu_after */
	pid_t pids[NR_PIDS_MAX];  /* the only processes to record; none: all */
	unsigned n_pids;
	enum nr_state state;
	int64_t clock_offset; /* CLOCK_REALTIME minus the host's CLOCK_MONOTONIC, ns */
	struct nr_topology *topo;
	struct nr_plan *plan;
	struct nr_maps maps;
	struct nr_shard *shards;     /* [plan->n_shards] */
	struct nr_shard **shard_ptr; /* [plan->n_shards], for the merge */
	struct nr_types *types;
	struct nr_misfits misfits;
	struct nr_object *objects;
	unsigned n_objects;
	unsigned sources; /* one bit per added source */
	struct nr_filtering filtering;
	struct follow_bpf *follow;	/* NULL: no processes are followed */
	const struct nr_object *adding; /* its event types are being added */

	bool threads; /* some may run and must be joined */
	struct nr_drain drain;
	struct nr_consumer *consumers; /* [plan->n_shards] */
	struct nr_grace grace;
	bool wants_names;	/* nr_collector_symbols was called */
	struct nr_names *names; /* of addresses in stacks; NULL: nobody wants them */
	struct nr_processes processes;
	struct nr_stack_maps *stack_maps; /* NULL: no events have stack ids */
	struct nr_stream stream;

	_Atomic(bool) abandoned; /* a thread was left behind in an output */
	int end_error;
	struct nr_account account; /* for the end marks; it points into: */
	struct nr_stats *account_stats;

	uint64_t started, stopped;	/* CLOCK_MONOTONIC ns */
	uint64_t cpu_before, cpu_after; /* CPU time of the process at these times, ns */
	struct nr_placement *placement; /* [plan->n_shards] */
	char clocksource[32];
};

/* Sets the state; NR_STOPPED also sets stopped and cpu_after. A thread that takes statistics and
 * finds NR_STOPPED sees everything written before it. */
void nr_collector_set_state(struct nr_collector *c, enum nr_state state);

uint64_t nr_collector_cpu_time(void);

/* -EBUSY, logged: it was already started. */
int nr_collector_check_open(const struct nr_collector *c);
/* objects.c: makes room for one more object. The caller counts it once it is open, */
int nr_collector_next_object(struct nr_collector *c, struct nr_object **o);
/* or has its event types added, which counts it, too. After an error, the object is closed. */
int nr_collector_add_types(struct nr_collector *c, struct nr_object *o);
/* add_tracepoints.c: adds the tracepoints of GROUP:EVENT, where both may be patterns. */
int nr_collector_add_tracepoints(struct nr_collector *c, const char *spec);
/* Adds the probe of kprobe:..., uprobe:... or usdt:... */
int nr_collector_add_probe(struct nr_collector *c, const char *spec);
static inline const char *nr_collector_plural(const struct nr_collector *c)
{
	return c->plan->n_shards == 1 ? "" : "s";
}

/* recording.c: -EDEADLK, logged: this thread is in a function of an output. */
int nr_recording_refuse_inside(const struct nr_collector *c);
/* Ends a recording that nr_collector_start began, even if it failed. */
int nr_recording_end(struct nr_collector *c);

/* filter.c: compiles the filter for all types, and gives it to the delivery. 0 or a negative errno. */
int nr_filtering_begin(struct nr_collector *c);
/* Sets the tests that run in the programs of object i, and whether it is idle. */
void nr_filtering_tests(struct nr_collector *c, unsigned i, struct nr_object_config *config);
void nr_filtering_destroy(struct nr_filtering *f);

/* packers.c: how many packers a recording has by default: one for each node with rings, at most 4;
 * four times as many if they compress; at most a quarter of the CPUs; at least 1. */
unsigned nr_packers_by_plan(const struct nr_plan *plan, bool frames);

/* placement.c: compare memory and threads with the plan and log differences. check_rings before the
 * consumers start, check_consumers after they are joined. */
void nr_placement_check_rings(struct nr_collector *c);
void nr_placement_check_consumers(struct nr_collector *c);

#endif
