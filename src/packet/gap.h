/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gap mark: an empty packet in the place of those that an optional trace missed, or that a
 * repair left out because they were damaged.
 *
 * It has the sequence number of the packet before it, and the time at which the gap begins. So a CTF
 * reader finds the missing numbers between the mark and the next packet, and reports them there. The
 * mark's padding, which CTF readers skip, counts the missing packets and events (docs/format.md).
 */
#ifndef NR_PACKET_GAP_H
#define NR_PACKET_GAP_H

#include "head.h"

/* What an optional output did not get, or what was damaged. */
struct nr_gap {
	uint64_t packets, events; /* events of damaged packets: 0 if unknown */
	uint64_t begin, end;	  /* of all of them, CLOCK_MONOTONIC ns */
	bool damaged;		  /* a repair left them out */
};

struct nr_gap_packet {
	struct nr_packet_head head;
	__u32 size; /* of the fields from here on: later minor versions append to them */
	__u32 flags;
	__u64 packets, events;
};
_Static_assert(sizeof(struct nr_gap_packet) == 88 + 24, "size in the file");

/* Since format 1.3. */
#define NR_GAP_DAMAGED 1u
#define NR_GAP_ALIGN   2u /* an alignment mark: nothing is missing */

/* before: the head of the last packet in the trace. */
void nr_gap_fill(struct nr_gap_packet *mark, const struct nr_packet_head *before,
		 const struct nr_gap *gap);

/* Reads packets, events and damaged of a gap mark (nr_is_gap_mark) of size bytes. 0; -EBADMSG: damaged. */
int nr_gap_read(struct nr_gap *gap, const uint8_t *packet, size_t size);

/* The size of an alignment mark at this place in a file: up to the next block. */
static inline size_t nr_gap_align_size(uint64_t off)
{
	size_t size = NR_BLOCK - off % NR_BLOCK;

	return size < sizeof(struct nr_gap_packet) ? size + NR_BLOCK : size;
}

/* Makes an alignment mark of so many bytes: a gap mark of no packets, which moves the next packet to
 * the beginning of a block. Not behind another gap mark: readers could not tell the numbers. */
void nr_gap_align(uint8_t *packet, size_t size, const struct nr_packet_head *before);

static inline bool nr_is_gap_mark(const struct nr_packet_head *h)
{
	return !h->events && h->watermark != NR_WATERMARK_END && h->packet_bits > h->content_bits;
}

#endif
