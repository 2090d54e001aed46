/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The heads of a file's packets: the first ones and the latest ones. So neither memory nor a check of
 * them grows with the file. */
#ifndef NR_OUTPUT_HEADS_H
#define NR_OUTPUT_HEADS_H

#include "packet/head.h"

#define NR_HEADS 256 /* at each end */

struct nr_known_head {
	uint64_t off; /* of the packet in the file */
	uint32_t crc; /* CRC-32 of its head */
};

struct nr_heads {
	uint64_t n; /* packets so far */
	struct nr_known_head first[NR_HEADS], latest[NR_HEADS];
};

void nr_heads_add(struct nr_heads *h, const struct nr_packet_head *head, uint64_t off);
/* That of packet i, one of the first or the latest. */
const struct nr_known_head *nr_heads_get(const struct nr_heads *h, uint64_t i);
/* The next packet after packet i that is not between them. */
uint64_t nr_heads_next(const struct nr_heads *h, uint64_t i);
bool nr_heads_match(const struct nr_known_head *known, const struct nr_packet_head *head);

#endif
