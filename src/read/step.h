/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A step of the reader: a packet that is whole and fits behind the packets read so far. */
#ifndef NR_READ_STEP_H
#define NR_READ_STEP_H

#include "reader.h"

struct nr_step {
	struct nr_slot packet;
	uint64_t number;  /* of the first packet that is not before it */
	uint64_t missing; /* packets before it, by their numbers */
	uint64_t late;	  /* events */
	struct nr_gap gap;
	struct nr_end mark; /* of an end mark; its arrays belong to the step until it is taken */
	bool opening, marked;
	bool whole; /* its checksum is right, though it may not fit */
};

/* Looks at the packet at t->next, and verifies it. 1; 0: the stream ends there; NR_INCOMPLETE;
 * -EBADMSG: see *fault; an error of reading. On success t->bytes holds it. */
int nr_step_next(struct nr_trace *t, struct nr_step *step, struct nr_fault *fault);
/* Verifies step->packet. jump: packets may be missing before it. 0; else as above, and t->bytes is
 * empty. */
int nr_step_verify(struct nr_trace *t, struct nr_step *step, bool jump, struct nr_fault *fault);
/* Makes it the current packet. Its records are verified. */
void nr_step_take(struct nr_trace *t, struct nr_step *step);
void nr_step_drop(struct nr_step *step);

/* The number of records in the bytes of a packet, and in *late of late ones. -EBADMSG. */
int64_t nr_step_count(const struct nr_trace *t, const struct nr_bytes *packet, uint64_t *late,
		      struct nr_fault *fault);

#endif
