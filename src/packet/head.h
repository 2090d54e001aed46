/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The head of a packet: CTF's packet header and packet context (docs/format.md). */
#ifndef NR_PACKET_HEAD_H
#define NR_PACKET_HEAD_H

#include <linux/types.h>
#include <numaring/record.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/bits.h"

#define NR_CTF_MAGIC  0xc1fc1fc1u
#define NR_CTF_STREAM 0u

/* The largest packet, bytes. Packets are cut at 1 MiB, but only where the time changes: a flood of
 * late records, which all have one time, makes them larger. A reader calls a larger one damaged. */
#define NR_PACKET_MAX (1ull << 30)

/* Watermark of the end mark: nothing more will come. */
#define NR_WATERMARK_END UINT64_MAX

struct nr_packet_head {
	__u32 magic;
	__u8 uuid[16];
	__u32 stream_id;
	__u64 begin, end;
	__u64 content_bits; /* up to the end of the last field of the last record */
	__u64 packet_bits;
	__u64 seq;
	__u64 lost;
	__u64 watermark;
	__u32 events;
	__u32 crc; /* CRC-32 (ISO-HDLC, as zlib has it) of the packet, this field taken as 0 */
};
_Static_assert(sizeof(struct nr_packet_head) == 88, "records must start at a multiple of 8");
_Static_assert(sizeof(struct nr_record) == 16, "record header of the file");

/* A packet of at least NR_PADDED_FROM bytes is padded to whole blocks of the disk, so that a file can
 * take it without a copy in the page cache. */
#define NR_PADDED_FROM (256u << 10)
#define NR_BLOCK       4096u

/* Bytes up to the end of the last record, with the record's padding but not the packet's. */
static inline uint64_t nr_packet_used(const struct nr_packet_head *h)
{
	return nr_round8((h->content_bits + 7) / 8);
}

/* The size of a packet with so many bytes up to the end of its last record. */
static inline uint64_t nr_packet_padded(uint64_t used)
{
	return used < NR_PADDED_FROM ? used : (used + NR_BLOCK - 1) / NR_BLOCK * NR_BLOCK;
}

static inline bool nr_is_end_mark(const struct nr_packet_head *h)
{
	return h->watermark == NR_WATERMARK_END && !h->events;
}

/* The value of crc for a packet of size bytes, head included. */
uint32_t nr_packet_crc(const uint8_t *packet, size_t size);

#endif
