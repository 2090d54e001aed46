// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What transports other than numaring share: their program. */
#include "bench.h"
#include "baseline.skel.h"

int baseline_load(struct run *r, bool perf_buffers)
{
	static struct baseline_bpf *skel; /* until the end of the process */
	struct bpf_map *map;

	skel = baseline_bpf__open();
	run_must(r, skel ? 0 : -errno);
	map = perf_buffers ? skel->maps.bench_perf : skel->maps.bench_ring;
	skel->rodata->bench_perf_buffers = perf_buffers;
	skel->rodata->bench_words = (r->cfg.size - sizeof(struct nr_record)) / 8;
	bpf_map__set_max_entries(skel->maps.bench_cells, r->n_cpus);
	bpf_map__set_max_entries(map, perf_buffers ? r->n_cpus : r->ring_bytes);
	run_must(r, baseline_bpf__load(skel));
	run_use(r, skel->progs.bench_produce, skel->maps.bench_cells);
	return bpf_map__fd(map);
}

void baseline_count_lost(struct run *r)
{
	for (unsigned i = 0; i < r->n_cpus; i++)
		r->lost[NR_LOSS_FULL] += r->cells[i].failed;
}
