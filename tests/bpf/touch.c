// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * touch PAGES: maps pages, prints "PID ADDRESS", waits for a line on stdin, and then writes to each
 * page for the first time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE), pages = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	char *p = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	char line[8];

	if (!pages || p == MAP_FAILED || madvise(p, pages * page, MADV_NOHUGEPAGE))
		return 1;
	printf("%d %zu\n", getpid(), (size_t)p);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (size_t i = 0; i < pages; i++)
		((volatile char *)p)[i * page] = 1;
	return 0;
}
