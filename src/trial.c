// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "trial.h"

/* The verifier's time counts too: it takes up to some seconds for a large program. */
#define CPU_SECONDS 120

/* A crash leaves no core, and no handler of our user or of a sanitizer hears of it. */
static void prepare_to_die(void)
{
	const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU };
	const struct rlimit no_core = {}, cpu = { CPU_SECONDS, CPU_SECONDS };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_CPU, &cpu);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void be_child(void (*try)(void *arg), void *arg, int fd)
{
	prepare_to_die();
	libbpf_set_print(NULL);
	try(arg);
	if (write(fd, "", 1) != 1)
		_exit(1);
	_exit(0);
}

/* It wrote a byte if it came to its end. Our user may have taken its status, or wants none kept. */
static int await(pid_t pid, int fd)
{
	int status = 0;
	ssize_t got;
	pid_t reaped;
	char byte;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	do
		reaped = waitpid(pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	if (got == 1)
		return 0;
	return reaped == pid && WIFSIGNALED(status) ? WTERMSIG(status) : SIGSEGV;
}

int nr_trial(void (*try)(void *arg), void *arg)
{
	int fds[2], ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		be_child(try, arg, fds[1]);
	}
	ret = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret)
		ret = await(pid, fds[0]);
	close(fds[0]);
	return ret;
}
