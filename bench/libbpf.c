// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reference others publish: one ring, libbpf's own reader, no order. The kernel wakes the reader
 * as it decides (libbpf), or never, and the reader comes at its own deadline (libbpf-nowakeup). */
#include <bpf/libbpf.h>
#include "baseline.h"

/* In front of a record in the kernel's ring. */
#define RING_OVERHEAD 8

/* One lock: no two producers write faster than that into one ring. */
#define FASTEST_NS 25

struct plain {
	struct ring_buffer *rb;
	uint64_t pass_ns; /* 0: the kernel wakes the reader */
	pthread_t thread;
	bool stop;
};

static int on_record(void *ctx, void *data, size_t size)
{
	const struct nr_record *rec = data;

	check_one(ctx, rec, rec + 1, size - sizeof(*rec));
	return 0;
}

static void *consume(void *arg)
{
	struct plain *p = arg;

	bench_raise_priority();
	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
		if (!p->pass_ns) {
			ring_buffer__poll(p->rb, 10);
			continue;
		}
		ring_buffer__consume(p->rb);
		bench_sleep_until(bench_now() + p->pass_ns);
	}
	return NULL;
}

static void plain_start(struct run *r)
{
	struct plain *p = r->state = bench_alloc(1, sizeof(*p));
	struct baseline_bpf *skel = baseline_open(r, BENCH_RING);
	size_t bytes = run_divide_memory(r, 1);
	unsigned first;

	/* The thread that reads may run on all of them. */
	if (nr_topology_cpus(r->topo, &first, 1))
		r->consumer_cpu = first;
	if (strcmp(r->cfg.transport, "libbpf")) {
		p->pass_ns = baseline_pass_ns(bytes / (r->cfg.size + RING_OVERHEAD), FASTEST_NS);
		skel->rodata->bench_ring_flags = BPF_RB_NO_WAKEUP;
	}
	bpf_map__set_max_entries(skel->maps.bench_ring, bytes);
	baseline_load(r, skel);
	p->rb = ring_buffer__new(bpf_map__fd(skel->maps.bench_ring), on_record, &r->check, NULL);
	run_must(r, p->rb ? 0 : -errno);
	bench_thread(&p->thread, "reader", consume, p);
}

static void plain_stop(struct run *r)
{
	struct plain *p = r->state;

	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	pthread_join(p->thread, NULL);
	run_must(r, ring_buffer__consume(p->rb));
	baseline_count_lost(r);
}

const struct transport transport_libbpf = { VERIFIES_COMPLETENESS, plain_start, NULL, plain_stop };
