/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A disk that is full, slow or interrupted: stands in for pwrite, link with -Wl,--wrap=pwrite. */
#ifndef NR_TESTS_DISK_HELP_H
#define NR_TESTS_DISK_HELP_H

#include <stddef.h>
#include <sys/types.h>

extern struct disk {
	off_t limit;	     /* the file cannot grow past it, 0: no limit */
	int err;	     /* what it says then, 0: ENOSPC */
	size_t most;	     /* bytes taken by one call, 0: all */
	unsigned interrupts; /* of the next calls */
	size_t refused;	     /* calls with so many bytes fail, 0: none */
} disk;

#endif
