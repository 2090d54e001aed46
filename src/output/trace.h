/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The trace directory as an output: appends each packet to the stream with one write
 * (docs/format.md).
 *
 * begin creates the directory with metadata, .btf and a stream that holds the recording's first,
 * empty packet (no loss yet, so that a reader sees the difference to it). A trace that is replaced
 * is put aside until keep or undo. -EEXIST: a trace is there; -EBUSY: it is being recorded; others:
 * of the file system.
 *
 * take returns 0 once the kernel has accepted the packet (I5). On -ENOSPC, -EIO, ... the file is cut
 * back to its last whole packet. -ESTALE: others changed the trace; this error, and that of a file
 * that could not be cut back, are final.
 *
 * end reads every head again, then writes the end mark with the account. The mark's time is
 * account->end, but at least 1 ns after the end of the last packet.
 */
#ifndef NR_OUTPUT_TRACE_H
#define NR_OUTPUT_TRACE_H

#include "output.h"

/* -ENOMEM. */
int nr_trace_output_new(struct nr_output **out, const char *dir, const struct nr_output_opts *opts);

#endif
