// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What numaring is compared with most: a perf buffer for each CPU, and the same exact order behind
 * it, as well as it can be done.
 *
 * One thread for each NUMA node copies records out of the buffers of its CPUs. The programs count
 * the records that they have begun, with an atomic that returns its value, before they read the
 * clock, and those that are done. So a drainer needs no grace period to know what is complete
 * (docs/order.md, I2): it reads the clock, then waits until of each CPU as many records are done as
 * had begun, then reads the buffers. What it has not found by then has a later time. One merge
 * delivers what is older than every drainer's time. Within a buffer records are in time order: perf
 * gives each CPU its own, and nothing interrupts a producer here.
 *
 * With perfbuf-fence nobody is woken, and drainers come before a buffer can be full. perfbuf wakes
 * its drainer for each record, perfbuf-sampled for one in 500.
 *
 * The loser tree is numaring's own, and not part of the public API: a worse merge would make the
 * comparison unfair.
 */
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/clock.h"
#include "baseline.h"
#include "merge/tree.h"
#include "queue.h"

#define BATCH 1024

/* The longest wait for a wake-up: numaring's time between passes at the default latency. */
#define WAKEUP_MS 25

/* Records per wake-up of perfbuf-sampled, as in published comparisons. */
#define SAMPLED 500

/* What perf adds to each record: a header, the size of the raw part, padding. */
#define PERF_OVERHEAD 16

/* No producer writes faster into its perf buffer. */
#define FASTEST_NS 60

struct perfbuf;

struct drainer {
	struct perfbuf *all;
	const struct nr_plan_shard *shard; /* its CPUs */
	struct perf_buffer *pb;
	pthread_t thread;
	_Atomic(uint64_t) complete; /* all records before this time are in the queues */
};

struct perfbuf {
	struct run *run;
	struct nr_plan *plan;
	unsigned n_drainers;
	struct drainer *drainer;
	unsigned wakeup_events; /* 0: no wake-up */
	uint64_t pass_ns;	/* between passes of the merge, and of drainers that nobody wakes */
	/* With more bytes than this in its queues, a drainer lets its buffers fill. */
	size_t quota;
	struct queue *queue; /* [possible CPUs] */
	bool stop_drainers, stop_merge;

	pthread_t merge;
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

/* Acquire: pairs with the fence and the release in emit_to_perf. */
static void wait_for_records(const struct bench_cell *cell)
{
	uint64_t begun = __atomic_load_n(&cell->begun, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&cell->done, __ATOMIC_ACQUIRE) < begun)
		sched_yield();
}

static void pass(struct drainer *d)
{
	uint64_t now = bench_now();

	nr_clock_barrier();
	for (unsigned i = 0; i < d->shard->n_cpus; i++)
		wait_for_records(&d->all->run->main.cells[d->shard->cpus[i]]);
	perf_buffer__consume(d->pb);
	/* Release: pairs with the acquire in complete_of_all. */
	atomic_store_explicit(&d->complete, now - NR_EPSILON_NS, memory_order_release);
}

static void wait_for_pass(const struct drainer *d)
{
	struct epoll_event event;

	if (d->all->wakeup_events)
		epoll_wait(perf_buffer__epoll_fd(d->pb), &event, 1, WAKEUP_MS);
	else
		bench_sleep_until(bench_now() + d->all->pass_ns);
}

static void *drain(void *arg)
{
	struct drainer *d = arg;

	bench_raise_priority();
	while (!__atomic_load_n(&d->all->stop_drainers, __ATOMIC_RELAXED)) {
		wait_for_pass(d);
		if (queued(d) <= d->all->quota)
			pass(d);
		else
			bench_sleep_until(bench_now() + d->all->pass_ns);
	}
	return NULL;
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

static uint64_t complete_of_all(const struct perfbuf *all)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < all->n_drainers; i++) {
		uint64_t t = atomic_load_explicit(&all->drainer[i].complete, memory_order_acquire);

		least = t < least ? t : least;
	}
	return least;
}

static void *merge(void *arg)
{
	struct perfbuf *all = arg;

	bench_raise_priority();
	while (!__atomic_load_n(&all->stop_merge, __ATOMIC_RELAXED)) {
		uint64_t to = complete_of_all(all);

		merge_below(all, to);
		run_lag(all->run, all->watermark);
		all->watermark = to;
		bench_sleep_until(bench_now() + all->pass_ns);
	}
	return NULL;
}

/* ---- life ---- */

static unsigned wakeup_events(const struct run *r, size_t buffer_bytes)
{
	size_t half = buffer_bytes / 2 / (r->cfg.size + PERF_OVERHEAD);

	if (!strcmp(r->cfg.transport, "perfbuf-fence"))
		return 0;
	if (strcmp(r->cfg.transport, "perfbuf-sampled"))
		return 1;
	return half < SAMPLED ? half + 1 : SAMPLED;
}

/* Opens a buffer for each CPU of its node. A watermark of that size is never reached. */
static void open_buffers(struct drainer *d, int map_fd, size_t size)
{
	unsigned events = d->all->wakeup_events;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = !events,
		.wakeup_events = events ? events : UINT32_MAX,
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
	struct baseline_bpf *skel = baseline_open(r, BENCH_PERF);

	bpf_map__set_max_entries(skel->maps.bench_perf, r->n_cpus);
	baseline_load(r, skel);
	all->wakeup_events = wakeup_events(r, size);
	all->pass_ns = baseline_pass_ns(size / (r->cfg.size + PERF_OVERHEAD), FASTEST_NS);
	all->plan = bench_plan(r->topo, "node");
	all->n_drainers = all->plan->n_shards;
	all->quota = r->cfg.memory / all->n_drainers;
	all->drainer = bench_alloc(all->n_drainers, sizeof(*all->drainer));
	for (unsigned i = 0; i < all->n_drainers; i++) {
		struct drainer *d = &all->drainer[i];

		*d = (struct drainer){ .all = all, .shard = nr_plan_shard_at(all->plan, i) };
		open_buffers(d, bpf_map__fd(skel->maps.bench_perf), size);
		bench_thread(&d->thread, "drainer", drain, d);
		bench_pin(d->thread, d->shard->consumer_cpus, d->shard->n_consumer_cpus);
	}
}

static void perfbuf_start(struct run *r)
{
	struct perfbuf *all = r->state = bench_alloc(1, sizeof(*all));

	all->run = r;
	run_must(r, nr_tree_init(&all->tree, r->n_cpus));
	all->queue = bench_alloc(r->n_cpus, sizeof(*all->queue));
	for (unsigned i = 0; i < r->n_cpus; i++)
		queue_init(&all->queue[i]);
	start_drainers(all);
	bench_thread(&all->merge, "nr-merge", merge, all);
}

static void perfbuf_stop(struct run *r)
{
	struct perfbuf *all = r->state;

	/* The merge goes on: a drainer may wait for room in its queues. */
	__atomic_store_n(&all->stop_drainers, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < all->n_drainers; i++)
		pthread_join(all->drainer[i].thread, NULL);
	__atomic_store_n(&all->stop_merge, true, __ATOMIC_RELAXED);
	pthread_join(all->merge, NULL);
	/* No producer runs any more: everything that is left is complete. */
	for (unsigned i = 0; i < all->n_drainers; i++)
		perf_buffer__consume(all->drainer[i].pb);
	merge_below(all, UINT64_MAX);
	baseline_count_lost(r);
}

const struct transport transport_perfbuf = { VERIFIES_ORDER, perfbuf_start, NULL, perfbuf_stop };
