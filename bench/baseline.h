/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For transports other than numaring: their BPF program (baseline.bpf.c), and what they share. */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include "bench.h"
#include "baseline.skel.h"

/* Opens the program for records of the run that go there. */
struct baseline_bpf *baseline_open(const struct run *r, enum bench_baseline where);
/* Loads it: it becomes the producers' program. */
void baseline_load(struct run *r, struct baseline_bpf *skel);
/* That the ring or buffer was full is the one cause of loss. */
void baseline_count_lost(struct run *r);

/*
 * How long a reader without wake-ups sleeps: a quarter of the time in which a ring of so many
 * records is filled by producers that need fastest_ns for each. So it is never late, and a wake-up
 * would gain nothing. At most numaring's own time between passes.
 */
uint64_t baseline_pass_ns(size_t records, unsigned fastest_ns);

#endif
