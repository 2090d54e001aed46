/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library with two outputs: a required trace and an optional batch function that blocks until it
 * has missed some packets. The trace misses nothing. What the function got and what it was told that
 * it missed are all events. Another thread takes statistics all the time.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/syscall.h>
#include <numaring/numaring.h>

#define QUEUE	 (256u << 10)
#define MISSED	 3    /* packets until the function goes on */
#define WAIT_MAX 3000 /* of 10 ms */

static char trace[] = "/tmp/nr-gaps-XXXXXX";
static struct nr_collector *collector;
static _Atomic(bool) blocked, may_go, ended;
static uint64_t got, missed, gaps, last_ts; /* the batch function's */
static bool unordered;

static void wait_a_little(void)
{
	const struct timespec t = { .tv_nsec = 10000000 };

	nanosleep(&t, NULL);
}

static void log_text(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		print_message("%s\n", text);
}

static int on_batch(void *ctx, const struct nr_batch *batch)
{
	(void)ctx;
	missed += batch->missed;
	gaps += !!batch->missed;
	got += batch->n;
	nr_batch_for_each (ev, batch) {
		unordered |= ev->ts < last_ts;
		last_ts = ev->ts;
	}
	atomic_store(&blocked, true);
	while (!atomic_load(&may_go))
		wait_a_little();
	return 0;
}

static struct nr_output_stats output_stats(unsigned i)
{
	struct nr_stats *stats = nr_collector_stats(collector);
	struct nr_output_stats o;

	assert_non_null(stats);
	assert_int_equal(stats->n_outputs, 2);
	o = *nr_stats_output(stats, i);
	o.name = NULL; /* goes with the snapshot */
	nr_stats_free(stats);
	return o;
}

/* Counters never fall, and tell that the function is in its call. */
static void *watch(void *arg)
{
	struct nr_output_stats before[2] = {};
	bool *good = arg;

	while (!atomic_load(&ended)) {
		for (unsigned i = 0; i < 2; i++) {
			struct nr_output_stats now = output_stats(i);

			*good &= now.events >= before[i].events &&
				 now.missed_events >= before[i].missed_events &&
				 now.packets >= before[i].packets && now.optional == i;
			before[i] = now;
		}
		sched_yield();
	}
	return NULL;
}

/* System calls, until the function has missed enough. */
static void make_events(void)
{
	for (unsigned i = 0; i < WAIT_MAX && !atomic_load(&blocked); i++)
		wait_a_little();
	for (unsigned i = 0; i < WAIT_MAX && output_stats(1).missed_packets < MISSED; i++)
		for (unsigned k = 0; k < 100000; k++)
			syscall(SYS_getpgid, 0);
}

static uint64_t events_in_trace(void)
{
	struct nr_account account = { .sz = sizeof(account) };
	struct nr_trace *t = NULL;
	struct nr_event ev;
	uint64_t n = 0;

	assert_int_equal(nr_trace_open(&t, trace, NULL), 0);
	while (nr_trace_next(t, &ev) > 0)
		n++;
	assert_int_equal(nr_trace_end(t, &account), 0);
	assert_int_equal(account.error, 0);
	assert_int_equal(account.written, n);
	assert_int_equal(nr_trace_packet(t)->missed_packets, 0);
	nr_trace_close(t);
	return n;
}

static int open_collector(void)
{
	const pid_t self = getpid();
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts), .log = log_text, .self = true, .pids = &self, .n_pids = 1
	};

	return nr_collector_open(&collector, &opts);
}

static void add_outputs(void)
{
	const struct nr_output_opts force = { .sz = sizeof(force), .force = true };
	const struct nr_output_opts optional = { .sz = sizeof(optional),
						 .optional = true,
						 .queue_bytes = QUEUE };

	assert_int_equal(nr_collector_add_source(collector, "syscalls"), 0);
	assert_int_equal(nr_collector_add_trace(collector, trace, &force), 0);
	assert_int_equal(nr_collector_add_batch(collector, on_batch, NULL, &optional), 1);
}

static void check_outputs(void)
{
	struct nr_stats *stats = nr_collector_stats(collector);
	const struct nr_output_stats *o;

	assert_non_null(stats);
	assert_int_equal(stats->unaccounted, 0);
	o = nr_stats_output(stats, 0);
	assert_string_equal(o->name, trace);
	assert_int_equal(o->missed_events, 0);
	assert_int_equal(o->events, stats->events_written);
	assert_int_equal(o->events, events_in_trace());
	o = nr_stats_output(stats, 1);
	assert_string_equal(o->name, "batch");
	assert_int_equal(o->error, 0);
	assert_int_equal(o->queued, 0);
	assert_true(o->missed_packets >= MISSED);
	assert_int_equal(o->events, got);
	assert_int_equal(o->missed_events, missed);
	assert_int_equal(got + missed, stats->events_written);
	nr_stats_free(stats);
}

static void test_optional_batch(void **state)
{
	pthread_t watcher;
	bool good = true;
	int err = open_collector();

	(void)state;
	if (err == -EPERM || err == -EOPNOTSUPP) {
		print_message("skipped: BPF programs cannot be loaded here\n");
		skip();
	}
	assert_int_equal(err, 0);
	add_outputs();
	assert_int_equal(nr_collector_start(collector), 0);
	assert_int_equal(pthread_create(&watcher, NULL, watch, &good), 0);
	make_events();
	atomic_store(&may_go, true);
	assert_int_equal(nr_collector_stop(collector), 0);
	atomic_store(&ended, true);
	pthread_join(watcher, NULL);
	assert_true(good);
	check_outputs();
	assert_true(gaps > 0);
	assert_false(unordered);
	nr_collector_close(collector);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(trace) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", trace);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_optional_batch) };

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
