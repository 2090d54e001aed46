// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include "query.h"

struct text_parser {
	struct nr_query *q;
	const char *p, *end;
	char *bytes;
	uint16_t *elems;
	struct nr_byte_set *sets;
	unsigned n_sets;
	struct nr_text *text;
};

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The byte after a backslash: one of the known ones, or the character itself. */
static int take_escape(struct text_parser *t, unsigned char *byte)
{
	const char *at = t->p++;

	switch (*t->p++) {
	case 'n':
		*byte = '\n';
		return 0;
	case 't':
		*byte = '\t';
		return 0;
	case 'x':
		if (t->end - t->p < 2 || !isxdigit((unsigned char)t->p[0]) ||
		    !isxdigit((unsigned char)t->p[1]))
			return nr_query_error(t->q, at, "\\x needs two hexadecimal digits");
		*byte = hex_digit(t->p[0]) * 16 + hex_digit(t->p[1]);
		t->p += 2;
		break;
	default:
		*byte = t->p[-1];
	}
	return *byte ? 0 : nr_query_error(t->q, at, "a text cannot contain a 0 byte");
}

static int take_byte(struct text_parser *t, unsigned char *byte)
{
	if (*t->p == '\\')
		return take_escape(t, byte);
	*byte = *t->p++;
	return 0;
}

static bool has(const struct nr_byte_set *set, unsigned char byte)
{
	return set->bits[byte / 64] >> byte % 64 & 1;
}

/* [a-z_], [!a-z] or [^a-z]; a ] right after the opening stands for itself. */
static int take_set(struct text_parser *t, struct nr_byte_set *set)
{
	const char *at = t->p++;
	bool inverted = t->p < t->end && (*t->p == '!' || *t->p == '^'), first = true;

	for (t->p += inverted; t->p < t->end && (first || *t->p != ']'); first = false) {
		unsigned char low, high;
		int err = take_byte(t, &low);

		high = low;
		if (!err && t->end - t->p > 1 && *t->p == '-' && t->p[1] != ']') {
			t->p++;
			err = take_byte(t, &high);
		}
		if (err)
			return err;
		if (low > high)
			return nr_query_error(t->q, at, "a range of the [...] goes backwards");
		for (unsigned c = low; c <= high; c++)
			set->bits[c / 64] |= 1ull << c % 64;
	}
	if (t->p == t->end)
		return nr_query_error(t->q, at, "[ without ]: for the character itself, write \\[");
	t->p++;
	for (unsigned i = 0; inverted && i < 4; i++)
		set->bits[i] = ~set->bits[i];
	return 0;
}

static int take_elem(struct text_parser *t)
{
	struct nr_text *text = t->text;
	uint16_t *elem = &t->elems[text->n_elems];
	unsigned char byte;
	int err = 0;

	switch (*t->p) {
	case '*':
		*elem = NR_GLOB_STAR;
		t->p++;
		break;
	case '?':
		*elem = NR_GLOB_ANY;
		t->p++;
		break;
	case '[':
		*elem = NR_GLOB_SET + t->n_sets;
		err = take_set(t, &t->sets[t->n_sets++]);
		break;
	default:
		err = take_byte(t, &byte);
		if (err)
			return err;
		*elem = byte;
		t->bytes[text->n_bytes++] = byte;
		text->n_prefix += !text->is_glob;
	}
	text->is_glob |= *elem >= NR_GLOB_ANY;
	text->n_elems++;
	return err;
}

int nr_text_parse(struct nr_query *q, struct nr_text *text, const char *inside, size_t n)
{
	struct text_parser t = { .q = q, .p = inside, .end = inside + n, .text = text };
	unsigned most_sets = 0;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		most_sets += inside[i] == '[';
	t.bytes = nr_query_alloc(q, n + 1);
	t.elems = nr_query_alloc(q, (n + 1) * sizeof(*t.elems));
	t.sets = nr_query_alloc(q, (most_sets + 1) * sizeof(*t.sets));
	if (!t.bytes || !t.elems || !t.sets)
		return -ENOMEM;
	*text = (struct nr_text){ .bytes = t.bytes, .elems = t.elems, .sets = t.sets };
	while (!err && t.p < t.end)
		err = take_elem(&t);
	text->is_prefix = !err && text->is_glob && text->n_elems == text->n_prefix + 1 &&
			  t.elems[text->n_prefix] == NR_GLOB_STAR;
	return err;
}

static bool elem_matches(const struct nr_text *text, uint16_t elem, unsigned char byte)
{
	if (elem < NR_GLOB_ANY)
		return elem == byte;
	return elem == NR_GLOB_ANY || has(&text->sets[elem - NR_GLOB_SET], byte);
}

/* When something does not match, only the last * can take more: what the ones before it took is as
 * good as any other. */
static bool glob_matches(const struct nr_text *text, const char *s, size_t n)
{
	size_t e = 0, i = 0, star = SIZE_MAX, taken = 0;

	while (i < n) {
		if (e < text->n_elems && text->elems[e] == NR_GLOB_STAR) {
			star = e++;
			taken = i;
		} else if (e < text->n_elems && elem_matches(text, text->elems[e], s[i])) {
			e++;
			i++;
		} else if (star != SIZE_MAX) {
			e = star + 1;
			i = ++taken;
		} else {
			return false;
		}
	}
	while (e < text->n_elems && text->elems[e] == NR_GLOB_STAR)
		e++;
	return e == text->n_elems;
}

bool nr_text_matches(const struct nr_text *text, const char *s, size_t n)
{
	if (!text->is_glob)
		return n == text->n_bytes && !memcmp(s, text->bytes, n);
	if (n < text->n_prefix || memcmp(s, text->bytes, text->n_prefix))
		return false;
	return text->is_prefix || glob_matches(text, s, n);
}
