/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file stream, or stream.zst, of a trace while it is written: packets are appended.
 *
 * A write that fails is cut off again, so the file always ends with a whole packet. If that fails,
 * too, or another program changed the file, the error is final. Errors are logged. One thread.
 */
#ifndef NR_OUTPUT_STREAM_FILE_H
#define NR_OUTPUT_STREAM_FILE_H

#include "dir.h"
#include "direct.h"
#include "full.h"
#include "heads.h"

/* A packet as the file holds it: the packet itself, or its label and its frame. */
struct nr_stored {
	const void *bytes;
	size_t size;
	const struct nr_packet_head *head; /* of the packet */
};

struct nr_stream_opts {
	bool compressed;
	uint64_t fsync_ns;    /* as in nr_output_opts */
	struct nr_full *full; /* what to do when the disk is full */
};

struct nr_stream_file {
	const struct nr_trace_dir *dir;
	struct nr_output *output; /* whose trace this is */
	struct nr_stream_opts opts;
	const char *name; /* of the file */
	int fd;		  /* -1: not open */

	uint64_t bytes;		    /* of whole packets in the file */
	struct nr_packet_head last; /* of the last packet */
	size_t largest;		    /* bytes of the largest packet, as stored */
	struct nr_heads heads;
	int error; /* the file no longer holds what was written; the log says why */

	struct nr_direct direct;
	uint64_t synced; /* bytes that are known to be on the disk */
	uint64_t due;	 /* CLOCK_MONOTONIC ns: when nr_stream_file_sync is due; 0: never */
};

/* Creates the file and locks it: it is being recorded. The output has its recording. */
int nr_stream_file_create(struct nr_stream_file *f, const struct nr_trace_dir *dir,
			  struct nr_output *output, const struct nr_stream_opts *opts);
/* Appends a packet: 0 once the kernel has accepted it (I5) and, with NR_FSYNC_PACKET, it is on the
 * disk. -ENOSPC, -EIO, ...: it is cut off. -ESTALE: another program changed the trace. */
int nr_stream_file_append(struct nr_stream_file *f, const struct nr_stored *packet);
/* The same for the last packet, the end mark. */
int nr_stream_file_append_mark(struct nr_stream_file *f, const struct nr_stored *mark);
/* Forces what was appended to the disk. An error is final: nobody knows what is there. */
int nr_stream_file_sync(struct nr_stream_file *f);
/* Writes succeed even if another program changes the file meanwhile: reads again what such a
 * program is likely to have changed. Returns the error that it found or that f already had. */
int nr_stream_file_check(struct nr_stream_file *f);
/* Checks the size once more, forces the file to the disk if asked to, and closes it. */
int nr_stream_file_close(struct nr_stream_file *f);
/* Closes the file without a check. Takes one that is not open. */
void nr_stream_file_drop(struct nr_stream_file *f);

#endif
