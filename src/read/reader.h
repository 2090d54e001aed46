/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An open trace. reader.c reads it, repair.c copies its intact packets. */
#ifndef NR_TRACE_READER_H
#define NR_TRACE_READER_H

#include <numaring/trace.h>
#include "packet/end.h"
#include "packet/metadata.h"

struct nr_trace {
	struct nr_logger log;
	struct nr_types *types;
	struct nr_metadata md;
	char *dir;
	int dir_fd;
	int fd; /* the stream */

	uint8_t *buf; /* the whole current packet */
	size_t cap;
	size_t used;				/* its bytes */
	size_t pos;				/* of the next record in buf */
	uint64_t next;				/* offset of the next packet in the file */
	uint64_t packets;			/* intact ones so far */
	uint64_t seq;				/* sequence number of the next packet */
	uint64_t missed_packets, missed_events; /* in the gaps so far */
	struct nr_packet_info packet;
	struct nr_record rec; /* header of the last event, as its program wrote it */

	/* What nr_trace_next found at the end of the stream. */
	int failed;    /* the error that it returns from then on */
	bool ended;    /* it returned 0 or an error */
	bool cut_off;  /* the error: the file ends within a packet */
	bool recorded; /* a recording still writes to it */
	bool marked;   /* it read the end mark: */
	struct nr_end mark;
};

#endif
