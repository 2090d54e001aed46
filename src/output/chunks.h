/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The directories of a series of chunks while it is recorded: 000000, 000001, ... in the directory
 * of the trace. Only the newest is written; the others are closed.
 *
 * A chunk is there once it has metadata, which are written last and removed first. Other programs
 * may remove closed chunks.
 *
 * One thread. Functions return 0 or a negative errno, which they have logged.
 */
#ifndef NR_OUTPUT_CHUNKS_H
#define NR_OUTPUT_CHUNKS_H

#include "dir.h"

/* A closed chunk. */
struct nr_chunk {
	uint64_t number;
	uint64_t events;
	uint64_t bytes; /* of its files */
};

struct nr_chunks {
	const struct nr_trace_dir *series; /* the directory of the trace */
	struct nr_trace_dir newest;	   /* fd -1: there is none yet */
	uint64_t next;			   /* the number after that of the newest */
	struct nr_chunk *closed;	   /* [n], the oldest first */
	unsigned n, cap;
	uint64_t bytes;			  /* of the closed chunks */
	uint64_t dropped, dropped_events; /* chunks that were removed, and the events in them */
};

void nr_chunks_init(struct nr_chunks *c, const struct nr_trace_dir *series);
/* Makes the directory of the next chunk, which is the newest from now on. */
int nr_chunks_make(struct nr_chunks *c);
/* Removes the newest chunk, which is not complete. */
void nr_chunks_unmake(struct nr_chunks *c);
/* Makes chunk 0 of the flat trace in the series' directory. The stream has this name and may be
 * open. On failure the trace stays flat, and the log has a warning. */
int nr_chunks_adopt(struct nr_chunks *c, const char *stream);
/* The newest chunk is closed; stream: bytes of its stream. */
void nr_chunks_close(struct nr_chunks *c, uint64_t events, uint64_t stream);
/* Bytes of the newest chunk's metadata and .btf. */
uint64_t nr_chunks_overhead(const struct nr_chunks *c);
/* Removes the oldest closed chunk. -ENOENT, not logged: none is left. */
int nr_chunks_drop_oldest(struct nr_chunks *c);
void nr_chunks_destroy(struct nr_chunks *c);

#endif
