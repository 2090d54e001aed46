/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the program for tracepoints by name knows about each of them. The collector makes it from
 * the format file.
 *
 * The event begins with struct nr_current. What follows is the record of the tracepoint without its
 * first 8 bytes, where the kernel has put a pointer. Then come the bytes of its arrays of variable
 * length: all but the last are cut to NR_TP_BOUND, and the last is the tail.
 */
#ifndef NR_TRACEPOINT_H
#define NR_TRACEPOINT_H

/* Tracepoints of one object, one for each event id of it. */
#define NR_TP_MAX     256
#define NR_TP_DYNAMIC 8	   /* arrays of variable length in one tracepoint */
#define NR_TP_BOUND   64   /* bytes */
#define NR_TP_HEAD    4096 /* at most so many bytes before the tail, a power of two */
#define NR_TP_TAIL    8192 /* and less than this in the tail: a record has at most 8192 */
#define NR_TP_COMMON  8	   /* bytes at the start of all records */

/* The task that runs, at the start of the events of tracepoints and probes. */
struct nr_current {
	__u32 current_pid; /* the process */
	__u32 current_tid;
	char current_comm[16];
};

/* An array of variable length. The record has a u32 at `at`: bytes << 16 | offset. */
struct nr_tp_dynamic {
	__u16 at;    /* in the record; a multiple of 4 */
	__u16 to;    /* in the event: where the bytes go */
	__u8 shift;  /* log2 of an element's bytes */
	__u8 is_rel; /* the offset counts from the end of the u32 */
	__u8 is_tail;
	__u8 is_text; /* a 0 byte at its end does not count */
};

struct nr_tp_config {
	__u16 copy; /* bytes of the record to copy, from NR_TP_COMMON on */
	__u16 head; /* bytes of the event before the tail */
	__u16 n_dynamic;
	__u16 zero;
	struct nr_tp_dynamic dynamic[NR_TP_DYNAMIC];
};

#endif
