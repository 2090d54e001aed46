/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random traces for the tests of searching, damage and repair, in every form: plain or compressed, flat
 * or in chunks. Their events have numbers, 0, 1, 2, ... The forms are made here, from a flat trace, so
 * that the reader is tested against docs/format.md and not against the recorder.
 */
#ifndef NR_TESTS_STREAM_HELP_H
#define NR_TESTS_STREAM_HELP_H

#include "packet/gap.h"
#include "seed.h"
#include "trace_help.h"

#define HEAD sizeof(struct nr_packet_head)

struct shape {
	unsigned packets;
	unsigned events; /* most of them in a packet */
	unsigned copies; /* of the stream so far, in a payload now and then: most bytes of them */
	bool compressed;
	bool gaps;	  /* packets were missed */
	unsigned chunks;  /* 0: flat */
	unsigned dropped; /* of the chunks: the oldest, but not the last one */
};

/* A packet as it was written, in the order of the stream. */
struct written {
	uint64_t chunk;
	uint64_t offset, bytes; /* in the file */
	struct nr_packet_head head;
	uint64_t first;	  /* number of its first event */
	uint64_t written; /* events up to its end, also those in gaps before it */
};

/* What the trace consists of. */
struct made {
	const char *dir;
	struct shape shape;
	struct written *packets; /* opening packets and end marks, too */
	size_t n;
	uint64_t *times;	/* of each event */
	uint64_t first, events; /* numbers: of the first event, and behind the last one */
	uint64_t earlier;	/* events in chunks that were dropped, and in their gaps */
};

int make_type(void **state);
int free_type(void **state);

/* Makes a trace at in_scratch(name). */
struct made make_trace(const char *name, struct shape shape, struct seed *seed);
void free_made(struct made *made); /* and the trace */
/* Path of the stream of a chunk, below the trace. */
const char *stream_of(const struct shape *shape, uint64_t chunk);
/* The number of an event. */
uint64_t number_of(const struct nr_event *ev);

/* Some shapes, all forms. */
struct shape random_shape(struct seed *seed);

#endif
