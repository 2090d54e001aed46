/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the JSON lines of a running collector to a reader who may be slow. */
#ifndef NR_JSONL_H
#define NR_JSONL_H

#include <numaring/numaring.h>
#include "outfile.h"

struct jsonl {
	struct outfile *output; /* NULL: nothing is open */
	int end_fd;		/* eventfd, readable after jsonl_end */
	int error;		/* the first write error */
	int terminal;		/* output's terminal, opened again; -1: output is no terminal */
	/* Whole lines written to output. Another thread may still add some. */
	_Atomic uint64_t delivered;
};

/* Makes output, which the caller still owns, an output of the collector. Returns 0, or a negative
 * errno after a message. */
int jsonl_open(struct jsonl *jsonl, struct nr_collector *c, struct outfile *output,
	       const struct nr_output_opts *opts);
/* The recording is about to end: from now on a write fails with -ETIMEDOUT if the reader reads
 * nothing for READER_TIMEOUT_MS. */
void jsonl_end(const struct jsonl *jsonl);
/* Closes what jsonl_open opened; delivered keeps its value. Returns 0 or the write error; -ESTALE:
 * another program changed the file. Accepts a zeroed struct. */
int jsonl_close(struct jsonl *jsonl);

#endif
