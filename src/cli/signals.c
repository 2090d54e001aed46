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

/* Signals this soon after the first belong to it: timeout(1) signals the process, then its group.
 */
#define SECOND_SIGNAL_MS 300

/* If a signal stays unread for this long, the main thread hangs in a start. */
#define UNREAD_MS 5000
#define STEP_MS	  100

/* nohup sets SIGHUP to be ignored. */
static bool handles_hangup(void)
{
	struct sigaction action;

	return !sigaction(SIGHUP, NULL, &action) && action.sa_handler != SIG_IGN;
}

/* The thread has the signal mask of the main thread. */
static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, run, arg))
		pthread_detach(thread);
}

/* Counts steps, not time: while the process is stopped nobody can read. */
static void *watch_unread(void *arg)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	struct pollfd fd = { .fd = (intptr_t)arg, .events = POLLIN };

	for (unsigned unread = 0; unread < UNREAD_MS;) {
		poll(&fd, 1, -1);
		nanosleep(&step, NULL);
		unread = poll(&fd, 1, 0) > 0 ? unread + STEP_MS : 0;
	}
	cli_error("ended by a signal: the start did not return within %d s", UNREAD_MS / 1000);
	_exit(CLI_FAILED);
}

static struct watchdog {
	_Atomic(unsigned) n; /* number of the current one */
	unsigned ms;
	const char *message;
} watchdog;

/* Counts steps, too. */
static void *run_watchdog(void *arg)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	unsigned n = (uintptr_t)arg, ms = watchdog.ms;

	for (unsigned waited = 0; waited < ms && atomic_load(&watchdog.n) == n; waited += STEP_MS)
		nanosleep(&step, NULL);
	if (atomic_load(&watchdog.n) != n)
		return NULL;
	cli_error("%s", watchdog.message);
	_exit(CLI_FAILED);
}

void watchdog_start(unsigned ms, const char *message)
{
	watchdog.ms = ms;
	watchdog.message = message;
	start_thread(run_watchdog, (void *)(uintptr_t)(atomic_load(&watchdog.n)));
}

void watchdog_stop(void)
{
	atomic_fetch_add(&watchdog.n, 1);
}

void signals_init(struct signals *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &s->old_mask);
	s->fd = s->end_fd = -1;
}

int signals_block(struct signals *s)
{
	sigset_t set;
	int err;

	/* Our parent may have ignored SIGCHLD. Then we would not learn that the command exits. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (handles_hangup())
		sigaddset(&set, SIGHUP);
	s->end_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = -errno;
	if (s->fd >= 0 && s->end_fd >= 0) {
		start_thread(watch_unread, (void *)(intptr_t)s->end_fd);
		return 0;
	}
	cli_error("cannot create a signalfd: %s", strerror(-err));
	return err;
}

static uint64_t end_began; /* ms */

/* Handles a second signal, which ends the program at once. */
static void die_of(int signal_number)
{
	if (cli_now_ms() - end_began < SECOND_SIGNAL_MS)
		return;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* A thread that receives signals while the main thread cannot. */
static void *wait_for_signals(void *arg)
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
	if (handles_hangup())
		sigaction(SIGHUP, &action, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	start_thread(wait_for_signals, NULL);
}
