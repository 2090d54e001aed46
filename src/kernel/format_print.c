// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The print format of a tracepoint is C that the kernel does not run. It names values in
 *
 *	__print_symbolic(REC->vec, { 0, "HI" }, { 1, "TIMER" })
 *	__print_flags(REC->flags, "|", { (1UL << 0), "WRITE" })
 *
 * Symbols of the kernel may stand in it. The value of an enumerator is known; a value with another
 * symbol has no name.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format_file.h"

/* ---- constant expressions ---- */

#define MAX_DEPTH 64

struct expr {
	const char *p, *end;
	const struct nr_tp_symbols *symbols; /* may be NULL */
	bool failed;
	unsigned depth;
};

static uint64_t parse_binary(struct expr *e, int least);

static void skip_space(struct expr *e)
{
	while (e->p < e->end && isspace(*e->p))
		e->p++;
}

static bool take(struct expr *e, const char *token)
{
	size_t len = strlen(token);

	skip_space(e);
	if ((size_t)(e->end - e->p) < len || strncmp(e->p, token, len))
		return false;
	e->p += len;
	return true;
}

static uint64_t fail(struct expr *e)
{
	e->failed = true;
	return 0;
}

static uint64_t parse_number(struct expr *e)
{
	char *after;
	uint64_t v = strtoull(e->p, &after, 0);

	if (after == e->p || after > e->end)
		return fail(e);
	while (after < e->end && strchr("uUlL", *after))
		after++;
	e->p = after;
	return v;
}

static size_t identifier_length(const struct expr *e)
{
	const char *p = e->p;

	while (p < e->end && (isalnum(*p) || *p == '_'))
		p++;
	return p > e->p && !isdigit(*e->p) ? p - e->p : 0;
}

/* A symbol of the kernel whose value is known. */
static bool take_symbol(struct expr *e, uint64_t *value)
{
	size_t len;

	skip_space(e);
	len = identifier_length(e);
	if (!len || !e->symbols || !e->symbols->find(e->symbols->ctx, e->p, len, value))
		return false;
	e->p += len;
	return true;
}

/* A cast is a parenthesis with names, blanks and asterisks only: "( unsigned long)". */
static bool take_cast(struct expr *e)
{
	const char *p = e->p;
	struct expr inside = *e;
	uint64_t value;

	if (take_symbol(&inside, &value)) /* "(TCP_CLOSE)" */
		return false;
	while (p < e->end && (isalnum(*p) || *p == '_' || *p == ' ' || *p == '*'))
		p++;
	while (e->p < p && *e->p == ' ')
		e->p++;
	if (p == e->end || *p != ')' || e->p == p || isdigit(*e->p))
		return false;
	e->p = p + 1;
	return true;
}

static uint64_t parse_unary(struct expr *e)
{
	uint64_t v;

	if (e->failed || ++e->depth > MAX_DEPTH)
		return fail(e);
	if (take_symbol(e, &v))
		;
	else if (take(e, "-"))
		v = -parse_unary(e);
	else if (take(e, "~"))
		v = ~parse_unary(e);
	else if (take(e, "(")) {
		if (take_cast(e)) {
			v = parse_unary(e);
		} else {
			v = parse_binary(e, 0);
			if (!take(e, ")"))
				v = fail(e);
		}
	} else {
		v = e->p < e->end && isdigit(*e->p) ? parse_number(e) : fail(e);
	}
	e->depth--;
	return v;
}

static uint64_t apply(char op, uint64_t a, uint64_t b)
{
	switch (op) {
	case '|':
		return a | b;
	case '^':
		return a ^ b;
	case '&':
		return a & b;
	case '<':
		return b < 64 ? a << b : 0;
	case '>':
		return b < 64 ? a >> b : 0;
	case '+':
		return a + b;
	case '-':
		return a - b;
	}
	return a * b;
}

/* The operator at this place and its rank, by C's rules. */
static char peek_operator(struct expr *e, int *rank, size_t *len)
{
	static const char operators[] = "|^&<>+-*";
	static const int ranks[] = { 0, 1, 2, 3, 3, 4, 4, 5 };
	const char *found;

	skip_space(e);
	found = e->p < e->end ? strchr(operators, *e->p) : NULL;
	if (!found || !*found)
		return 0;
	*len = *found == '<' || *found == '>' ? 2 : 1;
	if (*len == 2 && (e->end - e->p < 2 || e->p[1] != *found))
		return 0;
	*rank = ranks[found - operators];
	return *found;
}

static uint64_t parse_binary(struct expr *e, int least)
{
	uint64_t v = parse_unary(e);
	size_t len;
	int rank;
	char op;

	while (!e->failed && (op = peek_operator(e, &rank, &len)) && rank >= least) {
		e->p += len;
		v = apply(op, v, parse_binary(e, rank + 1));
	}
	return v;
}

/* The value of the text from p to end. False: it is no constant, or a name stands in it. */
static bool evaluate(const char *p, const char *end, const struct nr_tp_symbols *symbols,
		     uint64_t *value)
{
	struct expr e = { .p = p, .end = end, .symbols = symbols };

	*value = parse_binary(&e, 0);
	skip_space(&e);
	return !e.failed && e.p == e.end;
}

/* ---- lists of names ---- */

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* The end of an argument: a comma, or the bracket that closes what is around it. */
static const char *skip_argument(const char *p)
{
	int depth = 0;

	while (*p) {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (!depth && strchr(",)}", *p))
			break;
		depth += (*p == '(' || *p == '{') - (*p == ')' || *p == '}');
		p++;
	}
	return p;
}

/* True if the text is a mask or nothing: " & 0xff)", "))". */
static bool is_mask(const char *p, const char *end)
{
	while (p < end && (isspace(*p) || *p == ')'))
		p++;
	return p == end || (*p == '&' && p[1] != '&');
}

/* The field that the text from p to end prints: "REC->vec", "(u32)REC->state & 7". */
static struct nr_tp_format_field *find_field(struct nr_tp_format *format, const char *p,
					     const char *end)
{
	const char *rec = strstr(p, "REC->"), *name = rec ? rec + 5 : end;
	const char *after = name;

	for (; p < name - 5 && name < end; p++)
		if (!isalnum(*p) && !strchr("_() ", *p))
			return NULL;
	while (after < end && (isalnum(*after) || *after == '_'))
		after++;
	if (name >= end || after == name || !is_mask(after, end))
		return NULL;
	for (unsigned i = 0; i < format->n_fields; i++) {
		struct nr_tp_format_field *f = &format->fields[i];

		if (strlen(f->name) == (size_t)(after - name) &&
		    !strncmp(f->name, name, after - name))
			return f;
	}
	return NULL;
}

/* Copies a string as an identifier: other characters become underscores. */
static char *copy_name(const char *p, const char *end)
{
	char *name = malloc(end - p + 2), *to = name;

	if (!name)
		return NULL;
	if (p < end && isdigit(*p))
		*to++ = '_';
	for (; p < end; p++)
		*to++ = isalnum(*p) ? *p : '_';
	*to = 0;
	return name;
}

/* Does a field hold the value? Extends it to 64 bits as the field does. */
static bool fits(const struct nr_tp_format_field *f, uint64_t *value)
{
	unsigned bits = f->size * 8;
	uint64_t sign = 1ull << (bits - 1);

	if (f->is_signed && (int64_t)*value < 0)
		return (int64_t)*value >= -(int64_t)(sign - 1) - 1;
	if (bits < 64 && *value >> bits)
		return false;
	if (f->is_signed && (*value & sign))
		*value |= ~(sign - 1);
	return true;
}

static int add_value(struct nr_tp_format_field *f, uint64_t value, const char *p, const char *end)
{
	struct nr_tp_format_value *grown;
	char *name;

	if (p == end || !fits(f, &value))
		return 0;
	name = copy_name(p, end);
	grown = name ? reallocarray(f->values, f->n_values + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(name);
		return -ENOMEM;
	}
	f->values = grown;
	f->values[f->n_values++] = (struct nr_tp_format_value){ value, name };
	return 0;
}

/* Reads "{ VALUE, "NAME" }" behind p, and sets *p behind it. 1: there is none. */
static int read_pair(struct nr_tp_format_field *f, const char **p,
		     const struct nr_tp_symbols *symbols)
{
	const char *open = *p + strcspn(*p, "{)\""), *value_end, *name, *name_end;
	uint64_t value;

	if (*open != '{')
		return 1;
	value_end = skip_argument(open + 1);
	name = value_end + strcspn(value_end, "\"}");
	if (*value_end != ',' || *name != '"')
		return 1;
	name_end = skip_string(name);
	*p = name_end + strcspn(name_end, "}");
	if (!**p || name_end[-1] != '"' || name_end < name + 2)
		return 1;
	++*p;
	return evaluate(open + 1, value_end, symbols, &value)
		       ? add_value(f, value, name + 1, name_end - 1)
		       : 0;
}

/* args: behind the opening parenthesis. */
static int read_list(struct nr_tp_format *format, const char *args, bool flags,
		     const struct nr_tp_symbols *symbols)
{
	const char *p = skip_argument(args);
	struct nr_tp_format_field *f = find_field(format, args, p);
	int err = 0;

	if (!f || f->is_array || f->where || f->kind != NR_TP_INT || f->n_values)
		return 0;
	if (flags && *p == ',')
		p = skip_argument(p + 1); /* the delimiter */
	while (!err)
		err = read_pair(f, &p, symbols);
	return err < 0 ? err : 0;
}

int nr_tp_format_read_names(struct nr_tp_format *format, const char *print,
			    const struct nr_tp_symbols *symbols)
{
	static const char symbolic[] = "__print_symbolic(", flags[] = "__print_flags(";
	int err = 0;

	for (const char *p = print; !err && *p;) {
		if (*p == '"') {
			p = skip_string(p);
		} else if (!strncmp(p, symbolic, sizeof(symbolic) - 1)) {
			p += sizeof(symbolic) - 1;
			err = read_list(format, p, false, symbols);
		} else if (!strncmp(p, flags, sizeof(flags) - 1)) {
			p += sizeof(flags) - 1;
			err = read_list(format, p, true, symbols);
		} else {
			p++;
		}
	}
	return err;
}
