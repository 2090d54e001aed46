/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What transports other than numaring share: the program, and that the ring or buffer was full is
 * the one cause of loss. */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include "bench.h"
#include "baseline.skel.h"

static inline struct baseline_bpf *baseline_load(struct run *r, bool perf_buffers)
{
	struct baseline_bpf *skel = baseline_bpf__open();

	run_must(r, skel ? 0 : -errno);
	skel->rodata->bench_perf_buffers = perf_buffers;
	skel->rodata->bench_words = (r->cfg.size - sizeof(struct nr_record)) / 8;
	bpf_map__set_max_entries(skel->maps.bench_cells, r->n_cpus);
	if (perf_buffers)
		bpf_map__set_max_entries(skel->maps.bench_perf, r->n_cpus);
	else
		bpf_map__set_max_entries(skel->maps.bench_ring, r->ring_bytes);
	run_must(r, baseline_bpf__load(skel));
	run_use(r, skel->progs.bench_produce, skel->maps.bench_cells);
	return skel;
}

static inline void baseline_count_lost(struct run *r)
{
	for (unsigned i = 0; i < r->n_cpus; i++)
		r->lost[NR_LOSS_FULL] += r->cells[i].failed;
}

#endif
