// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every part of the bench needs: messages, memory, clocks, threads. */
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

void bench_log(void *ctx, enum nr_log_level level, const char *text)
{
	(void)ctx;
	if (level <= NR_LOG_WARN)
		warnx("%s%s", level == NR_LOG_WARN ? "warning: " : "", text);
}

void *bench_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		errx(BENCH_FAILED, "out of memory");
	return p;
}

void *bench_grow(void *array, size_t n, size_t size)
{
	void *p = reallocarray(array, n, size);

	if (!p)
		errx(BENCH_FAILED, "out of memory");
	return p;
}

FILE *bench_memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!f)
		err(BENCH_FAILED, "cannot create a file in memory");
	return f;
}

pid_t bench_spawn(const char *file, const char *const *argv, const int fds[3])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int err;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	err = posix_spawnp(&pid, file, &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return err ? -err : pid;
}

int bench_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool bench_read_line(const char *path, const char *key, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool found = false;

	while (f && !found && fgets(buf, size, f))
		found = !strncmp(buf, key, strlen(key));
	if (f)
		fclose(f);
	if (found)
		buf[strcspn(buf, "\n")] = 0;
	return found;
}

struct nr_topology *bench_topology(void)
{
	struct nr_topology *topo = NULL;
	int err = nr_topology_open(&topo, NULL);

	if (err)
		errx(BENCH_FAILED, "cannot read this host's topology: %s", strerror(-err));
	return topo;
}

/* Without warnings: that nodes have fewer cores than parts does not matter here. */
static void log_errors(void *ctx, enum nr_log_level level, const char *text)
{
	if (level == NR_LOG_ERROR)
		bench_log(ctx, level, text);
}

struct nr_plan *bench_plan(const struct nr_topology *topo, const char *policy)
{
	const struct nr_plan_opts opts = { .sz = sizeof(opts),
					   .policy = policy,
					   .log = log_errors };
	struct nr_plan *plan = NULL;

	if (nr_plan_make(&plan, topo, &opts))
		exit(BENCH_FAILED); /* explained */
	return plan;
}

/* ---- clocks ---- */

/* The host's CLOCK_MONOTONIC minus this process's. Not 0 in a time namespace. */
static int64_t host_offset;

int bench_find_clock(void)
{
	return nr_host_clock_offset(&host_offset);
}

uint64_t bench_clock(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC) + host_offset;
}

void bench_sleep_until(uint64_t time)
{
	uint64_t local = time - host_offset;
	const struct timespec ts = { .tv_sec = local / 1000000000, .tv_nsec = local % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

/* ---- threads ---- */

void bench_raise_priority(void)
{
	setpriority(PRIO_PROCESS, 0, -20);
}

void bench_thread(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
	int err = pthread_create(out, NULL, run, arg);

	if (err)
		errx(BENCH_FAILED, "cannot start a thread: %s", strerror(err));
	pthread_setname_np(*out, name);
}

int bench_pin(pthread_t thread, const unsigned *cpus, unsigned n)
{
	unsigned highest = n ? cpus[n - 1] : 0;
	size_t size = CPU_ALLOC_SIZE(highest + 1);
	cpu_set_t *set;
	int err;

	if (!n)
		return 0;
	set = bench_alloc(1, size);
	for (unsigned i = 0; i < n; i++)
		CPU_SET_S(cpus[i], size, set);
	err = -pthread_setaffinity_np(thread, size, set);
	free(set);
	return err;
}
