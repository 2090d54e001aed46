/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stacks.h"

/* Prints each address between before and after, and `between` two of them. */
static int print(FILE *out, struct nr_symbols *symbols, const struct nr_stack *stack,
		 const char *before, const char *after, const char *between)
{
	char text[512];

	for (unsigned i = 0; i < stack->n; i++) {
		int len = nr_stack_text(symbols, stack, i, text, sizeof(text));

		if (len < 0)
			return len;
		fprintf(out, "%s%s%s%s", i ? between : "", before, text, after);
	}
	return 0;
}

int stack_print(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
		const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };

	return nr_stack_of(types, ev, &stack) ? 0 : print(out, symbols, &stack, "\t", "\n", "");
}

int stack_json(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
	       const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };
	int err;

	if (nr_stack_of(types, ev, &stack))
		return 0;
	fputs(",\"symbols\":[", out);
	err = print(out, symbols, &stack, "\"", "\"", ",");
	fputc(']', out);
	return err;
}
