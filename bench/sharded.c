// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The transport under test: numaring itself, through its public API. */
#include "bench.h"
#include "sharded.skel.h"

struct sharded {
	struct nr_collector *collector;
	struct sharded_bpf *skel;
	struct scratch scratch;
	char trace[4200]; /* output; empty: on_batch */
};

static int on_batch(void *ctx, const struct nr_batch *batch)
{
	check_batch(ctx, batch->events, batch->n);
	return 0;
}

/* For shards/K: hwloc describes K CPUs, and says that they are this host's. */
static struct nr_topology *pretend_cpus(unsigned n)
{
	char machine[64];

	snprintf(machine, sizeof(machine), "numa:1 core:%u pu:1", n);
	setenv("HWLOC_SYNTHETIC", machine, 1);
	setenv("HWLOC_THISSYSTEM", "1", 1);
	return bench_topology();
}

static void open_collector(struct run *r, struct sharded *s)
{
	unsigned any = config_any_shard(&r->cfg);
	const char *policy = config_policy(&r->cfg);
	struct nr_plan *plan = bench_plan(any ? pretend_cpus(any) : r->topo, policy);
	const struct nr_collector_opts opts = { .sz = sizeof(opts),
						.policy = policy,
						.order = r->cfg.order,
						.transport = config_has_lanes(&r->cfg)
								     ? NR_TRANSPORT_LANE
								     : NR_TRANSPORT_RING,
						.self = !r->cfg.size,
						.ring_bytes = run_divide_memory(r, plan->n_shards),
						.log = bench_log };

	run_must(r, nr_collector_open(&s->collector, &opts));
	r->consumer_cpu = nr_plan_shard_at(plan, 0)->consumer_cpus[0];
	nr_plan_free(plan);
}

static int set_output(struct run *r, struct sharded *s)
{
	const struct nr_output_opts zstd = { .sz = sizeof(zstd), .compress = "zstd" };

	if (r->cfg.delivery == TO_CALLBACK)
		return nr_collector_add_batch(s->collector, on_batch, &r->check, NULL);
	snprintf(s->trace, sizeof(s->trace), "%s/trace", s->scratch.path);
	r->file_system = s->scratch.file_system;
	return nr_collector_add_trace(s->collector, s->trace,
				      r->cfg.delivery == TO_ZSTD ? &zstd : NULL);
}

static void add_program(struct run *r, struct sharded *s)
{
	s->skel = sharded_bpf__open();
	run_must(r, s->skel ? 0 : -errno);
	s->skel->rodata->bench_shards = config_any_shard(&r->cfg);
	s->skel->rodata->bench_words = (r->cfg.size - sizeof(struct nr_record)) / 8;
	bpf_map__set_max_entries(s->skel->maps.bench_cells, r->n_cpus);
	bpf_program__set_autoattach(s->skel->progs.bench_produce, false);
	run_must(r, nr_collector_add_bpf_object(s->collector, s->skel->obj));
}

static void sharded_start(struct run *r)
{
	struct sharded *s = r->state = bench_alloc(1, sizeof(*s));

	/* Before the collector is opened: the keeper process must not inherit any of it. */
	if (r->cfg.delivery != TO_CALLBACK)
		scratch_make(&s->scratch, r->cfg.directory);
	open_collector(r, s);
	if (r->cfg.size)
		add_program(r, s);
	else
		run_must(r, nr_collector_add_source(s->collector, "syscalls"));
	run_must(r, set_output(r, s));
	run_must(r, nr_collector_start(s->collector));
	if (s->skel)
		run_use(r, &r->main, s->skel->progs.bench_produce, s->skel->maps.bench_cells);
}

/* What was lost of a source's records was not counted by the producers' program. */
static void take_lost(struct run *r, const struct nr_stats *st)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < NR_LOSS_SLOTS; i++)
		sum += r->lost[i] = st->lost[i];
	if (!r->cfg.size)
		r->main.cells[0].failed = sum;
}

static void sharded_sample(struct run *r)
{
	struct sharded *s = r->state;
	struct nr_stats *st = nr_collector_stats(s->collector);

	if (!st)
		return;
	take_lost(r, st);
	r->lag_max = st->lag_ns > r->lag_max ? st->lag_ns : r->lag_max;
	if (r->cfg.delivery != TO_CALLBACK)
		r->check.count = st->events_written;
	nr_stats_free(st);
}

/* The file holds what was delivered: checks it record by record, as the callback does. */
static void read_back(struct run *r, const char *path)
{
	const struct nr_trace_opts opts = { .sz = sizeof(opts), .log = bench_log };
	struct nr_trace *trace = NULL;
	struct nr_event ev;
	int err = nr_trace_open(&trace, path, &opts);

	r->check.count = 0;
	if (!err)
		while ((err = nr_trace_next(trace, &ev)) > 0)
			check_event(&r->check, &ev);
	if (err)
		run_invalid(r, "the trace cannot be read back: %s", strerror(-err));
	nr_trace_close(trace);
}

static void sharded_stop(struct run *r)
{
	struct sharded *s = r->state;
	struct nr_stats *st;

	run_must(r, nr_collector_stop(s->collector));
	st = nr_collector_stats(s->collector);
	run_must(r, st ? 0 : -ENOMEM);
	take_lost(r, st);
	r->trace_bytes = st->bytes_written;
	if (r->cfg.delivery != TO_CALLBACK)
		read_back(r, s->trace);
	if (st->unaccounted || st->unwritten || st->malformed)
		run_invalid(r, "the collector's counts do not add up");
	if (st->events_written != r->check.count || st->reserved != r->check.count)
		run_invalid(r, "the collector's count differs from the records delivered");
	for (unsigned i = 0; i < st->n_shards; i++) {
		if (nr_stats_shard(st, i)->behind)
			run_invalid(r, "shard %u broke its own watermark", i);
		if (config_any_shard(&r->cfg) && !nr_stats_shard(st, i)->records)
			run_invalid(r, "shard %u had no record", i);
	}
	nr_stats_free(st);
	nr_collector_close(s->collector);
	scratch_remove(&s->scratch);
}

const struct transport transport_sharded = { VERIFIES_ORDER, sharded_start, sharded_sample,
					     sharded_stop };
