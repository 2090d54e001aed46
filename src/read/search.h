/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds packets of a stream by their place or time, without reading those before them.
 *
 * Bytes inside a payload may look like a packet of this trace, even with a right checksum: a program
 * may record what is written to a file. An event has at most 1 MiB, so what looks like packets, one
 * after the other, for more than that, is the stream itself.
 */
#ifndef NR_READ_SEARCH_H
#define NR_READ_SEARCH_H

#include "slot.h"

/* The last whole packet. 1; 0: no packet is whole; or an error of reading. */
int nr_search_last(const struct nr_read_stream *s, struct nr_slot *out);
/* The first packet. 1; 0: there is none; or an error of reading. */
int nr_search_first(const struct nr_read_stream *s, struct nr_slot *out);
/* The last packet that ends before time and begins before offset to in the file. Only the heads were
 * looked at. 1; 0: there is none; or an error of reading. */
int nr_search_before(const struct nr_read_stream *s, uint64_t time, uint64_t to,
		     struct nr_slot *out);

#endif
