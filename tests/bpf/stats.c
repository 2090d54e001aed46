// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Statistics of a running collector. Threads and the batch function take snapshots all the time,
 * while the collector records, stops and is stopped. No number decreases, each snapshot is
 * consistent, and after the stop all threads see the same. One build runs this with the thread
 * sanitizer.
 */
#include <errno.h>
#include <numaring/numaring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define READERS	   3
#define RECORDINGS 3
#define RECORD_MS  150
#define STAND_MS   20

static struct nr_collector *collector;
static _Atomic(bool) done;
static _Atomic(int) failures;

/* What one thread saw. */
struct reader {
	pthread_t thread;
	struct nr_stats *last;
	unsigned long snapshots;
};

static void expect(bool good, const char *what)
{
	if (!good && !failures++)
		printf("FAILED: %s\n", what);
}

static void on_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		printf("%s\n", text);
}

static void pause_ms(long ms)
{
	nanosleep(&(const struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void check_sums(const struct nr_stats *st)
{
	uint64_t written = 0, lost = 0;

	for (unsigned i = 0; i < st->n_shards; i++) {
		const struct nr_shard_stats *s = nr_stats_shard(st, i);

		written += s->written;
		expect(s->written <= s->records, "more is written than was seen");
		for (unsigned k = 0; k < NR_LOSS_SLOTS; k++)
			lost += s->lost[k];
	}
	expect(st->sz == sizeof(*st), "sz is of another struct");
	expect(st->shard_stride == sizeof(*st->shards), "the stride is of another struct");
	expect(written == st->events_written, "the shards wrote another number than all");
	expect(lost == st->lost_total, "the causes do not add up");
	expect(st->reserved >= st->events_written + st->discarded, "more written than reserved");
	expect(!st->unaccounted, "something is unaccounted for");
}

static void check_shard(const struct nr_shard_stats *a, const struct nr_shard_stats *b)
{
	expect(a->records <= b->records, "a shard's records fell");
	expect(a->written <= b->written, "a shard's written records fell");
	expect(a->fill_peak <= b->fill_peak, "a shard's peak fell");
	expect(a->idle_max_ns <= b->idle_max_ns, "a shard's longest idle time fell");
	for (unsigned k = 0; k < NR_LOSS_SLOTS; k++)
		expect(a->lost[k] <= b->lost[k], "a shard's losses fell");
}

/* a is older than b. */
static void check_rise(const struct nr_stats *a, const struct nr_stats *b)
{
	expect(a->duration_ns <= b->duration_ns, "time goes back");
	expect(a->cpu_ns <= b->cpu_ns, "CPU time goes back");
	expect(a->reserved <= b->reserved, "reserved fell");
	expect(a->events_written <= b->events_written, "events_written fell");
	expect(a->lost_total <= b->lost_total, "lost_total fell");
	for (unsigned i = 0; i < b->n_shards; i++)
		check_shard(nr_stats_shard(a, i), nr_stats_shard(b, i));
}

static void look(struct reader *r)
{
	struct nr_stats *now = nr_collector_stats(collector);

	check_sums(now);
	if (r->last)
		check_rise(r->last, now);
	nr_stats_free(r->last);
	r->last = now;
	r->snapshots++;
}

static void *read_on(void *arg)
{
	while (!done)
		look(arg);
	look(arg);
	return NULL;
}

static int on_batch(void *ctx, const struct nr_batch *batch)
{
	(void)batch;
	look(ctx);
	return 0;
}

/* Calls are events, and the rings are small: some are lost. */
static void load(void)
{
	for (int ms = 0; ms < RECORD_MS; ms++) {
		for (int i = 0; i < 300; i++)
			syscall(SYS_getppid);
		pause_ms(1);
	}
}

static int start(struct reader *in_batch)
{
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts),
		.policy = "cpu",
		.ring_bytes = 1 << 14,
		.latency_ms = 4,
		.self = true,
		.pid = getpid(),
		.log = on_log,
	};
	int err = nr_collector_open(&collector, &opts);

	if (!err)
		err = nr_collector_add_source(collector, "syscalls");
	if (!err)
		err = nr_collector_add_batch(collector, on_batch, in_batch, NULL);
	return err ? err : nr_collector_start(collector);
}

/* All threads have ended: each one's last snapshot has the final numbers. */
static void check_end(const struct reader *readers)
{
	struct nr_stats *end = nr_collector_stats(collector);

	expect(end->events_written > 0, "nothing was recorded");
	expect(end->reserved == end->events_written + end->discarded, "the accounts do not close");
	for (int i = 0; i < READERS; i++) {
		const struct nr_stats *st = readers[i].last;

		expect(readers[i].snapshots > 10, "a thread hardly took a snapshot");
		expect(st->events_written == end->events_written &&
			       st->duration_ns == end->duration_ns && st->cpu_ns == end->cpu_ns,
		       "two threads saw two ends");
		expect(!memcmp(st->shards, end->shards, st->n_shards * st->shard_stride),
		       "two threads saw two ends of a shard");
	}
	nr_stats_free(end);
}

static int record(void)
{
	struct reader readers[READERS] = {}, in_batch = {};
	int err = start(&in_batch);

	if (err)
		return err;
	done = false;
	for (int i = 0; i < READERS; i++)
		pthread_create(&readers[i].thread, NULL, read_on, &readers[i]);
	load();
	err = nr_collector_stop(collector);
	pause_ms(STAND_MS);
	done = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	check_end(readers);
	printf("%lu written, %lu lost, %lu + %lu snapshots\n", readers[0].last->events_written,
	       readers[0].last->lost_total, readers[0].snapshots, in_batch.snapshots);
	nr_collector_close(collector);
	/* A snapshot outlives its collector. */
	expect(strlen(readers[0].last->clocksource) > 0, "no clocksource");
	for (int i = 0; i < READERS; i++)
		nr_stats_free(readers[i].last);
	nr_stats_free(in_batch.last);
	return err;
}

int main(void)
{
	int err = 0;

	for (int i = 0; !err && i < RECORDINGS; i++) {
		collector = NULL;
		err = record();
	}
	nr_collector_close(err ? collector : NULL);
	if (err == -EPERM || err == -EOPNOTSUPP)
		return 77; /* the log says why */
	return err || failures;
}
