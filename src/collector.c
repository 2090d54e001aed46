// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/opts.h"
#include "collector.h"
#include "base/clock.h"
#include "base/counter.h"
#include "kernel/pids.h"
#include "kernel/sources.h"
#include "kernel/timens.h"
#include "output/batch.h"
#include "output/trace.h"

#define LATENCY_MS 100

/* How long the end waits for a record that was reserved and is not submitted. */
#define LAST_RECORD_NS 1000000000ull

/* Passes are made four times within the latency; more often costs wake-ups, less often ring space.
 */
static unsigned tick_for(unsigned latency_ms)
{
	unsigned tick = latency_ms / 4;

	return tick < 1 ? 1 : tick > 25 ? 25 : tick;
}

static int check_opts(const struct nr_collector *c)
{
	if (c->opts.order != NR_ORDER_FENCE && c->opts.order != NR_ORDER_RCU) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "there is no order %d: give NR_ORDER_FENCE or NR_ORDER_RCU", c->opts.order);
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
		nr_log(&c->log, NR_LOG_ERROR, "there is no process %d", pid);
		return -EINVAL;
	}
	for (unsigned i = 0; i < c->n_pids; i++)
		if (c->pids[i] == pid)
			return 0;
	if (c->n_pids == NR_PIDS_MAX) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "a recording cannot be limited to more than %d processes", NR_PIDS_MAX);
		return -E2BIG;
	}
	c->pids[c->n_pids++] = pid;
	return 0;
}

static int copy_pids(struct nr_collector *c)
{
	int err = c->opts.pid ? add_pid(c, c->opts.pid) : 0;

	if (c->opts.n_pids && !c->opts.pids) {
		nr_log(&c->log, NR_LOG_ERROR, "there are %u pids, but pids is NULL",
		       c->opts.n_pids);
		return -EINVAL;
	}
	for (unsigned i = 0; !err && i < c->opts.n_pids; i++)
		err = add_pid(c, c->opts.pids[i]);
	return err;
}

/* The user's function, until nobody may call it any more: a thread that was left behind outlives
 * the collector, and perhaps what the function needs. */
static void log_of_user(void *ctx, enum nr_log_level level, const char *text)
{
	struct nr_collector *c = ctx;

	pthread_mutex_lock(&c->log_lock);
	if (c->opts.log && !c->silent)
		c->opts.log(c->opts.log_ctx, level, text);
	pthread_mutex_unlock(&c->log_lock);
}

static void silence(struct nr_collector *c)
{
	pthread_mutex_lock(&c->log_lock);
	c->silent = true;
	pthread_mutex_unlock(&c->log_lock);
}

static int copy_opts(struct nr_collector *c, const struct nr_collector_opts *opts)
{
	int err = NR_COPY_OPTS(nr_collector_opts, &c->opts, opts);

	if (!c->opts.latency_ms)
		c->opts.latency_ms = LATENCY_MS;
	if (!c->opts.packers)
		c->opts.packers = 1;
	c->log = (struct nr_logger){ c->opts.log ? log_of_user : NULL, c };
	c->drain.order = c->opts.order;
	c->drain.tick_ms = tick_for(c->opts.latency_ms);
	c->drain.merge = (struct nr_waiter){ -1, -1 };
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
	};
	int err = nr_topology_open(&c->topo, &topo);

	return err ? err : nr_plan_make(&c->plan, c->topo, &plan);
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
		struct nr_ring ring = {};

		c->shard_ptr[i] = &c->shards[i];
		c->consumers[i] = (struct nr_consumer){
			.drain = &c->drain,
			.shard = &c->shards[i],
			.id = i,
			.waiter = { -1, -1 },
			.cpus = plan->consumer_cpus,
			.n_cpus = plan->n_consumer_cpus,
		};
		err = nr_ring_map(&ring, c->maps.ring_fd[i], plan->ring_bytes);
		if (!err)
			err = nr_shard_init(&c->shards[i], &ring, c->maps.n_cpus);
		if (err)
			nr_ring_unmap(&ring);
	}
	return err;
}

/* What is wrong with an event type, and in which object. */
static void log_of_types(void *ctx, enum nr_log_level level, const char *text)
{
	const struct nr_collector *c = ctx;

	nr_log(&c->log, level, "%s%s%s", c->entering ? c->entering->name : "",
	       c->entering ? ": " : "", text);
}

static uint64_t read_losses(void *ctx, uint64_t *lost)
{
	const struct nr_maps *maps = &((struct nr_collector *)ctx)->maps;

	for (uint32_t cpu = 0; cpu < maps->n_cpus; cpu++)
		lost[cpu] = nr_maps_lost_by_cpu(maps, cpu);
	/* The counters are read before the clock. */
	atomic_thread_fence(memory_order_seq_cst);
	return nr_clock_now();
}

static const char *plural(const struct nr_collector *c)
{
	return c->plan->n_shards == 1 ? "" : "s";
}

static int build(struct nr_collector *c)
{
	int err = nr_host_check(&c->log);

	if (!err)
		err = nr_timens_enter(&c->log);
	if (!err)
		err = make_plan(c);
	if (!err)
		err = nr_maps_create(&c->maps, c->plan, &c->log);
	if (err)
		return err; /* explained already */
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
		       plural(c), nr_reason(err));
	return err;
}

/* CLOCK_REALTIME less the host's CLOCK_MONOTONIC; the reading with the least time between the two
 * of three. */
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
	nr_log(&c->log, NR_LOG_INFO, "%u shard%s set up in %.0f ms", c->plan->n_shards, plural(c),
	       (nr_clock_local() - begin) / 1e6);
	*out = c;
	return 0;
}

/* What comes before the start comes before the start. */
static int check_open(const struct nr_collector *c)
{
	if (c->state == NR_OPEN)
		return 0;
	nr_log(&c->log, NR_LOG_ERROR, "this collector was started already: open another one");
	return -EBUSY;
}

/* Makes room for one more object. */
static int next_object(struct nr_collector *c, struct nr_object **o)
{
	struct nr_object *grown;
	int err = check_open(c);

	if (err)
		return err;
	if ((c->n_objects + 1) * NR_OBJECT_IDS > NR_LATE_ID) {
		nr_log(&c->log, NR_LOG_ERROR, "too many BPF objects: %u at most", c->n_objects);
		return -E2BIG;
	}
	grown = realloc(c->objects, (c->n_objects + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->objects = grown;
	*o = &grown[c->n_objects];
	return 0;
}

/* The new object is open: enters its events. */
static int enter_object(struct nr_collector *c, struct nr_object *o)
{
	int err;

	c->entering = o;
	err = nr_object_types(o, c->n_objects * NR_OBJECT_IDS, c->types, &c->log);
	c->entering = NULL;
	if (err)
		nr_object_close(o);
	else
		c->n_objects++;
	return err;
}

int nr_collector_add_object(struct nr_collector *c, const char *path)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o) ?: nr_object_open(o, path, &c->log);

	return err ?: enter_object(c, o);
}

int nr_collector_add_object_mem(struct nr_collector *c, const char *name, const void *data,
				size_t size)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o) ?: nr_object_open_mem(o, name, data, size, &c->log);

	return err ?: enter_object(c, o);
}

int nr_collector_add_bpf_object(struct nr_collector *c, struct bpf_object *obj)
{
	struct nr_object *o = NULL;
	int err = next_object(c, &o);

	for (unsigned i = 0; !err && i < c->n_objects; i++) {
		if (c->objects[i].obj != obj)
			continue;
		nr_log(&c->log, NR_LOG_ERROR, "%s was added already", c->objects[i].name);
		return -EBUSY;
	}
	err = err ?: nr_object_adopt(o, obj, &c->log);
	return err ?: enter_object(c, o);
}

int nr_collector_add_source(struct nr_collector *c, const char *name)
{
	const struct nr_source *source = nr_source_find(name);
	struct nr_object *o = NULL;
	const void *data;
	char list[256];
	size_t size;
	int err;

	if (!source) {
		nr_log(&c->log, NR_LOG_ERROR, "there is no source \"%s\"; the sources are: %s",
		       name, nr_source_list(list, sizeof(list)));
		return -ENOENT;
	}
	if (c->sources & 1u << nr_source_bit(source)) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "the source %s is added already: each of its events would come twice", name);
		return -EEXIST;
	}
	data = source->elf(&size);
	err = next_object(c, &o) ?: nr_object_open_own(o, source->name, data, size, &c->log);
	err = err ?: enter_object(c, o);
	if (!err)
		c->sources |= 1u << nr_source_bit(source);
	return err;
}

/* The defaults of an output, and what the caller wants. */
static int copy_output_opts(const struct nr_collector *c, struct nr_output_opts *to,
			    const struct nr_output_opts *from)
{
	int err = check_open(c);

	return err ? err : NR_COPY_OPTS_TO(nr_output_opts, group, to, from, &c->log);
}

/* err: of making it. */
static int add_output(struct nr_collector *c, struct nr_output *output, int err)
{
	if (!err)
		err = nr_delivery_add(&c->stream.delivery, output);
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot add an output: %s", nr_reason(err));
	return err ? err : (int)c->stream.delivery.n_feeds - 1;
}

int nr_collector_add_trace(struct nr_collector *c, const char *dir,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (err)
		return err;
	err = nr_trace_output_new(&output, dir, &copy);
	return add_output(c, output, err);
}

static int refuse_no_function(const struct nr_collector *c)
{
	nr_log(&c->log, NR_LOG_ERROR, "the output needs a function: it is NULL");
	return -EINVAL;
}

int nr_collector_add_batch(struct nr_collector *c, nr_batch_fn fn, void *ctx,
			   const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_no_function(c);
	if (err)
		return err;
	err = nr_batch_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}

int nr_collector_add_json_lines(struct nr_collector *c, nr_lines_fn fn, void *ctx,
				const struct nr_output_opts *opts)
{
	struct nr_output *output = NULL;
	struct nr_output_opts copy;
	int err = copy_output_opts(c, &copy, opts);

	if (!err && !fn)
		err = refuse_no_function(c);
	if (err)
		return err;
	err = nr_lines_output_new(&output, fn, ctx, &copy);
	return add_output(c, output, err);
}

const struct nr_types *nr_collector_types(const struct nr_collector *c)
{
	return c->types;
}

const struct nr_plan *nr_collector_plan(const struct nr_collector *c)
{
	return c->plan;
}

int64_t nr_collector_clock_offset(const struct nr_collector *c)
{
	return c->clock_offset;
}

int nr_collector_fd(const struct nr_collector *c)
{
	return c->stream.error_fd;
}

/* The end waits for the function of an output to return, so it cannot be asked for in there. */
static int refuse_in_output(const struct nr_collector *c)
{
	if (!nr_output_is_calling(&c->stream.delivery.recording))
		return 0;
	nr_log(&c->log, NR_LOG_ERROR,
	       "the function of an output cannot stop or close its own collector: return a "
	       "negative errno to end the recording");
	return -EDEADLK;
}

/* Random (version 4): of the recording, and so of each of its traces. */
static int make_uuid(__u8 *uuid)
{
	if (getrandom(uuid, 16, 0) != 16)
		return -EIO;
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

static int begin_outputs(struct nr_collector *c)
{
	struct nr_recording recording = {
		.format.types = c->types,
		.clock_offset = c->clock_offset,
		.log = &c->log,
	};
	int err = make_uuid(recording.format.uuid);

	return err ? err
		   : nr_delivery_begin(&c->stream.delivery, &recording, &c->misfits, c->started);
}

/* Is everything there that a start needs? */
static int check_complete(const struct nr_collector *c)
{
	if (!c->stream.delivery.n_feeds) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "the stream has nowhere to go: add an output, such as a trace directory");
		return -EINVAL;
	}
	if (!c->n_objects) {
		nr_log(&c->log, NR_LOG_ERROR, "nothing to record: add a source or a BPF object");
		return -EINVAL;
	}
	return 0;
}

/* Programs see the processes by the host's numbers. */
static int find_processes(struct nr_collector *c, struct nr_object_config *config)
{
	int err = c->opts.self ? 0 : nr_pid_on_host(getpid(), &config->hidden_tgid, &c->log);

	for (unsigned i = 0; !err && i < c->n_pids; i++) {
		err = nr_pid_on_host(c->pids[i], &config->only_tgid[i], &c->log);
		if (!err && config->only_tgid[i] == config->hidden_tgid)
			nr_log(&c->log, NR_LOG_WARN,
			       "process %d is the collector's own, which is not recorded unless it "
			       "is asked for (self)",
			       c->pids[i]);
	}
	return err;
}

static int load_objects(struct nr_collector *c)
{
	struct nr_object_config config = {};
	int err = find_processes(c, &config);

	for (unsigned i = 0; !err && i < c->n_objects; i++) {
		config.id_base = i * NR_OBJECT_IDS;
		if (c->opts.order == NR_ORDER_RCU)
			nr_object_warn_sleepable(&c->objects[i], &c->log);
		err = nr_object_load(&c->objects[i], &c->maps, &config, &c->log);
	}
	return err;
}

static int wait_grace(void *maps)
{
	return nr_maps_wait_grace(maps);
}

static int start_threads(struct nr_collector *c)
{
	uint64_t now = nr_clock_now(); /* the output may have taken a while to open */
	int err = 0;

	nr_merge_start(&c->stream.merge, now);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_shard_start(&c->shards[i], now);
	c->threads = true;
	for (unsigned i = 0; !err && i < c->plan->n_shards; i++)
		err = nr_consumer_start(&c->consumers[i], c->maps.ring_fd[i]);
	if (!err && c->drain.order == NR_ORDER_RCU) {
		c->grace = (struct nr_grace){ &c->drain, wait_grace, &c->maps, &c->log, {} };
		err = nr_grace_start(&c->grace);
	}
	c->stream.consumers = c->consumers;
	c->stream.latency_ns = c->opts.latency_ms * 1000000ull;
	if (!err)
		err = nr_delivery_start(&c->stream.delivery, c->opts.packers);
	if (!err)
		err = nr_stream_start(&c->stream);
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot start the threads of %u shard%s: %s",
		       c->plan->n_shards, plural(c), nr_reason(err));
	return err;
}

static int attach_objects(struct nr_collector *c)
{
	int err = 0;

	for (unsigned i = 0; i < c->n_objects; i++)
		err = nr_object_attach(&c->objects[i], &c->log) ?: err;
	return err;
}

static void detach_objects(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->n_objects; i++)
		nr_object_detach(&c->objects[i]);
}

static int start(struct nr_collector *c)
{
	int err = load_objects(c);

	if (err)
		return err;
	nr_placement_check_rings(c);
	nr_host_clocksource(c->clocksource, sizeof(c->clocksource));
	c->started = nr_clock_now();
	c->cpu_before = nr_collector_cpu_time();
	return nr_misfits_init(&c->misfits, c->types) ?: begin_outputs(c) ?: start_threads(c) ?: attach_objects(c);
}

int nr_collector_start(struct nr_collector *c)
{
	uint64_t begin = nr_clock_now();
	int err = check_open(c) ?: check_complete(c);

	if (err)
		return err;
	err = start(c);
	nr_collector_enter(c, err ? NR_FAILED : NR_RUNNING);
	if (err) {
		detach_objects(c);
		return err;
	}
	nr_delivery_keep(&c->stream.delivery);
	nr_log(&c->log, NR_LOG_INFO, "programs loaded and attached in %.0f ms",
	       (nr_clock_now() - begin) / 1e6);
	return 0;
}

/* Everything that was submitted goes to the merge; waits a little for what is not. */
static int drain_to_the_end(struct nr_collector *c)
{
	uint64_t deadline = nr_clock_now() + LAST_RECORD_NS;
	const struct timespec pause = { .tv_nsec = 1000000 };
	int err = 0;

	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		struct nr_shard *shard = &c->shards[i];
		int got = atomic_load(&c->consumers[i].error);

		got = got ?: nr_shard_pass(shard, NR_TIME_END);
		while (got != -EBADMSG && nr_shard_watermark(shard) != NR_TIME_END &&
		       nr_clock_now() < deadline) {
			if (got)
				nanosleep(&pause, NULL);
			got = nr_shard_pass(shard, NR_TIME_END);
		}
		if (nr_shard_watermark(shard) != NR_TIME_END)
			nr_shard_finish(shard);
		if (got)
			nr_log(&c->log, NR_LOG_ERROR, "ring %u cannot be read to its end: %s", i,
			       got == -EAGAIN ? "a record was never submitted"
					      : "its content is not what the kernel writes");
		err = err ? err : got;
	}
	return err;
}

/* The end marks say what the statistics say. */
static struct nr_account account_of(const struct nr_collector *c, const struct nr_stats *st)
{
	return (struct nr_account){
		.sz = sizeof(struct nr_account),
		.end = c->stopped,
		.error = c->end_error,
		.reserved = st->reserved,
		.written = st->events_written,
		.discarded = st->discarded,
		.malformed = st->malformed,
		.unwritten = st->unwritten,
		.unaccounted = st->unaccounted,
		.late = st->late,
		.lost_total = st->lost_total,
		.n_lost = NR_LOSS_CAUSES,
		.lost = st->lost,
		.n_misfits = st->n_types,
		.misfits = st->types,
		.misfit_stride = st->type_stride,
	};
}

static int end_outputs(struct nr_collector *c)
{
	struct nr_stats *st = nr_collector_stats(c);

	if (!st)
		return nr_delivery_end(&c->stream.delivery, NULL, c->opts.stop_timeout_ms)
			       ?: -ENOMEM;
	c->account = account_of(c, st);
	c->account_stats = st; /* a thread that is left behind may read it */
	return nr_delivery_end(&c->stream.delivery, &c->account, c->opts.stop_timeout_ms);
}

static void explain_timeout(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->stream.delivery.n_feeds; i++) {
		const struct nr_feed *f = &c->stream.delivery.feeds[i];

		if (f->abandoned)
			nr_log(&c->log, f->output->optional ? NR_LOG_WARN : NR_LOG_ERROR,
			       "gave up on the output %s, which has not got on for %u ms; what it "
			       "took before is whole",
			       f->output->name, c->opts.stop_timeout_ms);
	}
}

/* A start that failed leaves no trace, in either sense. */
static int close_outputs(struct nr_collector *c, bool failed)
{
	int err;

	if (failed)
		err = nr_delivery_end(&c->stream.delivery, NULL, c->opts.stop_timeout_ms);
	else
		err = end_outputs(c);
	if (nr_delivery_is_abandoned(&c->stream.delivery)) {
		explain_timeout(c);
		silence(c);
		atomic_store(&c->abandoned, true);
	} else if (failed) {
		nr_delivery_undo(&c->stream.delivery);
	}
	return err;
}

static int end_recording(struct nr_collector *c)
{
	bool failed = c->state == NR_FAILED;
	int err, end;

	detach_objects(c);
	/* When this returns no program runs any more, and all they reserved is submitted. One that
	 * can sleep may go on: what it reserves after the last pass counts as never read. */
	nr_maps_wait_grace(&c->maps);
	atomic_store(&c->drain.stop, true);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_consumer_join(&c->consumers[i]);
	nr_grace_join(&c->grace);
	nr_placement_check_consumers(c);
	err = drain_to_the_end(c);
	end = nr_stream_finish(&c->stream, c->opts.stop_timeout_ms);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_consumer_destroy(&c->consumers[i]);
	c->end_error = end ?: err;
	c->threads = false;
	nr_collector_enter(c, NR_STOPPED);
	end = close_outputs(c, failed);
	/* That a thread is left behind is what the caller has to know first. */
	return end == -ETIMEDOUT ? end : c->end_error ?: end;
}

int nr_collector_stop(struct nr_collector *c)
{
	int err = refuse_in_output(c);

	if (err)
		return err;
	if (c->state != NR_RUNNING) {
		nr_log(&c->log, NR_LOG_ERROR, "this collector does not run, it cannot be stopped");
		return -EINVAL;
	}
	return end_recording(c);
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
	if (!c || refuse_in_output(c))
		return;
	if (c->threads)
		end_recording(c);
	for (unsigned i = 0; i < c->n_objects; i++)
		nr_object_close(&c->objects[i]);
	if (atomic_load(&c->abandoned))
		return; /* the rest is in use */
	free(c->objects);
	nr_stream_destroy(&c->stream);
	nr_stats_free(c->account_stats);
	destroy_shards(c);
	nr_waiter_destroy(&c->drain.merge);
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
