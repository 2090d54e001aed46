/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stacks that ids stand for, as a trace keeps them: lines of text (docs/format.md).
 *
 *	numaring stacks 1
 *	map NAME TYPE.FIELD...		whose stacks follow, and the fields with their ids
 *	ID FROM TO ADDRESS...		it was read between these times
 *
 * Addresses are hexadecimal, all other numbers decimal. The file is not trusted.
 */
#ifndef NR_NAMES_STACK_IDS_H
#define NR_NAMES_STACK_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NR_STACK_IDS_BEGIN "numaring stacks 1\n"

struct nr_stack_id {
	uint64_t from, to; /* CLOCK_MONOTONIC ns */
	uint32_t id;
	unsigned n;
	const uint64_t *addresses; /* [n] */
};

struct nr_stack_ids;

struct nr_stack_ids *nr_stack_ids_new(void); /* NULL: no memory */
void nr_stack_ids_free(struct nr_stack_ids *s);
/* Adds the lines of a file with this text, which ends with a 0 byte and which it changes. A last line
 * without an end was not written completely and is left out. 0; -ENOMEM; -EBADMSG: *line has another
 * form, and what is before it is used. */
int nr_stack_ids_add(struct nr_stack_ids *s, char *text, size_t size, unsigned *line);
/* Has this field of this event type stack ids? */
bool nr_stack_ids_are_in(const struct nr_stack_ids *s, uint16_t type, const char *field);
/* NULL: unknown. */
const struct nr_stack_id *nr_stack_ids_find(struct nr_stack_ids *s, uint16_t type,
					    const char *field, uint32_t id);

#endif
