// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reference others publish: one ring, libbpf's own reader, no order. */
#include <bpf/libbpf.h>
#include "bench.h"

struct plain {
	struct ring_buffer *rb;
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
	while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
		ring_buffer__poll(p->rb, 10);
	return NULL;
}

static void plain_start(struct run *r)
{
	struct plain *p = r->state = bench_alloc(1, sizeof(*p));
	unsigned first;

	/* The thread that reads may run on all of them. */
	if (nr_topology_cpus(r->topo, &first, 1))
		r->consumer_cpu = first;
	run_divide_memory(r, 1);
	p->rb = ring_buffer__new(baseline_load(r, false), on_record, &r->check, NULL);
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

const struct transport transport_libbpf = { plain_start, NULL, plain_stop };
