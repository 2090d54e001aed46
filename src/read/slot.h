/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as a stream file stores it: plain, or compressed as a label and a frame. Everything else
 * that reads streams works with these functions and does not care which it is.
 *
 * It uses read, not mmap: if the file is truncated meanwhile, read fails, while mmap raises a
 * signal. Errors are -EBADMSG and those of read, fstat and malloc.
 */
#ifndef NR_READ_SLOT_H
#define NR_READ_SLOT_H

#include "packet/head.h"

/* The file ends within the packet. */
#define NR_INCOMPLETE (-ENODATA)

/* An open stream file. */
struct nr_read_stream {
	int fd; /* -1: not open */
	bool compressed;
	__u8 uuid[16]; /* of the trace */
};

struct nr_slot {
	uint64_t offset; /* of its first byte in the file: of the head or the label */
	uint64_t bytes;	 /* in the file */
	struct nr_packet_head head;
};

/* Bytes of memory that grow. */
struct nr_bytes {
	uint8_t *data;
	size_t size; /* in use */
	size_t cap;
};

/* Predicate of a sentence about a packet: "has invalid sizes". */
struct nr_fault {
	char text[128];
};

/* Says what is wrong. Returns -EBADMSG. */
__attribute__((format(printf, 2, 3))) int nr_fault(struct nr_fault *fault, const char *format, ...);

/* Reads and checks the head of the packet at offset. 1; 0: the file ends at offset; NR_INCOMPLETE;
 * -EBADMSG: see *fault. */
int nr_slot_look(const struct nr_read_stream *s, uint64_t offset, struct nr_slot *out,
		 struct nr_fault *fault);
/* Reads the plain bytes of a packet that nr_slot_look found. 0; NR_INCOMPLETE; -EBADMSG: see
 * *fault. Then out->size is 0. */
int nr_slot_read(const struct nr_read_stream *s, const struct nr_slot *packet, struct nr_bytes *out,
		 struct nr_fault *fault);
/* The same, and verifies the checksum. */
int nr_slot_load(const struct nr_read_stream *s, const struct nr_slot *packet, struct nr_bytes *out,
		 struct nr_fault *fault);
/* Finds the first packet at from or behind it, and before to, whose head nr_slot_look takes for
 * good. Nobody promises that it is whole, or that it does not lie in the payload of another one. 1; 0:
 * there is none. */
int nr_slot_find(const struct nr_read_stream *s, uint64_t from, uint64_t to, struct nr_slot *out);

/* Bytes of the file. 0 or an error. */
int nr_read_stream_size(const struct nr_read_stream *s, uint64_t *size);
/* Bytes of the seek table at the end of the file, which has size bytes; 0: there is none. */
uint64_t nr_read_stream_table(const struct nr_read_stream *s, uint64_t size);

static inline uint64_t nr_slot_end(const struct nr_slot *packet)
{
	return packet->offset + packet->bytes;
}

#endif
