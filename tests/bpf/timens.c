// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * timens OFFSET_NS: checks the library in a time namespace whose CLOCK_MONOTONIC is OFFSET_NS ahead
 * of the host's. Then this process moves to its own namespace and checks again.
 *
 * Event times must agree with two clocks: this process's clock, which nr_host_clock_offset converts
 * to the host's, and CLOCK_REALTIME, which no namespace changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <numaring/numaring.h>

#define CALLS	 5000
#define STEP_NS	 1000000 /* ignore a step of CLOCK_REALTIME during the test */
#define MOVED	 "monotonic 7 123456789\nboottime -3 5\n"
#define MOVED_NS 7123456789ll

struct look {
	struct nr_collector *collector;
	int64_t to_host; /* offset from this process's CLOCK_MONOTONIC */
	uint64_t begin, utc_begin;
	uint64_t first_utc, last_utc;
	uint64_t events, early, future;
};

static int failures;

static void check(const char *what, int good, long long value)
{
	if (good)
		return;
	failures++;
	fprintf(stderr, "FAILED: %s: %lld\n", what, value);
}

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void print_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "%s\n", text);
}

static int on_batch(void *ctx, const struct nr_batch *batch)
{
	struct look *l = ctx;
	uint64_t host = now(CLOCK_MONOTONIC) + l->to_host;

	nr_batch_for_each (ev, batch) {
		uint64_t utc = ev->ts + nr_collector_clock_offset(l->collector);

		l->early += ev->ts < l->begin;
		l->future += ev->ts > host;
		l->first_utc = l->events++ ? l->first_utc : utc;
		l->last_utc = utc;
	}
	return 0;
}

static int record(struct look *l, enum nr_order order)
{
	const struct nr_collector_opts opts = { .sz = sizeof(opts),
						.order = order,
						.latency_ms = 20,
						.ring_bytes = 16 << 20,
						.self = true,
						.log = print_log };
	int err = nr_collector_open(&l->collector, &opts);

	if (!err)
		err = nr_collector_add_source(l->collector, "syscalls");
	if (!err)
		err = nr_collector_add_batch(l->collector, on_batch, l, NULL);
	l->begin = now(CLOCK_MONOTONIC) + l->to_host;
	l->utc_begin = now(CLOCK_REALTIME);
	if (!err)
		err = nr_collector_start(l->collector);
	for (unsigned i = 0; !err && i < CALLS; i++)
		syscall(SYS_getpgid, 0);
	return err ?: nr_collector_stop(l->collector);
}

static void check_record(enum nr_order order, int64_t to_host)
{
	struct look l = { .to_host = to_host };
	int err = record(&l, order);
	const struct nr_stats *st = err ? NULL : nr_collector_stats(l.collector);

	check("recording", !err, err);
	check("events", l.events >= 2 * CALLS, l.events);
	check("before the start", !l.early, l.early);
	check("in the future", !l.future, l.future);
	check("the first one's UTC", l.first_utc + STEP_NS >= l.utc_begin,
	      l.first_utc - l.utc_begin);
	check("the last one's UTC", l.last_utc <= now(CLOCK_REALTIME) + STEP_NS,
	      now(CLOCK_REALTIME) - l.last_utc);
	if (st) {
		check("late", !st->late, st->late);
		check("unaccounted", !st->unaccounted, st->unaccounted);
		check("duration", st->duration_ns <= now(CLOCK_MONOTONIC) + to_host - l.begin,
		      st->duration_ns);
		check("lag", st->lag_ns < 60000000000, st->lag_ns);
	}
	nr_collector_close(l.collector);
}

/* Expects a clock that is `ahead` ns ahead of the host's. */
static void check_namespace(int64_t ahead)
{
	int64_t to_host = -1;
	int err = nr_host_clock_offset(&to_host);

	check("asking for the offset", !err, err);
	check("the offset", to_host == -ahead, to_host);
	check_record(NR_ORDER_FENCE, to_host);
	check_record(NR_ORDER_RCU, to_host);
}

/* Makes a namespace for future children; this process is not in it. */
static int make_namespace(void)
{
	int fd, err = unshare(CLONE_NEWTIME) ? -errno : 0;

	if (err)
		return err;
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0 || write(fd, MOVED, strlen(MOVED)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int enter_namespace(void)
{
	int fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	int err = fd < 0 || setns(fd, CLONE_NEWTIME) ? -errno : 0;

	close(fd);
	return err;
}

int main(int argc, char **argv)
{
	int64_t ahead = argc == 2 ? strtoll(argv[1], NULL, 10) : 0, to_host = -1;
	int err;

	check_namespace(ahead);
	err = make_namespace();
	check("a namespace for the children", !err, err);
	check("asking for the offset", !nr_host_clock_offset(&to_host), to_host);
	check("the offset is not that of the children", to_host == -ahead, to_host);
	err = enter_namespace();
	check("entering it", !err, err);
	check_namespace(MOVED_NS);
	return !!failures;
}
