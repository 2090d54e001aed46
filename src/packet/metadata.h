/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The file metadata: the description of the stream in TSDL, the language of CTF 1.8. */
#ifndef NR_PACKET_METADATA_H
#define NR_PACKET_METADATA_H

#include "head.h"
#include "types/types.h"

#define NR_FORMAT_MAJOR 1 /* a reader of another major version refuses the trace */
#define NR_FORMAT_MINOR 5

/* The content of the metadata, except the event types. */
struct nr_metadata {
	__u8 uuid[16];
	__u8 clock_uuid[16];	   /* the same for all traces of one boot, which share a clock */
	int64_t clock_offset;	   /* adds to a time of the trace: ns since the epoch, UTC */
	uint32_t btf_crc;	   /* of the file .btf */
	unsigned minor;		   /* of the format; set by nr_metadata_read */
	const char *filter;	   /* of the recording; NULL: none */
	const uint32_t *cpu_nodes; /* [n_cpus], UINT32_MAX: unknown; NULL: all are */
	unsigned n_cpus;
};

/* Writes the text of the file metadata to *out, malloc'ed. -ENOMEM. */
int nr_metadata_write(char **out, size_t *len, const struct nr_types *types,
		      const struct nr_metadata *md);
/* Reads a text that nr_metadata_write wrote. -EPROTO: of another tool or version; -EBADMSG:
 * damaged; -ENOMEM. On success, free it with nr_metadata_destroy. */
int nr_metadata_read(struct nr_metadata *md, const char *text, size_t len,
		     const struct nr_logger *log);
void nr_metadata_destroy(struct nr_metadata *md); /* takes a zeroed one */

#endif
