// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hot MS [PAUSE_MS]: computes in hot_function until it has used this much CPU time, then prints its PID and
 * the CPU time in ms. With PAUSE_MS it then sleeps in wait_here for this long. Built with frame pointers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

/* Without the C library, whose functions have no frame pointers. */
__attribute__((noinline)) static long wait_here(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_nanosleep), "D"(&t), "S"(NULL)
			 : "rcx", "r11", "memory");
	return ret;
#else
	return nanosleep(&t, NULL);
#endif
}

int main(int argc, char **argv)
{
	uint64_t sum = outer_function(argc > 1 ? atoi(argv[1]) : 500);

	printf("%d %d\n", getpid(), (int)cpu_ms());
	fflush(stdout);
	if (argc > 2 && wait_here(atoi(argv[2])))
		return 1;
	return sum == 42;
}
