// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * watermark SECONDS TIMES POLICY LATENCY_MS CALLS_PER_S: compares the costs of the watermarks.
 *
 * Every CPU makes calls that write a record of 24 bytes each: CALLS_PER_S of them or, with 0, as
 * many as it can. Three set-ups take turns, TIMES times, SECONDS each: the fence; grace periods
 * with the same programs; grace periods with programs without the fence. Prints median and range
 * of
 *  - the writer's cost per record: CPU time of a call minus that of a call without a record,
 *  - the time from the record to its delivery,
 *  - the collector's CPU time per event, all threads,
 *  - the share of lost records.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <numaring/numaring.h>
#include "selftest.h"
#include "selftest.skel.h"

#define MAX_CPUS  1024
#define MAX_TIMES 100
#define IDLE_PART 0.2 /* share of a run's time for calls without a record */

/* Times to delivery, in steps of 10 us; the last step counts all longer ones. */
#define STEP_NS 10000u
#define STEPS	500000u

static const struct setup {
	const char *name;
	enum nr_order order;
	enum nr_selftest_stamp stamp;
} setups[] = {
	{ "fence", NR_ORDER_FENCE, NR_STAMP_FENCE },
	{ "rcu, with fence", NR_ORDER_RCU, NR_STAMP_FENCE },
	{ "rcu, no fence", NR_ORDER_RCU, NR_STAMP_AFTER },
};
#define NR_SETUPS (sizeof(setups) / sizeof(setups[0]))

enum { COST, DELIVERY, DELIVERY_99, DELIVERY_MAX, CPU_TIME, LOSS, RATE, NR_FIGURES };
static const char *const figures[NR_FIGURES] = {
	"ns/event", "p50 ms", "p99 ms", "max ms", "CPU ns/event", "lost %", "M events/s",
};

struct producer {
	pthread_t thread;
	unsigned cpu;
	uint64_t calls[2], ns[2]; /* without and with a record */
	uint64_t cpu_ns;	  /* the thread's, with a record */
};

static struct producer producers[MAX_CPUS];
static unsigned n_producers;
static _Atomic(unsigned long) stamp; /* what to do; ~0: end */
static unsigned calls_per_s;
static uint64_t steps[STEPS];
static uint64_t delivered;
static int64_t host_offset; /* offset of the records' clock */

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void sleep_for(double seconds)
{
	const struct timespec ts = { .tv_sec = seconds,
				     .tv_nsec = (seconds - (time_t)seconds) * 1e9 };

	nanosleep(&ts, NULL);
}

static void *produce(void *arg)
{
	struct producer *p = arg;
	uint64_t start, count = 0;
	unsigned batch = calls_per_s ? (calls_per_s + 499) / 500 : 256;
	unsigned long how;

	while ((how = stamp) != ~0ul) {
		start = now(CLOCK_THREAD_CPUTIME_ID);
		for (unsigned i = 0; i < batch; i++)
			syscall(SYS_getpid, NR_SELFTEST_MAGIC, how, ++count);
		p->ns[!!how] += now(CLOCK_THREAD_CPUTIME_ID) - start;
		p->calls[!!how] += batch;
		if (calls_per_s)
			sleep_for(0.002);
	}
	p->cpu_ns = now(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static int deliver(void *ctx, const struct nr_batch *batch)
{
	uint64_t t = now(CLOCK_MONOTONIC) + host_offset;

	(void)ctx;
	nr_batch_for_each (ev, batch) {
		uint64_t step = (t - ev->rec->ts) / STEP_NS;

		steps[step < STEPS ? step : STEPS - 1]++;
	}
	delivered += batch->n;
	return 0;
}

static double quantile_ms(double q)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		sum += steps[i];
		if (sum && sum >= q * delivered)
			return (i + 1) * (STEP_NS / 1e6);
	}
	return 0;
}

static int start_producers(void)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err = 0;

	for (unsigned i = 0; !err && i < n_producers; i++) {
		producers[i] = (struct producer){ .cpu = producers[i].cpu };
		CPU_ZERO(&set);
		CPU_SET(producers[i].cpu, &set);
		pthread_attr_init(&attr);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
		err = pthread_create(&producers[i].thread, &attr, produce, &producers[i]);
		pthread_attr_destroy(&attr);
	}
	return -err;
}

static void log_error(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		fprintf(stderr, "%s\n", text);
}

static void take_figures(double *f, const struct nr_collector *c, double seconds)
{
	struct nr_stats *st = nr_collector_stats(c);
	double calls[2] = { 0 }, ns[2] = { 0 }, cpu_ns = 0;

	for (unsigned i = 0; i < n_producers; i++) {
		for (int k = 0; k < 2; k++) {
			calls[k] += producers[i].calls[k];
			ns[k] += producers[i].ns[k];
		}
		cpu_ns += producers[i].cpu_ns;
	}
	f[COST] = ns[1] / calls[1] - ns[0] / calls[0];
	f[DELIVERY] = quantile_ms(0.5);
	f[DELIVERY_99] = quantile_ms(0.99);
	f[DELIVERY_MAX] = quantile_ms(1);
	f[CPU_TIME] = (st->cpu_ns - cpu_ns) / st->events_written;
	f[LOSS] = 100.0 * st->lost_total / (st->lost_total + st->reserved);
	f[RATE] = st->events_written / seconds / 1e6;
	nr_stats_free(st);
}

static int run(const struct setup *s, struct nr_collector_opts *opts, double seconds, double *f)
{
	struct nr_collector *c = NULL;
	const void *elf;
	size_t size;
	int err;

	opts->order = s->order;
	memset(steps, 0, sizeof(steps));
	delivered = 0;
	stamp = NR_STAMP_NONE;
	err = nr_collector_open(&c, opts) ?: nr_host_clock_offset(&host_offset);
	elf = selftest_bpf__elf_bytes(&size);
	if (!err)
		err = nr_collector_add_object_mem(c, "selftest", elf, size);
	if (!err)
		err = nr_collector_add_batch(c, deliver, NULL, NULL);
	if (!err)
		err = nr_collector_start(c);
	if (!err)
		err = start_producers();
	if (err)
		goto out;
	sleep_for(seconds * IDLE_PART);
	stamp = s->stamp;
	sleep_for(seconds * (1 - IDLE_PART));
	stamp = ~0ul;
	for (unsigned i = 0; i < n_producers; i++)
		pthread_join(producers[i].thread, NULL);
	err = nr_collector_stop(c);
	if (!err)
		take_figures(f, c, seconds * (1 - IDLE_PART));
out:
	nr_collector_close(c);
	return err;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_setup(const struct setup *s, double (*runs)[NR_FIGURES], unsigned times)
{
	double one[MAX_TIMES];
	char text[64];

	printf("| %-15s", s->name);
	for (unsigned f = 0; f < NR_FIGURES; f++) {
		for (unsigned i = 0; i < times; i++)
			one[i] = runs[i][f];
		qsort(one, times, sizeof(*one), by_size);
		snprintf(text, sizeof(text), "%.3g (%.3g-%.3g)", one[times / 2], one[0],
			 one[times - 1]);
		printf(" | %-18s", text);
	}
	puts(" |");
}

static int compare(struct nr_collector_opts *opts, double seconds, unsigned times)
{
	static double runs[NR_SETUPS][MAX_TIMES][NR_FIGURES];
	int err = 0;

	for (unsigned i = 0; !err && i < times; i++)
		for (unsigned k = 0; !err && k < NR_SETUPS; k++)
			err = run(&setups[k], opts, seconds, runs[k][i]);
	if (err)
		return err;
	printf("| %-15s", "");
	for (unsigned f = 0; f < NR_FIGURES; f++)
		printf(" | %-18s", figures[f]);
	puts(" |");
	for (unsigned k = 0; k < NR_SETUPS; k++)
		print_setup(&setups[k], runs[k], times);
	return 0;
}

int main(int argc, char **argv)
{
	struct nr_collector_opts opts = { .sz = sizeof(opts), .log = log_error };
	cpu_set_t set;
	int times;

	if (argc != 6 || (times = atoi(argv[2])) < 1 || times > MAX_TIMES) {
		fprintf(stderr, "usage: watermark SECONDS TIMES POLICY LATENCY_MS CALLS_PER_S\n");
		return 2;
	}
	opts.policy = argv[3];
	opts.latency_ms = atoi(argv[4]);
	calls_per_s = atoi(argv[5]);
	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		if (CPU_ISSET(cpu, &set))
			producers[n_producers++].cpu = cpu;
	return !!compare(&opts, atof(argv[1]), times);
}
