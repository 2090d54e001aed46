// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "opening.h"

void nr_opening_fill(struct nr_packet_head *opening, const struct nr_packet_head *before,
		     uint64_t begin)
{
	*opening = *before;
	opening->begin = opening->end = begin > before->end ? begin - 1 : before->end;
	opening->content_bits = opening->packet_bits = sizeof(*opening) * 8;
	opening->events = opening->crc = 0;
	opening->crc = nr_packet_crc((const uint8_t *)opening, sizeof(*opening));
}
