// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hot MS [PAUSE_MS]: computes in hot_function until it has used this much CPU time, then prints its PID and
 * the CPU time in ms. With PAUSE_MS it lives on for this long. Built with frame pointers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

__attribute__((noinline)) static uint64_t hot_function(uint64_t seed)
{
	for (int i = 0; i < 2000000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		__asm__ volatile("" : "+r"(seed));
	}
	return seed;
}

__attribute__((noinline)) static uint64_t outer_function(uint64_t ms)
{
	uint64_t sum = 0;

	while (cpu_ms() < ms)
		sum += hot_function(sum);
	return sum;
}

int main(int argc, char **argv)
{
	uint64_t sum = outer_function(argc > 1 ? atoi(argv[1]) : 500);

	printf("%d %d\n", getpid(), (int)cpu_ms());
	fflush(stdout);
	if (argc > 2)
		usleep(atoi(argv[2]) * 1000);
	return sum == 42;
}
