/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does what tasks.sh looks for in the recording, on CPU 0, and prints what it knows about it, as lines
 * "name value".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_NS 50000000ull
#define SHARE_NS 60000000ull

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void say(const char *name, uint64_t value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
	fflush(stdout);
}

static void nap(uint64_t ns)
{
	struct timespec t = { .tv_nsec = ns };

	nanosleep(&t, NULL);
}

static void spin(uint64_t ns)
{
	uint64_t end = now(CLOCK_MONOTONIC) + ns;

	while (now(CLOCK_MONOTONIC) < end)
		;
}

/* Runs fn in a child, which says its PID as name. */
static void in_child(const char *name, void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		say(name, getpid());
		fn();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void sleeper(void)
{
	nap(SLEEP_NS);
}

/* Two processes share the CPU. Where this one has not run in the meantime, it waited. */
static void sharer(void)
{
	pid_t rival = fork();
	uint64_t wall, end, cpu;

	if (!rival) {
		spin(2 * SHARE_NS);
		_exit(0);
	}
	sched_yield(); /* gets the CPU back in a switch that is recorded */
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_THREAD_CPUTIME_ID);
	spin(SHARE_NS);
	end = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	say("share-begin", wall);
	say("share-end", end);
	say("share-waited", end - wall - cpu);
	waitpid(rival, NULL, 0);
}

static int word;

static void *waiter(void *unused)
{
	(void)unused;
	say("futex-sleeper", gettid());
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return NULL;
}

static void waker(void)
{
	pthread_t thread;

	say("futex-waker", gettid());
	pthread_create(&thread, NULL, waiter, NULL);
	nap(10000000);
	word = 1;
	syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
	pthread_join(thread, NULL);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void caller(void)
{
	static const char text[] = "text";
	int null = open("/dev/null", O_WRONLY);

	say("write-address", (uintptr_t)text);
	say("write-fd", null);
	if (open("/nonexistent/file", O_RDONLY) >= 0 || write(null, text, sizeof(text)) < 0)
		_exit(1);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
#ifdef __x86_64__
	int nr = 20; /* getpid of 32-bit programs, writev of others */

	__asm__ volatile("int $0x80" : "+a"(nr) : : "memory", "r8", "r9", "r10", "r11");
	say("other-table", nr == getpid());
#endif
}

static void *executer(void *unused)
{
	(void)unused;
	say("exec-thread", gettid());
	execl("/bin/sh", "sh", "-c", "exit 7", "two  words", "", "end", (char *)NULL);
	return NULL;
}

/* A thread that is not the first one of its process executes a file. */
static void executes(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, executer, NULL);
	for (;;)
		pause();
}

static void killed(void)
{
	nap(20000000);
	raise(SIGKILL);
}

int main(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("acts: cannot pin");
		return 1;
	}
	say("parent", getpid());
	in_child("sleeper", sleeper);
	in_child("sharer", sharer);
	in_child("futex", waker);
	in_child("caller", caller);
	in_child("executes", executes);
	in_child("killed", killed);
	return 0;
}
