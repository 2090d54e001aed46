/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stacks.h"

/* Prints each address between before and after, and `between` two of them. */
static int print(FILE *out, struct nr_symbols *symbols, const struct nr_stack *stack,
		 unsigned first, const char *before, const char *after, const char *between)
{
	char text[512];

	for (unsigned i = first; i < stack->n; i++) {
		int len = nr_stack_text(symbols, stack, i, text, sizeof(text));

		if (len < 0)
			return len;
		fprintf(out, "%s%s%s%s", i > first ? between : "", before, text, after);
	}
	return 0;
}

int stack_print(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
		const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };

	if (nr_stack_of(types, ev, &stack))
		return 0;
	return print(out, symbols, &stack, nr_stack_begin(symbols, &stack), "\t", "\n", "");
}

int stack_json(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
	       const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };
	int err;

	if (nr_stack_of(types, ev, &stack))
		return 0;
	fputs(",\"symbols\":[", out);
	err = print(out, symbols, &stack, 0, "\"", "\"", ",");
	fputc(']', out);
	return err;
}
