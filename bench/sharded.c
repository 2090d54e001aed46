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

static void open_collector(struct run *r, struct sharded *s)
{
	struct nr_plan *plan = bench_plan(r->topo, r->cfg.transport);
	const struct nr_collector_opts opts = { .sz = sizeof(opts),
						.policy = r->cfg.transport,
						.order = r->cfg.order,
						.ring_bytes = run_divide_memory(r, plan->n_shards),
						.log = bench_log };

	run_must(r, nr_collector_open(&s->collector, &opts));
	r->consumer_cpu = nr_plan_shard_at(plan, 0)->consumer_cpus[0];
	nr_plan_free(plan);
}

static int set_output(struct run *r, struct sharded *s)
{
	if (r->cfg.delivery == TO_CALLBACK)
		return nr_collector_add_batch(s->collector, on_batch, &r->check, NULL);
	snprintf(s->trace, sizeof(s->trace), "%s/trace", s->scratch.path);
	r->file_system = s->scratch.file_system;
	return nr_collector_add_trace(s->collector, s->trace, NULL);
}

static void sharded_start(struct run *r)
{
	struct sharded *s = r->state = bench_alloc(1, sizeof(*s));

	r->ordered = true;
	/* Before the collector is opened: the keeper process must not inherit any of it. */
	if (r->cfg.delivery == TO_TRACE)
		scratch_make(&s->scratch, r->cfg.directory);
	open_collector(r, s);
	s->skel = sharded_bpf__open();
	run_must(r, s->skel ? 0 : -errno);
	s->skel->rodata->bench_words = (r->cfg.size - sizeof(struct nr_record)) / 8;
	bpf_map__set_max_entries(s->skel->maps.bench_cells, r->n_cpus);
	bpf_program__set_autoattach(s->skel->progs.bench_produce, false);
	run_must(r, nr_collector_add_bpf_object(s->collector, s->skel->obj));
	run_must(r, set_output(r, s));
	run_must(r, nr_collector_start(s->collector));
	run_use(r, s->skel->progs.bench_produce, s->skel->maps.bench_cells);
}

static void sharded_sample(struct run *r)
{
	struct sharded *s = r->state;
	struct nr_stats *st = nr_collector_stats(s->collector);

	if (st && st->lag_ns > r->lag_max)
		r->lag_max = st->lag_ns;
	if (st && r->cfg.delivery == TO_TRACE)
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
	memcpy(r->lost, st->lost, sizeof(r->lost));
	r->trace_bytes = st->bytes_written;
	if (r->cfg.delivery == TO_TRACE)
		read_back(r, s->trace);
	if (st->unaccounted || st->unwritten || st->malformed)
		run_invalid(r, "the collector's counts do not add up");
	if (st->events_written != r->check.count || st->reserved != r->check.count)
		run_invalid(r, "the collector's count differs from the records delivered");
	for (unsigned i = 0; i < st->n_shards; i++)
		if (nr_stats_shard(st, i)->behind)
			run_invalid(r, "shard %u broke its own watermark", i);
	nr_stats_free(st);
	nr_collector_close(s->collector);
	scratch_remove(&s->scratch);
}

const struct transport transport_sharded = { sharded_start, sharded_sample, sharded_stop };
