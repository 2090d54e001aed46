/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system calls of this machine's architecture, from libseccomp. */
#ifndef NR_KERNEL_CALLS_H
#define NR_KERNEL_CALLS_H

#include "object.h"

#define NR_CALLS 1024 /* numbers from 0; bpf/syscalls.bpf.c has the same */

/* The name of a call, to be freed; NULL: there is none, or no memory. */
char *nr_call_name(int nr);

/* Limits the source syscalls to a list of calls, names or numbers: "read,write,61". NULL: it records all
 * calls. */
int nr_calls_prepare(struct nr_object *o, const char *args, const struct nr_logger *log);

/* The tests of the events of the source syscalls, NR_FILTER_TESTS each, as bpf/syscalls.bpf.c numbers
 * them: does the entry of a call decide whether its exit passes? */
bool nr_calls_entry_decides(const struct nr_test *tests);

#endif
