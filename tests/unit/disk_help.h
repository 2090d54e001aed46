/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A full, slow or interrupted disk: replaces pwrite and pwritev. Link with -Wl,--wrap for
 * both. */
#ifndef NR_TESTS_DISK_HELP_H
#define NR_TESTS_DISK_HELP_H

#include <stddef.h>
#include <sys/types.h>

extern struct disk {
	off_t limit;	     /* size limit of the file; 0: none */
	int err;	     /* error at the limit; 0: ENOSPC */
	size_t most;	     /* bytes that one call writes; 0: all */
	unsigned interrupts; /* number of the next calls */
	size_t refused;	     /* calls with this many bytes fail; 0: none */
} disk;

#endif
