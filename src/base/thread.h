/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A thread of the library. It blocks all signals, which belong to the caller's threads. */
#ifndef NR_THREAD_H
#define NR_THREAD_H

#include <pthread.h>
#include <stdbool.h>

struct nr_thread {
	pthread_t id;
	bool running;
	char name[16]; /* as top -H and /proc show it */
	void *(*run)(void *);
	void *arg;
};

/* The thread gets the highest ordinary priority if the process may set it: the library's threads work
 * in short bursts, and records are lost if they come too late. 0 or a negative errno. */
int nr_thread_start(struct nr_thread *thread, void *(*run)(void *), void *arg, const char *name);
void nr_thread_join(struct nr_thread *thread); /* takes one that was never started */
/* Pins the calling thread to cpus, which ascend; n 0: it stays where it is. 0 or a negative errno.
 */
int nr_thread_pin(const unsigned *cpus, unsigned n);
/* Waits for at most about ms. True: the thread has ended and is joined. */
bool nr_thread_join_within(struct nr_thread *thread, unsigned ms);

#endif
