// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Starts and stops a recording. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "collector.h"
#include "kernel/kernel_btf.h"
#include "kernel/pids.h"
#include "names/stack_fields.h"
#include "kernel/targets.h"

/* How long the end waits for a record that is reserved and not submitted. */
#define LAST_RECORD_NS 1000000000ull

/* For nr_collector_symbols. */
#define NAMES_BYTES (128u << 20)

/* The end waits until the function of an output returns, so that function must not call it. */
int nr_recording_refuse_inside(const struct nr_collector *c)
{
	if (!nr_output_is_calling(&c->stream.delivery.recording))
		return 0;
	nr_log(&c->log, NR_LOG_ERROR,
	       "the function of an output cannot stop or close its own collector: return a "
	       "negative errno to end the recording");
	return -EDEADLK;
}

/* Makes a random UUID (version 4) for the recording and all its traces. */
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
		.filter = c->filtering.text,
		.log = &c->log,
		.names = c->names,
	};
	int err = make_uuid(recording.format.uuid);

	recording.cpu_nodes = nr_plan_nodes(c->plan, &recording.n_cpus);
	return err ? err
		   : nr_delivery_begin(&c->stream.delivery, &recording, &c->misfits, c->started);
}

/* A start needs an output and an object. */
static int check_complete(const struct nr_collector *c)
{
	if (!c->stream.delivery.n_feeds) {
		nr_log(&c->log, NR_LOG_ERROR,
		       "the stream has no output: add an output, such as a trace directory");
		return -EINVAL;
	}
	if (!c->n_objects) {
		nr_log(&c->log, NR_LOG_ERROR, "nothing to record: add a source or a BPF object");
		return -EINVAL;
	}
	return 0;
}

/* I8: programs in NMIs have the rings to themselves. Lanes have no lock. */
static int check_nmi(const struct nr_collector *c)
{
	if (c->maps.block_shift)
		return 0;
	for (unsigned i = 0; i < c->n_objects; i++) {
		const struct nr_object *o = &c->objects[i];
		const char *beside = o->nmi ? nr_targets_beside_nmi(o) : NULL;

		if (beside)
			nr_log(&c->log, NR_LOG_ERROR,
			       "cannot run programs of %s in NMIs, as those on counters of the "
			       "CPU, and %s beside them: use --transport lane, record it without "
			       "%s, or use cpu-clock",
			       o->name, beside, beside);
		if (beside)
			return -EINVAL;
		if (!o->nmi || c->n_objects == 1)
			continue;
		nr_log(&c->log, NR_LOG_ERROR,
		       "cannot record cycles of source %s with other sources, which its NMIs would "
		       "interrupt: use --transport lane, record it alone, or use -e sample, which "
		       "samples by the clock",
		       c->objects[i].name);
		return -EINVAL;
	}
	return 0;
}

/* Programs see the PIDs of the host. */
static int find_processes(struct nr_collector *c, struct nr_object_config *config)
{
	int err = c->opts.self ? 0 : nr_pid_on_host(getpid(), &config->hidden_tgid, &c->log);

	for (unsigned i = 0; !err && i < c->n_pids; i++) {
		err = nr_pid_on_host(c->pids[i], &config->only_tgid[i], &c->log);
		if (!err && config->only_tgid[i] == config->hidden_tgid)
			nr_log(&c->log, NR_LOG_WARN,
			       "process %d is the collector itself, which is recorded only with "
			       "the option self",
			       c->pids[i]);
	}
	return err;
}

static int follow(struct nr_collector *c)
{
	uint32_t self;
	int err = c->opts.follow ? nr_pid_on_host(getpid(), &self, &c->log) : 0;

	return err || !c->opts.follow ? err : nr_follow_start(&c->follow, &c->maps, self, &c->log);
}

static int load_objects(struct nr_collector *c)
{
	struct nr_object_config config = {
		.cgroup = c->filtering.cgroup,
		.follow = c->opts.follow,
	};
	int err = find_processes(c, &config) ?: follow(c);

	for (unsigned i = 0; !err && i < c->n_objects; i++) {
		config.id_base = i * NR_OBJECT_IDS;
		nr_filtering_tests(c, i, &config);
		if (c->objects[i].idle)
			continue;
		if (c->opts.order == NR_ORDER_RCU)
			nr_object_warn_sleepable(&c->objects[i], &c->log);
		for (unsigned s = 0; c->maps.block_shift && s < c->plan->n_shards; s++)
			c->shards[s].lanes->sleepable |= nr_object_may_sleep(&c->objects[i]);
		err = nr_object_load(&c->objects[i], &c->maps, &config, &c->log);
	}
	return err;
}

/* The program that reserved the record is unknown, but not what it wrote. */
static void log_abandoned(void *ctx, uint32_t cpu, uint16_t id)
{
	struct nr_collector *c = ctx;
	unsigned i = id / NR_OBJECT_IDS;
	const char *type = nr_types_name(c->types, id);

	nr_log(&c->log, NR_LOG_WARN,
	       "a program of %s on CPU %u reserved an event %s and ended without a submit or "
	       "discard, so the event is lost (abandoned): add nr_submit or nr_discard to each "
	       "path",
	       i < c->n_objects ? c->objects[i].name : "an object", cpu, type ? type : "?");
}

static int wait_grace(void *maps)
{
	return nr_maps_wait_grace(maps);
}

static unsigned count_packers(const struct nr_collector *c)
{
	bool frames = c->stream.delivery.recording.frames;

	return c->opts.packers ? c->opts.packers : nr_packers_by_plan(c->plan, frames);
}

static int start_threads(struct nr_collector *c)
{
	uint64_t now = nr_clock_now(); /* opening the outputs may have taken long */
	int err = 0;

	c->drain.on_abandoned = log_abandoned;
	c->drain.ctx = c;
	nr_merge_start(&c->stream.merge, now);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_shard_start(&c->shards[i], now);
	c->threads = true;
	for (unsigned i = 0; !err && i < c->plan->n_shards; i++)
		err = nr_consumer_start(&c->consumers[i], c->maps.ring_fd[i]);
	if (!err && (c->drain.order == NR_ORDER_RCU || c->maps.block_shift)) {
		c->grace = (struct nr_grace){ &c->drain, wait_grace, &c->maps, &c->log, {} };
		err = nr_grace_start(&c->grace);
	}
	c->stream.consumers = c->consumers;
	c->stream.latency_ns = c->opts.latency_ms * 1000000ull;
	if (!err)
		err = nr_delivery_start(&c->stream.delivery, count_packers(c));
	if (!err)
		err = nr_stream_start(&c->stream);
	if (err)
		nr_log(&c->log, NR_LOG_ERROR, "cannot start the threads of %u shard%s: %s",
		       c->plan->n_shards, nr_collector_plural(c), nr_reason(err));
	return err;
}

static int attach_objects(struct nr_collector *c)
{
	int err = 0;

	for (unsigned i = 0; i < c->n_objects; i++)
		if (!c->objects[i].idle)
			err = nr_object_attach(&c->objects[i], &c->log) ?: err;
	return err;
}

/* At the start, after all programs are attached: what changes meanwhile is seen by these. */
static int run_iterators(struct nr_collector *c, bool at_end)
{
	int err = 0;

	for (unsigned i = 0; i < c->n_objects; i++)
		err = nr_iterators_run(&c->objects[i], at_end, &c->log) ?: err;
	return err;
}

static void detach_objects(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->n_objects; i++)
		nr_object_detach(&c->objects[i]);
	nr_follow_detach(c->follow);
}

/* Traces keep what gives the addresses in stacks names. nr_collector_symbols may want it, too. */
static int make_names(struct nr_collector *c)
{
	bool ids = nr_stack_maps_are_in(c->objects, c->n_objects, c->types);
	bool stacks = ids || nr_have_stacks(c->types), wanted = c->wants_names;
	int err;

	for (unsigned i = 0; i < c->stream.delivery.n_feeds; i++)
		wanted |= c->stream.delivery.feeds[i].output->is_trace;
	err = stacks && wanted ? nr_names_new(&c->names, &c->log) : 0;
	if (c->names && c->wants_names)
		nr_names_keep(c->names, NAMES_BYTES);
	if (c->names && ids)
		err = nr_stack_maps_new(&c->stack_maps, c->objects, c->n_objects, c->types,
					c->names, &c->log);
	return err;
}

static int start_names(struct nr_collector *c)
{
	bool processes = false;

	for (unsigned i = 0; i < c->n_objects; i++)
		processes |= nr_processes_are_in(&c->objects[i]);
	return c->names && processes ? nr_processes_start(&c->processes, c->objects, c->n_objects,
							  c->names, &c->log)
				     : 0;
}

static int start(struct nr_collector *c)
{
	int err = nr_filtering_begin(c) ?: load_objects(c);

	if (err)
		return err;
	nr_placement_check_rings(c);
	nr_host_clocksource(c->clocksource, sizeof(c->clocksource));
	c->started = nr_clock_now();
	c->cpu_before = nr_collector_cpu_time();
	err = nr_misfits_init(&c->misfits, c->types) ?: make_names(c) ?: begin_outputs(c);
	return err ?: start_threads(c) ?: start_names(c) ?: attach_objects(c)
	       ?: run_iterators(c, false);
}

int nr_collector_start(struct nr_collector *c)
{
	uint64_t begin = nr_clock_now();
	int err = nr_collector_check_open(c) ?: check_complete(c) ?: check_nmi(c);

	if (err)
		return err;
	nr_kernel_btf_drop(); /* libbpf parses its own for each object */
	err = start(c);
	nr_collector_set_state(c, err ? NR_FAILED : NR_RUNNING);
	if (err) {
		detach_objects(c);
		return err;
	}
	nr_delivery_keep(&c->stream.delivery);
	nr_log(&c->log, NR_LOG_INFO, "programs loaded and attached in %.0f ms",
	       (nr_clock_now() - begin) / 1e6);
	return 0;
}

/* No program runs any more, so what is not submitted in a lane is abandoned. */
static void end_grace(struct nr_lanes *lanes)
{
	if (lanes)
		lanes->grace = NR_TIME_END;
}

static void log_last_abandoned(struct nr_collector *c, unsigned i)
{
	const struct nr_lanes *lanes = c->shards[i].lanes;

	if (lanes && lanes->abandoned != c->consumers[i].abandoned)
		log_abandoned(c, lanes->abandoned_cpu, lanes->abandoned_id);
}

static int pass_until(struct nr_shard *shard, uint64_t deadline)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int err = nr_shard_pass(shard, NR_TIME_END);

	while (err != -EBADMSG && nr_shard_watermark(shard) != NR_TIME_END &&
	       nr_clock_now() < deadline) {
		if (err)
			nanosleep(&pause, NULL);
		err = nr_shard_pass(shard, NR_TIME_END);
	}
	return err;
}

/* Programs that can sleep have had their time, and nothing is written over their records. */
static int give_up_sleepers(struct nr_shard *shard, int err)
{
	if (err != -EAGAIN || !shard->lanes)
		return err;
	shard->lanes->sleepable = false;
	return nr_shard_pass(shard, NR_TIME_END);
}

/* Gives every submitted record to the merge. Waits up to LAST_RECORD_NS for records that are not
 * submitted. */
static int drain_to_the_end(struct nr_collector *c)
{
	uint64_t deadline = nr_clock_now() + LAST_RECORD_NS;
	int err = 0;

	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		struct nr_shard *shard = &c->shards[i];
		int ret = atomic_load(&c->consumers[i].error);

		end_grace(shard->lanes);
		ret = ret ?: give_up_sleepers(shard, pass_until(shard, deadline));
		if (nr_shard_watermark(shard) != NR_TIME_END)
			nr_shard_finish(shard);
		log_last_abandoned(c, i);
		if (ret)
			nr_log(&c->log, NR_LOG_ERROR, "cannot read shard %u to its end: %s", i,
			       ret == -EAGAIN ? "a record was never submitted"
					      : "its content is corrupt");
		err = err ? err : ret;
	}
	return err;
}

/* The account in the end marks is that of the statistics. */
static struct nr_account account_of(const struct nr_collector *c, const struct nr_stats *st)
{
	return (struct nr_account){
		.sz = sizeof(struct nr_account),
		.end = c->stream.ending,
		.error = c->end_error,
		.reserved = st->reserved,
		.written = st->events_written,
		.discarded = st->discarded,
		.malformed = st->malformed,
		.unwritten = st->unwritten,
		.unaccounted = st->unaccounted,
		.late = st->late - c->stream.delivery.numbering.late_left_out,
		.lost_total = st->lost_total,
		.n_lost = NR_LOSS_CAUSES,
		.lost = st->lost,
		.n_misfits = st->n_types,
		.misfits = st->types,
		.misfit_stride = st->type_stride,
		.filtered = st->filtered,
	};
}

static int end_outputs(struct nr_collector *c)
{
	struct nr_stats *st = nr_collector_stats(c);

	if (!st)
		return nr_delivery_end(&c->stream.delivery, NULL, c->opts.stop_timeout_ms)
			       ?: -ENOMEM;
	c->account = account_of(c, st);
	c->account_stats = st; /* an abandoned thread may read it */
	return nr_delivery_end(&c->stream.delivery, &c->account, c->opts.stop_timeout_ms);
}

static void explain_timeout(struct nr_collector *c)
{
	for (unsigned i = 0; i < c->stream.delivery.n_feeds; i++) {
		const struct nr_feed *f = &c->stream.delivery.feeds[i];

		if (f->abandoned)
			nr_log(&c->log, f->output->optional ? NR_LOG_WARN : NR_LOG_ERROR,
			       f->output->is_trace
				       ? "gave up on a write to %s after %u ms; what was written "
					 "before is whole and can be read"
				       : "gave up on the function of the output \"%s\", which has "
					 "not returned for %u ms",
			       f->output->name, c->opts.stop_timeout_ms);
	}
}

/* Stops calling the user's log function, because an abandoned thread may outlive it. */
static void silence(struct nr_collector *c)
{
	pthread_mutex_lock(&c->log_lock);
	c->silent = true;
	pthread_mutex_unlock(&c->log_lock);
}

/* After a failed start, the traces are removed. */
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

int nr_recording_end(struct nr_collector *c)
{
	bool failed = c->state == NR_FAILED;
	int err, end;

	int iterated = failed ? 0 : run_iterators(c, true);

	c->stream.ending = nr_clock_now();
	detach_objects(c);
	/* Afterwards no program runs any more, and all their records are submitted. A sleepable
	 * program may go on: what it reserves after the last pass counts as unread. */
	nr_maps_wait_grace(&c->maps);
	nr_processes_stop(&c->processes);
	atomic_store(&c->drain.stop, true);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_consumer_join(&c->consumers[i]);
	nr_grace_join(&c->grace);
	nr_placement_check_consumers(c);
	err = drain_to_the_end(c);
	end = nr_stream_finish(&c->stream, c->opts.stop_timeout_ms);
	for (unsigned i = 0; i < c->plan->n_shards; i++)
		nr_consumer_destroy(&c->consumers[i]);
	c->end_error = end ?: err ?: iterated;
	c->threads = false;
	nr_collector_set_state(c, NR_STOPPED);
	end = close_outputs(c, failed);
	/* -ETIMEDOUT has priority: the caller must know that a thread is abandoned. */
	return end == -ETIMEDOUT ? end : c->end_error ?: end;
}

int nr_collector_rotate(struct nr_collector *c)
{
	bool running;

	pthread_mutex_lock(&c->lock);
	running = c->state == NR_RUNNING;
	pthread_mutex_unlock(&c->lock);
	if (running) {
		nr_delivery_rotate(&c->stream.delivery);
		return 0;
	}
	nr_log(&c->log, NR_LOG_ERROR, "cannot begin the next chunk: the collector is not running");
	return -EINVAL;
}

int nr_collector_stop(struct nr_collector *c)
{
	int err = nr_recording_refuse_inside(c);

	if (err)
		return err;
	if (c->state != NR_RUNNING) {
		nr_log(&c->log, NR_LOG_ERROR, "cannot stop the collector: it is not running");
		return -EINVAL;
	}
	return nr_recording_end(c);
}
