/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The consumer threads: one per shard, pinned to the shard's consumer CPUs.
 *
 * A consumer makes a pass at every tick, and earlier when its ring fills up or the merge asks for a
 * new watermark. It never waits for the merge.
 */
#ifndef NR_CONSUMER_H
#define NR_CONSUMER_H

#include <numaring/numaring.h>
#include "shard.h"
#include "base/thread.h"
#include "base/waiter.h"

/* Shared by the threads of one collector. */
struct nr_drain {
	enum nr_order order;
	unsigned tick_ms;
	struct nr_waiter merge;	      /* the merge thread sleeps here */
	_Atomic(uint64_t) grace_time; /* NR_ORDER_RCU: the watermark of passes that read
					 producer_pos after loading it; CLOCK_MONOTONIC ns */
	/* Logs that a record of type id was abandoned on a CPU: its program ended without a submit. */
	void (*on_abandoned)(void *ctx, uint32_t cpu, uint16_t id);
	void *ctx;
	struct nr_waiter grace; /* the thread of grace periods sleeps here */
	_Atomic(bool) pressed;	/* a ring fills up: merge and cut a packet now */
	_Atomic(bool) urgent;	/* the merge waits for the shards' next watermarks */
	_Atomic(bool) stop;
};

/* CLOCK_MONOTONIC ns. */
struct nr_span {
	uint64_t from, to;
};

struct nr_consumer {
	struct nr_drain *drain;
	struct nr_shard *shard;
	unsigned id;	      /* the shard's number, in the thread's name */
	const unsigned *cpus; /* where the thread may run; none: anywhere */
	unsigned n_cpus;
	struct nr_waiter waiter;
	struct nr_thread thread;
	_Atomic(int) error;	/* -EBADMSG: the ring is corrupt, reading stopped */
	_Atomic(int) pin_error; /* negative errno of pinning the thread */
	/* CLOCK_MONOTONIC ns. */
	_Atomic(uint64_t) busy_since; /* unsubmitted records hold the watermark since; 0: none */
	_Atomic(uint64_t) last_pass;  /* start of the last pass; at first, of the thread */
	/* Maxima, ns: age of the watermark, wait for unsubmitted records, time between passes. */
	_Atomic(uint64_t) lag_max;
	_Atomic(uint64_t) busy_max;
	_Atomic(uint64_t) idle_max;
	/* The parts of lag_max spent waiting for unsubmitted records and without a pass. */
	_Atomic(uint64_t) lag_max_busy;
	_Atomic(uint64_t) lag_max_idle;

	/* Consumer thread. */
	uint64_t target_since; /* time of the pass that set the pending target */
	uint64_t abandoned;    /* records of lanes, so many were logged */
	/* The longest wait for unsubmitted records and the longest time without a pass, counted
	 * above the watermark only. */
	struct nr_span busy, idle;
};

/* Starts the thread. The caller may close ring_fd afterwards. */
int nr_consumer_start(struct nr_consumer *c, int ring_fd);
void nr_consumer_kick(struct nr_consumer *c);
/* Call join after setting drain->stop, and destroy when nobody kicks the consumer any more. Both
 * take a consumer that was never started and whose waiter is { -1, -1 }. */
void nr_consumer_join(struct nr_consumer *c);
void nr_consumer_destroy(struct nr_consumer *c);

#endif
