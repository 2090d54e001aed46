/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The merge thread: from the shards' queues, through the merge, into a sink.
 *
 * Each round takes what is below the common watermark. The sink is told to commit when its packet
 * is full, when the oldest event in it is half the latency old, or when a ring fills up; after a
 * commit, and only then, the rings get their room back (I5).
 */
#ifndef NR_STREAM_H
#define NR_STREAM_H

#include "drain/consumer.h"
#include "merge/merge.h"

/* Where the ordered stream goes. All return 0 or a negative errno, which ends the stream. */
struct nr_sink {
	void *ctx;
	/* Bytes the sink takes before it wants a commit. */
	size_t (*room)(void *ctx);
	int (*push)(void *ctx, const struct nr_event *evs, unsigned n);
	/* When it returns 0, everything pushed is safe. watermark: complete below; lost: by the end
	 * of what was pushed (I11). */
	int (*commit)(void *ctx, uint64_t watermark, uint64_t lost);
};

struct nr_stream {
	struct nr_drain *drain;
	struct nr_consumer *consumers; /* [merge.n_shards] */
	struct nr_merge merge;
	struct nr_sink sink;
	uint64_t latency_ns;

	struct nr_thread thread;
	bool dirty;	      /* something was pushed and not committed ... */
	uint64_t dirty_since; /* ... since this time, CLOCK_MONOTONIC ns */
	_Atomic(bool) finish; /* all shards are at NR_TIME_END: one more round, and a last commit */
	_Atomic(int) error;   /* what ended the stream */
	_Atomic(uint64_t) watermark; /* of the merge, for the statistics; CLOCK_MONOTONIC ns */
	int error_fd;		     /* eventfd, readable once error is set */

	/* What the merge thread does: for the statistics, and for who waits for its end. */
	_Atomic(uint64_t) sink_since; /* it is in the sink since then; 0: it is not; or ABANDONED */
	_Atomic(uint64_t) sink_max;   /* ns, its longest call of the sink ... */
	_Atomic(uint64_t) sink_total; /* ... and all of them */
	_Atomic(uint64_t) ran;	      /* when it was last seen to run, outside of the sink */
	_Atomic(uint64_t) idle_max;   /* ns, the longest time that it did not run */
};

int nr_stream_start(struct nr_stream *stream);
/* After the consumers were joined and every shard passed NR_TIME_END. Returns the stream's error.
 *
 * patience_ms: how long a call of the sink may take from now on; 0: for ever. One that takes longer
 * is given up: -ETIMEDOUT, and the thread, which cannot be ended, still has all that it uses. When
 * the sink returns the thread ends without another call of it. */
int nr_stream_finish(struct nr_stream *stream, unsigned patience_ms);

#endif
