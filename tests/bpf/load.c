/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A load with a known count: `load N CPU...` makes N getpgid calls on each CPU at the same time,
 * from processes pinned to these CPUs. With N 0 they run until they are killed. Prints their PIDs.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void call(unsigned long n, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("load: cannot pin");
		_exit(1);
	}
	for (unsigned long i = 0; !n || i < n; i++)
		syscall(SYS_getpgid, 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	int status, bad = 0;

	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++) {
		pid_t pid = fork();

		if (!pid)
			call(strtoul(argv[1], NULL, 10), atoi(argv[i]));
		printf("%d\n", pid);
	}
	fflush(stdout);
	while (wait(&status) > 0)
		bad |= status;
	return !!bad;
}
