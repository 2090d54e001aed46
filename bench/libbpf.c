// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reference others publish: one ring, libbpf's own reader, no order. */
#include <bpf/libbpf.h>
#include <unistd.h>
#include "bench.h"
#include "baseline.h"

#define RING_MAX (1ul << 30)

struct plain {
	struct baseline_bpf *skel;
	struct ring_buffer *rb;
	pthread_t thread;
	bool stop;
};

static int on_record(void *ctx, void *data, size_t size)
{
	check_one(ctx, data, size - sizeof(struct nr_record));
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

/* libbpf would round a size below a page up, and the row would not tell. */
static void set_ring_size(struct run *r)
{
	r->shards = 1;
	r->ring_bytes = floor_power(r->cfg.memory > RING_MAX ? RING_MAX : r->cfg.memory);
	if (r->ring_bytes < (size_t)sysconf(_SC_PAGESIZE))
		errx(BENCH_FAILED, "%" PRIu64 " bytes are too few for a ring", r->cfg.memory);
}

static void plain_open(struct run *r)
{
	struct plain *p = r->transport = bench_alloc(1, sizeof(*p));
	unsigned first;

	/* The thread that reads may run on all of them. */
	if (nr_topology_cpus(r->topo, &first, 1))
		r->consumer_cpu = first;
	set_ring_size(r);
	p->skel = baseline_open(r, false);
	p->rb = ring_buffer__new(bpf_map__fd(p->skel->maps.bench_ring), on_record, &r->check, NULL);
	run_must(r, p->rb ? 0 : -errno);
}

static void plain_start(struct run *r)
{
	struct plain *p = r->transport;

	bench_thread(&p->thread, consume, p);
	baseline_start(p->skel, r);
}

static void plain_stop(struct run *r)
{
	struct plain *p = r->transport;

	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	pthread_join(p->thread, NULL);
	run_must(r, ring_buffer__consume(p->rb));
	baseline_count_lost(r);
}

const struct transport transport_libbpf = { plain_open, plain_start, NULL, plain_stop };
