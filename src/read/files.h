/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The files beside the packets: the directory of a flat trace or of a chunk. They are not trusted.
 * Errors are logged. */
#ifndef NR_READ_FILES_H
#define NR_READ_FILES_H

#include "base/log.h"
#include "packet/metadata.h"
#include "slot.h"

struct nr_read_dir {
	int fd;
	const char *path; /* for messages */
	const struct nr_logger *log;
	bool may_vanish; /* the recorder may remove its files: do not log that one is not there */
};

/* -EPROTO: of another tool or version; -EBADMSG: damaged. */
int nr_read_metadata(const struct nr_read_dir *d, struct nr_metadata *md);
/* crc: of .btf, as the metadata says. */
int nr_read_types(const struct nr_read_dir *d, uint32_t crc, struct nr_types **out);
/* Which of metadata and .btf there is not whole, or not of the trace with this metadata? NULL: none. */
const char *nr_read_foreign(const struct nr_read_dir *d, const struct nr_metadata *md);
/* Opens the stream, plain or compressed: sets fd and compressed of *out. */
int nr_read_open_stream(const struct nr_read_dir *d, struct nr_read_stream *out);
/* Its name in such a directory. */
const char *nr_read_stream_name(const struct nr_read_stream *s);

#endif
