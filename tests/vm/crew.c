// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "crew.h"

struct order {
	unsigned long calls; /* 0: the token */
};

static int pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* The main loop of a member. */
__attribute__((noreturn)) static void serve(unsigned cpu, int fd, int done_fd)
{
	struct order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, &order, sizeof(order)) == sizeof(order)) {
		char result = pin(cpu) ? 'x' : '.';

		if (!order.calls)
			syscall(CREW_TOKEN, 0);
		for (unsigned long i = 0; i < order.calls; i++)
			syscall(CREW_LOAD, 0);
		if (write(done_fd, &result, 1) != 1)
			break;
	}
	_exit(0);
}

void crew_start(struct crew *crew, unsigned n_cpus)
{
	int done[2], work[2];

	memset(crew, 0, sizeof(*crew));
	if (pipe(done))
		sys_die("no pipe: %s", strerror(errno));
	crew->done_fd = done[0];
	for (; crew->n < n_cpus; crew->n++) {
		struct crew_member *m = &crew->members[crew->n];

		if (pipe(work))
			sys_die("no pipe: %s", strerror(errno));
		m->fd = work[1];
		m->pid = fork();
		if (m->pid < 0)
			sys_die("no process: %s", strerror(errno));
		if (!m->pid)
			serve(crew->n, work[0], done[1]);
		close(work[0]);
	}
}

void crew_forget(struct crew *crew)
{
	for (unsigned cpu = 0; cpu < crew->n; cpu++) {
		crew->members[cpu].calls = 0;
		crew->members[cpu].moved = false;
	}
	crew->n_visits = 0;
}

static void tell(struct crew *crew, unsigned cpu, unsigned long calls)
{
	const struct order order = { .calls = calls };

	if (cpu >= crew->n)
		sys_die("there is no CPU %u", cpu);
	if (write(crew->members[cpu].fd, &order, sizeof(order)) != sizeof(order))
		sys_die("member %u is gone", cpu);
	crew->members[cpu].calls += calls;
	crew->busy++;
}

void crew_begin(struct crew *crew, const struct sys_set *cpus, unsigned long calls)
{
	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++)
		if (cpus->has[cpu])
			tell(crew, cpu, calls + cpu);
}

void crew_wait(struct crew *crew)
{
	char result;

	for (; crew->busy; crew->busy--)
		if (read(crew->done_fd, &result, 1) != 1 || result != '.')
			sys_die("a member could not go to its CPU");
}

static void visit(struct crew *crew, unsigned cpu)
{
	crew->visits = realloc(crew->visits, (crew->n_visits + 1) * sizeof(*crew->visits));
	if (!crew->visits)
		sys_die("no memory");
	crew->visits[crew->n_visits++] = cpu;
	tell(crew, cpu, 0);
	crew_wait(crew);
}

void crew_pass_token(struct crew *crew, const struct sys_set *cpus, unsigned rounds)
{
	unsigned list[SYS_MAX], n = 0, stride;

	for (unsigned cpu = 0; cpu < SYS_MAX; cpu++)
		if (cpus->has[cpu])
			list[n++] = cpu;
	/* More than a third of n, without a common divisor: the token visits all CPUs. */
	for (stride = n / 3 + 1; stride > 1; stride++) {
		unsigned a = n, b = stride, rest;

		while ((rest = a % b)) {
			a = b;
			b = rest;
		}
		if (b == 1)
			break;
	}
	for (unsigned i = 0; i < n * rounds; i++)
		visit(crew, list[(unsigned long)i * stride % n]);
}
