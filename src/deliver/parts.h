/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this room share. Everything here is called under the delivery's lock. */
#ifndef NR_DELIVER_PARTS_H
#define NR_DELIVER_PARTS_H

#include "delivery.h"

/* queue.c: what waits for an output. */

/* Memory that a packet takes in a queue. */
size_t nr_queue_memory(const struct nr_packet *packet);
/* -ENOMEM. */
int nr_queue_put(struct nr_feed *feed, struct nr_packet *packet, struct nr_cut *cut);
struct nr_queued nr_queue_take(struct nr_feed *feed);
/* The output does not get this packet. */
void nr_queue_miss(struct nr_feed *feed, const struct nr_packet *packet);
/* The output takes nothing more. */
void nr_queue_drop(struct nr_feed *feed);

/* cuts.c: packets on their way, in sequence. */

/* NULL: no memory. */
struct nr_cut *nr_cuts_new(struct nr_delivery *d);
void nr_cuts_append(struct nr_delivery *d, struct nr_cut *cut);
/* Hands out what is built, in sequence (Y1). */
void nr_cuts_hand_out(struct nr_delivery *d);
/* Frees the first cuts that are safe: their mark is the merge's (Y2). */
void nr_cuts_retire(struct nr_delivery *d);
/* Nothing more can be safe. */
void nr_cuts_fail(struct nr_delivery *d, int err);

/* packers.c */
int nr_packers_start(struct nr_delivery *d, unsigned n);

/* feed.c: an output and its thread. */

int nr_feed_start(struct nr_feed *feed, unsigned i);
/* Gives the output what waits first. */
void nr_feed_deliver(struct nr_feed *feed);
void nr_feed_end(struct nr_feed *feed);

#endif
