// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "gap.h"

#define HEAD sizeof(struct nr_packet_head)

/* Watermark and losses stay as they were: those of the gap are in the packet after it. */
void nr_gap_fill(struct nr_gap_packet *mark, const struct nr_packet_head *before,
		 const struct nr_gap *gap)
{
	*mark = (struct nr_gap_packet){
		.head = *before,
		.size = sizeof(*mark) - HEAD,
		.flags = gap->damaged ? NR_GAP_DAMAGED : 0,
		.packets = gap->packets,
		.events = gap->events,
	};
	mark->head.begin = mark->head.end = gap->begin;
	mark->head.content_bits = HEAD * 8;
	mark->head.packet_bits = sizeof(*mark) * 8;
	mark->head.events = mark->head.crc = 0;
	mark->head.crc = nr_packet_crc((const uint8_t *)mark, sizeof(*mark));
}

void nr_gap_align(uint8_t *packet, size_t size, const struct nr_packet_head *before)
{
	struct nr_gap_packet *mark = (struct nr_gap_packet *)packet;

	nr_gap_fill(mark, before, &(struct nr_gap){ .begin = before->end });
	mark->flags = NR_GAP_ALIGN;
	memset(mark + 1, 0, size - sizeof(*mark));
	mark->head.packet_bits = size * 8;
	mark->head.crc = nr_packet_crc(packet, size);
}

int nr_gap_read(struct nr_gap *gap, const uint8_t *packet, size_t size)
{
	struct nr_gap_packet mark;

	if (size < sizeof(mark))
		return -EBADMSG;
	memcpy(&mark, packet, sizeof(mark));
	if (mark.size < sizeof(mark) - HEAD || mark.size > size - HEAD ||
	    !mark.packets != !!(mark.flags & NR_GAP_ALIGN) || (!mark.packets && mark.events))
		return -EBADMSG;
	gap->packets = mark.packets;
	gap->events = mark.events;
	gap->damaged = mark.flags & NR_GAP_DAMAGED;
	return 0;
}
