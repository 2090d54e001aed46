/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The gap mark: an empty packet in the place of those that an optional trace missed. What it says of
 * them stands in its padding, where CTF readers do not look (docs/format.md). */
#ifndef NR_PACKET_GAP_H
#define NR_PACKET_GAP_H

#include "head.h"

/* What an optional output did not get. */
struct nr_gap {
	uint64_t packets, events;
	uint64_t last_seq;   /* of the last of these packets */
	uint64_t begin, end; /* of all of them, CLOCK_MONOTONIC ns */
	uint64_t watermark;  /* as the last of them has it; and so: */
	uint64_t lost;
};

struct nr_gap_packet {
	struct nr_packet_head head;
	__u32 size; /* of the fields from here on: later minor versions append to them */
	__u32 zero;
	__u64 packets, events;
};
_Static_assert(sizeof(struct nr_gap_packet) == 88 + 24, "size in the file");

void nr_gap_fill(struct nr_gap_packet *mark, const __u8 *uuid, const struct nr_gap *gap);

/* From a packet of size bytes that nr_is_gap_mark. -EBADMSG. */
int nr_gap_read(struct nr_gap *gap, const uint8_t *packet, size_t size);

static inline bool nr_is_gap_mark(const struct nr_packet_head *h)
{
	return !h->events && h->watermark != NR_WATERMARK_END && h->packet_bits > h->content_bits;
}

#endif
