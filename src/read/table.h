/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The seek table at the end of a compressed stream. We do not need it, but other tools trust it. */
#ifndef NR_READ_TABLE_H
#define NR_READ_TABLE_H

#include "slot.h"

/* Does the table at offset, of size bytes up to the end of the file (nr_read_stream_table), name the packets
 * before it? True also if these are damaged, so that nobody can tell. Reads all heads. */
bool nr_table_is_right(const struct nr_read_stream *s, uint64_t offset, uint64_t size);
/* Is what stands at offset, size bytes up to the end of the file, the begin of a table? A recorder that
 * is killed while it writes one leaves that. */
bool nr_table_is_cut(const struct nr_read_stream *s, uint64_t offset, uint64_t size);

#endif
