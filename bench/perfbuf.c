// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The transport numaring is compared with: a perf buffer for each CPU, and the same exact order
 * behind it, by the RCU watermark.
 *
 * One thread for each NUMA node copies records out of the buffers of its CPUs as they come. The
 * merge reads the clock, waits for a grace period, has every buffer drained once more, and then
 * holds every record from before that time (docs/order.md, I3). Within a buffer records are in
 * time order: perf gives each CPU its own, and nothing interrupts a producer here.
 *
 * The loser tree is numaring's own, and not part of the public API: a worse merge would make the
 * comparison unfair.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"
#include "merge/tree.h"
#include "queue.h"

#define BATCH 1024

/* numaring's time between passes at the default latency. */
#define TICK_NS 25000000ull

/* Records per wake-up of perfbuf-sampled, as in published comparisons. */
#define SAMPLED 500

/* What perf adds to each record: a header, the size of the raw part, padding. */
#define PERF_OVERHEAD 16

struct perfbuf;

struct drainer {
	struct perfbuf *all;
	const struct nr_plan_shard *shard; /* its CPUs */
	struct perf_buffer *pb;
	int kick_fd;
};

struct perfbuf {
	struct run *run;
	struct nr_plan *plan;
	unsigned n_drainers;
	struct drainer *drainer;
	sem_t drained;
	int inner_fd, outer_fd; /* for grace periods */
	int hurry_fd;
	bool hurried;
	/* With more bytes than this in its queues, a drainer lets its buffers fill. */
	size_t quota;
	struct queue *queue; /* [possible CPUs] */

	pthread_t merge;
	bool stop_merge;
	struct nr_tree tree;
	uint64_t watermark;
	struct nr_event batch[BATCH];
};

/* ---- draining ---- */

static enum bpf_perf_event_ret on_event(void *ctx, int cpu, struct perf_event_header *event)
{
	const struct {
		struct perf_event_header header;
		uint32_t size;
		uint8_t data[];
	} *sample = (const void *)event;
	struct perfbuf *all = ((struct drainer *)ctx)->all;
	uint32_t size = all->run->cfg.size;

	/* PERF_RECORD_LOST is not needed: the program counts each record that was refused. */
	if (event->type != PERF_RECORD_SAMPLE)
		return LIBBPF_PERF_EVENT_CONT;
	/* perf pads the raw part, but the record's size is known. */
	run_must(all->run, sample->size < size ? -EBADMSG : 0);
	queue_append(&all->queue[cpu], sample->data, size);
	return LIBBPF_PERF_EVENT_CONT;
}

static size_t queued(const struct drainer *d)
{
	size_t sum = 0;

	for (unsigned i = 0; i < d->shard->n_cpus; i++) {
		const struct queue *q = &d->all->queue[d->shard->cpus[i]];

		sum += atomic_load_explicit(&q->bytes_in, memory_order_relaxed) -
		       atomic_load_explicit(&q->bytes_out, memory_order_relaxed);
	}
	return sum;
}

/* Wakes the merge before its tick if much waits for it. */
static void hurry_merge(struct drainer *d)
{
	if (queued(d) > d->all->quota / 4 &&
	    !__atomic_exchange_n(&d->all->hurried, true, __ATOMIC_RELAXED))
		eventfd_write(d->all->hurry_fd, 1);
}

static void *drain(void *arg)
{
	struct drainer *d = arg;
	struct pollfd fds[] = { { .fd = d->kick_fd, .events = POLLIN },
				{ .fd = perf_buffer__epoll_fd(d->pb), .events = POLLIN } };
	eventfd_t kicks;

	bench_raise_priority();
	for (;;) {
		bool full = queued(d) > d->all->quota;

		poll(fds, full ? 1 : 2, -1);
		if (fds[0].revents && !eventfd_read(d->kick_fd, &kicks)) {
			perf_buffer__consume(d->pb);
			sem_post(&d->all->drained);
		} else if (!full) {
			perf_buffer__poll(d->pb, 0);
			hurry_merge(d);
		}
		fds[1].revents = 0;
	}
	return NULL;
}

/* Reads every buffer up to its end at the time of the call. */
static void drain_all(struct perfbuf *all)
{
	for (unsigned i = 0; i < all->n_drainers; i++)
		eventfd_write(all->drainer[i].kick_fd, 1);
	for (unsigned i = 0; i < all->n_drainers; i++)
		while (sem_wait(&all->drained))
			;
}

/* ---- merging ---- */

static nr_tree_key key_of(struct perfbuf *all, uint32_t cpu)
{
	uint32_t size;
	const struct nr_record *rec = queue_head(&all->queue[cpu], &size);

	return rec ? nr_tree_key_at(rec->ts, cpu) : nr_tree_key_dry(cpu);
}

static void deliver(struct perfbuf *all, unsigned n)
{
	check_batch(&all->run->check, all->batch, n);
	for (unsigned i = 0; i < all->run->n_cpus; i++)
		queue_free_spent(&all->queue[i]);
}

/* Takes the first record of a CPU. */
static void take(struct perfbuf *all, uint32_t cpu, struct nr_event *ev)
{
	uint32_t size;
	const struct nr_record *rec = queue_head(&all->queue[cpu], &size);

	*ev = (struct nr_event){
		.rec = rec,
		.data = rec + 1,
		.size = size - sizeof(*rec),
		.flags = rec->ts < all->watermark ? NR_EVENT_LATE : 0,
		.ts = rec->ts,
	};
	queue_take(&all->queue[cpu], size);
}

/* Delivers every record below `to`, in order. */
static void merge_below(struct perfbuf *all, uint64_t to)
{
	const nr_tree_key limit = nr_tree_key_at(to, 0);
	nr_tree_key winner;
	unsigned n = 0;

	for (unsigned i = 0; i < all->run->n_cpus; i++)
		nr_tree_set(&all->tree, key_of(all, i));
	nr_tree_build(&all->tree);
	winner = nr_tree_winner(&all->tree);
	while (winner < limit) {
		uint32_t cpu = nr_tree_source(winner);

		take(all, cpu, &all->batch[n++]);
		winner = nr_tree_replace(&all->tree, cpu, key_of(all, cpu));
		if (n == BATCH) {
			deliver(all, n);
			n = 0;
		}
	}
	deliver(all, n);
}

/* Updating a map in a map waits for a grace period where membarrier does not: nohz_full kernels
 * refuse it, and with one CPU online it returns at once. */
static void grace_open(struct perfbuf *all)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	all->inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_inner", 4, 4, 1, NULL);
	run_must(all->run, all->inner_fd);
	opts.inner_map_fd = all->inner_fd;
	all->outer_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "bench_outer", 4, 4, 1, &opts);
	run_must(all->run, all->outer_fd);
}

static int grace_period(const struct perfbuf *all)
{
	const uint32_t first = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
	    !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return 0;
	return bpf_map_update_elem(all->outer_fd, &first, &all->inner_fd, 0);
}

static void merge_round(struct perfbuf *all)
{
	uint64_t to = bench_now(), lag;

	run_must(all->run, grace_period(all));
	drain_all(all);
	merge_below(all, to);
	lag = bench_now() - all->watermark;
	if (all->watermark && lag > all->run->lag_max)
		all->run->lag_max = lag;
	all->watermark = to;
}

/* Until the next tick, or until a drainer has much to merge. */
static void wait_for_round(struct perfbuf *all, uint64_t began)
{
	struct pollfd fd = { .fd = all->hurry_fd, .events = POLLIN };
	uint64_t passed = bench_now() - began;
	eventfd_t hurries;

	if (passed < TICK_NS)
		poll(&fd, 1, (TICK_NS - passed) / 1000000);
	eventfd_read(all->hurry_fd, &hurries);
	__atomic_store_n(&all->hurried, false, __ATOMIC_RELAXED);
}

static void *merge(void *arg)
{
	struct perfbuf *all = arg;

	bench_raise_priority();
	while (!__atomic_load_n(&all->stop_merge, __ATOMIC_RELAXED)) {
		uint64_t began = bench_now();

		merge_round(all);
		wait_for_round(all, began);
	}
	return NULL;
}

/* ---- life ---- */

static unsigned wakeup_events(const struct run *r, size_t buffer_bytes)
{
	size_t half = buffer_bytes / 2 / (r->cfg.size + PERF_OVERHEAD);

	if (strcmp(r->cfg.transport, "perfbuf-sampled"))
		return 1;
	return half < SAMPLED ? half + 1 : SAMPLED;
}

static int open_event(const struct perfbuf *all)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	run_must(all->run, fd < 0 ? -errno : 0);
	return fd;
}

/* Opens a buffer for each CPU of its node. */
static void open_buffers(struct drainer *d, int map_fd, size_t size)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = wakeup_events(d->all->run, size),
	};
	LIBBPF_OPTS(perf_buffer_raw_opts, opts, .cpu_cnt = d->shard->n_cpus);

	opts.cpus = opts.map_keys = (int *)d->shard->cpus;
	d->pb = perf_buffer__new_raw(map_fd, size / sysconf(_SC_PAGESIZE), &attr, on_event, d,
				     &opts);
	run_must(d->all->run, d->pb ? 0 : -errno);
}

static void start_drainers(struct perfbuf *all)
{
	struct run *r = all->run;
	size_t size = run_divide_memory(r, nr_topology_cpus(r->topo, NULL, 0));
	int map_fd = baseline_load(r, true);
	pthread_t thread;

	all->plan = bench_plan(r->topo, "node");
	all->n_drainers = all->plan->n_shards;
	all->quota = r->cfg.memory / all->n_drainers;
	all->drainer = bench_alloc(all->n_drainers, sizeof(*all->drainer));
	for (unsigned i = 0; i < all->n_drainers; i++) {
		struct drainer *d = &all->drainer[i];

		*d = (struct drainer){ all, nr_plan_shard_at(all->plan, i),
				       .kick_fd = open_event(all) };
		open_buffers(d, map_fd, size);
		bench_thread(&thread, "drainer", drain, d);
		bench_pin(thread, d->shard->consumer_cpus, d->shard->n_consumer_cpus);
	}
}

static void perfbuf_start(struct run *r)
{
	struct perfbuf *all = r->state = bench_alloc(1, sizeof(*all));

	r->ordered = true;
	all->run = r;
	sem_init(&all->drained, 0, 0);
	all->hurry_fd = open_event(all);
	run_must(r, nr_tree_init(&all->tree, r->n_cpus));
	all->queue = bench_alloc(r->n_cpus, sizeof(*all->queue));
	for (unsigned i = 0; i < r->n_cpus; i++)
		queue_init(&all->queue[i]);
	grace_open(all);
	start_drainers(all);
	bench_thread(&all->merge, "nr-merge", merge, all);
}

static void perfbuf_stop(struct run *r)
{
	struct perfbuf *all = r->state;

	__atomic_store_n(&all->stop_merge, true, __ATOMIC_RELAXED);
	pthread_join(all->merge, NULL);
	/* No producer runs any more: everything that is left is complete. */
	drain_all(all);
	merge_below(all, UINT64_MAX);
	baseline_count_lost(r);
}

const struct transport transport_perfbuf = { perfbuf_start, NULL, perfbuf_stop };
