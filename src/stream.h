/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The merge thread: from the shards' queues, through the merge, into packets.
 *
 * Each round takes what is below the common watermark. A packet is cut when it is full, when its
 * oldest event is half the latency old, or when a ring fills up and no packet is on its way; then
 * it goes to the packers and outputs (delivery.h). Rings move when marks come back (I10).
 */
#ifndef NR_STREAM_H
#define NR_STREAM_H

#include "deliver/delivery.h"
#include "drain/consumer.h"
#include "merge/merge.h"

struct nr_stream {
	struct nr_drain *drain;
	struct nr_consumer *consumers; /* [merge.n_shards] */
	struct nr_merge merge;
	struct nr_delivery delivery;
	struct nr_mark *marks; /* [merge.n_shards] */
	uint64_t latency_ns;
	size_t packet_bytes; /* of records: from then on a packet is full */
	size_t urgent_bytes; /* from then on it does not wait for others when a ring fills up */

	struct nr_thread thread;
	struct nr_packet *packet; /* filled at the moment; NULL: none */
	uint64_t seq;		  /* of the next packet */
	uint64_t begun;		  /* when it got its first event, CLOCK_MONOTONIC ns */
	bool hurry;		  /* a ring fills up */
	unsigned nap_ms; /* until the next round; less than a tick while a ring is nearly full */
	uint64_t last_return; /* merge.last when it was set */
	_Atomic(bool) finish; /* all shards are at NR_TIME_END: one more round, and the end */
	_Atomic(int) error;   /* what ended the stream */
	_Atomic(uint64_t) watermark; /* of the merge, for the statistics; CLOCK_MONOTONIC ns */
	int error_fd;		     /* eventfd, readable once error is set */

	/* What the merge thread does, for the statistics. */
	_Atomic(uint64_t) ran;	    /* when it was last seen to run, CLOCK_MONOTONIC ns */
	_Atomic(uint64_t) idle_max; /* ns, the longest time that it did not run */
	_Atomic(uint64_t) waited;   /* ns that it waited for outputs */
};

/* 0 or -ENOMEM. destroy takes one that is zeroed. */
int nr_stream_init(struct nr_stream *stream, struct nr_shard **shards, uint32_t n,
		   struct nr_drain *drain);
void nr_stream_destroy(struct nr_stream *stream);

int nr_stream_start(struct nr_stream *stream);
/* After the consumers were joined and every shard passed NR_TIME_END: until the outputs have all
 * packets, or have made no progress for patience_ms (0: for ever). Returns the stream's error. */
int nr_stream_finish(struct nr_stream *stream, unsigned patience_ms);

#endif
