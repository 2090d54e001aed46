/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the merge to the outputs: packers make the bytes of packets, in any order; each output takes
 * packets in sequence, on a thread of its own; and the merge learns how far the rings are free.
 *
 *  Y1 Packets are handed to the outputs in sequence, whatever packer is done first. (I12)
 *  Y2 A mark is reported when every required output is done with its packet and all before it, and
 *     never otherwise: none from the packet on that a required output failed to take. (I10)
 *  Y3 An optional output never holds up anybody: what does not fit into its queue is counted as
 *     missed.
 *
 * Functions are for the merge thread, or for the one that starts and ends the recording, unless
 * they say otherwise.
 */
#ifndef NR_DELIVERY_H
#define NR_DELIVERY_H

#include "base/thread.h"
#include "base/waiter.h"
#include "drain/shard.h"
#include "output/output.h"

/* A packet on its way. */
struct nr_cut {
	struct nr_packet *packet;
	struct nr_mark *marks; /* [n_shards] free when the packet is safe */
	size_t bytes;	       /* of memory that it takes */
	unsigned waiting;      /* required outputs that are not done with it */
	bool built, handed;
	struct nr_cut *next;
};

/* What waits for an output. */
struct nr_queued {
	struct nr_gap gap; /* right before the packet */
	struct nr_packet *packet;
	struct nr_cut *cut; /* of a required output, else NULL */
};

/* An output with its queue and its thread. Under the delivery's lock. */
struct nr_feed {
	struct nr_delivery *delivery;
	struct nr_output *output;
	struct nr_thread thread;
	pthread_cond_t wake;
	struct nr_queued *queue; /* [cap], n from head on */
	unsigned head, n, cap;
	uint64_t queued;   /* bytes of packets in the queue */
	struct nr_gap gap; /* after the packet that was queued last */
	bool busy;	   /* its thread is in the output */
	bool abandoned;	   /* and nobody waits for it any more */
	bool ended;	   /* the output has ended */
	int error;	   /* after it the output takes nothing */
	uint64_t packets, events, missed_packets, missed_events; /* for the statistics */
	uint64_t told; /* of missed_events: in gaps that the output got; its thread */
	uint64_t busy_max, busy_total; /* ns */
};

struct nr_packer {
	struct nr_delivery *delivery;
	struct nr_thread thread;
};

struct nr_delivery {
	pthread_mutex_t lock;
	pthread_cond_t to_pack; /* a cut can be built, or there will be none */
	pthread_cond_t moved;	/* a feed or a packer has made progress */
	struct nr_packet_pool pool;
	struct nr_recording recording;
	struct nr_misfits *misfits; /* what the packers count */
	struct nr_waiter *merge;    /* kicked when a mark or an error is there */
	uint32_t n_shards;

	struct nr_feed *feeds;
	unsigned n_feeds, n_required;
	struct nr_packer *packers;
	unsigned n_packers; /* 0: no output wants bytes */
	bool wants_bytes;
	/* The only output looks at events alone: the merge thread calls it, for a hand-over to another
	 * thread would cost more than most such outputs do. */
	bool direct;

	struct nr_cut *first, *last; /* on their way, in sequence */
	struct nr_cut *build;	     /* the first that no packer has */
	struct nr_cut *hand;	     /* the first that was not handed to the outputs */
	struct nr_cut *spare;
	_Atomic(size_t) in_flight; /* bytes of cuts that required outputs are not done with */
	struct nr_mark *done;	   /* [n_shards] the last mark (Y2) ... */
	_Atomic(bool) is_new;	   /* ... and the merge does not have it yet */
	_Atomic(int) error;	   /* of a required output, or of a packer */
	bool closing;		   /* no cut will come */
	bool ending;		   /* the outputs are to end ... */
	const struct nr_account *account; /* ... with this account; NULL: the start has failed */
};

/* 0 or a negative errno. */
int nr_delivery_init(struct nr_delivery *d, uint32_t n_shards, struct nr_waiter *merge);
/* Takes the output over, 0, or destroys it, -ENOMEM. */
int nr_delivery_add(struct nr_delivery *d, struct nr_output *output);
/* Begins the outputs, or none: recording without first and misfits. packers: threads. */
int nr_delivery_begin(struct nr_delivery *d, const struct nr_recording *recording,
		      struct nr_misfits *misfits, uint64_t start);
int nr_delivery_start(struct nr_delivery *d, unsigned packers);
void nr_delivery_keep(struct nr_delivery *d); /* the recording has started */
void nr_delivery_undo(struct nr_delivery *d); /* it has not: the outputs leave nothing */
/* After nr_delivery_end. Takes one that is zeroed. */
void nr_delivery_destroy(struct nr_delivery *d);

/* Sends a packet, which becomes the delivery's, and the marks of the merge. -ENOMEM. */
int nr_delivery_send(struct nr_delivery *d, struct nr_packet *packet, const struct nr_mark *marks);
/* True: *marks, [n_shards], is a mark up to which the rings are free, and a new one. */
bool nr_delivery_done(struct nr_delivery *d, struct nr_mark *marks);
/* Bytes of packets that hold the rings. */
static inline size_t nr_delivery_in_flight(const struct nr_delivery *d)
{
	return atomic_load_explicit(&d->in_flight, memory_order_acquire);
}
static inline int nr_delivery_error(const struct nr_delivery *d)
{
	return atomic_load(&d->error);
}

/* Abandons outputs that have made no progress for patience_ms since `asked` (CLOCK_MONOTONIC ns): their
 * threads, which nobody can end, keep all that they use. 0: has patience without end. */
void nr_delivery_give_up(struct nr_delivery *d, uint64_t asked, unsigned patience_ms);
/* After the last packet: waits until the outputs have all of them. Returns the error. */
int nr_delivery_drain(struct nr_delivery *d, uint64_t asked, unsigned patience_ms);
/* Ends outputs and threads; returns the error of a required output. account NULL: the start has
 * failed, and the outputs are undone, not ended. */
int nr_delivery_end(struct nr_delivery *d, const struct nr_account *account, unsigned patience_ms);
/* Is a thread left behind in an output? */
bool nr_delivery_is_abandoned(struct nr_delivery *d);

/* Any thread. */
void nr_delivery_stats(const struct nr_delivery *d, unsigned i, uint64_t now,
		       struct nr_output_stats *stats);

#endif
