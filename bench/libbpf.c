// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The reference others publish: one ring, libbpf's own reader, no order. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench.h"
#include "others.h"

#define RING_MAX (1ul << 30)

struct plain {
	struct others_bpf *skel;
	struct ring_buffer *rb;
	pthread_t thread;
	bool running;
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
static int ring_size(struct run *r)
{
	r->shards = 1;
	r->ring_bytes = floor_power(r->cfg.memory > RING_MAX ? RING_MAX : r->cfg.memory);
	if (r->ring_bytes >= (size_t)sysconf(_SC_PAGESIZE))
		return 0;
	bench_error("%" PRIu64 " bytes are too few for a ring", r->cfg.memory);
	return -EINVAL;
}

static int plain_open(struct run *r)
{
	struct plain *p = r->transport = bench_alloc(1, sizeof(*p));
	unsigned first;
	int err = ring_size(r);

	/* The thread that reads may run on all of them. */
	if (nr_topology_cpus(r->topo, &first, 1))
		r->consumer_cpu = first;
	if (!err)
		err = others_open(&p->skel, r, false);
	if (err)
		return err;
	p->rb = ring_buffer__new(bpf_map__fd(p->skel->maps.bench_ring), on_record, &r->check, NULL);
	return p->rb ? 0 : -errno;
}

static int plain_start(struct run *r)
{
	struct plain *p = r->transport;

	if (pthread_create(&p->thread, NULL, consume, p))
		return -EAGAIN;
	p->running = true;
	return others_start(p->skel, r);
}

static void join(struct plain *p)
{
	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	if (p->running)
		pthread_join(p->thread, NULL);
	p->running = false;
}

static int plain_stop(struct run *r)
{
	struct plain *p = r->transport;
	int n;

	join(p);
	n = ring_buffer__consume(p->rb);
	others_count_lost(r);
	return n < 0 ? n : 0;
}

static void plain_close(struct run *r)
{
	struct plain *p = r->transport;

	if (!p)
		return;
	join(p);
	ring_buffer__free(p->rb);
	others_bpf__destroy(p->skel);
	free(p);
}

const struct transport transport_libbpf = { plain_open, plain_start, NULL, plain_stop,
					    plain_close };
