/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An open trace: reader.c reads it, repair.c copies what is whole of it. */
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

	uint8_t *buf; /* the packet, whole */
	size_t cap;
	size_t used;				/* bytes of the packet */
	size_t pos;				/* of the next record in it */
	uint64_t next;				/* where the next packet begins in the file */
	uint64_t packets;			/* whole ones so far */
	uint64_t seq;				/* sequence number of the next */
	uint64_t missed_packets, missed_events; /* in the gaps so far */
	struct nr_packet_info packet;
	struct nr_record rec; /* header of the last event as its program wrote it */

	/* What nr_trace_next found at the end. */
	int failed;    /* sticky */
	bool ended;    /* it has returned 0 or an error */
	bool cut_off;  /* the damage: the file ends within a packet */
	bool recorded; /* somebody records into it */
	bool marked;   /* the end mark was there: */
	struct nr_end mark;
};

#endif
