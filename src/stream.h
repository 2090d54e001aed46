/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The merge thread: from the shards' queues, through the merge, into packets.
 *
 * Each round takes the events below the common watermark. A packet is cut when it is full, when it
 * was begun half the latency ago, or when a ring fills up, unless it is small and others are on
 * their way. Then it goes to packers and outputs (delivery.h). Rings move when marks come back
 * (I10).
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
	size_t packet_bytes; /* of records that make a packet full */
	size_t urgent_bytes; /* of records that are sent when a ring fills up, even if other
			      * packets are on their way */

	struct nr_thread thread;
	struct nr_packet *packet; /* being filled; NULL: none */
	uint64_t seq;		  /* of the next packet */
	uint64_t begun;		  /* when `packet` was begun, CLOCK_MONOTONIC ns */
	bool hurry;		  /* a ring has filled up since the last packet was cut */
	unsigned nap_ms; /* until the next round; less than a tick while a ring is nearly full */
	uint64_t last_return; /* merge.last when nap_ms was set */
	uint64_t ending;      /* when the stop began, set before finish; then events are missing */
	_Atomic(bool) finish; /* all shards are at NR_TIME_END: one more round, then the end */
	_Atomic(int) error;   /* the negative errno that ended the stream */
	_Atomic(uint64_t) watermark; /* of the merge, for the statistics; CLOCK_MONOTONIC ns */
	int error_fd;		     /* eventfd, readable once error is set */

	/* What the merge thread does, for the statistics. */
	_Atomic(uint64_t) ran;	    /* when it was last seen to run, CLOCK_MONOTONIC ns */
	_Atomic(uint64_t) idle_max; /* ns, the longest time that it did not run */
	_Atomic(uint64_t) waited;   /* ns that it waited for outputs */
};

/* The thread that starts and stops the recording calls these. init returns 0 or -ENOMEM; destroy
 * takes a stream that is zeroed. */
int nr_stream_init(struct nr_stream *stream, struct nr_shard **shards, uint32_t n,
		   struct nr_drain *drain);
void nr_stream_destroy(struct nr_stream *stream);

/* Starts the merge thread, after the outputs have begun. Returns 0 or a negative errno. */
int nr_stream_start(struct nr_stream *stream);
/* Call it after the consumers were joined and every shard is at NR_TIME_END. Waits until the
 * outputs have all packets; abandons an output that has made no progress for patience_ms (0:
 * never). Returns the stream's error. */
int nr_stream_finish(struct nr_stream *stream, unsigned patience_ms);

#endif
