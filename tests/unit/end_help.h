/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Traces of one event type, a number that counts from 0: how they end, and what a reader says of
 * it. */
#ifndef NR_TESTS_END_HELP_H
#define NR_TESTS_END_HELP_H

#include "packet/head.h"
#include "trace_help.h"

#define HEAD	sizeof(struct nr_packet_head)
#define PACKETS 4 /* with events, in a trace as write_trace leaves it */

int make_number(void **state);
int free_number(void **state);

struct writer *open_writer(void);
void append_number(struct writer *w, uint32_t x);
/* PACKETS packets with 1, 2, ... events; packet i has lost i records by then. */
struct writer *write_packets(void);
struct nr_account some_account(void);
void write_trace(void);
void drop_traces(void);
/* The metadata as a recorder of format 1.0 wrote it. */
void make_1_0(void);

struct reading {
	struct nr_trace *trace; /* arrays of account are its own */
	unsigned events;
	int read, end;
	struct nr_account account;
};

struct reading read_numbers(const char *name);
void expect_reading(const char *name, unsigned events, int read, int end);
void expect_babeltrace(const char *name, unsigned events);

/* The stream in memory, and where its mark is. */
struct stream {
	uint8_t *data;
	size_t size, mark;
};

struct stream load_stream(void);

#endif
