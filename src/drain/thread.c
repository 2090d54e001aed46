// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include "thread.h"

#define HIGHEST_PRIORITY -20

static void *begin(void *arg)
{
	struct nr_thread *thread = arg;

	/* On Linux this is the priority of the calling thread alone. Without CAP_SYS_NICE it stays.
	 */
	setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
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
	err = pthread_create(&thread->id, NULL, begin, thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	thread->running = !err;
	return -err;
}

void nr_thread_join(struct nr_thread *thread)
{
	if (thread->running)
		pthread_join(thread->id, NULL);
	thread->running = false;
}
