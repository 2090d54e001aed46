// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The statistics of a collector, and the identity of I7.
 *
 * Three counts are independent of each other: reservations by programs (per CPU), records that
 * consumers see in the rings (per CPU and shard), and events that the required outputs have taken.
 * Ring positions give a fourth: consumers walk as many bytes as producer_pos advances.
 *
 * Any thread may take a snapshot at any time. It reads counters, fields that do not change after
 * the start, and, if the collector is stopped, fields that were written before the stop.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "collector.h"
#include "base/clock.h"
#include "base/counter.h"

/* One allocation, which nr_stats_free frees. */
struct snapshot {
	struct nr_stats stats;
	char clocksource[sizeof(((struct nr_collector *)NULL)->clocksource)];
	struct nr_type_stats *types;	 /* stored after the shards */
	struct nr_output_stats *outputs; /* stored after the types */
	struct nr_shard_stats shards[];
};

uint64_t nr_collector_cpu_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ull +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ull;
}

void nr_collector_set_state(struct nr_collector *c, enum nr_state state)
{
	pthread_mutex_lock(&c->lock);
	c->state = state;
	if (state == NR_STOPPED) {
		c->stopped = nr_clock_now();
		c->cpu_after = nr_collector_cpu_time();
	}
	pthread_mutex_unlock(&c->lock);
}

/* Returns whether the collector is stopped, and its clocks: now, or at the stop. */
static bool read_clocks(const struct nr_collector *c, uint64_t *now, uint64_t *cpu)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&c->lock;
	bool stopped;

	pthread_mutex_lock(lock);
	stopped = c->state == NR_STOPPED;
	*now = stopped ? c->stopped : nr_clock_now();
	*cpu = stopped ? c->cpu_after : nr_collector_cpu_time();
	pthread_mutex_unlock(lock);
	return stopped;
}

static uint64_t age(uint64_t now, uint64_t time)
{
	return time && time < now ? now - time : 0;
}

static void fill_shard(struct nr_shard_stats *s, const struct nr_collector *c, unsigned i,
		       uint64_t now)
{
	const struct nr_shard *shard = &c->shards[i];
	const struct nr_consumer *consumer = &c->consumers[i];
	uint64_t last_pass = nr_counter_get(&consumer->last_pass);

	s->ring_bytes = shard->size;
	/* Read before the counters of the ring and of the programs, which are counted earlier: so
	 * no snapshot has more written than seen. */
	s->written = atomic_load_explicit(&shard->accepted, memory_order_acquire);
	s->discarded = atomic_load_explicit(&shard->discarded, memory_order_acquire);
	s->records = nr_counter_get(&shard->records);
	s->malformed = nr_counter_get(&shard->malformed);
	s->late = nr_counter_get(&shard->late);
	s->unsorted = nr_counter_get(&shard->unsorted);
	s->behind = nr_counter_get(&shard->behind);
	s->behind_by_ns = nr_counter_get(&shard->behind_by);
	s->fill = nr_shard_fill(shard);
	s->fill_peak = nr_counter_get(&shard->peak);
	s->lag_ns = age(now, nr_shard_watermark(shard));
	s->busy_ns = age(last_pass, nr_counter_get(&consumer->busy_since));
	s->idle_ns = age(now, last_pass);
	s->lag_max_ns = nr_counter_get(&consumer->lag_max);
	s->busy_max_ns = nr_counter_get(&consumer->busy_max);
	s->idle_max_ns = nr_counter_get(&consumer->idle_max);
	s->lag_max_busy_ns = nr_counter_get(&consumer->lag_max_busy);
	s->lag_max_idle_ns = nr_counter_get(&consumer->lag_max_idle);
	s->pages = c->placement[i].pages;
	s->pages_on_node = c->placement[i].pages_on_node;
	if (shard->lanes) {
		s->block_bytes = (uint64_t)NR_LANE_GRANULE << shard->lanes->arena.shift;
		s->lanes = __atomic_load_n(&shard->lanes->n, __ATOMIC_RELAXED);
	}
	nr_maps_lost(&c->maps, i, s->lost);
}

static void add_shard(struct nr_stats *sum, const struct nr_shard_stats *s)
{
	sum->discarded += s->discarded;
	sum->malformed += s->malformed;
	sum->late += s->late;
	for (int k = 0; k < NR_LOSS_SLOTS; k++) {
		sum->lost[k] += s->lost[k];
		sum->lost_total += s->lost[k];
	}
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* A record that was abandoned counts as lost, not as reserved. */
static uint64_t reserved_on(const struct nr_collector *c, uint32_t cpu)
{
	const struct nr_cpu *of = &c->maps.cpus[cpu];
	uint64_t abandoned = __atomic_load_n(&of->lost[NR_LOSS_ABANDONED], __ATOMIC_RELAXED);

	return __atomic_load_n(&of->reserved, __ATOMIC_RELAXED) - abandoned;
}

/* Per CPU: the difference between its reservations and its records in all rings. */
static uint64_t unaccounted_cpus(const struct nr_collector *c)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < c->maps.n_cpus; cpu++) {
		uint64_t seen = 0;

		for (unsigned i = 0; i < c->plan->n_shards; i++)
			seen += nr_counter_get(&c->shards[i].cpu_records[cpu]);
		sum += difference(seen, reserved_on(c, cpu));
	}
	return sum;
}

/* Per shard: every reserved record must be walked, and every walked one written unless an output
 * failed. */
static void account_shard(struct nr_stats *sum, struct nr_shard_stats *s,
			  const struct nr_collector *c, unsigned i)
{
	uint64_t missing = difference(s->records, s->written);

	s->index_pages = c->placement[i].index_pages;
	s->index_on_node = c->placement[i].index_on_node;
	s->unread = nr_shard_unread(&c->shards[i]);
	if (atomic_load(&c->stream.error))
		sum->unwritten += missing;
	else
		sum->unaccounted += missing;
	if (s->unread)
		sum->unaccounted++; /* at least one record */
}

/* Every event that was taken from a shard was in a packet. While the collector runs, the counts of
 * shards and stream are of different times; without a filter, the shards' are enough. */
static void account_stream(struct nr_stats *sum, const struct nr_collector *c, bool stopped)
{
	uint64_t taken = 0;

	for (unsigned i = 0; i < sum->n_shards; i++)
		taken += nr_stats_shard(sum, i)->written;
	if (stopped)
		sum->unaccounted += difference(taken, sum->events_written + sum->filtered);
	if (!c->filtering.query)
		sum->events_written = taken;
}

/* Lists the types that have misfits. */
static void fill_types(struct snapshot *snap, const struct nr_collector *c)
{
	struct nr_stats *sum = &snap->stats;

	for (uint32_t id = 0; id <= c->types->n_ids; id++) {
		struct nr_type_stats misfits = {
			.id = id < c->types->n_ids ? id : NR_NO_TYPE,
			.longer = nr_counter_get(&c->misfits.by_id[id].longer),
			.shorter = nr_counter_get(&c->misfits.by_id[id].shorter),
		};

		if (!misfits.longer && !misfits.shorter)
			continue;
		snap->types[sum->n_types++] = misfits;
		sum->misfits += misfits.longer + misfits.shorter;
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void fill_outputs(struct snapshot *snap, const struct nr_collector *c, uint64_t now)
{
	struct nr_stats *sum = &snap->stats;

	for (unsigned i = 0; i < sum->n_outputs; i++) {
		struct nr_output_stats *o = &snap->outputs[i];

		nr_delivery_stats(&c->stream.delivery, i, now, o);
		if (c->stream.delivery.feeds[i].output->is_trace)
			sum->bytes_written += o->bytes;
		if (o->optional)
			continue;
		sum->output_ns = larger(sum->output_ns, o->busy_ns);
		sum->output_max_ns = larger(sum->output_max_ns, o->busy_max_ns);
		sum->output_total_ns = larger(sum->output_total_ns, o->busy_total_ns);
	}
}

static void fill(struct snapshot *snap, const struct nr_collector *c)
{
	struct nr_stats *sum = &snap->stats;
	uint64_t now, cpu_now;
	bool stopped = read_clocks(c, &now, &cpu_now);

	/* Read before what is counted earlier, as in fill_shard. */
	sum->events_written = nr_counter_get(&c->stream.delivery.written);
	sum->filtered = nr_counter_get(&c->stream.delivery.filtered);
	sum->duration_ns = age(now, c->started);
	sum->cpu_ns = cpu_now - c->cpu_before;
	sum->lag_ns = age(now, nr_counter_get(&c->stream.watermark));
	sum->merge_idle_max_ns = nr_counter_get(&c->stream.idle_max);
	sum->merge_waited_ns = nr_counter_get(&c->stream.waited);
	if (stopped)
		sum->unaccounted = unaccounted_cpus(c);
	for (unsigned i = 0; i < c->plan->n_shards; i++) {
		fill_shard(&snap->shards[i], c, i, now);
		add_shard(sum, &snap->shards[i]);
		if (stopped)
			account_shard(sum, &snap->shards[i], c, i);
	}
	for (unsigned i = 0; i < c->n_objects; i++)
		sum->skipped_runs += nr_object_skipped_runs(&c->objects[i]);
	sum->unfollowed = c->follow ? nr_follow_missed(c->follow) : 0;
	fill_types(snap, c);
	fill_outputs(snap, c, now);
	account_stream(sum, c, stopped);
	for (uint32_t cpu = 0; cpu < c->maps.n_cpus; cpu++)
		sum->reserved += reserved_on(c, cpu);
}

struct nr_stats *nr_collector_stats(const struct nr_collector *c)
{
	unsigned n = c->plan->n_shards;
	size_t shards = n * sizeof(struct nr_shard_stats);
	size_t types = (c->types->n_ids + 1) * sizeof(struct nr_type_stats);
	size_t outputs = c->stream.delivery.n_feeds * sizeof(struct nr_output_stats);
	struct snapshot *snap = NULL;

	if (c->misfits.by_id) /* set by nr_collector_start */
		snap = calloc(1, sizeof(*snap) + shards + types + outputs);
	if (!snap)
		return NULL;
	snap->types = (void *)&snap->shards[n];
	snap->outputs = (void *)&snap->types[c->types->n_ids + 1];
	memcpy(snap->clocksource, c->clocksource, sizeof(snap->clocksource));
	snap->stats = (struct nr_stats){
		.sz = sizeof(snap->stats),
		.n_shards = n,
		.shard_stride = sizeof(snap->shards[0]),
		.shards = snap->shards,
		.clocksource = snap->clocksource,
		.type_stride = sizeof(snap->types[0]),
		.types = snap->types,
		.n_outputs = c->stream.delivery.n_feeds,
		.output_stride = sizeof(snap->outputs[0]),
		.outputs = snap->outputs,
	};
	fill(snap, c);
	return &snap->stats;
}

void nr_stats_free(struct nr_stats *stats)
{
	free(stats); /* the first member of struct snapshot */
}

const char *nr_loss_name(unsigned cause)
{
	static const char *const names[NR_LOSS_CAUSES] = {
		[NR_LOSS_FULL] = "full",	   [NR_LOSS_CONTENDED] = "contended",
		[NR_LOSS_OVERSIZE] = "oversize",   [NR_LOSS_NO_RING] = "no_ring",
		[NR_LOSS_ABANDONED] = "abandoned",
	};

	return cause < NR_LOSS_CAUSES ? names[cause] : NULL;
}
