// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "gap.h"

#define HEAD sizeof(struct nr_packet_head)

void nr_gap_fill(struct nr_gap_packet *mark, const __u8 *uuid, const struct nr_gap *gap)
{
	*mark = (struct nr_gap_packet){
		.head = { .magic = NR_CTF_MAGIC,
			  .stream_id = NR_CTF_STREAM,
			  .begin = gap->end,
			  .end = gap->end,
			  .content_bits = HEAD * 8,
			  .packet_bits = sizeof(*mark) * 8,
			  .seq = gap->last_seq,
			  .lost = gap->lost,
			  .watermark = gap->watermark },
		.size = sizeof(*mark) - HEAD,
		.packets = gap->packets,
		.events = gap->events,
	};
	memcpy(mark->head.uuid, uuid, sizeof(mark->head.uuid));
	mark->head.crc = nr_packet_crc((const uint8_t *)mark, sizeof(*mark));
}

int nr_gap_read(struct nr_gap *gap, const uint8_t *packet, size_t size)
{
	struct nr_gap_packet mark;

	if (size < sizeof(mark))
		return -EBADMSG;
	memcpy(&mark, packet, sizeof(mark));
	if (mark.size < sizeof(mark) - HEAD || mark.size > size - HEAD)
		return -EBADMSG;
	*gap = (struct nr_gap){
		.packets = mark.packets,
		.events = mark.events,
		.last_seq = mark.head.seq,
		.begin = mark.head.begin,
		.end = mark.head.end,
		.watermark = mark.head.watermark,
		.lost = mark.head.lost,
	};
	return 0;
}
