// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <libdeflate.h>
#include "head.h"

#define HEAD sizeof(struct nr_packet_head)

uint32_t nr_packet_crc(const uint8_t *packet, size_t size)
{
	static const __u8 zero[sizeof(__u32)];
	uint32_t crc = libdeflate_crc32(0, packet, offsetof(struct nr_packet_head, crc));

	crc = libdeflate_crc32(crc, zero, sizeof(zero));
	return libdeflate_crc32(crc, packet + HEAD, size - HEAD);
}
