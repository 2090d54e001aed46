// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The addresses of stacks as text. */
#include <numaring/symbols.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_safe(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 127)
			*text = '?';
}

static char *describe(const struct nr_symbol *symbol)
{
	const char *open = symbol->kernel ? " [" : " (", *close = symbol->kernel ? "]" : ")";
	const char *module = symbol->module ?: "";
	char *text = NULL;
	int n;

	if (!symbol->name)
		n = asprintf(&text, "%s+0x%" PRIx64, module, symbol->offset);
	else
		n = asprintf(&text, "%s+0x%" PRIx64 "%s%s%s", symbol->name, symbol->offset,
			     *module ? open : "", module, *module ? close : "");
	return n < 0 ? NULL : text;
}

/* Below the innermost address of each part are addresses to which calls return. They may belong to the
 * next function already, if the function that was called never returns. */
static bool is_return(const struct nr_stack *stack, unsigned i)
{
	return i && i != stack->n_kernel;
}

int nr_stack_text(struct nr_symbols *s, const struct nr_stack *stack, unsigned i, char *buf,
		  size_t size)
{
	struct nr_symbol symbol = { .sz = sizeof(symbol) };
	uint64_t address = i < stack->n ? stack->addresses[i] : 0;
	bool back = address && is_return(stack, i);
	bool strayed = i >= stack->n_kernel && address >> 63; /* no frame pointer, but data */
	int ret = strayed ? -ENOENT
			  : nr_symbols_find(s, stack->pid, stack->ts, address - back, &symbol);
	char *text;

	if (ret == -ENOENT)
		return snprintf(buf, size, "0x%" PRIx64, address);
	if (ret)
		return ret;
	symbol.offset += back;
	text = describe(&symbol);
	if (!text)
		return -ENOMEM;
	make_safe(text);
	ret = snprintf(buf, size, "%s", text);
	free(text);
	return ret;
}

/* A function between the tracepoint and the program that records the stack? */
static bool is_of_tracepoint(const char *name)
{
	static const char *const begin[] = { "bpf_prog_", "bpf_trace_run", "__bpf_trace_",
					     "__traceiter_", "bpf_trampoline_" };

	for (unsigned i = 0; i < sizeof(begin) / sizeof(*begin); i++)
		if (!strncmp(name, begin[i], strlen(begin[i])))
			return true;
	return false;
}

unsigned nr_stack_begin(struct nr_symbols *s, const struct nr_stack *stack)
{
	char text[512];
	unsigned i = 0;

	while (i < stack->n_kernel && nr_stack_text(s, stack, i, text, sizeof(text)) > 0 &&
	       is_of_tracepoint(text))
		i++;
	return i;
}
