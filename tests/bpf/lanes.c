/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One object on both transports: programs number their events, and the stream must have each of them
 * once, in order, or count it. The object is in this program's directory.
 */
#include <errno.h>
#include <libgen.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <numaring/numaring.h>
#include "lanes.h"

#define CALL  1000 /* events of one system call */
#define CALLS 100

static char object[512], trace[512];

/* What the stream has of a source of events. */
struct source {
	uint64_t n, next; /* events; the count after the last one */
	uint64_t gaps;	  /* counts that are missing */
};

struct test {
	enum nr_transport transport;
	struct nr_collector *c;
	struct nr_stats *st;
	struct source sources[SOURCES];
	uint64_t last_ts;
	uint64_t wrong; /* events in a wrong place or with a wrong content */
	uint32_t lost[SOURCES];
	uint64_t misplaced; /* losses that do not stand where counts are missing */
	_Atomic(uint64_t) events;
	_Atomic(bool) blocked; /* the output waits */
	char said[1024];       /* the last warning */
};

/* ---- the stream ---- */

static void keep_warning(void *ctx, enum nr_log_level level, const char *text)
{
	struct test *t = ctx;

	if (level > NR_LOG_WARN)
		return;
	fprintf(stderr, "%s\n", text);
	snprintf(t->said, sizeof(t->said), "%s", text);
}

static bool is_right(const struct nr_event *ev, const struct source *s)
{
	const struct words *w = ev->data;

	if (w->count < s->next)
		return false;
	if (ev->size == sizeof(struct step) || w->source >= TICKS)
		return true;
	if (w->data_len != w->count % 128)
		return false;
	for (unsigned i = 0; i < w->data_len; i++)
		if (w->data[i] != (i < 26 ? (char)('a' + i) : 0))
			return false;
	return true;
}

/* One source writes on a CPU: what it lost, its CPU lost. */
static void check_event(struct test *t, const struct nr_event *ev)
{
	const struct step *e = ev->data;
	struct source *s = &t->sources[e->source % SOURCES];
	uint64_t gap = e->count - s->next;

	t->wrong += ev->ts < t->last_ts || ev->flags || !is_right(ev, s);
	t->misplaced += gap != ev->rec->lost - t->lost[e->source % SOURCES];
	t->lost[e->source % SOURCES] = ev->rec->lost;
	t->last_ts = ev->ts;
	s->gaps += gap;
	s->next = e->count + 1;
	s->n++;
}

static int check_batch(void *ctx, const struct nr_batch *batch)
{
	struct test *t = ctx;

	while (t->blocked)
		usleep(1000);
	nr_batch_for_each (ev, batch)
		check_event(t, ev);
	t->events += batch->n;
	return 0;
}

/* ---- the life of a recording ---- */

static void open_recording(struct test *t, enum nr_transport transport, size_t ring_bytes,
			   const char *policy)
{
	const struct nr_collector_opts opts = {
		.sz = sizeof(opts),
		.policy = policy,
		.transport = transport,
		.ring_bytes = ring_bytes,
		.pid = getpid(), /* this test may run twice at the same time */
		.self = true,
		.log = keep_warning,
		.log_ctx = t,
	};
	int err;

	memset(t, 0, sizeof(*t));
	t->transport = transport;
	err = nr_collector_open(&t->c, &opts);
	if (err == -EPERM || err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	assert_int_equal(nr_collector_add_object(t->c, object), 0);
	assert_true(nr_collector_add_batch(t->c, check_batch, t, NULL) >= 0);
}

static void start(struct test *t)
{
	assert_int_equal(nr_collector_start(t->c), 0);
}

static uint64_t gaps(const struct test *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SOURCES; i++)
		n += t->sources[i].gaps;
	return n;
}

static uint64_t unsorted(const struct test *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < t->st->n_shards; i++)
		n += nr_stats_shard(t->st, i)->unsorted;
	return n;
}

/* What holds for all recordings. */
static void stop(struct test *t)
{
	assert_int_equal(nr_collector_stop(t->c), 0);
	t->st = nr_collector_stats(t->c);
	assert_non_null(t->st);
	assert_int_equal(t->wrong, 0);
	assert_int_equal(t->st->late, 0);
	assert_int_equal(t->st->unaccounted, 0);
	assert_int_equal(t->st->malformed, 0);
	assert_int_equal(t->events, t->st->events_written);
	for (unsigned i = 0; i < t->st->n_shards; i++)
		assert_int_equal(nr_stats_shard(t->st, i)->behind, 0);
}

static void close_recording(struct test *t)
{
	nr_stats_free(t->st);
	nr_collector_close(t->c);
}

static void complete(struct test *t, unsigned source, uint64_t n)
{
	assert_int_equal(t->sources[source].n, n);
	assert_int_equal(t->sources[source].gaps, 0);
}

/* ---- the load ---- */

static void obey(enum how how, unsigned source, uint64_t first, unsigned n)
{
	syscall(SYS_getpid, MAGIC, how, source, first, n);
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

struct load {
	pthread_t thread;
	enum how how;
	unsigned cpu, source, first, calls; /* begins with the count first * CALL */
	int program;			    /* 0: by system calls */
};

static void run_program(const struct load *l, uint64_t first)
{
	struct order o = { l->how, l->source, first, CALL };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &o, .ctx_size_in = sizeof(o));

	if (bpf_prog_test_run_opts(l->program, &opts))
		abort();
}

static void *run_load(void *arg)
{
	const struct load *l = arg;

	pin(l->cpu);
	for (unsigned i = 0; i < l->calls; i++)
		if (l->program)
			run_program(l, (uint64_t)(l->first + i) * CALL);
		else
			obey(l->how, l->source, (uint64_t)(l->first + i) * CALL, CALL);
	return NULL;
}

static void run_loads(struct load *loads, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]), 0);
	for (unsigned i = 0; i < n; i++)
		pthread_join(loads[i].thread, NULL);
}

/* A source on each CPU, at most TICKS. */
static unsigned load_cpus(enum how how, unsigned first, unsigned calls)
{
	struct load loads[TICKS];
	cpu_set_t set;
	unsigned n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && n < TICKS; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			loads[n] = (struct load){
				.how = how, .cpu = cpu, .source = n, .first = first, .calls = calls
			};
			n++;
		}
	run_loads(loads, n);
	return n;
}

/* Waits until the stream has so many events, at most 30 s. */
static void await_events(struct test *t, uint64_t n)
{
	for (unsigned i = 0; i < 3000 && t->events < n; i++)
		usleep(10000);
	assert_true(t->events >= n);
}

/* ---- tests ---- */

static const enum nr_transport transports[] = { NR_TRANSPORT_RING, NR_TRANSPORT_LANE };
static const char *const policies[] = { "single", "cpu" };

/* Runs a part of a test on each transport with each policy. There is room for all that it writes, so a
 * consumer on a busy machine may come late. */
static void on_each(void (*part)(struct test *t))
{
	static struct test t;

	for (unsigned i = 0; i < 4; i++) {
		open_recording(&t, transports[i / 2], 128 << 20, policies[i % 2]);
		part(&t);
		close_recording(&t);
	}
}

static void part_discard(struct test *t)
{
	const uint64_t all = CALLS * CALL;
	unsigned n;

	start(t);
	n = load_cpus(DISCARD_8TH, 0, CALLS);
	stop(t);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(t->sources[i].n, all / 8 * 7);
		assert_int_equal(t->sources[i].gaps, all / 8);
	}
	assert_int_equal(t->st->reserved, n * all);
	assert_int_equal(t->st->discarded, n * all / 8);
	assert_int_equal(t->st->lost_total, 0);
}

static void test_discard(void **state)
{
	(void)state;
	on_each(part_discard);
}

static void part_variable(struct test *t)
{
	unsigned n;

	start(t);
	n = load_cpus(VARIABLE, 0, CALLS / 2);
	stop(t);
	for (unsigned i = 0; i < n; i++)
		complete(t, i, CALLS / 2 * CALL);
	assert_int_equal(t->st->lost_total, 0);
}

static void test_variable(void **state)
{
	(void)state;
	on_each(part_variable);
}

/* An event that is longer than a ring of 4 KiB, or a block, of which the least has 4 KiB. */
static void test_oversize(void **state)
{
	static struct test t;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		open_recording(&t, transports[i], 4096, "single");
		start(&t);
		obey(OVERSIZE, 0, 0, 10);
		obey(OVERSIZE_VARIABLE, 0, 0, 10);
		obey(SUBMIT, 0, 0, 10);
		stop(&t);
		complete(&t, 0, 10);
		assert_int_equal(t.st->lost[NR_LOSS_OVERSIZE], 20);
		assert_int_equal(t.st->lost_total, 20);
		close_recording(&t);
	}
}

/* The output waits, so records are lost. Each loss stands where it happened. */
static void test_full(void **state)
{
	static struct test t;
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		open_recording(&t, transports[i], 64 << 10, "cpu");
		t.blocked = true;
		start(&t);
		load_cpus(SUBMIT, 0, 20);
		t.blocked = false;
		usleep(300000);
		n = load_cpus(SUBMIT, 20, 1);
		stop(&t);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(t.sources[k].n + t.sources[k].gaps, 21 * CALL);
		assert_true(t.st->lost_total > 0);
		assert_int_equal(t.st->lost_total, gaps(&t));
		assert_int_equal(t.st->lost_total, t.st->lost[NR_LOSS_FULL]);
		assert_int_equal(t.misplaced, 0);
		close_recording(&t);
	}
}

/* An interrupt breaks off the producer, at any step of a record, and writes into the same lane. */
static void part_nested(struct test *t)
{
	uint64_t ticks = 0;
	unsigned n;

	assert_int_equal(nr_collector_attach(t->c, 0, "on_tick", "cpu-clock:10us"), 0);
	start(t);
	n = load_cpus(SUBMIT, 0, CALLS);
	stop(t);
	for (unsigned i = 0; i < n; i++) {
		complete(t, i, CALLS * CALL);
		ticks += t->sources[TICKS + i].n;
	}
	printf("%s: %llu interrupts, %llu records out of time order, %llu contended\n",
	       t->transport == NR_TRANSPORT_LANE ? "lane" : "ring", (unsigned long long)ticks,
	       (unsigned long long)unsorted(t), (unsigned long long)t->st->lost[NR_LOSS_CONTENDED]);
	assert_int_equal(gaps(t), 0);
	assert_int_equal(t->st->lost_total, 0);
	assert_int_equal(t->st->reserved, n * CALLS * CALL + ticks);
	assert_true(unsorted(t) > 0);
}

static void test_nested(void **state)
{
	(void)state;
	on_each(part_nested);
}

static int load_sleeper(struct test *t)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(nr_collector_object(t->c, 0), "can_sleep");

	assert_int_equal(bpf_program__set_autoload(prog, true), 0);
	start(t);
	return bpf_program__fd(prog);
}

/* Two tasks on a CPU, whose programs the scheduler may break off. */
static void part_preempted(struct test *t)
{
	int fd = load_sleeper(t);
	struct load loads[] = {
		{ .source = 0, .calls = CALLS, .program = fd },
		{ .source = 1, .calls = CALLS, .program = fd, .how = VARIABLE },
	};

	run_loads(loads, 2);
	stop(t);
	complete(t, 0, CALLS * CALL);
	complete(t, 1, CALLS * CALL);
	assert_int_equal(t->st->lost_total, 0);
}

static void test_preempted(void **state)
{
	(void)state;
	on_each(part_preempted);
}

static void verify_trace(void)
{
	const char *numaring = getenv("NUMARING");
	char command[1024];

	snprintf(command, sizeof(command), "%s verify %s", numaring ?: "numaring", trace);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "rm -r %s", trace);
	assert_int_equal(system(command), 0);
}

/* A program that never submits is named, and the stream goes on behind its event. Another one is found
 * at the end. */
static void test_abandoned(void **state)
{
	static struct test t;

	(void)state;
	open_recording(&t, NR_TRANSPORT_LANE, 0, "cpu");
	assert_true(nr_collector_add_trace(t.c, trace, NULL) >= 0);
	start(&t);
	pin(sched_getcpu());
	obey(LEAVE, 0, 0, CALL);
	obey(SUBMIT, 0, CALL, CALL);
	await_events(&t, 2 * CALL - 1);
	assert_non_null(strstr(t.said, "lanes.bpf.o"));
	assert_non_null(strstr(t.said, "event step"));
	obey(LEAVE, 0, 2 * CALL, CALL);
	stop(&t);
	assert_int_equal(t.sources[0].n, 3 * CALL - 2);
	assert_int_equal(t.sources[0].gaps, 2);
	assert_int_equal(t.st->lost[NR_LOSS_ABANDONED], 2);
	assert_int_equal(t.st->lost_total, 2);
	assert_int_equal(t.st->reserved, 3 * CALL - 2);
	close_recording(&t);
	verify_trace();
}

/* Nobody knows whether a program that can sleep will submit, except at the end. */
static void test_abandoned_by_sleeper(void **state)
{
	static struct test t;
	struct load load = { .how = LEAVE, .calls = 1 };

	(void)state;
	open_recording(&t, NR_TRANSPORT_LANE, 0, "single");
	load.program = load_sleeper(&t);
	run_loads(&load, 1);
	stop(&t);
	assert_int_equal(t.sources[0].n, CALL - 1);
	assert_int_equal(t.st->lost[NR_LOSS_ABANDONED], 1);
	assert_int_equal(t.st->lost_total, 1);
	close_recording(&t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discard),	  cmocka_unit_test(test_variable),
		cmocka_unit_test(test_oversize),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_nested),	  cmocka_unit_test(test_preempted),
		cmocka_unit_test(test_abandoned), cmocka_unit_test(test_abandoned_by_sleeper),
	};
	const char *dir = dirname(argv[0]);

	(void)argc;
	snprintf(object, sizeof(object), "%s/lanes.bpf.o", dir);
	snprintf(trace, sizeof(trace), "/tmp/numaring-lanes-%d", getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
