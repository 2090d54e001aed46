/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which fields of events are stacks (symbols.h), and where the stacks of ids come from. */
#ifndef NR_NAMES_STACK_FIELDS_H
#define NR_NAMES_STACK_FIELDS_H

#include <numaring/symbols.h>
#include "stack_ids.h"

bool nr_is_stack_id(const struct nr_field_info *f);
/* Has an event type a field that is a stack? */
bool nr_have_stacks(const struct nr_types *types);

/* The fields of both kinds of each event type, as far as they were needed. */
struct nr_stack_fields {
	const struct nr_types *types;
	struct nr_stack_fields_of {
		bool known;
		unsigned n;
		struct nr_field_info *list;
	} * of; /* [n], by type */
	size_t n;
};

void nr_stack_fields_clear(struct nr_stack_fields *f);

/* symbols.c */
struct nr_stack_fields *nr_symbols_fields(struct nr_symbols *s);
/* 1: a field has stack ids; 0; -ENOMEM. */
int nr_symbols_has_ids(struct nr_symbols *s, uint16_t type, const char *field);
/* *out NULL: unknown. -ENOMEM. Call it only if nr_symbols_has_ids says 1. */
int nr_symbols_find_id(struct nr_symbols *s, uint16_t type, const char *field, uint32_t id,
		       const struct nr_stack_id **out);

#endif
