/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The file metadata: CTF 1.8's description of the stream, in TSDL, made from the layouts. */
#ifndef NR_PACKET_METADATA_H
#define NR_PACKET_METADATA_H

#include "head.h"
#include "types/types.h"

#define NR_FORMAT_MAJOR 1 /* a reader of another major version refuses the trace */
#define NR_FORMAT_MINOR 2

/* What the metadata says beside the event types. */
struct nr_metadata {
	__u8 uuid[16];
	__u8 clock_uuid[16]; /* the same for all traces of one boot: their clock is the same */
	int64_t clock_offset;
	uint32_t btf_crc;
	unsigned minor; /* of the format; set by nr_metadata_read */
};

/* Text of the file metadata, malloc'ed. */
int nr_metadata_write(char **out, size_t *len, const struct nr_types *types,
		      const struct nr_metadata *md);
/* Reads it back from what nr_metadata_write wrote. -EPROTO: another tool or version; -EBADMSG. */
int nr_metadata_read(struct nr_metadata *md, const char *text, size_t len,
		     const struct nr_logger *log);

#endif
