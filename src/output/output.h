/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An output: takes the packets of a recording in sequence.
 *
 * A required output holds the rings: they move past a packet when all required outputs are done
 * with it (I10). An optional one that falls behind misses packets, and is told how many.
 *
 * Life: begin, keep, any number of take and miss, end, destroy. When the start fails, undo takes the
 * place of keep and end. take, miss and end are called one at a time, from the output's own thread
 * unless it is direct (delivery.h). Functions return 0 or a negative errno, which they have
 * explained through the log; after an error of take or miss comes end.
 */
#ifndef NR_OUTPUT_H
#define NR_OUTPUT_H

#include <numaring/numaring.h>
#include "base/log.h"
#include "packet/build.h"
#include "packet/gap.h"

/* What does not change during a recording. */
struct nr_recording {
	struct nr_packet_format format;
	int64_t clock_offset;	       /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	const struct nr_packet *first; /* the empty packet that the stream begins with */
	const struct nr_logger *log;
};

struct nr_output;

struct nr_output_ops {
	int (*begin)(struct nr_output *o, const struct nr_recording *recording);
	void (*keep)(struct nr_output *o); /* the recording has started. NULL: nothing to do */
	void (*undo)(struct nr_output *o); /* it has not: nothing stays. NULL: nothing to do */
	int (*take)(struct nr_output *o, const struct nr_packet *packet);
	int (*miss)(struct nr_output *o, const struct nr_gap *gap);
	int (*end)(struct nr_output *o, const struct nr_account *account);
	void (*destroy)(struct nr_output *o);
};

struct nr_output {
	const struct nr_output_ops *ops;
	char *name; /* for messages and statistics */
	bool optional;
	size_t queue_bytes; /* optional: packets that may wait */
	bool is_trace;
	bool wants_bytes;		      /* of packets; else only their events */
	const struct nr_recording *recording; /* set before begin */
	/* Counts here what does not fit its type; NULL: a packer does. */
	struct nr_misfits *misfits;
	_Atomic(uint64_t) bytes; /* written so far; the output's thread */
	/* When it was called, or made progress since; CLOCK_MONOTONIC ns, 0: it is in no call. */
	_Atomic(uint64_t) since;
};

/* 0 or -ENOMEM. */
int nr_output_init(struct nr_output *o, const struct nr_output_ops *ops, const char *name,
		   const struct nr_output_opts *opts);
/* For destroy, which frees the output itself. */
void nr_output_destroy(struct nr_output *o);

/*
 * Calls fn with the packet's events in order, up to NR_CHUNK at once: those in the rings if the
 * output is required, else from the packet's bytes. Returns the first value of fn that is not 0.
 */
#define NR_CHUNK 1024u
typedef int (*nr_chunk_fn)(struct nr_output *o, const struct nr_event *events, unsigned n);
int nr_output_each(struct nr_output *o, const struct nr_packet *packet, nr_chunk_fn fn);

#endif
