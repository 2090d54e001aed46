/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the ordered stream into a trace directory, packet by packet (docs/format.md).
 *
 * append copies records into the packet under construction: the only copy between ring and file.
 * commit closes that packet and hands it to the kernel. What was appended is safe when commit has
 * returned 0, and only then may the rings move their consumer_pos (I5).
 *
 * One thread.
 */
#ifndef NR_TRACE_WRITER_H
#define NR_TRACE_WRITER_H

#include <stdio.h>
#include <numaring/trace.h>
#include <sys/types.h>
#include "types/misfits.h"
#include "types/types.h"

struct nr_writer;

struct nr_writer_opts {
	size_t packet_bytes;  /* size at which a packet is full, 0: 1 MiB */
	bool force;	      /* replace a trace that is there; never anything that is no trace,
			       * nor one that is being recorded */
	const gid_t *group;   /* may read the trace; NULL: only its owner */
	int64_t clock_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns */
	struct nr_misfits *misfits; /* counts here what does not fit its type; NULL: nowhere */
	uint64_t start;		    /* CLOCK_MONOTONIC ns: the first, empty packet begins here */
	nr_log_fn log;
	void *log_ctx;
};

/* With force, a trace that is there is put aside until nr_writer_keep or nr_writer_discard.
 *
 * Creates dir with metadata, .btf and a stream that holds one empty packet (no loss yet, so that a
 * reader sees the difference to it). -EEXIST: a trace is there; -EBUSY: somebody records into it;
 * others: of the file system. */
int nr_writer_open(struct nr_writer **out, const char *dir, const struct nr_types *types,
		   const struct nr_writer_opts *opts);

/* Bytes of records (16 + payload, rounded up to 8 each) that fit until the packet is full; 0:
 * commit now. */
size_t nr_writer_room(const struct nr_writer *w);

/* Copies the events, whose ts must not go back; grows the packet if they do not fit. -ENOMEM. */
int nr_writer_append(struct nr_writer *w, const struct nr_event *evs, unsigned n);

/*
 * Writes the packet, complete to watermark, with lost records so far. A packet without events is
 * written too. On failure (-ENOSPC, -EIO, ...) the file is cut back to its last whole packet and
 * the appended events stay: commit may be called again. -ESTALE: others changed the trace; this
 * error, and that of a file that could not be cut back, are final.
 */
int nr_writer_commit(struct nr_writer *w, uint64_t watermark, uint64_t lost);

/*
 * Writes the end mark with the final account, after the last commit, or after one that failed: what
 * it could not write is dropped. Looks at every packet's head once more first. The mark's time is
 * account->end, or the end of the last packet if that is later. -ESTALE: others changed the trace,
 * and there is no mark; -ENOSPC, -EIO, ...: explained.
 */
int nr_writer_finish(struct nr_writer *w, const struct nr_account *account);

uint64_t nr_writer_bytes(const struct nr_writer *w); /* in the stream file */
/* The trace is here to stay: what it replaced is removed. Takes NULL. */
void nr_writer_keep(struct nr_writer *w);
/* Closes the files, after a look at every packet's head unless nr_writer_finish had one; what was
 * not committed is dropped. -ESTALE: others changed the trace. Takes NULL. */
int nr_writer_close(struct nr_writer *w);
/* Closes the trace and removes it; what it replaced is back. Takes NULL. */
void nr_writer_discard(struct nr_writer *w);

#endif
