/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks every record that a transport delivers: global order, each producer's sequence, latency.
 *
 * A record is accepted once. At the end, what each producer tried is what was seen plus what was
 * refused, and every gap in its sequence is a refused record.
 */
#ifndef BENCH_CHECK_H
#define BENCH_CHECK_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <numaring/event.h>
#include "cell.h"

struct check_cpu {
	uint64_t next; /* sequence expected */
	uint64_t seen;
	uint64_t gaps; /* numbers that were skipped */
};

/* How far delivery had come at a time. */
struct check_mark {
	uint64_t time;
	uint64_t count;
	uint64_t cpu_ns;
};

struct check {
	/* Set before. */
	unsigned n_cpus;
	struct check_cpu *cpus;
	bool sequence; /* the records are long enough to carry a number */

	/* The window that is measured, CLOCK_MONOTONIC ns; UINT64_MAX: not yet. They are set while
	 * records arrive, because the thread that measures may be late. */
	_Atomic(uint64_t) begin, end;

	/* Results. The thread that delivers writes them; others read the first two while it runs,
	 * the rest when it has ended. */
	uint64_t count;
	uint64_t cpu_ns; /* CPU time of that thread that this check used; 0 with check_one */
	uint64_t last_ts;
	uint64_t unordered, repeated, late, foreign;
	uint64_t turns; /* events of another CPU than the one before */
	uint16_t last_cpu;
	__u64 latency[BENCH_BUCKETS]; /* event to here, ns, in the window */
};

void check_init(struct check *c, unsigned n_cpus);
void check_batch(struct check *c, const struct nr_event *events, unsigned n);
/* Checks one event of a trace that is read back: everything but its latency. */
void check_event(struct check *c, const struct nr_event *ev);
/* Checks one record of a transport without order: counts it and checks its sequence. */
void check_one(struct check *c, const struct nr_record *rec, const void *data, uint32_t size);
/* From any thread. */
void check_mark_take(struct check_mark *out, const struct check *c);
/* Records a second that were delivered between the two. */
double check_rate(const struct check_mark *begin, const struct check_mark *end);
/* Do each producer's counts add up? Returns NULL, or what does not. */
const char *check_accounts(const struct check *c, const struct bench_cell *cells);

#endif
