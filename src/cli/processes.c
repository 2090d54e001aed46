/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/types.h>
#include "cli.h"
#include "processes.h"

/* The process of a thread; pid itself if it is unknown. */
static long process_of(long pid)
{
	char path[48], line[128];
	long process = pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "Tgid: %ld", &process) != 1)
		;
	if (f)
		fclose(f);
	return process;
}

static void exit_with_error(pid_t pid, int err)
{
	if (err == ESRCH)
		cli_error("process %d does not exist", pid);
	else if (process_of(pid) != pid)
		cli_error("%d is a thread of process %ld: give the process to -p", pid,
			  process_of(pid));
	else
		cli_error("cannot follow process %d: %s", pid, strerror(err));
	exit(CLI_FAILED);
}

static pid_t parse_pid(const char *arg)
{
	char *end;
	long pid = strtol(arg, &end, 10);

	if (end == arg || *end || pid <= 0 || pid > INT32_MAX)
		cli_refuse(arg, "a process ID");
	return pid;
}

static bool is_known(const struct processes *p, pid_t pid)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->pids[i] == pid)
			return true;
	return false;
}

/* The pidfd tells when this process exits, even if its PID is reused. */
static void add(struct processes *p, pid_t pid)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd;

	if (p->n == NR_PIDS_MAX) {
		cli_error("too many processes: -p takes at most %d", NR_PIDS_MAX);
		exit(CLI_USAGE);
	}
	fd = syscall(SYS_pidfd_open, pid, 0); /* closed on exec */
	if (fd < 0)
		exit_with_error(pid, errno);
	if (!p->n)
		p->fd = epoll_create1(EPOLL_CLOEXEC);
	event.data.fd = fd;
	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event))
		exit_with_error(pid, errno);
	p->pids[p->n++] = pid;
	p->left++;
}

void processes_add(struct processes *p, char *list)
{
	char *one;

	while ((one = strsep(&list, ","))) {
		pid_t pid = parse_pid(one);

		if (!is_known(p, pid))
			add(p, pid);
	}
}

bool processes_ended(struct processes *p)
{
	struct epoll_event event;

	while (p->left && epoll_wait(p->fd, &event, 1, 0) == 1) {
		close(event.data.fd); /* also removes it from the epoll */
		p->left--;
	}
	return p->n && !p->left;
}
