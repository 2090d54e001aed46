// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The program of transports other than numaring, and the floor: what a record costs that goes
 * nowhere. */
#include <bpf/libbpf.h>
#include "baseline.h"

/* numaring's time between passes at the default latency. */
#define PASS_MOST_NS 25000000ull

#define PASS_LEAST_NS 50000ull

struct baseline_bpf *baseline_open(const struct run *r, enum bench_baseline where)
{
	struct baseline_bpf *skel = baseline_bpf__open(); /* until the end of the process */

	run_must(r, skel ? 0 : -errno);
	skel->rodata->bench_baseline = where;
	skel->rodata->bench_words = (r->cfg.size - sizeof(struct nr_record)) / 8;
	bpf_map__set_max_entries(skel->maps.bench_cells, r->n_cpus);
	return skel;
}

void baseline_load(struct run *r, struct baseline_bpf *skel)
{
	run_must(r, baseline_bpf__load(skel));
	run_use(r, &r->main, skel->progs.bench_produce, skel->maps.bench_cells);
}

void baseline_count_lost(struct run *r)
{
	for (unsigned i = 0; i < r->n_cpus; i++)
		r->lost[NR_LOSS_FULL] += r->main.cells[i].failed;
}

uint64_t baseline_pass_ns(size_t records, unsigned fastest_ns)
{
	uint64_t ns = records * fastest_ns / 4;

	ns = ns < PASS_MOST_NS ? ns : PASS_MOST_NS;
	return ns > PASS_LEAST_NS ? ns : PASS_LEAST_NS;
}

void baseline_floor(struct run *r)
{
	struct baseline_bpf *skel = baseline_open(r, BENCH_FLOOR);

	run_must(r, baseline_bpf__load(skel));
	run_use(r, &r->floor, skel->progs.bench_produce, skel->maps.bench_cells);
}

/* ---- the floor as a transport ---- */

static void floor_start(struct run *r)
{
	baseline_load(r, baseline_open(r, BENCH_FLOOR));
}

static void floor_stop(struct run *r)
{
	(void)r;
}

const struct transport transport_floor = { VERIFIES_NOTHING, floor_start, NULL, floor_stop };
