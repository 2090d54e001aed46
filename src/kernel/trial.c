// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/bits.h"
#include "base/clock.h"
#include "trial.h"

/* Signals that a thread causes itself. All others come from outside and say nothing about fn. */
static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

static bool is_crash(int signal)
{
	for (size_t i = 0; i < NR_ARRAY_SIZE(crashes); i++)
		if (crashes[i] == signal)
			return true;
	return false;
}

/* A crash leaves no core file, and no handler of the caller or of a sanitizer runs. */
static void prepare_for_crash(void)
{
	const struct rlimit no_core = {};

	for (size_t i = 0; i < NR_ARRAY_SIZE(crashes); i++)
		signal(crashes[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void run_child(void (*fn)(void *arg), void *arg, int fd)
{
	prepare_for_crash();
	libbpf_set_print(NULL);
	fn(arg);
	if (write(fd, "", 1) != 1)
		_exit(1);
	_exit(0);
}

/* In the child, no handler of the caller may run, and signals to the whole process group must not
 * end it. They are blocked before the fork, or one could arrive in between. */
static pid_t fork_with_signals_blocked(void)
{
	sigset_t others, before;
	pid_t pid;

	sigfillset(&others);
	for (size_t i = 0; i < NR_ARRAY_SIZE(crashes); i++)
		sigdelset(&others, crashes[i]);
	pthread_sigmask(SIG_BLOCK, &others, &before);
	pid = fork();
	if (pid) {
		int err = errno;

		pthread_sigmask(SIG_SETMASK, &before, NULL);
		errno = err;
	}
	return pid;
}

static int64_t now_ms(void)
{
	return nr_clock_local() / 1000000;
}

/* Waits until the child has written or closed its end. False: timeout_ms have passed. */
static bool has_ended(int fd, int timeout_ms)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int64_t until = now_ms() + timeout_ms, left = timeout_ms;
	int ret;

	do {
		ret = poll(&end, 1, (int)left);
		left = until - now_ms();
	} while (ret < 0 && errno == EINTR && left > 0);
	return ret > 0;
}

/* The child writes a byte when fn has returned. Its exit status may be missing, if the caller reaps
 * children itself or ignores SIGCHLD; a child without both has crashed. */
static int wait_for_child(pid_t pid, int fd, int timeout_ms)
{
	bool ended = has_ended(fd, timeout_ms);
	int status = 0;
	pid_t reaped;
	char byte;

	if (!ended)
		kill(pid, SIGKILL);
	do
		reaped = waitpid(pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	if (!ended)
		return -ETIMEDOUT;
	if (read(fd, &byte, 1) == 1)
		return 0;
	if (reaped != pid || !WIFSIGNALED(status))
		return SIGSEGV;
	return is_crash(WTERMSIG(status)) ? WTERMSIG(status) : -ECANCELED;
}

int nr_trial(void (*fn)(void *arg), void *arg, int timeout_ms)
{
	int fds[2], ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork_with_signals_blocked();
	if (!pid) {
		close(fds[0]);
		run_child(fn, arg, fds[1]);
	}
	ret = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret)
		ret = wait_for_child(pid, fds[0], timeout_ms);
	close(fds[0]);
	return ret;
}
