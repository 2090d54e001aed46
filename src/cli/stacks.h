/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Prints the stacks of events with the names of their addresses. */
#ifndef NR_STACKS_H
#define NR_STACKS_H

#include <stdio.h>
#include <numaring/symbols.h>

/* An indented line for each address of the event's stack, from the inside out, without those of the
 * program that recorded it; nothing if it has none.
 * 0 or -ENOMEM. */
int stack_print(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
		const struct nr_event *ev);
/* All of them as a member of a JSON object: ,"symbols":["..."]. */
int stack_json(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
	       const struct nr_event *ev);

#endif
