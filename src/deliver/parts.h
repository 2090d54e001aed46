/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this room share. Everything here is called under the delivery's lock. */
#ifndef NR_DELIVER_PARTS_H
#define NR_DELIVER_PARTS_H

#include "delivery.h"

/* queue.c: what waits for an output. */

/* Adds a packet with the gap before it. cut: of a required output, else NULL. 0 or -ENOMEM. */
int nr_queue_put(struct nr_feed *feed, struct nr_packet *packet, struct nr_cut *cut);
/* Takes the first packet off the queue, which is not empty. */
struct nr_queued nr_queue_take(struct nr_feed *feed);
/* Counts a packet that an optional output does not get. */
void nr_queue_miss(struct nr_feed *feed, const struct nr_packet *packet);
/* Empties the queue of an output that takes nothing more. */
void nr_queue_drop(struct nr_feed *feed);

/* cuts.c: packets on their way, in sequence. */

/* NULL: no memory. */
struct nr_cut *nr_cuts_new(struct nr_delivery *d);
void nr_cuts_append(struct nr_delivery *d, struct nr_cut *cut);
/* Gives a packet that was filtered its number. Call it for each cut in its turn. */
void nr_cuts_number(struct nr_delivery *d, struct nr_cut *cut);
/* Hands the cuts that are built to the outputs, in sequence (Y1). */
void nr_cuts_hand_out(struct nr_delivery *d);
/* Frees the cuts at the head that every required output is done with, and reports their mark (Y2). */
void nr_cuts_retire(struct nr_delivery *d);
/* Sets the error of the delivery: nothing more becomes safe. */
void nr_cuts_fail(struct nr_delivery *d, int err);

/* packers.c: threads that make the bytes of packets. 0 or a negative errno. */

/* Makes a packet's bytes, and its frame if frames is not NULL. Without the lock. */
int nr_packers_make(struct nr_packet *packet, const struct nr_packet_format *format,
		    struct nr_misfits *misfits, struct nr_frames *frames);
int nr_packers_start(struct nr_delivery *d, unsigned n);

/* feed.c: an output and its thread. */

int nr_feed_start(struct nr_feed *feed, unsigned i);
/* Gives the output the first packet of its queue. Unlocks the delivery while it calls the output. */
void nr_feed_deliver(struct nr_feed *feed);
/* Ends the output, unless it was abandoned or the start has failed. Unlocks as above. */
void nr_feed_end(struct nr_feed *feed);

#endif
