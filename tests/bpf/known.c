// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Does something whose duration or number it measures itself, and prints that as JSON, for answers_io.sh:
 *
 *	known nap MS		sleeps
 *	known pipe MS		reads a pipe that another process, "writer", writes to after MS
 *	known fail N		opens N times a file that does not exist
 *	known disk FILE N	reads FILE in N places with O_DIRECT
 *	known drop N		sends N UDP datagrams to a port of 127.0.0.1 that is closed
 *	known flood MS		sends UDP datagrams over lo from one CPU
 *	known touch N		writes to N new pages
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STRIDE (1 << 20) /* between the places, so that nothing is read ahead */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void sleep_ms(unsigned long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left))
		;
}

static void say(const char *what, uint64_t value)
{
	printf("{\"pid\":%d,\"%s\":%" PRIu64 "}\n", getpid(), what, value);
}

static void nap(unsigned long ms)
{
	uint64_t begin = now();

	sleep_ms(ms);
	say("ns", now() - begin);
}

static void read_pipe(unsigned long ms)
{
	uint64_t begin;
	int ends[2];
	pid_t child;
	char c;

	need(!pipe(ends), "pipe");
	child = fork();
	need(child >= 0, "fork");
	if (!child) {
		prctl(PR_SET_NAME, "writer");
		sleep_ms(ms);
		need(write(ends[1], "x", 1) == 1, "write");
		_exit(0);
	}
	prctl(PR_SET_NAME, "reader");
	begin = now();
	need(read(ends[0], &c, 1) == 1, "read");
	printf("{\"pid\":%d,\"writer\":%d,\"ns\":%" PRIu64 "}\n", getpid(), child, now() - begin);
	waitpid(child, NULL, 0);
}

static void fail(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		need(open("/no/such/file", O_RDONLY) < 0 && errno == ENOENT, "open");
	say("n", n);
}

static void read_disk(const char *file, unsigned long n)
{
	void *buf = aligned_alloc(4096, 4096);
	int fd = open(file, O_RDONLY | O_DIRECT);
	uint64_t longest = 0, sum = 0;

	need(fd >= 0, file);
	prctl(PR_SET_NAME, "reader");
	for (unsigned long i = 0; i < n; i++) {
		uint64_t begin = now(), took;

		need(pread(fd, buf, 4096, (i + 1) * STRIDE) == 4096, "pread");
		took = now() - begin;
		longest = took > longest ? took : longest;
		sum += took;
	}
	printf("{\"pid\":%d,\"n\":%lu,\"longest\":%" PRIu64 ",\"sum\":%" PRIu64 "}\n", getpid(), n,
	       longest, sum);
}

/* A socket that is bound to a port of 127.0.0.1; *to is its address. */
static int bound_socket(struct sockaddr_in *to)
{
	socklen_t len = sizeof(*to);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	*to = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	need(s >= 0 && !bind(s, (struct sockaddr *)to, sizeof(*to)) &&
		     !getsockname(s, (struct sockaddr *)to, &len),
	     "bind");
	return s;
}

static void send_to(int s, const struct sockaddr_in *to)
{
	need(sendto(s, "x", 1, 0, (const struct sockaddr *)to, sizeof(*to)) == 1, "sendto");
}

static void drop(unsigned long n)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to;

	close(bound_socket(&to)); /* so the port is free */
	for (unsigned long i = 0; i < n; i++)
		send_to(s, &to);
	printf("{\"pid\":%d,\"n\":%lu,\"port\":%d}\n", getpid(), n, ntohs(to.sin_port));
}

/* The CPU that this process may use and that interrupts use least: the last one. */
static int pin(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	sched_getaffinity(0, sizeof(set), &set);
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	return cpu;
}

/* How many NET_RX softirqs the kernel has counted on the CPU. */
static uint64_t net_rx(int cpu)
{
	FILE *f = fopen("/proc/softirqs", "re");
	char *line = NULL, *at;
	uint64_t n = 0;
	size_t size;

	need(!!f, "/proc/softirqs");
	while (getline(&line, &size, f) > 0) {
		at = strstr(line, "NET_RX:");
		if (!at)
			continue;
		at += strlen("NET_RX:");
		for (int i = 0; i <= cpu; i++)
			n = strtoull(at, &at, 10);
	}
	free(line);
	fclose(f);
	return n;
}

static void flood(unsigned long ms)
{
	struct sockaddr_in to;
	int cpu = pin(), s = bound_socket(&to);
	uint64_t begin, before, n = 0;

	prctl(PR_SET_NAME, "flood");
	sleep_ms(1); /* a task switch tells the name */
	before = net_rx(cpu);
	begin = now();
	while (now() - begin < ms * 1000000) {
		send_to(s, &to);
		n++;
	}
	printf("{\"pid\":%d,\"cpu\":%d,\"sent\":%" PRIu64 ",\"softirqs\":%" PRIu64
	       ",\"ns\":%" PRIu64 "}\n",
	       getpid(), cpu, n, net_rx(cpu) - before, now() - begin);
}

static uint64_t minor_faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

static void touch(unsigned long n)
{
	uint64_t before = minor_faults();
	char *pages =
		mmap(NULL, n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(pages != MAP_FAILED, "mmap");
	madvise(pages, n * 4096, MADV_NOHUGEPAGE);
	for (unsigned long i = 0; i < n; i++)
		pages[i * 4096] = 1;
	say("n", minor_faults() - before);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(unsigned long n);
	} cases[] = { { "nap", nap },	{ "pipe", read_pipe }, { "fail", fail },
		      { "drop", drop }, { "flood", flood },    { "touch", touch } };
	const char *name = argc > 2 ? argv[1] : "";

	if (argc == 4 && !strcmp(name, "disk")) {
		read_disk(argv[2], strtoul(argv[3], NULL, 10));
		return 0;
	}
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(name, cases[i].name))
			continue;
		cases[i].run(strtoul(argv[2], NULL, 10));
		return 0;
	}
	fputs("usage: known nap|pipe|fail|drop|flood|touch N, or known disk FILE N\n", stderr);
	return 2;
}
