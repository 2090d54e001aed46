/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Traces of one event type, a number that counts from 0. The tests check how these traces end and
 * what a reader reports. */
#ifndef NR_TESTS_END_HELP_H
#define NR_TESTS_END_HELP_H

#include "packet/head.h"
#include "trace_help.h"

#define HEAD	sizeof(struct nr_packet_head)
#define PACKETS 4 /* events in a trace from write_trace */

int make_number(void **state);
int free_number(void **state);

struct writer *open_writer(void);
void append_number(struct writer *w, uint32_t x);
/* PACKETS packets with 1, 2, ... events. Packet i has counted i lost records. */
struct writer *write_packets(void);
struct nr_account some_account(void);
void write_trace(void);
void drop_traces(void);
/* Writes the metadata as a recorder of format 1.0 did. */
void make_1_0(void);

struct reading {
	struct nr_trace *trace; /* account has its own arrays */
	unsigned events;
	int read, end;
	struct nr_account account;
};

struct reading read_numbers(const char *name);
void expect_reading(const char *name, unsigned events, int read, int end);
void expect_babeltrace(const char *name, unsigned events);

/* The stream in memory, and the position of its end mark. */
struct stream {
	uint8_t *data;
	size_t size, mark;
};

struct stream load_stream(void);

#endif
