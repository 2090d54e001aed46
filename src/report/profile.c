// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Report "profile": in which functions, tasks and stacks CPUs spend their time, by samples. */
#include <inttypes.h>
#include <string.h>
#include "memory.h"
#include "report.h"
#include "rows.h"
#include "saved_stack.h"
#include "text.h"

#define NAME_CHARS   96
#define STACK_INDENT 11
#define PLACES_MAX   32768 /* before they are counted by names; less than ROWS_MAX */
#define OTHERS	     "(others)"

/* Samples with the same addresses in the same process. */
struct place_row {
	struct place_key {
		char comm[FEED_COMM];
		uint64_t hash; /* of the addresses and the process */
	} key;
	uint64_t n;
	struct saved_stack *stack;
};

/* Samples of a function, or of all threads of one name. */
struct name_row {
	char name[NAME_CHARS]; /* the key */
	uint64_t n;
};

/* Samples with the same functions on the stack. */
struct stack_row {
	struct stack_key {
		uint64_t hash; /* of the text */
	} key;
	uint64_t n;
	char *folded; /* "comm;outermost;...;innermost" */
};

struct profile {
	const struct report_env *env;
	struct rows places, functions, tasks, stacks;
	uint64_t n, in_kernel;
	struct saved_stack *current;
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	for (const uint8_t *p = data; size--; p++)
		hash = (hash ^ *p) * 0x100000001b3ull; /* FNV-1a */
	return hash;
}

#define HASH_BEGIN 0xcbf29ce484222325ull

/* ---- names ---- */

/* "vfs_read", "main (prog)", "prog" of a file without symbols, or "?". Semicolons separate functions. */
static void name_of(const struct profile *p, const struct saved_stack *s, unsigned i, char *buf)
{
	const struct nr_stack stack = saved_stack_of(s);
	char text[NAME_CHARS], *offset;

	memset(buf, 0, NAME_CHARS);
	memset(text, 0, sizeof(text));
	if (nr_stack_text(p->env->symbols, &stack, i, text, sizeof(text)) < 0 ||
	    !strncmp(text, "0x", 2)) {
		*buf = '?';
		return;
	}
	memcpy(buf, text, NAME_CHARS);
	offset = strstr(buf, "+0x");
	if (offset) {
		char *rest = offset + strcspn(offset, " ");

		memmove(offset, rest, buf + NAME_CHARS - rest);
		memset(buf + strlen(buf), 0, NAME_CHARS - strlen(buf));
	}
	for (char *c = buf; *c; c++)
		if (*c == ';')
			*c = ':';
}

/* Data that was taken for addresses, because there was no frame pointer, has no name. */
static char *fold(const struct profile *p, const struct place_row *place)
{
	char name[NAME_CHARS], *text;
	FILE *out = text_open(&text);

	fputs(safe_text(place->key.comm).s, out);
	for (unsigned i = place->stack->n; i-- > 0;) {
		name_of(p, place->stack, i, name);
		if (!i || strcmp(name, "?"))
			fprintf(out, ";%s", name);
	}
	fclose(out);
	return memory_check(text);
}

static void add_name(struct rows *rows, const char *name, uint64_t n)
{
	((struct name_row *)rows_get(rows, name))->n += n;
}

static const char *name_text_of(const struct rows *rows, const struct name_row *row)
{
	return row == rows->shared ? OTHERS : row->name;
}

static void add_place(struct profile *p, const struct place_row *place)
{
	char name[NAME_CHARS] = "?";
	struct stack_row *row;
	struct stack_key key;
	char *folded = fold(p, place);

	key.hash = hash_bytes(HASH_BEGIN, folded, strlen(folded));
	row = rows_get(&p->stacks, &key);
	row->n += place->n;
	if (!row->folded)
		row->folded = memory_check(strdup(row == p->stacks.shared ? OTHERS : folded));
	free(folded);
	if (place->stack->n)
		name_of(p, place->stack, 0, name);
	add_name(&p->functions, name, place->n);
	memset(name, 0, sizeof(name));
	snprintf(name, sizeof(name), "%s", safe_text(place->key.comm).s);
	add_name(&p->tasks, name, place->n);
}

static void clear_place(void *row)
{
	free(((struct place_row *)row)->stack);
}

/* Counts by names what was counted by addresses, and begins anew. */
static void name_places(struct profile *p)
{
	for (unsigned i = 0; i < p->places.n; i++)
		add_place(p, p->places.list[i]);
	rows_close(&p->places, clear_place);
	p->places = (struct rows){ .size = sizeof(struct place_row),
				   .key_size = sizeof(struct place_key) };
}

/* ---- events ---- */

enum { PID, TID, COMM };

static void on_sample(void *state, const struct feed_event *e)
{
	struct profile *p = state;
	struct place_key key = { .hash = HASH_BEGIN };
	struct place_row *row;

	feed_text(e, COMM, key.comm, sizeof(key.comm));
	if (!e->passes || !report_wants(p->env, feed_int(e, PID), key.comm))
		return;
	saved_stack_take(&p->current, p->env->types, e->ev);
	if (!p->current)
		return;
	key.hash = hash_bytes(key.hash, &p->current->pid, sizeof(p->current->pid));
	key.hash = hash_bytes(key.hash, p->current->addresses,
			      p->current->n * sizeof(*p->current->addresses));
	row = rows_get(&p->places, &key);
	if (!row->stack)
		row->stack = saved_stack_copy(p->current);
	row->n++;
	if (p->places.n == PLACES_MAX)
		name_places(p);
	p->n++;
	p->in_kernel += p->current->n_kernel > 0;
}

static void *profile_open(const struct report_env *env, struct pairs *pairs)
{
	struct profile *p = memory_new(1, sizeof(*p));

	(void)pairs;
	p->env = env;
	name_places(p); /* there are none yet */
	p->functions = p->tasks =
		(struct rows){ .size = sizeof(struct name_row), .key_size = NAME_CHARS };
	p->stacks = (struct rows){ .size = sizeof(struct stack_row),
				   .key_size = sizeof(struct stack_key) };
	return p;
}

static void clear_stack(void *row)
{
	free(((struct stack_row *)row)->folded);
}

static void profile_close(void *state)
{
	struct profile *p = state;

	rows_close(&p->places, clear_place);
	rows_close(&p->functions, NULL);
	rows_close(&p->tasks, NULL);
	rows_close(&p->stacks, clear_stack);
	free(p->current);
	free(p);
}

static uint64_t name_rank(const void *row)
{
	return ((const struct name_row *)row)->n;
}

static uint64_t stack_rank(const void *row)
{
	return ((const struct stack_row *)row)->n;
}

static void profile_end(void *state, uint64_t end)
{
	struct profile *p = state;

	(void)end;
	name_places(p);
	rows_sort(&p->functions, name_rank);
	rows_sort(&p->tasks, name_rank);
	rows_sort(&p->stacks, stack_rank);
}

/* ---- text ---- */

static double share(const struct profile *p, uint64_t n)
{
	return p->n ? 100.0 * n / p->n : 0;
}

static void verdict(const void *state, FILE *out)
{
	const struct profile *p = state;
	const struct name_row *function = p->functions.n ? p->functions.list[0] : NULL;
	const struct name_row *task = p->tasks.n ? p->tasks.list[0] : NULL;

	if (!function) {
		fputs("profile: no samples: the CPUs were idle, or nothing matches.", out);
		return;
	}
	fprintf(out,
		"profile: %.1f %% of %s are in %s. %s took %.1f %%; %.1f %% are in the kernel.",
		share(p, function->n), counted_text(p->n, "sample").s,
		name_text_of(&p->functions, function), name_text_of(&p->tasks, task),
		share(p, task->n), share(p, p->in_kernel));
}

static void print_names(const struct profile *p, FILE *out, const struct rows *rows,
			const char *what)
{
	fprintf(out, "\n%8s %9s  %s\n", "SHARE", "SAMPLES", what);
	for (unsigned i = 0; i < rows->n && i < p->env->worst; i++) {
		const struct name_row *row = rows->list[i];

		fprintf(out, "%6.1f %% %9" PRIu64 "  %s\n", share(p, row->n), row->n,
			name_text_of(rows, row));
	}
	print_more(out, rows->n, p->env->worst);
}

/* From the inside out, as the other reports print stacks. */
static void print_stack(const struct profile *p, FILE *out, const struct stack_row *row)
{
	char *copy = memory_check(strdup(row->folded)), *text, *semicolon;
	FILE *line = text_open(&text);

	while ((semicolon = strrchr(copy, ';'))) {
		fprintf(line, "%s%s", semicolon + 1, strchr(copy, ';') == semicolon ? "" : " < ");
		*semicolon = 0;
	}
	fclose(line);
	fprintf(out, "%6.1f %%   %s: ", share(p, row->n), copy);
	print_wrapped(out, memory_check(text), STACK_INDENT + strlen(copy) + 2, STACK_INDENT + 2);
	free(text);
	free(copy);
}

static void print_stacks(const struct profile *p, FILE *out)
{
	fprintf(out, "\n%8s   %s\n", "SHARE", "STACK");
	for (unsigned i = 0; i < p->stacks.n && i < p->env->worst; i++)
		print_stack(p, out, p->stacks.list[i]);
	print_more(out, p->stacks.n, p->env->worst);
}

static void profile_print(void *state, FILE *out)
{
	struct profile *p = state;

	print_paragraph(out, verdict, p);
	if (!p->n)
		return;
	print_names(p, out, &p->functions, "FUNCTION");
	print_names(p, out, &p->tasks, "TASK");
	print_stacks(p, out);
}

/* ---- JSON ---- */

static json_t *json_names(const struct rows *rows)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rows->n; i++) {
		const struct name_row *row = rows->list[i];

		json_array_append_new(list, json_pack("{s:s, s:I}", "name", name_text_of(rows, row),
						      "n", (json_int_t)row->n));
	}
	return list;
}

static json_t *json_stacks(const struct profile *p)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < p->stacks.n; i++) {
		const struct stack_row *row = p->stacks.list[i];

		json_array_append_new(list, json_pack("{s:s, s:I}", "folded", row->folded, "n",
						      (json_int_t)row->n));
	}
	return list;
}

static json_t *profile_json(void *state)
{
	struct profile *p = state;

	return json_pack("{s:s, s:o, s:I, s:I, s:o, s:o, s:o}", "report", "profile", "verdict",
			 text_json(verdict, p), "samples", (json_int_t)p->n, "in_kernel",
			 (json_int_t)p->in_kernel, "functions", json_names(&p->functions), "tasks",
			 json_names(&p->tasks), "stacks", json_stacks(p));
}

static const struct feed_type events[] = {
	{ "sample", "sample", { "pid", "tid", "comm" }, on_sample },
	{},
};

const struct report report_profile = {
	.name = "profile",
	.about = "which functions and stacks take the CPUs' time",
	.sources = "sample",
	.events = events,
	.pair_size = sizeof(struct pair),
	.open = profile_open,
	.close = profile_close,
	.end = profile_end,
	.print = profile_print,
	.json = profile_json,
};
