/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steps of a recorder: calls that change the file system. Linked with --wrap (trace.cmake). After
 * each, the test can look at what a recorder would leave that is killed now, or kill it.
 */
#ifndef NR_TESTS_STEP_HELP_H
#define NR_TESTS_STEP_HELP_H

#include <stdbool.h>

extern struct steps {
	void (*after)(void); /* NULL: nothing; not called within itself */
	unsigned n;	     /* so far */
	unsigned kill_after; /* this process is killed after so many; 0: never */
	bool no_links;	     /* the file system has no hard links */
	unsigned full_in;    /* once, after so many writes, the disk is full; 0: never */
	const char *stuck;   /* a file of this name cannot be removed */
} steps;

#endif
