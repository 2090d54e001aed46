/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A task whose events are known, for filter.sh: "chosen" makes system calls that succeed and fail,
 * sleeps, and does so on the first and on the last CPU that it may use. "chosen tree FILE" starts a
 * thread, children, grandchildren and a daemon, which do the same, and writes all their process ids
 * to FILE. "chosen loop" goes on until it is killed. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20

static void act(void)
{
	char byte[9];

	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

		getpgid(0);
		getpgid(-5);
		if (read(fd, byte, i % 9) < 0)
			abort();
		close(fd);
		close(-1);
	}
	usleep(2000);
}

static void act_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		act();
}

static void *run_thread(void *arg)
{
	act();
	return arg;
}

static int file;

static void note_self(void)
{
	dprintf(file, "%d\n", getpid());
	act();
}

/* Double fork: the daemon belongs to nobody here. It ends before the pipe does. */
static void start_daemon(void)
{
	pid_t child = fork();

	if (!child) {
		note_self();
		if (!fork()) {
			setsid();
			note_self();
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void start_child(char *self, char *path)
{
	pid_t child = vfork();

	if (!child) {
		execlp(self, self, "leaf", path, NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

/* Waits until all that hold the pipe's writing end have exited. */
static int tree(char *self, char *path)
{
	pthread_t thread;
	int ends[2];
	char byte;

	file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	if (file < 0 || pipe(ends))
		return 1;
	note_self();
	if (pthread_create(&thread, NULL, run_thread, NULL))
		return 1;
	pthread_join(thread, NULL);
	start_child(self, path);
	start_daemon();
	close(ends[1]);
	return read(ends[0], &byte, 1) ? 1 : 0;
}

int main(int argc, char **argv)
{
	cpu_set_t set;
	int last = 0;

	while (argc == 2)
		act();
	if (argc == 3 && !strcmp(argv[1], "tree"))
		return tree(argv[0], argv[2]);
	if (argc == 3) {
		file = open(argv[2], O_WRONLY | O_APPEND | O_CLOEXEC);
		note_self();
		if (!fork())
			note_self();
		else
			wait(NULL);
		return 0;
	}
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		last = CPU_ISSET(cpu, &set) ? cpu : last;
	for (int cpu = 0; cpu <= last; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			act_on(cpu);
			break;
		}
	act_on(last);
	return 0;
}
