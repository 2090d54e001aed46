// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "thread.h"

#define HIGHEST_PRIORITY -20

/*
 * Memory comes from the thread's own node anyway. With an explicit policy, though, the kernel's
 * NUMA balancing leaves the thread alone. It would unmap pages of the process to sample who uses
 * them; every access faults them in again, and with a consumer per CPU all fault on the same page
 * tables.
 */
static void disable_numa_balancing(void)
{
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0);
}

static void *run_thread(void *arg)
{
	struct nr_thread *thread = arg;

	/* On Linux this sets the priority of the calling thread only. It fails without
	 * CAP_SYS_NICE.
	 */
	setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
	disable_numa_balancing();
	pthread_setname_np(pthread_self(), thread->name);
	return thread->run(thread->arg);
}

int nr_thread_start(struct nr_thread *thread, void *(*run)(void *), void *arg, const char *name)
{
	sigset_t all, old;
	int err;

	thread->run = run;
	thread->arg = arg;
	snprintf(thread->name, sizeof(thread->name), "%s", name);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread->id, NULL, run_thread, thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	thread->running = !err;
	return -err;
}

int nr_thread_pin(const unsigned *cpus, unsigned n)
{
	unsigned end = n ? cpus[n - 1] + 1 : 0;
	size_t size = CPU_ALLOC_SIZE(end);
	cpu_set_t *set;
	int err;

	if (!n)
		return 0;
	set = CPU_ALLOC(end);
	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (unsigned i = 0; i < n; i++)
		CPU_SET_S(cpus[i], size, set);
	err = sched_setaffinity(0, size, set) ? -errno : 0;
	CPU_FREE(set);
	return err;
}

bool nr_thread_join_within(struct nr_thread *thread, unsigned ms)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	while (thread->running && pthread_tryjoin_np(thread->id, NULL)) {
		if (!ms--)
			return false;
		nanosleep(&step, NULL);
	}
	thread->running = false;
	return true;
}

void nr_thread_join(struct nr_thread *thread)
{
	if (thread->running)
		pthread_join(thread->id, NULL);
	thread->running = false;
}
