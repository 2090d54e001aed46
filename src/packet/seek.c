// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <endian.h>
#include <string.h>
#include "seek.h"

#define TABLE_MAGIC    0x184D2A5Eu /* zstd: a frame to skip */
#define SEEKABLE_MAGIC 0x8F92EAB1u /* the last bytes of the file */

/* Sizes of pieces. A packet has an entry for its label and one for its frame. */
#define BEGIN 8u
#define ENTRY 16u
#define END   NR_SEEK_END

_Static_assert(ENTRY == NR_SEEK_PIECE, "the largest piece");
/* The numbers that have 32 bits in the table: frames, bytes of a frame and a packet, and bytes of
 * the table itself. Frames are at most 2^27, as in zstd's own implementation. */
_Static_assert(NR_SEEK_MAX_PACKETS * 2 == 1ul << 27, "frames");
_Static_assert(NR_SEEK_MAX_PACKETS *ENTRY + END <= UINT32_MAX, "bytes of the table");
_Static_assert(NR_PACKET_MAX + NR_PACKET_MAX / 128 <= UINT32_MAX, "bytes of a frame");

static void put(uint8_t *to, uint32_t number)
{
	number = htole32(number);
	memcpy(to, &number, sizeof(number));
}

size_t nr_seek_begin(uint8_t to[NR_SEEK_PIECE], uint64_t packets)
{
	put(to, TABLE_MAGIC);
	put(to + 4, packets * ENTRY + END);
	return BEGIN;
}

size_t nr_seek_entry(uint8_t to[NR_SEEK_PIECE], const struct nr_label *label)
{
	put(to, sizeof(*label)); /* its compressed size */
	put(to + 4, 0);		 /* its plain size */
	put(to + 8, label->frame_size);
	put(to + 12, nr_label_packet_size(label));
	return ENTRY;
}

size_t nr_seek_end(uint8_t to[NR_SEEK_PIECE], uint64_t packets)
{
	put(to, 2 * packets);
	to[4] = 0; /* no checksums: packets have their own */
	put(to + 5, SEEKABLE_MAGIC);
	return END;
}

static uint32_t get(const uint8_t *from)
{
	uint32_t number;

	memcpy(&number, from, sizeof(number));
	return le32toh(number);
}

uint64_t nr_seek_size(const uint8_t end[NR_SEEK_END])
{
	uint32_t frames = get(end);

	if (get(end + 5) != SEEKABLE_MAGIC || end[4] || frames % 2 ||
	    frames / 2 > NR_SEEK_MAX_PACKETS)
		return 0;
	return BEGIN + frames / 2 * (uint64_t)ENTRY + END;
}

bool nr_seek_is_begin(const uint8_t begin[NR_SEEK_PIECE], uint64_t size)
{
	return get(begin) == TABLE_MAGIC && get(begin + 4) == size - BEGIN;
}

bool nr_seek_is_cut(const uint8_t begin[NR_SEEK_PIECE], uint64_t size)
{
	uint8_t magic[NR_SEEK_PIECE];
	uint64_t whole = BEGIN + (uint64_t)get(begin + 4);

	nr_seek_begin(magic, 0);
	if (size < BEGIN)
		return !memcmp(begin, magic, size < 4 ? size : 4);
	return get(begin) == TABLE_MAGIC && size < whole && (whole - BEGIN - END) % ENTRY == 0;
}
