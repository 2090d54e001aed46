/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From packet to packet, through all chunks of a trace. */
#ifndef NR_READ_LOAD_H
#define NR_READ_LOAD_H

#include "files.h"
#include "reader.h"

/* Makes the next packet the current one: verified, in t->bytes. 1; 0: the trace ends here, or a
 * recording has not written more; or an error, see nr_trace_next. */
int nr_load_next(struct nr_trace *t);
/* Is a recording writing to the trace, whichever chunk is the current one? Lists the chunks again. */
bool nr_load_is_recorded(struct nr_trace *t);
/* Opens the directory of a chunk (series), or that of the flat trace once more. */
int nr_load_dir(const struct nr_trace *t, uint64_t chunk, struct nr_read_dir *d);
void nr_load_close_dir(struct nr_read_dir *d);
/* Checks metadata and .btf of the current chunk. 0; -EBADMSG: they are damaged, and the trace may not
 * go on; an error of reading. */
int nr_load_check(struct nr_trace *t);
/* Opens the stream of a chunk (series), or of the flat trace, into *out, to look at it. */
int nr_load_stream(const struct nr_trace *t, uint64_t chunk, struct nr_read_stream *out);
/* Opens the stream of a chunk (series) or of the flat trace, to read from its beginning. */
int nr_load_open(struct nr_trace *t, uint64_t chunk);

#endif
