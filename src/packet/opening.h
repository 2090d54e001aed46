/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The opening packet: the first packet of every chunk except chunk 0. It is empty, and repeats the
 * sequence number, the losses and the watermark of the last packet of the chunk before. So a reader
 * of this chunk alone sees what is lost in it, and a reader of both misses no packet between them.
 *
 * Its time is 1 ns before the packet that comes next: babeltrace2 sorts the packets of all chunks by
 * their begin, and turns around those that begin at one time.
 */
#ifndef NR_PACKET_OPENING_H
#define NR_PACKET_OPENING_H

#include "head.h"

/* before: the last packet of the chunk before, without its end mark. begin: that of the packet that
 * comes next. */
void nr_opening_fill(struct nr_packet_head *opening, const struct nr_packet_head *before,
		     uint64_t begin);

#endif
