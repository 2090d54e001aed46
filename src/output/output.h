/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An output: takes the packets of a recording in sequence.
 *
 * A required output holds the rings: they move past a packet when all required outputs are done
 * with it (I10). An optional one that falls behind misses packets, and is told how many.
 *
 * Life: begin, keep, any number of take, miss, rotate and tick, end, destroy. A miss is followed by a
 * take or by end. If the start fails, undo replaces keep and end. The output's own thread calls
 * take, miss, rotate, tick and end; those of a direct output (delivery.h) are called by the merge
 * thread, end by the thread that stops the recording. All others are called by the thread that
 * starts or closes the collector. Functions return 0 or a negative errno, which they have logged.
 * After an error of take, miss, rotate or tick, only end follows.
 */
#ifndef NR_OUTPUT_H
#define NR_OUTPUT_H

#include <numaring/numaring.h>
#include "base/log.h"
#include "packet/build.h"
#include "packet/gap.h"

struct nr_names;

/* What does not change during a recording. */
struct nr_recording {
	struct nr_packet_format format;
	int64_t clock_offset;	   /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	const char *filter;	   /* its text; NULL: none */
	const uint32_t *cpu_nodes; /* [n_cpus], UINT32_MAX: unknown; NULL: all are */
	unsigned n_cpus;
	const struct nr_packet *first; /* the empty packet that the stream begins with */
	bool frames;		       /* an output wants packets compressed ... */
	int level;		       /* ... with this level (packet/frame.h) */
	struct nr_names *names;	       /* of addresses in stacks; NULL: there are no stacks */
	const struct nr_logger *log;
	_Atomic(bool) running; /* from the start of the threads until the recording is to end */
};

struct nr_output;

struct nr_output_ops {
	/* NULL: nothing to do. */
	int (*begin)(struct nr_output *o);
	void (*keep)(struct nr_output *o); /* the recording has started */
	void (*undo)(struct nr_output *o); /* it has not: removes what begin made */

	int (*take)(struct nr_output *o, const struct nr_packet *packet);
	int (*miss)(struct nr_output *o, const struct nr_gap *gap);
	int (*rotate)(struct nr_output *o); /* nr_collector_rotate; NULL: has no chunks */
	int (*tick)(struct nr_output *o);   /* it is `due`; NULL: it never is */
	int (*end)(struct nr_output *o, const struct nr_account *account);
	void (*destroy)(struct nr_output *o);
};

struct nr_output {
	const struct nr_output_ops *ops;
	char *name; /* for messages and statistics */
	bool optional;
	size_t queue_bytes; /* of an optional output: memory of packets that may wait */
	bool is_trace;
	bool wants_bytes;		      /* of packets; else only their events */
	bool wants_frames;		      /* the bytes compressed as well ... */
	int level;			      /* ... with the level of all such outputs */
	const struct nr_recording *recording; /* set before begin */
	/* Where the output counts records that do not fit their type; NULL: packers count them. */
	struct nr_misfits *misfits;
	/* Of the output's thread. */
	uint64_t due; /* when tick is to be called, CLOCK_MONOTONIC ns; 0: never */
	/* By the output's thread, so far; the names are those of nr_output_stats. */
	_Atomic(uint64_t) bytes, plain_bytes, chunks, dropped_chunks, dropped_events, paused_ns;
	/* CLOCK_MONOTONIC ns: when the current call began or last made progress; 0: no call. */
	_Atomic(uint64_t) since;
};

/* 0 or -ENOMEM. */
int nr_output_init(struct nr_output *o, const struct nr_output_ops *ops, const char *name,
		   const struct nr_output_opts *opts);
/* For destroy, which frees the output itself. */
void nr_output_destroy(struct nr_output *o);

/*
 * Calls fn with the packet's events in order, up to NR_OUTPUT_EVENTS at once: those in the rings if the
 * output is required, else from the packet's bytes. Returns the first value of fn that is not 0.
 */
#define NR_OUTPUT_EVENTS 1024u
typedef int (*nr_events_fn)(struct nr_output *o, const struct nr_event *events, unsigned n);
int nr_output_each(struct nr_output *o, const struct nr_packet *packet, nr_events_fn fn);

/* Around a call of the user's function: mark the thread, and note progress. leave returns the error
 * to return: what the function returned, or -EINVAL if that was positive. */
void nr_output_enter(const struct nr_output *o);
int nr_output_leave(struct nr_output *o, int returned);
/* Is the calling thread in a user's function of this recording? */
bool nr_output_is_calling(const struct nr_recording *recording);

#endif
