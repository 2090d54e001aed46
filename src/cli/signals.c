/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "signals.h"

/* Signals that come this soon after the end began are the ones that asked for it. */
#define SECOND_SIGNAL_MS 300

/* A signal that nobody has read for so long found the main thread in a start that is stuck, or
 * slow. */
#define UNREAD_MS 5000
#define STEP_MS	  100

/* nohup asks for this one to be ignored. */
static bool hears_hangup(void)
{
	struct sigaction action;

	return !sigaction(SIGHUP, NULL, &action) && action.sa_handler != SIG_IGN;
}

/* Runs beside the main thread, with its mask. */
static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, run, arg))
		pthread_detach(thread);
}

/* Counts steps and not time: while we are stopped nobody reads. */
static void *watch_unread(void *arg)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	struct pollfd fd = { .fd = (intptr_t)arg, .events = POLLIN };

	for (unsigned unread = 0; unread < UNREAD_MS;) {
		poll(&fd, 1, -1);
		nanosleep(&step, NULL);
		unread = poll(&fd, 1, 0) > 0 ? unread + STEP_MS : 0;
	}
	cli_error("ended by a signal: the start has not returned for %d s after it",
		  UNREAD_MS / 1000);
	_exit(CLI_FAILED);
}

static struct limit {
	_Atomic(unsigned) n; /* of the one that holds */
	unsigned ms;
	const char *sentence;
} limit;

/* In steps, as above. */
static void *watch_limit(void *arg)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	unsigned n = (uintptr_t)arg, ms = limit.ms;

	for (unsigned waited = 0; waited < ms && atomic_load(&limit.n) == n; waited += STEP_MS)
		nanosleep(&step, NULL);
	if (atomic_load(&limit.n) != n)
		return NULL;
	cli_error("%s", limit.sentence);
	_exit(CLI_FAILED);
}

void watchdog_start(unsigned ms, const char *sentence)
{
	limit.ms = ms;
	limit.sentence = sentence;
	start_thread(watch_limit, (void *)(uintptr_t)(atomic_load(&limit.n)));
}

void watchdog_stop(void)
{
	atomic_fetch_add(&limit.n, 1);
}

int signals_block(struct signals *s)
{
	sigset_t set;
	int err, unread;

	/* Who started us may ignore it: then the kernel would not tell that the command has ended.
	 */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (hears_hangup())
		sigaddset(&set, SIGHUP);
	unread = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &s->old_mask);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = -errno;
	if (s->fd >= 0 && unread >= 0) {
		start_thread(watch_unread, (void *)(intptr_t)unread);
		return 0;
	}
	cli_error("cannot listen for signals: %s", strerror(-err));
	return err;
}

static uint64_t end_began; /* ms */

/* A second signal, when the first did not end it soon enough: dies of it. What follows the first at
 * once belongs to it: timeout(1) signals the process and then its group. */
static void die_of(int signal_number)
{
	if (cli_now_ms() - end_began < SECOND_SIGNAL_MS)
		return;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Takes the signals while the main thread cannot. */
static void *take_them(void *arg)
{
	for (;;)
		pause();
	return arg;
}

void signals_restore(const struct signals *s)
{
	const struct sigaction action = { .sa_handler = die_of, .sa_flags = SA_RESTART };

	end_began = cli_now_ms();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (hears_hangup())
		sigaction(SIGHUP, &action, NULL);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	start_thread(take_them, NULL);
}
