/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a repaired trace consists of: the whole packets of the damaged one, and marks to write between
 * and behind them. Its size depends on how often the trace is damaged, not on how large it is. */
#ifndef NR_REPAIR_PLAN_H
#define NR_REPAIR_PLAN_H

#include "packet/gap.h"
#include "read/reader.h"

/* A stretch of whole packets, and what to write before it. */
struct nr_piece {
	uint64_t offset, bytes; /* in the damaged stream */
	bool open;		/* write this first packet: */
	struct nr_packet_head opening;
	struct nr_gap gap;	      /* write a gap mark, if it has packets, */
	struct nr_packet_head before; /* behind this one */
};

/* A stream, that of a flat trace or a chunk. */
struct nr_repair_chunk {
	uint64_t number;
	uint64_t end;		 /* of the last packet that is kept, in the damaged stream */
	struct nr_piece *pieces; /* at least one */
	size_t n;
	bool needed;  /* it does not stay as it is */
	bool foreign; /* its metadata or .btf comes from another chunk */
	bool mark;    /* write an end mark: */
	uint64_t mark_seq;
	struct nr_account account;
	bool counted; /* its written and earlier count from the recording's start */
};

struct nr_repair_plan {
	struct nr_trace *trace;
	struct nr_repair_chunk *chunks;
	size_t n;
	bool unplanned; /* there are chunks beside these */
	struct nr_repair found;
};

/* Reads plan->trace to its end, or to the first damage that its options do not skip. 0; -EBUSY: it is
 * being recorded; -ENODATA: no packet is whole; -ENOMEM; an error of reading. Errors are logged. */
int nr_repair_plan(struct nr_repair_plan *plan);
void nr_repair_plan_free(struct nr_repair_plan *plan);

#endif
