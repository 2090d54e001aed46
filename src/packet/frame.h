/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet in a compressed stream (docs/format.md): a label, then one zstd frame with exactly the
 * packet's bytes. For zstd the label is a frame to skip. It holds the packet's head, so readers
 * find their way without decompressing.
 */
#ifndef NR_PACKET_FRAME_H
#define NR_PACKET_FRAME_H

#include "head.h"

#define NR_LABEL_MAGIC 0x184D2A50u /* zstd: a frame to skip */

struct nr_label {
	__le32 magic; /* NR_LABEL_MAGIC */
	__le32 size;  /* of what follows */
	__u32 crc;    /* CRC-32 of what follows */
	__u32 zero;
	__u64 frame_size; /* bytes of the zstd frame that follows the label */
	struct nr_packet_head head;
};
_Static_assert(sizeof(struct nr_label) == 112, "size in the file");

/*
 * Levels of zstd. Level 1 has nearly the size of level 3, at two thirds of its time (docs/format.md).
 * Parameters of our own gain no more than a neighbouring level: with literals as they are, 4 ns less
 * and 3 to 6 % more bytes an event. With a table below 2^13 positions, events of many threads grow.
 */
#define NR_FRAMES_LEAST	  (-7)
#define NR_FRAMES_MOST	  19
#define NR_FRAMES_DEFAULT 1

/* A compressor. Only one thread at a time may use it. */
struct nr_frames;

/* Reads "zstd" or "zstd:LEVEL". 0; -EINVAL: neither. */
int nr_frames_level(const char *text, int *level);

/* -ENOMEM; -EINVAL: no such level. */
int nr_frames_new(struct nr_frames **out, int level);
void nr_frames_free(struct nr_frames *frames); /* takes NULL */

/*
 * Makes label and frame of a packet of size bytes with a valid head: *used bytes in *out, which is
 * malloc'ed, has *cap bytes, and grows as needed. The bytes depend on nothing but packet, level and
 * zstd's version (I12). 0 or -ENOMEM.
 */
int nr_frame_make(struct nr_frames *frames, const uint8_t *packet, size_t size, uint8_t **out,
		  size_t *cap, size_t *used);

/* Is this a whole label, and can there be such a packet and such a frame? Any thread. */
bool nr_label_is_valid(const struct nr_label *label);
/* Bytes of the packet that a valid label announces. */
static inline size_t nr_label_packet_size(const struct nr_label *label)
{
	return label->head.packet_bits / 8;
}

/* Decompresses a frame of frame_size bytes to a packet of size bytes. 0; -ENOMEM; -EBADMSG: it is
 * damaged, or something else than one frame with exactly so many bytes. Any thread. */
int nr_frame_read(uint8_t *packet, size_t size, const uint8_t *frame, size_t frame_size);

#endif
