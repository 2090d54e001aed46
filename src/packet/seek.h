/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The seek table at the end of a compressed stream, in zstd's "seekable format" (docs/format.md):
 * nr_seek_begin, nr_seek_entry for each packet in sequence, nr_seek_end. Each writes its piece of the
 * table to `to` and returns the piece's bytes. Only other tools need the table. It can be made from
 * the labels in the file, so a recorder need not keep it in memory.
 */
#ifndef NR_PACKET_SEEK_H
#define NR_PACKET_SEEK_H

#include "frame.h"

#define NR_SEEK_PIECE	    16u		/* bytes of the largest piece */
#define NR_SEEK_MAX_PACKETS 0x4000000ul /* a stream with more has no table */

size_t nr_seek_begin(uint8_t to[NR_SEEK_PIECE], uint64_t packets);
size_t nr_seek_entry(uint8_t to[NR_SEEK_PIECE], const struct nr_label *label);
size_t nr_seek_end(uint8_t to[NR_SEEK_PIECE], uint64_t packets);

#define NR_SEEK_END 9u /* bytes of the last piece */

/* Bytes of the whole table that ends with this piece; 0: it is not the end of one. */
uint64_t nr_seek_size(const uint8_t end[NR_SEEK_END]);
/* Is this the first piece of a table of size bytes? */
bool nr_seek_is_begin(const uint8_t begin[NR_SEEK_PIECE], uint64_t size);
/* Do the last size bytes of a file, which begin with these, begin a table that has more? */
bool nr_seek_is_cut(const uint8_t begin[NR_SEEK_PIECE], uint64_t size);

#endif
