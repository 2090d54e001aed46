// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * drift SECONDS: fills memory on CPU 0, and then writes to it from the last CPU, and after half of the time from any CPU.
 * NUMA balancing has something to do.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE (48ul << 20)

static int run_on(int first, int last)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void write_for(volatile char *memory, time_t seconds)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end)
		for (size_t i = 0; i < SIZE; i += 64)
			memory[i]++;
}

int main(int argc, char **argv)
{
	int last = sysconf(_SC_NPROCESSORS_ONLN) - 1, seconds = argc > 1 ? atoi(argv[1]) : 10;
	char *memory = malloc(SIZE);

	if (!memory || run_on(0, 0))
		return 1;
	memset(memory, 1, SIZE);
	if (run_on(last, last))
		return 1;
	write_for(memory, seconds / 2);
	if (run_on(0, last))
		return 1;
	write_for(memory, seconds / 2);
	return 0;
}
