// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The numbers of a collector, and the identity of I7.
 *
 * Three counts are independent of each other: what the programs count when they reserve (per CPU),
 * what the consumers see in the rings (per CPU and shard), and what the merge has handed to the
 * sink. Ring positions give a fourth: the bytes walked are the bytes producer_pos advanced.
 */
#include <sys/resource.h>
#include "collector.h"
#include "drain/clock.h"
#include "drain/counter.h"

uint64_t nr_collector_cpu_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ull +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ull;
}

static uint64_t age(uint64_t now, uint64_t time)
{
	return time && time < now ? now - time : 0;
}

static void fill_shard(struct nr_collector *c, unsigned i, uint64_t now)
{
	struct nr_shard_stats *s = &c->shard_stats[i];
	const struct nr_shard *shard = &c->shards[i];
	const struct nr_consumer *consumer = &c->consumers[i];
	uint64_t last_pass = nr_counter_get(&consumer->last_pass);

	s->ring_bytes = shard->ring.size;
	s->records = nr_counter_get(&shard->records);
	s->written = nr_counter_get(&shard->accepted);
	s->discarded = nr_counter_get(&shard->discarded);
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
	s->unread = 0;
	for (int k = 0; k < NR_LOSS_CAUSES; k++)
		s->lost[k] = 0;
	nr_maps_lost(&c->maps, i, s->lost);
}

static void add_shard(struct nr_stats *sum, const struct nr_shard_stats *s)
{
	sum->events_written += s->written;
	sum->discarded += s->discarded;
	sum->malformed += s->malformed;
	sum->late += s->late;
	for (int k = 0; k < NR_LOSS_CAUSES; k++) {
		sum->lost[k] += s->lost[k];
		sum->lost_total += s->lost[k];
	}
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t reserved_on(const struct nr_collector *c, uint32_t cpu)
{
	return __atomic_load_n(&c->maps.cpus[cpu].reserved, __ATOMIC_RELAXED);
}

/* Per CPU: what it reserved is what all rings together showed of it. */
static uint64_t unaccounted_cpus(const struct nr_collector *c)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < c->maps.nr_cpus; cpu++) {
		uint64_t seen = 0;

		for (unsigned i = 0; i < c->plan->nr_shards; i++)
			seen += nr_counter_get(&c->shards[i].cpu_records[cpu]);
		sum += difference(seen, reserved_on(c, cpu));
	}
	return sum;
}

/* Per shard: everything reserved was walked, and what was walked is written unless the sink failed.
 */
static void account(struct nr_collector *c, struct nr_stats *sum)
{
	bool failed = atomic_load(&c->stream.error);

	sum->unaccounted = unaccounted_cpus(c);
	for (unsigned i = 0; i < c->plan->nr_shards; i++) {
		struct nr_shard_stats *s = &c->shard_stats[i];
		uint64_t missing = difference(s->records, s->written);

		s->unread = nr_ring_produced(&c->shards[i].ring) - c->shards[i].walked;
		if (failed)
			sum->unwritten += missing;
		else
			sum->unaccounted += missing;
		if (s->unread)
			sum->unaccounted++; /* at least one record */
	}
}

const struct nr_stats *nr_collector_stats(struct nr_collector *c)
{
	uint64_t now = c->state == NR_STOPPED ? c->stopped : nr_clock_now();
	struct nr_stats sum = {
		.sz = sizeof(sum),
		.duration_ns = age(now, c->started),
		.cpu_ns = (c->state == NR_STOPPED ? c->cpu_after : nr_collector_cpu_time()) -
			  c->cpu_before,
		.bytes_written = nr_counter_get(&c->bytes_written),
		.lag_ns = age(now, nr_counter_get(&c->stream.watermark)),
		.nr_shards = c->plan->nr_shards,
		.shards = c->shard_stats,
		.clocksource = c->clocksource,
	};

	for (uint32_t cpu = 0; cpu < c->maps.nr_cpus; cpu++)
		sum.reserved += reserved_on(c, cpu);
	for (unsigned i = 0; i < c->plan->nr_shards; i++) {
		fill_shard(c, i, now);
		add_shard(&sum, &c->shard_stats[i]);
	}
	if (c->state == NR_STOPPED)
		account(c, &sum);
	c->stats = sum;
	return &c->stats;
}

const char *nr_loss_name(unsigned cause)
{
	static const char *const names[NR_LOSS_CAUSES] = {
		[NR_LOSS_FULL] = "full",
		[NR_LOSS_CONTENDED] = "contended",
		[NR_LOSS_OVERSIZE] = "oversize",
		[NR_LOSS_NO_RING] = "no_ring",
	};

	return cause < NR_LOSS_CAUSES ? names[cause] : NULL;
}
