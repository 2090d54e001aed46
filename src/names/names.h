/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What gives the addresses in a recording's stacks names: the kernel's symbols, and the mappings of the
 * processes. One thread notes processes; those of outputs copy to their traces what is new to them.
 */
#ifndef NR_NAMES_NAMES_H
#define NR_NAMES_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/log.h"

struct nr_names;

/* Reads the kernel's symbols. Errors are logged. */
int nr_names_new(struct nr_names **out, const struct nr_logger *log);
void nr_names_free(struct nr_names *n); /* takes NULL */

/* The kernel's symbols as a trace keeps them (kallsyms.h); NULL: the kernel hides them. */
const void *nr_names_kernel(const struct nr_names *n, size_t *size);

/* Reads the mappings of a process that was seen at ts, CLOCK_MONOTONIC ns. again: it was seen with the
 * same address space before. A process that has exited is only counted. -ENOMEM. */
int nr_names_visit(struct nr_names *n, uint32_t pid, uint64_t ts, bool again);
/* Before the first visit: of processes that exited a while ago, keeps the latest, so that all is at most
 * so many bytes. Otherwise none of them. */
void nr_names_keep(struct nr_names *n, size_t bytes);
/* Forgets processes that exited a while ago, so that a long recording does not fill the memory. */
void nr_names_tidy(struct nr_names *n, uint64_t now);
/* Processes that had exited before their mappings were read. */
uint64_t nr_names_missed(struct nr_names *n);

/* What was noted since *since (0: all that is not forgotten) as lines of a file (mappings.h), which
 * the caller frees, and *since for the next call. old: also of processes that exited a while ago. *text
 * NULL: nothing. -ENOMEM. Any thread. */
int nr_names_copy(struct nr_names *n, uint64_t *since, bool old, char **text, size_t *size);

/*
 * The stacks of ids, as lines of a file (stack_ids.h). read adds those that are new, with
 * nr_names_add_stacks; any thread may call it. 0 or a negative errno, which it has logged.
 */
void nr_names_set_stacks(struct nr_names *n, int (*read)(void *ctx, struct nr_names *n), void *ctx);
bool nr_names_have_stacks(const struct nr_names *n);
int nr_names_read_stacks(struct nr_names *n);
int nr_names_add_stacks(struct nr_names *n, const char *text, size_t size); /* -ENOMEM */
/* What was added since *since, as nr_names_copy. */
int nr_names_copy_stacks(struct nr_names *n, uint64_t *since, char **text, size_t *size);

#endif
