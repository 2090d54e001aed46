// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * stall OBJECT busy|stopped|both|slow fence|rcu: records events while something stalls. busy: a
 * program holds its record on CPU 1. stopped: the whole collector is stopped. both: first busy and
 * then, for longer, stopped. slow: the batch function takes a long time. Prints the progress line
 * meanwhile and the summary at the end.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../src/cli/cli.h"
#include "../../src/cli/summary.h"

#define MAGIC	   0x6e757374616c6c21ul /* as in stall.bpf.c */
#define HELD_NS	   500000000ul
#define STOPPED_MS 900

static unsigned long disordered;
static unsigned long delivered;
static unsigned slow_ms; /* duration of the next batch */

static void sleep_ms(unsigned ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000l };

	nanosleep(&ts, NULL);
}

static int count(void *ctx, const struct nr_batch *batch)
{
	uint64_t *last = ctx;

	if (slow_ms && delivered > 10) {
		sleep_ms(slow_ms);
		slow_ms = 0;
	}
	nr_batch_for_each (ev, batch) {
		disordered += ev->ts < *last || ev->flags & NR_EVENT_LATE;
		*last = ev->ts;
		delivered++;
	}
	return 0;
}

static void call_on(unsigned cpu, unsigned long ns)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(1);
	syscall(SYS_getpid, MAGIC, ns);
}

/* The child makes a call whose record is held, stops its parent, or does both. */
static void disturb(const char *how)
{
	sleep_ms(100);
	call_on(1, strcmp(how, "stopped") && strcmp(how, "slow") ? HELD_NS : 0);
	sleep_ms(100);
	if (!strcmp(how, "slow")) {
		sleep_ms(STOPPED_MS);
		sleep_ms(STOPPED_MS);
	} else if (strcmp(how, "busy")) {
		kill(getppid(), SIGSTOP);
		sleep_ms(STOPPED_MS);
		kill(getppid(), SIGCONT);
		sleep_ms(100);
	}
	_exit(0);
}

/* CPU 0 produces events all the time. */
static void watch(struct nr_collector *c, enum nr_order order, pid_t child)
{
	struct nr_stats *st;
	int status;

	call_on(0, 0);
	while (waitpid(child, &status, WNOHANG) != child) {
		sleep_ms(20);
		syscall(SYS_getpid, MAGIC, 0ul);
		st = nr_collector_stats(c);
		summary_progress(stdout, st, order, 0, 1);
		nr_stats_free(st);
		putchar('\n');
	}
}

static int run(struct nr_collector *c, enum nr_order order, const char *object, const char *how)
{
	const struct outputs nowhere = { .n = 1 };
	struct nr_stats *st;
	uint64_t last = 0;
	pid_t child;
	int err = nr_collector_add_object(c, object);

	if (!err)
		err = nr_collector_add_batch(c, count, &last, NULL);
	if (!err)
		err = nr_collector_start(c);
	if (err)
		return err;
	slow_ms = strcmp(how, "slow") ? 0 : HELD_NS / 1000000;
	child = fork();
	if (!child)
		disturb(how);
	watch(c, order, child);
	err = nr_collector_stop(c);
	st = nr_collector_stats(c);
	summary_print(stdout, &(const struct summary){ .stats = st,
						       .plan = nr_collector_plan(c),
						       .order = order,
						       .outputs = &nowhere });
	nr_stats_free(st);
	printf("%lu delivered, %lu out of order\n", delivered, disordered);
	return err;
}

int main(int argc, char **argv)
{
	/* The consumers stay away from the CPU where the program holds its record. */
	bool rcu = argc == 4 && !strcmp(argv[3], "rcu");
	const struct nr_collector_opts opts = { .sz = sizeof(opts),
						.order = rcu ? NR_ORDER_RCU : NR_ORDER_FENCE,
						.policy = "cpu",
						.consumer_cpus = "0",
						.latency_ms = 20,
						.log = cli_log };
	struct nr_collector *c = NULL;
	int err;

	if (argc != 4)
		return 2;
	err = nr_collector_open(&c, &opts);
	if (!err)
		err = run(c, opts.order, argv[1], argv[2]);
	nr_collector_close(c);
	return !!err;
}
