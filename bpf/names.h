/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Enums whose values are known only when a recording starts. A built-in source declares fields of
 * these types, and src/kernel/enums.c names their values. The values here do not matter; a compiler
 * insists on one.
 */
#ifndef NR_NAMES_H
#define NR_NAMES_H

/* The system calls of this architecture. NONE is -1. */
enum syscall_nr {
	NR_NO_SYSCALL = -1,
};

/* Error numbers, positive. OK is 0. */
enum error_nr {
	NR_NO_ERROR,
};

#endif
