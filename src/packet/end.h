/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end mark: the last packet, without events, with the final account in its padding, which CTF
 * readers skip (docs/format.md). */
#ifndef NR_PACKET_END_H
#define NR_PACKET_END_H

#include <numaring/trace.h>
#include "head.h"

/* The account in the end mark, after the packet's head. Two arrays follow, size bytes from its
 * start: losses by cause (u64), then struct nr_end_misfits. */
struct nr_end_head {
	__u32 size; /* of this struct: later minor versions append to it */
	__u32 flags;
	__s32 error;
	__u32 n_lost;
	__u32 n_misfits;
	__u32 zero;
	__u64 reserved, written, discarded, malformed, unwritten, unaccounted, late;
	/* Since format 1.3. */
	__u64 chunk;
	__u64 earlier;
	/* Since format 1.4. */
	__u64 filtered;
};
_Static_assert(sizeof(struct nr_end_head) == 104, "size in the file");

#define NR_END_HEAD_1_1 80 /* size in formats 1.1 and 1.2 */

/* Of the counts, only written, late, earlier and the head's events_discarded are known. */
#define NR_END_REPAIRED 1u
/* The same, and the recording went on in the next chunk. Such a mark has the sequence number of the
 * packet before it. */
#define NR_END_ROTATED 2u

struct nr_end_misfits {
	__u16 id;
	__u16 zero[3];
	__u64 longer, shorter;
};
_Static_assert(sizeof(struct nr_end_misfits) == 24, "size in the file");

/* The content of an end mark. The account points to the arrays below. */
struct nr_end {
	struct nr_account account;
	uint64_t *lost;
	struct nr_type_stats *misfits;
};

/* Makes the end mark, a packet of *size bytes in *out, malloc'ed. 0 or -ENOMEM. */
int nr_end_packet(uint8_t **out, size_t *size, const __u8 *uuid, uint64_t seq,
		  const struct nr_account *account);
/* Reads an end mark of size bytes, at least a head. Free *end with nr_end_free. 0; -EBADMSG:
 * damaged; -ENOMEM. */
int nr_end_read(struct nr_end *end, const uint8_t *packet, size_t size);
void nr_end_free(struct nr_end *end);

#endif
