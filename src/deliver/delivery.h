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
#include "filter.h"
#include "output/output.h"
#include "packet/frame.h"

/* How often a thread that waits for outputs checks whether they make progress. */
#define NR_DELIVERY_LOOK_MS 50

/* A packet on its way. */
struct nr_cut {
	struct nr_packet *packet;
	struct nr_mark *marks; /* [n_shards] up to which the rings are free when it is safe */
	size_t bytes;	       /* nr_packet_held */
	unsigned waiting;      /* required outputs that are not done with it */
	bool built;	       /* has its bytes, or needs none */
	bool handed;	       /* is in the queues of the outputs */
	struct nr_cut *next;
	/* With a filter: */
	struct nr_left_out left_out;
	uint64_t turn; /* when to number it: after so many others */
	bool dropped;  /* nothing is left of it, so no output gets it */
};

/* A packet that waits for an output. */
struct nr_queued {
	struct nr_gap gap; /* what the output missed right before it */
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
	uint64_t queued;	  /* bytes of memory of the packets in the queue */
	struct nr_gap gap;	  /* what was missed after the packet that was queued last */
	bool rotate;		  /* the output is to begin its next chunk */
	bool busy;		  /* a thread is in the output */
	bool abandoned;		  /* a thread is in the output, and nobody waits for it any more */
	bool ended;		  /* the output has ended */
	int error;		  /* a negative errno, after which the output takes nothing */
	uint64_t packets, events; /* taken */
	uint64_t missed_packets, missed_events;
	uint64_t told;		       /* of missed_events: those in gaps that the output got */
	uint64_t busy_max, busy_total; /* ns in calls, except waits for room on a disk */
	uint64_t paused;	       /* ns of these waits before the current call */
};

struct nr_packer {
	struct nr_delivery *delivery;
	struct nr_thread thread;
	struct nr_frames *frames; /* its compressor; NULL: no output wants frames */
};

/* With a filter: packets get their numbers in sequence, because dropped ones have none. */
struct nr_numbering {
	pthread_cond_t moved;	/* the next turn has come */
	uint64_t turns, turn;	/* given to cuts; the next one to be numbered */
	uint64_t dropped;	/* packets */
	uint64_t late_left_out; /* late events that the filter left out */
	uint64_t lost;		/* losses that packets tell of which were not dropped */
};

struct nr_delivery {
	pthread_mutex_t lock;
	pthread_cond_t to_pack; /* a cut can be built, or there will be none */
	pthread_cond_t moved;	/* a feed or a packer has made progress */
	struct nr_packet_pool pool;
	struct nr_recording recording;
	struct nr_filter filter;
	struct nr_misfits *misfits; /* what the packers count */
	struct nr_waiter *merge;    /* kicked when there is a new mark or an error */
	uint32_t n_shards;

	struct nr_feed *feeds;
	unsigned n_feeds, n_required;
	struct nr_packer *packers;
	unsigned n_packers; /* 0: no output wants bytes, and there is no filter or it is direct */
	bool wants_bytes;
	/* The only output needs events, not bytes. The merge thread calls it, because a hand-over to
	 * another thread would cost more than most such outputs do. */
	bool direct;

	struct nr_cut *first, *last; /* on their way, in sequence */
	struct nr_cut *build;	     /* the first that no packer has taken */
	struct nr_cut *hand;	     /* the first that was not handed to the outputs */
	struct nr_cut *spare;
	struct nr_numbering numbering;
	_Atomic(size_t) in_flight; /* bytes of all cuts on their way */
	struct nr_mark *done;	   /* [n_shards] the last mark that is safe (Y2) ... */
	_Atomic(bool) is_new;	   /* ... and the merge thread does not have it yet */
	uint64_t done_written;	   /* events up to it that required outputs have taken ... */
	uint64_t done_filtered;	   /* ... and that the filter left out */
	_Atomic(uint64_t) written, filtered; /* the same up to the mark that the merge thread has */
	_Atomic(int) error;		     /* the first of a required output or a packer */
	bool closing;			     /* no more cuts will come */
	bool ending;			     /* the outputs are to end ... */
	const struct nr_account *account;    /* ... with this account; NULL: the start has failed */
};

/* Functions that return int return 0 or a negative errno. */
int nr_delivery_init(struct nr_delivery *d, uint32_t n_shards, struct nr_waiter *merge);
/* The delivery owns the output from now on. On -ENOMEM it has destroyed it. */
int nr_delivery_add(struct nr_delivery *d, struct nr_output *output);
/* Filters the stream. Call it before nr_delivery_begin; what filter points to must live as long as
 * the delivery. */
static inline void nr_delivery_filter(struct nr_delivery *d, const struct nr_filter *filter)
{
	d->filter = *filter;
}
/* Begins all outputs, or none. Its copy of the recording gets what outputs want and the first packet,
 * of time start. */
int nr_delivery_begin(struct nr_delivery *d, const struct nr_recording *recording,
		      struct nr_misfits *misfits, uint64_t start);
/* Starts the threads. packers: how many, if an output wants bytes or there is a filter. */
int nr_delivery_start(struct nr_delivery *d, unsigned packers);
void nr_delivery_keep(struct nr_delivery *d); /* the recording has started */
void nr_delivery_undo(struct nr_delivery *d); /* it has not: the outputs leave nothing */
/* Call it after nr_delivery_end. Takes a delivery that is zeroed. */
void nr_delivery_destroy(struct nr_delivery *d);

/* Merge thread: sends a packet, which the delivery owns from now on, with the marks of the merge,
 * which it copies. -ENOMEM. */
int nr_delivery_send(struct nr_delivery *d, struct nr_packet *packet, const struct nr_mark *marks);
/* Merge thread, and after it was joined: true: there is a new mark up to which the rings are free,
 * and it is in marks, [n_shards]. From now on written and filtered count up to it. */
bool nr_delivery_done(struct nr_delivery *d, struct nr_mark *marks);
/* Bytes of packets that hold the rings. */
static inline size_t nr_delivery_in_flight(const struct nr_delivery *d)
{
	/* Pairs with the subtraction in nr_cuts_retire: outputs read the rings before it. */
	return atomic_load_explicit(&d->in_flight, memory_order_acquire);
}
static inline int nr_delivery_error(const struct nr_delivery *d)
{
	return atomic_load(&d->error);
}

/* The recording is to end: outputs wait no longer for room on a full disk. */
void nr_delivery_stop_waiting(struct nr_delivery *d);
/* Abandons outputs that have made no progress for patience_ms since `asked` (CLOCK_MONOTONIC ns); 0:
 * none. Nobody can end their threads, so the memory that these use stays. */
void nr_delivery_give_up(struct nr_delivery *d, uint64_t asked, unsigned patience_ms);
/* After the last packet: waits until the outputs have taken all, or were abandoned. Returns the
 * delivery's error. */
int nr_delivery_drain(struct nr_delivery *d, uint64_t asked, unsigned patience_ms);
/* Ends outputs and threads; returns the error of a required output. account NULL: the start has
 * failed, and the outputs are undone, not ended. */
int nr_delivery_end(struct nr_delivery *d, const struct nr_account *account, unsigned patience_ms);
/* Is a thread left behind in an output? */
bool nr_delivery_is_abandoned(struct nr_delivery *d);

/* Any thread, after the start. Asks the outputs to begin their next chunks, after the packet that
 * they are at. */
void nr_delivery_rotate(struct nr_delivery *d);

/* Any thread. */
void nr_delivery_stats(const struct nr_delivery *d, unsigned i, uint64_t now,
		       struct nr_output_stats *stats);

#endif
