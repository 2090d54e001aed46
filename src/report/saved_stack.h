/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks that outlive their events (source "sched:stacks"). */
#ifndef NR_REPORT_SAVED_STACK_H
#define NR_REPORT_SAVED_STACK_H

#include <jansson.h>
#include <stdio.h>
#include <numaring/symbols.h>

struct saved_stack {
	uint64_t ts;
	uint32_t pid;
	unsigned n, n_kernel, room;
	uint64_t addresses[]; /* [n], from the inside out */
};

/* Saves the stack of an event in *to, which it allocates if it is NULL or has no room for it. */
void saved_stack_take(struct saved_stack **to, const struct nr_types *types,
		      const struct nr_event *ev);
/* A copy; NULL: s is NULL. */
struct saved_stack *saved_stack_copy(const struct saved_stack *s);

/* As nr_stack_text takes it; valid as long as s. */
struct nr_stack saved_stack_of(const struct saved_stack *s);

/* "asleep in futex_wait < do_futex < __lll_lock_wait (libc.so.6)", in indented lines: without the
 * functions of the tracepoint and the scheduler, at most 4 of the kernel and 6 of the process. Nothing
 * if there is no stack, or symbols is NULL. */
void saved_stack_print(FILE *out, const char *what, const struct saved_stack *s,
		       struct nr_symbols *symbols);
/* Every function, as a list. */
json_t *saved_stack_json(const struct saved_stack *s, struct nr_symbols *symbols);

#endif
