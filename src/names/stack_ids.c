// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stack_ids.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The stacks of one map. */
struct map {
	char *fields; /* " TYPE.FIELD TYPE.FIELD " */
	struct nr_stack_id *list;
	size_t n, cap;
	bool sorted;
};

struct nr_stack_ids {
	struct map *maps;
	size_t n;
};

struct nr_stack_ids *nr_stack_ids_new(void)
{
	return calloc(1, sizeof(struct nr_stack_ids));
}

void nr_stack_ids_free(struct nr_stack_ids *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->maps[i].n; k++)
			free((void *)s->maps[i].list[k].addresses);
		free(s->maps[i].list);
		free(s->maps[i].fields);
	}
	free(s->maps);
	free(s);
}

/* ---- reading ---- */

/* The same map comes again in the file of each chunk, and whenever it has new stacks. */
static int begin_map(struct nr_stack_ids *s, const char *text, size_t *current)
{
	const char *fields = strchr(text, ' ');
	struct map *grown;
	char *copy;

	if (!fields || fields == text || asprintf(&copy, "%s ", fields) < 0)
		return fields && fields != text ? -ENOMEM : -EBADMSG;
	for (*current = 0; *current < s->n; ++*current)
		if (!strcmp(s->maps[*current].fields, copy)) {
			free(copy);
			return 0;
		}
	grown = realloc(s->maps, (s->n + 1) * sizeof(*grown));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	s->maps = grown;
	s->maps[s->n++] = (struct map){ .fields = copy };
	return 0;
}

/* A number and what separates it from the next. */
static bool read_number(char **text, int base, uint64_t *value)
{
	char *after;

	if (!isxdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &after, base);
	if (errno || (*after && *after != ' ') || (*after && !after[1]))
		return false;
	*text = after + (*after == ' ');
	return true;
}

static unsigned count_words(const char *text)
{
	unsigned n = *text ? 1 : 0;

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

static int read_addresses(struct nr_stack_id *stack, char *text)
{
	uint64_t *list = calloc(count_words(text) + 1, sizeof(*list));

	stack->addresses = list;
	if (!list)
		return -ENOMEM;
	while (*text)
		if (!read_number(&text, 16, &list[stack->n++]))
			return -EBADMSG;
	return 0;
}

static int push(struct map *m, const struct nr_stack_id *stack)
{
	size_t cap = m->cap ? 2 * m->cap : 64;
	struct nr_stack_id *grown = m->list;

	if (m->n == m->cap) {
		grown = realloc(m->list, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->cap = cap;
	}
	m->list = grown;
	m->list[m->n++] = *stack;
	m->sorted = false;
	return 0;
}

static int add_stack(struct map *m, char *text)
{
	struct nr_stack_id stack = {};
	uint64_t id;
	int err;

	if (!read_number(&text, 10, &id) || id > INT32_MAX ||
	    !read_number(&text, 10, &stack.from) || !read_number(&text, 10, &stack.to))
		return -EBADMSG;
	stack.id = id;
	err = read_addresses(&stack, text) ?: push(m, &stack);
	if (err)
		free((void *)stack.addresses);
	return err;
}

static int add_line(struct nr_stack_ids *s, char *text, size_t *current)
{
	if (!strncmp(text, "map ", 4))
		return begin_map(s, text + 4, current);
	return *current < s->n ? add_stack(&s->maps[*current], text) : -EBADMSG;
}

int nr_stack_ids_add(struct nr_stack_ids *s, char *text, size_t size, unsigned *line)
{
	size_t current = SIZE_MAX, begin = strlen(NR_STACK_IDS_BEGIN);
	char *end = text + size, *p = text + begin, *next;
	int err = 0;

	*line = 1;
	if (size < begin || memcmp(text, NR_STACK_IDS_BEGIN, begin))
		return -EBADMSG;
	for (; !err; p = next) {
		next = memchr(p, '\n', end - p);
		if (!next)
			break;
		*next++ = 0;
		++*line;
		err = strlen(p) == (size_t)(next - 1 - p) ? add_line(s, p, &current) : -EBADMSG;
	}
	return err;
}

/* ---- finding ---- */

static struct map *map_of(const struct nr_stack_ids *s, uint16_t type, const char *field)
{
	char word[256];

	snprintf(word, sizeof(word), " %u.%s ", type, field);
	for (size_t i = 0; i < s->n; i++)
		if (strstr(s->maps[i].fields, word))
			return &s->maps[i];
	return NULL;
}

bool nr_stack_ids_are_in(const struct nr_stack_ids *s, uint16_t type, const char *field)
{
	return map_of(s, type, field);
}

static int compare(const void *a, const void *b)
{
	const struct nr_stack_id *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

const struct nr_stack_id *nr_stack_ids_find(struct nr_stack_ids *s, uint16_t type,
					    const char *field, uint32_t id)
{
	const struct nr_stack_id key = { .id = id };
	struct map *m = map_of(s, type, field);

	if (!m || !m->n)
		return NULL;
	if (!m->sorted)
		qsort(m->list, m->n, sizeof(*m->list), compare);
	m->sorted = true;
	return bsearch(&key, m->list, m->n, sizeof(*m->list), compare);
}
