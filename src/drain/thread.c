// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <signal.h>
#include "thread.h"

int nr_thread_start(struct nr_thread *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread->id, NULL, run, arg);
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
