/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The seek table of a compressed stream while the stream is written. One thread. */
#ifndef NR_OUTPUT_SEEK_TABLE_H
#define NR_OUTPUT_SEEK_TABLE_H

#include "stream_file.h"

struct nr_seek_table {
	uint8_t *bytes; /* of the entries */
	size_t used, cap;
	uint64_t packets;
	bool missing; /* the stream gets no table: it has too many packets, or memory ran out */
};

/* Adds a packet: its label and its frame. */
void nr_seek_table_add(struct nr_seek_table *t, const struct nr_stored *packet);
/* Appends the table to the stream, after the end mark, and begins the next one. Readers do without
 * it, so if it does not fit, the log has a warning, and the file ends with the end mark. */
void nr_seek_table_append(struct nr_seek_table *t, struct nr_stream_file *f);
/* Forgets the packets: their stream was removed. */
void nr_seek_table_clear(struct nr_seek_table *t);
void nr_seek_table_destroy(struct nr_seek_table *t);

#endif
