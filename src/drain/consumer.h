/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The consumer threads: one per shard, pinned to the shard's consumer CPUs.
 *
 * A consumer makes a pass at every tick, earlier when the ring says it is filling up or the merge
 * asks for a fresh watermark. It never waits for the merge.
 */
#ifndef NR_CONSUMER_H
#define NR_CONSUMER_H

#include <numaring/numaring.h>
#include "shard.h"
#include "base/thread.h"
#include "base/waiter.h"

/* What the threads of one collector share. */
struct nr_drain {
	enum nr_order order;
	unsigned tick_ms;
	struct nr_waiter merge;	      /* the merge thread sleeps here */
	_Atomic(uint64_t) grace_time; /* NR_ORDER_RCU: a watermark, once producer_pos is read after
				       * it; CLOCK_MONOTONIC ns */
	_Atomic(bool) pressed;	      /* a ring fills up: merge and commit now */
	_Atomic(bool) urgent;	      /* the merge waits for the shards' next watermarks */
	_Atomic(bool) stop;
};

/* CLOCK_MONOTONIC ns. */
struct nr_span {
	uint64_t from, to;
};

struct nr_consumer {
	struct nr_drain *drain;
	struct nr_shard *shard;
	unsigned id;	      /* number of the shard, for the name of the thread */
	const unsigned *cpus; /* where it may run; none: anywhere */
	unsigned n_cpus;
	struct nr_waiter waiter;
	struct nr_thread thread;
	_Atomic(int) error;	/* -EBADMSG: the ring could not be read on */
	_Atomic(int) pin_error; /* negative errno of pinning the thread */
	/* CLOCK_MONOTONIC ns. */
	_Atomic(uint64_t) busy_since; /* records that are not submitted hold the watermark since
					 then; 0: they do not */
	_Atomic(uint64_t) last_pass;  /* the start counts as one */
	/* At their longest, ns: age of the watermark, wait for records, time between two passes. */
	_Atomic(uint64_t) lag_max;
	_Atomic(uint64_t) busy_max;
	_Atomic(uint64_t) idle_max;
	/* What of lag_max was spent waiting for records, and without a pass. */
	_Atomic(uint64_t) lag_max_busy;
	_Atomic(uint64_t) lag_max_idle;

	/* Consumer thread. */
	uint64_t target_since; /* the pass that set the target which later ones try to reach */
	/* The longest wait for records, and time without a pass, that reach above the watermark. */
	struct nr_span busy, idle;
};

/* Starts the thread. ring_fd is used during the call and by the waiter; it may be closed
 * afterwards. */
int nr_consumer_start(struct nr_consumer *c, int ring_fd);
void nr_consumer_kick(struct nr_consumer *c);
/* join: after drain->stop was set. destroy: when nobody kicks it any more. Both take one that was
 * never started; its waiter is then { -1, -1 }. */
void nr_consumer_join(struct nr_consumer *c);
void nr_consumer_destroy(struct nr_consumer *c);

#endif
