/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A collector and all its parts; collector.c is its life, stats.c its numbers. */
#ifndef NR_COLLECTOR_H
#define NR_COLLECTOR_H

#include "grace.h"
#include "host.h"
#include "object.h"
#include "stream.h"
#include "trace/writer.h"

enum nr_state { NR_OPEN, NR_RUNNING, NR_FAILED, NR_STOPPED };

struct nr_collector {
	struct nr_collector_opts opts;
	struct nr_logger log;
	enum nr_state state;
	int64_t clock_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	struct nr_topology *topo;
	struct nr_plan *plan;
	struct nr_maps maps;
	struct nr_shard *shards;     /* [plan->nr_shards] */
	struct nr_shard **shard_ptr; /* [plan->nr_shards] for the merge */
	struct nr_types *types;
	struct nr_object *objects;
	unsigned nr_objects;
	unsigned sources;		  /* a bit for each that was added */
	const struct nr_object *entering; /* whose events go into types right now */

	bool threads; /* some were started: they have to be ended */
	struct nr_drain drain;
	struct nr_consumer *consumers; /* [plan->nr_shards] */
	struct nr_grace grace;
	struct nr_stream stream;

	char *trace_dir;
	bool trace_force;
	struct nr_writer *writer;
	_Atomic(uint64_t) bytes_written;
	nr_batch_fn batch;
	void *batch_ctx;

	uint64_t started, stopped; /* CLOCK_MONOTONIC ns */
	uint64_t cpu_before, cpu_after;
	struct nr_stats stats;
	struct nr_shard_stats *shard_stats; /* [plan->nr_shards] */
	char clocksource[32];
};

/* CPU time of this process, ns. */
uint64_t nr_collector_cpu_time(void);

#endif
