/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stacks as interned data: each function's frame once, each stack once. */
#ifndef NR_EXPORT_PF_STACKS_H
#define NR_EXPORT_PF_STACKS_H

#include <numaring/symbols.h>
#include "pf_out.h"

struct pf_stacks {
	struct nr_symbols *symbols;
	unsigned round; /* of what is known here */
	struct pf_known *frames, *stacks;
	struct pf_known *files;
};

void pf_stacks_close(struct pf_stacks *s);
/* The number of a stack, 0: it is empty. */
uint64_t pf_stacks_get(struct pf_stacks *s, struct pf_out *o, const struct nr_stack *stack);

#endif
