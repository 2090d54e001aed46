// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench.h"

/* A producer sleeps if its next event is at least this far away; otherwise it spins, as a busy
 * program would. */
#define SLEEP_NS 100000
#define LONG_NS	 1000000

/* So many turns of each so many are followed by one of the floor. The first of them is not counted:
 * it would be slow because caches and branch predictors have forgotten the floor's program. */
#define FLOOR_TURNS  8
#define FLOOR_PERIOD 256

/* A producer that does not sleep calls the scheduler this often. */
#define YIELD_NS 1000000

struct producer {
	struct producers *all;
	pthread_t thread;
	unsigned cpu;
	struct schedule schedule;
	int err;
};

struct producers {
	unsigned n;
	uint64_t rate;
	unsigned burst;
	struct program main, floor;
	bool stop;
	pthread_barrier_t barrier; /* all are ready, and then all go */
	struct producer producer[];
};

/* ---- placement ---- */

/* Place of cpus[i] among the CPUs of its last-level cache: first threads of cores first. */
static unsigned rank_in_cache(const struct nr_topology *topo, const unsigned *cpus,
			      const bool *second, unsigned n, unsigned i)
{
	unsigned rank = 0;

	for (unsigned k = 0; k < n; k++)
		if (nr_topology_distance(topo, cpus[k], cpus[i]) <= NR_SAME_LLC)
			rank += second[k] < second[i] || (second[k] == second[i] && k < i);
	return rank;
}

/* Takes one CPU of each last-level cache in turn, until none is left. */
static void spread_out(const struct nr_topology *topo, unsigned *cpus, unsigned n)
{
	unsigned *from = bench_alloc(n, sizeof(*from)), *rank = bench_alloc(n, sizeof(*rank));
	bool *second = bench_alloc(n, sizeof(*second));
	unsigned done = 0;

	memcpy(from, cpus, n * sizeof(*from));
	/* Threads of a core are neighbours in the topology's order. */
	for (unsigned i = 1; i < n; i++)
		second[i] = nr_topology_distance(topo, from[i - 1], from[i]) <= NR_SAME_CORE;
	for (unsigned i = 0; i < n; i++)
		rank[i] = rank_in_cache(topo, from, second, n, i);
	for (unsigned turn = 0; done < n; turn++)
		for (unsigned i = 0; i < n; i++)
			if (rank[i] == turn)
				cpus[done++] = from[i];
	free(from);
	free(rank);
	free(second);
}

/* "0+4": takes these CPUs, each once, and no others. */
static int pick(const char *list, unsigned *cpus, unsigned *n)
{
	unsigned done = 0;

	for (const char *p = list; *p;) {
		char *end;
		unsigned long cpu = strtoul(p, &end, 10);
		unsigned i = done;

		while (i < *n && cpus[i] != cpu)
			i++;
		if (i == *n)
			return -EINVAL;
		cpus[i] = cpus[done];
		cpus[done++] = cpu;
		p = end + (*end == '+');
	}
	*n = done;
	return 0;
}

int placement(const struct nr_topology *topo, const char *how, unsigned **out, unsigned *count)
{
	unsigned n = nr_topology_cpus(topo, NULL, 0);
	unsigned *cpus = bench_alloc(n, sizeof(*cpus));
	int err = 0;

	nr_topology_cpus(topo, cpus, n);
	if (!strcmp(how, "spread"))
		spread_out(topo, cpus, n);
	else if (strcmp(how, "fill"))
		err = pick(how, cpus, &n);
	if (err) {
		free(cpus);
		return err;
	}
	*out = cpus;
	*count = n;
	return 0;
}

/* ---- threads ---- */

/* The source records entry and exit. */
static int make_calls(struct bench_cell *cell, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_getpgid, 0);
	cell->attempts += 2 * n;
	return n;
}

/* Tries to emit n events; returns how many it tried, or a negative errno. */
static int emit(const struct producer *p, const struct program *prog, uint64_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &n, .ctx_size_in = sizeof(n));
	int err;

	if (prog->fd < 0)
		return make_calls(&prog->cells[p->cpu], n);
	err = bpf_prog_test_run_opts(prog->fd, &opts);
	return err ? err : (int)opts.retval;
}

/* A grace period ends when every CPU was seen outside of the kernel or switching tasks. A producer
 * that makes one system call after the other would delay it for longer than any program does. */
static uint64_t yield_sometimes(uint64_t last)
{
	uint64_t now = bench_now();

	if (now - last < YIELD_NS)
		return last;
	sched_yield();
	return now;
}

/* ---- the schedule ---- */

uint64_t schedule_even(const struct schedule *s, uint64_t now)
{
	uint64_t period = s->peak * PEAK_NS, passed, in_burst;

	if (now < s->start)
		return 0;
	passed = (now - s->start) % period;
	in_burst = passed < PEAK_NS ? passed : PEAK_NS;
	return (now - s->start) / period * period + in_burst * s->peak;
}

uint64_t schedule_time(const struct schedule *s, uint64_t even)
{
	uint64_t period = s->peak * PEAK_NS;

	return s->start + even / period * period + (even % period + s->peak - 1) / s->peak;
}

/* Sleeps if events are far apart, or this one is. */
static void wait_until(const struct producer *p, uint64_t time)
{
	double per_ns = (double)p->all->rate * p->schedule.peak / 1e9;
	bool sparse = per_ns > 0 && p->all->burst / per_ns >= SLEEP_NS;

	if (sparse || time > bench_now() + LONG_NS)
		bench_sleep_until(time);
	while (bench_now() < time)
		;
}

/* Waits until the next burst is due, and returns how many events are due then. The schedule is
 * absolute: a producer that did not get its CPU in time catches up. */
static uint64_t wait_for_burst(const struct producer *p, uint64_t done)
{
	const struct producers *all = p->all;
	double per_ns = (double)all->rate / 1e9;
	uint64_t behind;

	/* When the last event of the burst is due. */
	wait_until(p, schedule_time(&p->schedule, (double)(done + all->burst) / per_ns));
	behind = (uint64_t)((double)schedule_even(&p->schedule, bench_now()) * per_ns) - done;
	if (behind < all->burst)
		return all->burst;
	return behind < BENCH_MAX_BURST ? behind : BENCH_MAX_BURST;
}

/* Flat out, but only in a peak: how many events. */
static uint64_t wait_for_peak(const struct producer *p)
{
	const struct schedule *s = &p->schedule;

	if (s->peak > 1)
		wait_until(p, schedule_time(s, schedule_even(s, bench_now()) + 1));
	return BENCH_MAX_BURST;
}

/* The same without a transport, for the cost above it: as many events as before, half way to the next
 * burst. */
static int floor_turn(const struct producer *p, uint64_t done, uint64_t n)
{
	const struct producers *all = p->all;
	int got;

	if (all->floor.fd < 0)
		return 0;
	if (all->rate)
		wait_until(p, schedule_time(&p->schedule,
					    (done + all->burst / 2.0) * 1e9 / (double)all->rate));
	got = emit(p, &all->floor, n);
	return got < 0 ? got : 0;
}

static int emit_all(const struct producer *p)
{
	uint64_t done = 0, yielded = 0;
	unsigned turn = 0;
	int got = 0;

	while (got >= 0 && !__atomic_load_n(&p->all->stop, __ATOMIC_RELAXED)) {
		got = emit(p, &p->all->main,
			   p->all->rate ? wait_for_burst(p, done) : wait_for_peak(p));
		if (got < 0)
			return got;
		done += got;
		if (turn % FLOOR_PERIOD < FLOOR_TURNS)
			got = floor_turn(p, done,
					 got | (turn % FLOOR_PERIOD ? 0 : BENCH_UNCOUNTED));
		turn++;
		yielded = yield_sometimes(yielded);
	}
	return got < 0 ? got : 0;
}

static void *run(void *arg)
{
	struct producer *p = arg;
	struct producers *all = p->all;

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	p->err = bench_pin(pthread_self(), &p->cpu, 1);
	pthread_barrier_wait(&all->barrier);
	pthread_barrier_wait(&all->barrier);
	if (!p->err)
		p->err = emit_all(p);
	return NULL;
}

struct producers *producers_new(const struct config *cfg, const unsigned *cpus)
{
	struct producers *all =
		bench_alloc(1, sizeof(*all) + cfg->producers * sizeof(all->producer[0]));

	*all = (struct producers){ .rate = cfg->rate, .burst = cfg->burst };
	pthread_barrier_init(&all->barrier, NULL, cfg->producers + 1);
	for (; all->n < cfg->producers; all->n++) {
		struct producer *p = &all->producer[all->n];

		p->all = all;
		p->cpu = cpus[all->n];
		p->schedule.peak = cfg->peak;
		bench_thread(&p->thread, PRODUCER_NAME, run, p);
	}
	pthread_barrier_wait(&all->barrier);
	return all;
}

void producers_go(struct producers *all, const struct program *main, const struct program *floor)
{
	uint64_t now = bench_now();

	all->main = *main;
	all->floor = *floor;
	for (unsigned i = 0; i < all->n; i++) {
		struct schedule *s = &all->producer[i].schedule;

		s->start = now + (s->peak > 1 ? s->peak * PEAK_NS * i / all->n : 0);
	}
	pthread_barrier_wait(&all->barrier);
}

int producers_stop(struct producers *all)
{
	int err = 0;

	__atomic_store_n(&all->stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < all->n; i++) {
		pthread_join(all->producer[i].thread, NULL);
		err = err ? err : all->producer[i].err;
	}
	return err;
}
