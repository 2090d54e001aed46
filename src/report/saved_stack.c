// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "saved_stack.h"

#include <string.h>
#include "memory.h"
#include "text.h"

#define KERNEL_FUNCTIONS 4
#define USER_FUNCTIONS	 6
#define INDENT		 17

static size_t size_of(unsigned n)
{
	return sizeof(struct saved_stack) + n * sizeof(uint64_t);
}

void saved_stack_take(struct saved_stack **to, const struct nr_types *types,
		      const struct nr_event *ev)
{
	struct nr_stack stack = { .sz = sizeof(stack) };
	struct saved_stack *s = *to;

	if (nr_stack_of(types, ev, &stack))
		return;
	if (!s || s->room < stack.n) {
		free(s);
		s = *to = memory_new(1, size_of(stack.n));
		s->room = stack.n;
	}
	s->ts = ev->ts;
	s->pid = stack.pid;
	s->n = stack.n;
	s->n_kernel = stack.n_kernel;
	memcpy(s->addresses, stack.addresses, s->n * sizeof(*s->addresses));
}

struct saved_stack *saved_stack_copy(const struct saved_stack *s)
{
	struct saved_stack *copy;

	if (!s)
		return NULL;
	copy = memory_new(1, size_of(s->n));
	memcpy(copy, s, size_of(s->n));
	copy->room = s->n;
	return copy;
}

struct nr_stack saved_stack_of(const struct saved_stack *s)
{
	return (struct nr_stack){
		.sz = sizeof(struct nr_stack),
		.pid = s->pid,
		.n = s->n,
		.n_kernel = s->n_kernel,
		.ts = s->ts,
		.addresses = s->addresses,
	};
}

static void name(const struct saved_stack *s, struct nr_symbols *symbols, unsigned i, char *buf,
		 size_t size)
{
	const struct nr_stack stack = saved_stack_of(s);

	if (nr_stack_text(symbols, &stack, i, buf, size) < 0)
		snprintf(buf, size, "?");
	if (i < s->n_kernel) /* a place within a function of the kernel helps few */
		buf[strcspn(buf, "+")] = 0;
}

static bool is_scheduling(const char *function)
{
	static const char *const prefixes[] = { "__schedule", "schedule", "io_schedule",
						"try_to_wake_up", "wake_up_q" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(function, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* The first function outside of the tracepoint's and the scheduler's own. */
static unsigned first(const struct saved_stack *s, struct nr_symbols *symbols)
{
	const struct nr_stack stack = saved_stack_of(s);
	unsigned from = nr_stack_begin(symbols, &stack);
	char text[256];

	for (; from < s->n_kernel; from++) {
		name(s, symbols, from, text, sizeof(text));
		if (!is_scheduling(text))
			break;
	}
	return from;
}

static void print_some(FILE *out, const struct saved_stack *s, struct nr_symbols *symbols,
		       unsigned from, unsigned to, const char *before)
{
	char text[256];

	for (unsigned i = from; i < to; i++) {
		name(s, symbols, i, text, sizeof(text));
		if (!strncmp(text, "0x", 2)) /* of no file: no return address */
			continue;
		fprintf(out, "%s%s", before, text);
		before = " < ";
	}
}

static void print_functions(FILE *out, const struct saved_stack *s, struct nr_symbols *symbols)
{
	unsigned from = first(s, symbols);
	unsigned kernel =
		s->n_kernel - from < KERNEL_FUNCTIONS ? s->n_kernel : from + KERNEL_FUNCTIONS;
	unsigned user = s->n - s->n_kernel < USER_FUNCTIONS ? s->n : s->n_kernel + USER_FUNCTIONS;

	print_some(out, s, symbols, from, kernel, " ");
	print_some(out, s, symbols, s->n_kernel, user, kernel > from ? " < " : " ");
}

void saved_stack_print(FILE *out, const char *what, const struct saved_stack *s,
		       struct nr_symbols *symbols)
{
	char *text;
	FILE *line;

	if (!s || !symbols)
		return;
	line = text_open(&text);
	fputs(what, line);
	print_functions(line, s, symbols);
	fclose(line);
	fprintf(out, "%*s", INDENT, "");
	print_wrapped(out, memory_check(text), INDENT, INDENT + 2);
	free(text);
}

json_t *saved_stack_json(const struct saved_stack *s, struct nr_symbols *symbols)
{
	json_t *list = json_array();
	char text[256];

	for (unsigned i = s ? first(s, symbols) : 0; s && i < s->n; i++) {
		name(s, symbols, i, text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}
