/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes a trace without a collector: makes a packet of the events given to it and hands it to a
 * trace output, as merge, packer and delivery do.
 */
#ifndef NR_TESTS_TRACE_WRITER_H
#define NR_TESTS_TRACE_WRITER_H

#include "output/trace.h"

struct writer_opts {
	size_t packet_bytes; /* of records that make a packet full, 0: 1 MiB */
	bool force;
	const gid_t *group;
	int64_t clock_offset;
	struct nr_misfits *misfits;
	uint64_t start;			    /* CLOCK_MONOTONIC ns: the first, empty packet */
	const struct nr_output_opts *trace; /* how it is written; NULL: the defaults */
	const uint32_t *cpu_nodes;	    /* [n_cpus] */
	unsigned n_cpus;
	const __u8 *uuid;   /* NULL: a random one */
	const char *filter; /* of the recording; NULL: none */
	nr_log_fn log;
	void *log_ctx;
};

struct writer;

int writer_open(struct writer **out, const char *dir, const struct nr_types *types,
		const struct writer_opts *opts);
size_t writer_room(const struct writer *w);
/* Copies the events. -EINVAL: they go back in time and are not late. */
int writer_append(struct writer *w, const struct nr_event *evs, unsigned n);
/* On failure the events stay, and commit may be called again. */
int writer_commit(struct writer *w, uint64_t watermark, uint64_t lost);
/* An optional output missed packets with so many events. */
int writer_miss(struct writer *w, uint64_t packets, uint64_t events);
int writer_rotate(struct writer *w);
int writer_finish(struct writer *w, const struct nr_account *account);
uint64_t writer_bytes(const struct writer *w);
const struct nr_output *writer_output(const struct writer *w);
void writer_keep(struct writer *w);
/* Returns 0. Without writer_finish the trace has no end mark, as that of a recorder that was killed. */
int writer_close(struct writer *w);
void writer_discard(struct writer *w);

#endif
