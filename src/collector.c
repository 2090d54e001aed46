// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/opts.h"
#include "collector.h"
#include "base/clock.h"
#include "base/counter.h"
#include "kernel/kernel_btf.h"
#include "kernel/timens.h"
#include "names/live.h"

#define LATENCY_MS 100

/* Four passes per latency. More would cost wake-ups, fewer would cost ring space. */
static unsigned tick_for(unsigned latency_ms)
{
	unsigned tick = latency_ms / 4;

	return tick < 1 ? 1 : tick > 25 ? 25 : tick;
}

static int check_opts(const struct nr_collector *c)
{
	if (c->opts.order != NR_ORDER_FENCE && c->opts.order != NR_ORDER_RCU) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "invalid order %d: use NR_ORDER_FENCE or NR_ORDER_RCU", c->opts.order);
		return -EINVAL;
	}
	if (c->opts.follow && (c->opts.pid || c->opts.n_pids)) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot both follow processes and record only given ones: leave out one of "
		       "them");
		return -EINVAL;
	}
	if (c->opts.packers > NR_PACKERS_MAX) {
		nr_log(&c->log, NR_LOG_ERROR, "invalid number of packers %u: use 1 to %u",
		       c->opts.packers, NR_PACKERS_MAX);
		return -EINVAL;
	}
	return 0;
}

static int add_pid(struct nr_collector *c, pid_t pid)
{
	if (pid <= 0) {
		nr_log(&c->log, NR_LOG_ERROR, "invalid PID %d", pid);
		return -EINVAL;
	}
	for (unsigned i = 0; i < c->n_pids; i++)
		if (c->pids[i] == pid)
			return 0;
	if (c->n_pids == NR_PIDS_MAX) {
		nr_log(&c->log, NR_LOG_ERROR, "too many PIDs: use at most %d", NR_PIDS_MAX);
		return -E2BIG;
	}
	c->pids[c->n_pids++] = pid;
	return 0;
}

static int copy_pids(struct nr_collector *c)
{
	int err = c->opts.pid ? add_pid(c, c->opts.pid) : 0;

	if (c->opts.n_pids && !c->opts.pids) {
		nr_log(&c->log, NR_LOG_ERROR, "n_pids is %u, but pids is NULL", c->opts.n_pids);
		return -EINVAL;
	}
	for (unsigned i = 0; !err && i < c->opts.n_pids; i++)
		err = add_pid(c, c->opts.pids[i]);
	return err;
}

/* Calls the user's log function, unless it was silenced: an abandoned thread may outlive the
 * collector and what the function needs. */
static void log_of_user(void *ctx, enum nr_log_level level, const char *text)
{
	struct nr_collector *c = ctx;

	pthread_mutex_lock(&c->log_lock);
	if (c->opts.log && !c->silent)
		c->opts.log(c->opts.log_ctx, level, text);
	pthread_mutex_unlock(&c->log_lock);
}

static int copy_opts(struct nr_collector *c, const struct nr_collector_opts *opts)
{
	int err = NR_COPY_OPTS(nr_collector_opts, &c->opts, opts);

	if (!c->opts.latency_ms)
		c->opts.latency_ms = LATENCY_MS;
	c->log = (struct nr_logger){ c->opts.log ? log_of_user : NULL, c };
	c->drain.order = c->opts.order;
	c->drain.tick_ms = tick_for(c->opts.latency_ms);
	c->drain.merge = c->drain.grace = (struct nr_waiter){ -1, -1 };
	c->stream.error_fd = -1;
	return err ?: check_opts(c) ?: copy_pids(c);
}

static int make_plan(struct nr_collector *c)
{
	const struct nr_topology_opts topo = { .sz = sizeof(topo),
					       .log = c->log.fn,
					       .log_ctx = c->log.ctx };
	const struct nr_plan_opts plan = {
		.sz = sizeof(plan),
		.policy = c->opts.policy,
		.ring_bytes = c->opts.ring_bytes,
		.consumer_cpus = c->opts.consumer_cpus,
		.log = c->log.fn,
		.log_ctx = c->log.ctx,
		.transport = c->opts.transport,
	};
	int err = nr_topology_open(&c->topo, &topo);

	return err ? err : nr_plan_make(&c->plan, c->topo, &plan);
}

/* Takes over the bell and zeroes it, or leaves it to the caller. */
static int make_lanes(struct nr_collector *c, unsigned i, struct nr_ring *bell)
{
	struct nr_maps *maps = &c->maps;
	const struct nr_arena_maps *from = &maps->arenas[i];
	struct nr_arena arena = { .n_blocks = from->n_blocks, .shift = maps->block_shift };
	struct nr_lanes *lanes;
	int err = nr_arena_map(&arena, from->data_fd, from->commits_fd);

	if (err)
		return err;
	nr_maps_close_arena(maps, i);
	err = nr_lanes_new(&lanes, &arena, bell, maps->cpus, maps->n_cpus, i);
	if (err) {
		nr_arena_unmap(&arena);
		return err;
	}
	*bell = (struct nr_ring){};
	err = nr_shard_init_lanes(&c->shards[i], lanes, maps->n_cpus);
	if (err)
		nr_lanes_free(lanes);
	return err;
}

static int make_shard(struct nr_collector *c, unsigned i)
{
	struct nr_ring ring = {};
	int err = nr_ring_map(&ring, c->maps.ring_fd[i], c->maps.ring_bytes[i]);

	if (err)
		return err;
	if (c->maps.block_shift)
		err = make_lanes(c, i, &ring);
	else
		err = nr_shard_init(&c->shards[i], &ring, c->maps.n_cpus);
	if (err)
		nr_ring_unmap(&ring);
	return err;
}

static int make_shards(struct nr_collector *c)
{
	unsigned n = c->plan->n_shards;
	int err = 0;

	c->shards = aligned_alloc(64, n * sizeof(*c->shards));
	c->shard_ptr = calloc(n, sizeof(*c->shard_ptr));
	c->consumers = calloc(n, sizeof(*c->consumers));
	c->placement = calloc(n, sizeof(*c->placement));
	if (!c->shards || !c->shard_ptr || !c->consumers || !c->placement)
		return -ENOMEM;
	memset(c->shards, 0, n * sizeof(*c->shards));
	for (unsigned i = 0; !err && i < n; i++) {
		const struct nr_plan_shard *plan = &c->plan->shards[i];
		c->shard_ptr[i] = &c->shards[i];
		c->consumers[i] = (struct nr_consumer){
			.drain = &c->drain,
			.shard = &c->shards[i],
			.id = i,
			.waiter = { -1, -1 },
			.cpus = plan->consumer_cpus,
			.n_cpus = plan->n_consumer_cpus,
		};
		err = make_shard(c, i);
	}
	return err;
}

/* Logs a message about event types, with the name of their object. */
static void log_of_types(void *ctx, enum nr_log_level level, const char *text)
{
	const struct nr_collector *c = ctx;

	nr_log(&c->log, level, "%s%s%s", c->adding ? c->adding->name : "", c->adding ? ": " : "",
	       text);
}

static uint64_t read_losses(void *ctx, uint64_t *lost)
{
	const struct nr_maps *maps = &((struct nr_collector *)ctx)->maps;

	for (uint32_t cpu = 0; cpu < maps->n_cpus; cpu++)
		lost[cpu] = nr_maps_lost_by_cpu(maps, cpu);
	/* Reads the counters before the clock. */
	atomic_thread_fence(memory_order_seq_cst);
	return nr_clock_now();
}

static int build(struct nr_collector *c)
{
	int err = nr_host_check(&c->log);

	if (!err)
		err = nr_timens_enter(&c->log);
	if (!err)
		err = make_plan(c);
	if (!err)
		err = nr_maps_create(&c->maps, c->plan, c->opts.transport == NR_TRANSPORT_LANE,
				     c->opts.follow, &c->log);
	if (err)
		return err; /* already logged */
	err = make_shards(c);
	if (!err)
		err = nr_types_new(&c->types, log_of_types, c);
	if (!err)
		err = nr_stream_init(&c->stream, c->shard_ptr, c->plan->n_shards, &c->drain);
	if (!err)
		err = nr_losses_init(&c->stream.merge.losses, c->maps.n_cpus, read_losses, c);
	if (!err)
		err = nr_waiter_init(&c->drain.merge, -1);
	if (!err) {
		c->stream.error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		err = c->stream.error_fd < 0 ? -errno : 0;
	}
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot set up %u shard%s: %s", c->plan->n_shards,
		       nr_collector_plural(c), nr_reason(err));
	return err;
}

/* CLOCK_REALTIME minus the host's CLOCK_MONOTONIC, ns. Takes the fastest of three readings. */
static int64_t clock_offset(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = nr_clock_now(), after;
		struct timespec real;

		clock_gettime(CLOCK_REALTIME, &real);
		after = nr_clock_now();
		if (after - before < best) {
			best = after - before;
			offset = real.tv_sec * 1000000000ll + real.tv_nsec -
				 (int64_t)(before + best / 2);
		}
	}
	return offset;
}

int nr_collector_open(struct nr_collector **out, const struct nr_collector_opts *opts)
{
	struct nr_collector *c = calloc(1, sizeof(*c));
	uint64_t begin = nr_clock_local(); /* the host's clock is not known yet */
	int err;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->log_lock, NULL);
	err = copy_opts(c, opts) ?: build(c);
	if (err) {
		nr_collector_close(c);
		return err;
	}
	c->clock_offset = clock_offset();
	nr_log(&c->log, NR_LOG_INFO, "%u shard%s set up in %.0f ms", c->plan->n_shards,
	       nr_collector_plural(c), (nr_clock_local() - begin) / 1e6);
	*out = c;
	return 0;
}

const struct nr_types *nr_collector_types(const struct nr_collector *c)
{
	return c->types;
}

const struct nr_plan *nr_collector_plan(const struct nr_collector *c)
{
	return c->plan;
}

int nr_collector_symbols(struct nr_collector *c, struct nr_symbols **out)
{
	int err = nr_collector_check_open(c) ?: nr_symbols_live(out, &c->names, &c->log);

	c->wants_names |= !err;
	return err;
}

int64_t nr_collector_clock_offset(const struct nr_collector *c)
{
	return c->clock_offset;
}

int nr_collector_fd(const struct nr_collector *c)
{
	return c->stream.error_fd;
}

static void destroy_shards(struct nr_collector *c)
{
	for (unsigned i = 0; c->shards && c->plan && i < c->plan->n_shards; i++)
		nr_shard_destroy(&c->shards[i]);
	free(c->shards);
	free(c->shard_ptr);
	free(c->consumers);
	free(c->placement);
}

void nr_collector_close(struct nr_collector *c)
{
	if (!c || nr_recording_refuse_inside(c))
		return;
	if (c->threads)
		nr_recording_end(c);
	for (unsigned i = 0; i < c->n_objects; i++)
		nr_object_close(&c->objects[i]);
	nr_kernel_btf_drop();
	if (atomic_load(&c->abandoned))
		return; /* an abandoned thread uses the rest */
	free(c->objects);
	nr_filtering_destroy(&c->filtering);
	nr_follow_stop(c->follow);
	nr_stream_destroy(&c->stream);
	nr_stats_free(c->account_stats);
	destroy_shards(c);
	nr_waiter_destroy(&c->drain.merge);
	nr_waiter_destroy(&c->drain.grace);
	nr_names_free(c->names);
	nr_stack_maps_free(c->stack_maps);
	if (c->stream.error_fd >= 0)
		close(c->stream.error_fd);
	nr_maps_destroy(&c->maps);
	nr_misfits_destroy(&c->misfits);
	nr_types_free(c->types);
	nr_plan_free(c->plan);
	nr_topology_free(c->topo);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->log_lock);
	free(c);
}
