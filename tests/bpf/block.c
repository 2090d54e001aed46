// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Blocks in a known way for a known time, and prints as JSON what it measured itself:
 *
 *	block mutex MS	worker waits for a mutex that holder keeps while it sleeps
 *	block chain MS	third waits for second, which waits for first, which sleeps
 *	block sleep MS	sleeper sleeps
 *	block hog MS	victim loses its CPU to hog, a real-time task on the same CPU
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static uint64_t ms;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static atomic_int steps; /* what has happened so far */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void await_step(int step)
{
	while (atomic_load(&steps) < step)
		usleep(1000);
}

static void sleep_ms(uint64_t t)
{
	struct timespec left = { t / 1000, t % 1000 * 1000000 };

	while (nanosleep(&left, &left))
		;
}

static void say(const char *name, uint64_t ns)
{
	printf("{\"name\":\"%s\",\"tid\":%d,\"pid\":%d,\"ns\":%" PRIu64 "}\n", name, gettid(),
	       getpid(), ns);
	fflush(stdout);
}

static void lock_measured(const char *name, pthread_mutex_t *mutex)
{
	uint64_t begin = now();

	pthread_mutex_lock(mutex);
	say(name, now() - begin);
	pthread_mutex_unlock(mutex);
}

static void *holder(void *name)
{
	prctl(PR_SET_NAME, name);
	pthread_mutex_lock(&a);
	atomic_fetch_add(&steps, 1);
	sleep_ms(ms);
	pthread_mutex_unlock(&a);
	return NULL;
}

static void *worker(void *name)
{
	prctl(PR_SET_NAME, name);
	await_step(1);
	lock_measured(name, &a);
	return NULL;
}

static void *second(void *name)
{
	prctl(PR_SET_NAME, name);
	pthread_mutex_lock(&b);
	atomic_fetch_add(&steps, 1);
	await_step(2);
	lock_measured(name, &a);
	pthread_mutex_unlock(&b);
	return NULL;
}

static void *third(void *name)
{
	prctl(PR_SET_NAME, name);
	await_step(2);
	lock_measured(name, &b);
	return NULL;
}

static void *sleeper(void *name)
{
	uint64_t begin;

	prctl(PR_SET_NAME, name);
	begin = now();
	sleep_ms(ms);
	say(name, now() - begin);
	return NULL;
}

/* The CPU that this process may use and that interrupts use least: the last one. */
static void pin(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	sched_getaffinity(0, sizeof(set), &set);
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *hog(void *name)
{
	const struct sched_param high = { .sched_priority = 1 };
	uint64_t begin;

	prctl(PR_SET_NAME, name);
	pin();
	if (sched_setscheduler(0, SCHED_FIFO, &high)) {
		perror("no real-time task is allowed");
		exit(77);
	}
	await_step(1);
	begin = now();
	while (now() - begin < ms * 1000000)
		;
	atomic_store(&steps, 2);
	return NULL;
}

/* The longest time between two looks at the clock is when it did not run. */
static void *victim(void *name)
{
	uint64_t last, longest = 0;

	prctl(PR_SET_NAME, name);
	pin();
	last = now();
	atomic_store(&steps, 1);
	while (atomic_load(&steps) < 2 || !longest) {
		uint64_t t = now();

		if (t - last > longest)
			longest = t - last;
		last = t;
	}
	say(name, longest);
	return NULL;
}

static const struct {
	const char *what;
	struct {
		const char *name;
		void *(*run)(void *name);
	} threads[3];
} cases[] = {
	{ "mutex", { { "holder", holder }, { "worker", worker } } },
	{ "chain", { { "first", holder }, { "second", second }, { "third", third } } },
	{ "sleep", { { "sleeper", sleeper } } },
	{ "hog", { { "hog", hog }, { "victim", victim } } },
};

static void run(unsigned i)
{
	pthread_t threads[3];
	unsigned n = 0;

	for (; n < 3 && cases[i].threads[n].run; n++)
		pthread_create(&threads[n], NULL, cases[i].threads[n].run,
			       (void *)cases[i].threads[n].name);
	while (n--)
		pthread_join(threads[n], NULL);
}

int main(int argc, char **argv)
{
	ms = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	for (unsigned i = 0; ms && i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(argv[1], cases[i].what))
			continue;
		run(i);
		return 0;
	}
	fputs("usage: block mutex|chain|sleep|hog MS\n", stderr);
	return 2;
}
