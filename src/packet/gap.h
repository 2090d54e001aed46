/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gap mark: an empty packet in the place of those that an optional trace missed.
 *
 * It has the sequence number of the packet before it, and the time at which the gap begins. So the
 * numbers that are missing are missing between the mark and the next packet, and every CTF reader
 * reports them there. How many events they have stands in the mark's padding, where CTF readers do
 * not look (docs/format.md).
 */
#ifndef NR_PACKET_GAP_H
#define NR_PACKET_GAP_H

#include "head.h"

/* What an optional output did not get. */
struct nr_gap {
	uint64_t packets, events;
	uint64_t begin, end; /* of all of them, CLOCK_MONOTONIC ns */
};

struct nr_gap_packet {
	struct nr_packet_head head;
	__u32 size; /* of the fields from here on: later minor versions append to them */
	__u32 zero;
	__u64 packets, events;
};
_Static_assert(sizeof(struct nr_gap_packet) == 88 + 24, "size in the file");

/* before: the packet that was written last. */
void nr_gap_fill(struct nr_gap_packet *mark, const struct nr_packet_head *before,
		 const struct nr_gap *gap);

/* From a packet of size bytes that nr_is_gap_mark: packets and events. -EBADMSG. */
int nr_gap_read(struct nr_gap *gap, const uint8_t *packet, size_t size);

static inline bool nr_is_gap_mark(const struct nr_packet_head *h)
{
	return !h->events && h->watermark != NR_WATERMARK_END && h->packet_bits > h->content_bits;
}

#endif
