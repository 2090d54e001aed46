/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the events of a running collector as JSON lines, within its latency. */
#ifndef NR_JSONL_H
#define NR_JSONL_H

#include <numaring/numaring.h>
#include "lines.h"
#include "outfile.h"

struct jsonl {
	struct lines lines;	/* its stream calls write_all (jsonl.c), which writes to output */
	struct outfile *output; /* NULL: nothing is open */
	int end_fd;		/* eventfd, readable after jsonl_end */
	int error;		/* the first write error */
	int terminal;		/* output's terminal, opened again; -1: output is no terminal */
	/* Whole lines written to output. Another thread may still add some. */
	_Atomic uint64_t delivered;
};

/* Sends the collector's stream to output, which the caller still owns. Returns 0, or a negative
 * errno after a message. */
int jsonl_open(struct jsonl *jsonl, struct nr_collector *c, struct outfile *output);
/* The recording is about to end: from now on a write fails with -ETIMEDOUT if the reader reads
 * nothing for READER_TIMEOUT_MS. */
void jsonl_end(const struct jsonl *jsonl);
/* Flushes and closes; delivered keeps its value. Returns 0 or the write error; -ESTALE: another
 * program changed the file. Accepts a zeroed struct. */
int jsonl_close(struct jsonl *jsonl);

#endif
