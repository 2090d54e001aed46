/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An open trace, and how it goes from packet to packet:
 *
 *	files.c		metadata, .btf, and which stream there is
 *	slot.c		a packet in a stream, plain or compressed
 *	table.c		the seek table of a compressed stream
 *	step.c		is it the next packet of this trace, and is it whole?
 *	damage.c	where does the trace go on if it is not?
 *	chunk_list.c	which chunks are there?
 *	load.c		the next packet, also in the next chunk
 *	search.c	a packet of a stream by its time
 *	times.c		the public functions about times
 *	reader.c	the other public functions
 *
 * The files are not trusted: before the first event of a packet is returned, its checksum and the
 * place of every record are verified.
 */
#ifndef NR_READ_READER_H
#define NR_READ_READER_H

#include <numaring/trace.h>
#include "base/trace_files.h"
#include "chunk_list.h"
#include "packet/end.h"
#include "packet/gap.h"
#include "packet/metadata.h"
#include "slot.h"

/* What is missing before a packet because of damage. */
struct nr_hole {
	bool any;
	uint64_t bytes;	  /* of the file, before the packet */
	uint64_t packets; /* by the sequence numbers; 0: unknown or none */
	uint64_t events;  /* in these; 0: unknown or none */
};

struct nr_trace {
	struct nr_logger log;
	struct nr_trace_opts opts;
	struct nr_types *types;
	struct nr_metadata md;
	char *dir;
	int dir_fd;
	bool series;
	struct nr_chunk_list chunks; /* of a series */
	uint64_t described;	     /* the chunk whose metadata and .btf were read */

	/* The current chunk, or the flat trace. */
	uint64_t chunk; /* its number */
	struct nr_read_stream stream;
	char file[NR_CHUNK_NAME + sizeof("/" NR_FILE_ZSTD)]; /* the stream, from dir */
	uint64_t next;					     /* offset of the next packet */
	uint64_t events_before;				     /* events when it was opened */
	bool marked;					     /* its end mark was read: */
	struct nr_end mark;
	bool spent;   /* it is damaged up to its end */
	bool foreign; /* its metadata or .btf is not that of the trace */
	enum {
		NR_JUMP_NONE,	 /* it follows the chunk before */
		NR_JUMP_MISSING, /* chunks from jump_from on are missing before it */
		NR_JUMP_REMOVED, /* they were removed while the trace was read */
	} jump;
	uint64_t jump_from;

	/* The current packet. */
	struct nr_bytes bytes; /* the whole packet, not compressed */
	size_t pos;	       /* of the next record in it */
	struct nr_slot slot;
	struct nr_packet_info packet;
	uint64_t number;      /* of the first packet that is not before it */
	struct nr_hole hole;  /* before it */
	bool opening;	      /* it opens a chunk */
	struct nr_record rec; /* header of the last event, as its program wrote it */

	/* What was read so far, since the trace was opened or since nr_trace_seek. */
	uint64_t packets;			/* whole ones */
	uint64_t seq;				/* sequence number of the next packet */
	uint64_t events, late;			/* events: also those in gaps */
	uint64_t lost_before, packets_before;	/* as in struct nr_packet_info */
	uint64_t missed_packets, missed_events; /* in the gaps */
	uint64_t damaged_packets;
	uint64_t earlier; /* as in struct nr_account, if knows_earlier */
	bool knows_earlier;
	bool sought;   /* it began in the middle */
	bool alone;    /* it began with a chunk that is not the first one */
	uint64_t from; /* events before this time are passed over */

	/* What nr_trace_next found at the end. */
	int failed;    /* the error that it returns from then on */
	bool ended;    /* it returned 0 or an error */
	bool recorded; /* a recording still writes to it */
};

#endif
