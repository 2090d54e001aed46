/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program with a function and a USDT probe, for cases/probes: runs each N times with known arguments. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sdt.h>

__attribute__((noinline)) long add(unsigned char a, int b, const char *text, unsigned long long c)
{
	asm volatile("" : : "r"(text) : "memory"); /* so that no argument is left out */
	return a + b + (long)c;
}

int main(int argc, char **argv)
{
	static const char text[] = "the text of a caller";
	int n = argc > 1 ? atoi(argv[1]) : 1;
	long sum = 0;

	puts(text); /* a program cannot read text that is not in memory */
	for (int i = 0; i < n; i++) {
		short negative = -3 - i;
		unsigned long large = 0xfedcba9876543210ul + i;

		sum += add(200 + i, -1000 - i, text, 1ull << 40);
		DTRACE_PROBE4(numaring, step, i, negative, large, argv[0]);
	}
	printf("%ld\n", sum);
	return 0;
}
