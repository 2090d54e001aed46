/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of the trace output share. */
#ifndef NR_OUTPUT_TRACE_PARTS_H
#define NR_OUTPUT_TRACE_PARTS_H

#include "chunks.h"
#include "packet/frame.h"
#include "seek_table.h"
#include "stream_file.h"

struct nr_trace_limits {
	uint64_t rotate_bytes, rotate_ns, keep_bytes; /* as in nr_output_opts */
	unsigned keep_chunks;
};

/* A file that only grows. */
struct nr_growing_file {
	int fd;	       /* -1: none, or it cannot be written */
	uint64_t size; /* bytes written */
	uint64_t seen; /* of what it is a copy of */
};

struct nr_trace_output {
	struct nr_output output;
	struct nr_trace_dir_opts how;
	gid_t group; /* how.group points here, or is NULL */
	struct nr_trace_limits limits;
	struct nr_stream_opts stream;
	struct nr_full full;

	struct nr_trace_dir dir;
	char *metadata; /* the same in all chunks */
	size_t metadata_size;
	bool series; /* not flat: */
	struct nr_chunks chunks;
	struct nr_stream_file file; /* of the newest chunk; fd -1: it is closed */
	int held;		    /* keeps the stream of a closed chunk locked; -1: none */
	int error;		    /* nothing more can be written */

	/* What gives addresses names, if the recording has any. */
	int kernel_fd; /* the file of the kernel's symbols, which all chunks share; -1 */
	struct nr_growing_file mappings, stacks; /* of the newest chunk */

	struct nr_frames *frames; /* for packets that this output makes; NULL: not compressed */
	uint8_t *frame;
	size_t frame_cap;
	struct nr_seek_table table;

	/* Of the recording so far. */
	struct nr_packet_head last; /* the last packet, end marks not counted */
	uint64_t next;		    /* sequence number of the next packet */
	uint64_t written;	    /* events, with those in gaps */
	uint64_t late;		    /* late records by the end of the last packet */
	uint64_t plain;		    /* bytes before compression */
	uint64_t stored;	    /* bytes of the streams of closed chunks */
	/* Of the newest chunk. */
	uint64_t earlier; /* written before it */
	uint64_t events;  /* in it, without those in gaps */
	uint64_t first;	  /* time of its first event or gap */
};

/* store.c: packets into the stream. 0 or a negative errno, which was logged. */

/* Prepares what all chunks share. -ENOMEM. */
int nr_store_init(struct nr_trace_output *t);
/* Makes the files of a flat trace, or of a chunk, that begins with this packet. */
int nr_store_begin(struct nr_trace_output *t, struct nr_trace_dir *dir, const void *packet,
		   size_t size);
/* Forces what is complete in a directory, and its name, to the disk if the user wants that. */
int nr_store_sync(const struct nr_trace_output *t, const struct nr_trace_dir *dir);
int nr_store_packet(struct nr_trace_output *t, const struct nr_packet *packet);
/* The same for a packet that this output made. */
int nr_store_own(struct nr_trace_output *t, const void *packet, size_t size);
/* Checks the stream and ends it: with this account, and the number seq. */
int nr_store_end(struct nr_trace_output *t, const struct nr_account *account, uint64_t seq);
int nr_store_close(struct nr_trace_output *t);
/* Bytes of a packet as it is stored. */
size_t nr_store_size(const struct nr_trace_output *t, const struct nr_packet *packet);
/* Sets the counters of the output, and when it is due. */
void nr_store_count(struct nr_trace_output *t);

/* trace_names.c: the files that give addresses names. Only the beginning can fail. */
int nr_store_begin_names(struct nr_trace_output *t, struct nr_trace_dir *dir);
void nr_store_names(struct nr_trace_output *t); /* adds what is new */
void nr_store_end_names(struct nr_trace_output *t);

/* rotate.c: when chunks end and begin. The same errors. */

/* Before size bytes whose events have these times: ends the chunk if it is full, begins the next
 * one, and removes old ones to keep to the limits. */
int nr_rotate_for(struct nr_trace_output *t, size_t size, uint64_t begin, uint64_t end);
/* The same, but no chunk ends: what comes has no events, or belongs to what came before. */
int nr_rotate_begin(struct nr_trace_output *t, size_t size, uint64_t begin);
/* Notes events, or a gap, that were written. */
void nr_rotate_note(struct nr_trace_output *t, uint64_t begin, uint64_t events, uint64_t missed);
/* Ends the chunk if it has events. A flat trace becomes a series. */
int nr_rotate_now(struct nr_trace_output *t);
/* Begins a series with the recording's first packet. */
int nr_rotate_init(struct nr_trace_output *t);

#endif
