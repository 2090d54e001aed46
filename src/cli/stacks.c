/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stacks.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

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

/* ---- text ---- */

static void print_error(FILE *out, const struct nr_stack *stack)
{
	if (stack->error == -ENODATA)
		fprintf(out, "\tunknown: the trace does not have stack %" PRId64 "\n", stack->id);
	else if (stack->error == -ESTALE)
		fprintf(out, "\tunknown: stack %" PRId64 " was being read\n", stack->id);
	else if (stack->error == -EEXIST)
		fputs("\tnone: another stack was at its place in the map\n", out);
	else if (stack->error == -EFAULT)
		fputs("\tnone: the task had no such stack\n", out);
	else
		fprintf(out, "\tnone: %s\n", strerror(-stack->error));
}

int stack_print(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
		const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) }, second = stack;
	bool several = !nr_event_stack(symbols, types, ev, 1, &second);
	int err = 0, ret = 0;

	for (unsigned i = 0; !err && !(ret = nr_event_stack(symbols, types, ev, i, &stack)); i++) {
		if (several)
			fprintf(out, "\t%s:\n", stack.field);
		if (stack.error)
			print_error(out, &stack);
		err = print(out, symbols, &stack, nr_stack_begin(symbols, &stack), "\t", "\n", "");
	}
	return err ?: ret == -ENOENT ? 0 : ret;
}

/* ---- JSON ---- */

/* "symbols" of "stack" and "stack_id", "user_symbols" of "user_stack" and "user_stack_id". */
static void print_key(FILE *out, const char *field)
{
	size_t len = strlen(field), id = strlen("_id");

	if (len > id && !strcmp(field + len - id, "_id"))
		len -= id;
	fprintf(out, ",\"%.*ssymbols\":", (int)(len - strlen("stack")), field);
}

int stack_json(FILE *out, struct nr_symbols *symbols, const struct nr_types *types,
	       const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };
	int err = 0, ret = 0;

	for (unsigned i = 0; !err && !(ret = nr_event_stack(symbols, types, ev, i, &stack)); i++) {
		print_key(out, stack.field);
		if (stack.error) {
			fputs("null", out);
			continue;
		}
		fputc('[', out);
		err = print(out, symbols, &stack, 0, "\"", "\"", ",");
		fputc(']', out);
	}
	return err ?: ret == -ENOENT ? 0 : ret;
}
