// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "query.h"

static const struct {
	const char *text;
	enum nr_token_kind kind;
} signs[] = {
	/* The longer ones first. */
	{ "&&", NR_TOKEN_AND },	 { "||", NR_TOKEN_OR },	     { "==", NR_TOKEN_EQ },
	{ "!=", NR_TOKEN_NE },	 { "<=", NR_TOKEN_LE },	     { ">=", NR_TOKEN_GE },
	{ "<", NR_TOKEN_LT },	 { ">", NR_TOKEN_GT },	     { "!", NR_TOKEN_NOT },
	{ "(", NR_TOKEN_OPEN },	 { ")", NR_TOKEN_CLOSE },    { "[", NR_TOKEN_LIST },
	{ ",", NR_TOKEN_COMMA }, { "]", NR_TOKEN_LIST_END }, { "-", NR_TOKEN_MINUS },
};

static const struct {
	const char *name;
	uint64_t factor;
} units[] = {
	{ "", 1 },	     { "ns", 1 },	   { "us", 1000 },	   { "ms", 1000000 },
	{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 }, { "K", 1ull << 10 },
	{ "M", 1ull << 20 }, { "G", 1ull << 30 },
};

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ':' || c == '.';
}

/* "[12]" after a name; 0: something else. */
static size_t index_length(const char *p)
{
	size_t digits = *p == '[' ? strspn(p + 1, "0123456789") : 0;

	return digits && p[1 + digits] == ']' ? digits + 2 : 0;
}

/* Returns the end of a word. */
static const char *word_end(const char *p)
{
	const char *start = p;

	while (is_word(*p))
		p++;
	if (p - start == 2 && !memcmp(start, "in", 2))
		return p;
	for (size_t n = index_length(p); n; n = index_length(p)) {
		p += n;
		while (*p == '.' || (p[-1] != ']' && is_word(*p)))
			p++;
	}
	return p;
}

static int find_unit(struct nr_query *q, const char *at, size_t len, uint64_t *factor)
{
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, at, len)) {
			*factor = units[i].factor;
			return 0;
		}
	return nr_query_error(q, at,
			      "unknown unit %.*s: use ns us ms s m h for times, K M G for sizes",
			      (int)(len > 16 ? 16 : len), at);
}

static int too_large(struct nr_query *q, const char *at)
{
	return nr_query_error(q, at, "the number does not fit into 64 bits");
}

static int lex_hex(struct nr_query *q, struct nr_token *t)
{
	char *end;

	errno = 0;
	t->number.whole = strtoull(t->at + 2, &end, 16);
	t->number.real = t->number.whole;
	t->number.is_whole = true;
	t->len = end - t->at;
	if (!isxdigit((unsigned char)t->at[2]) || is_word(*end))
		return nr_query_error(q, t->at, "invalid number: write 0x and hexadecimal digits");
	return errno ? too_large(q, t->at) : 0;
}

/* The digits after the point, at most 18 that count, in units of 1 / *scale. */
static uint64_t take_fraction(const char **p, uint64_t *scale)
{
	uint64_t value = 0;

	for (*scale = 1; isdigit((unsigned char)**p); ++*p)
		if (*scale < 1000000000000000000) {
			value = value * 10 + (**p - '0');
			*scale *= 10;
		}
	return value;
}

/* Digits, maybe a fraction, maybe a unit. */
static int lex_decimal(struct nr_query *q, struct nr_token *t)
{
	uint64_t whole, scale = 1, fraction = 0, factor = 1;
	unsigned __int128 parts, sum;
	const char *unit;
	char *end;
	int err;

	errno = 0;
	whole = strtoull(t->at, &end, 10);
	if (errno)
		return too_large(q, t->at);
	unit = end;
	if (*unit == '.' && isdigit((unsigned char)unit[1])) {
		unit++;
		fraction = take_fraction(&unit, &scale);
	}
	for (end = (char *)unit; is_word(*end); end++)
		;
	err = find_unit(q, unit, end - unit, &factor);
	if (err)
		return err;
	parts = (unsigned __int128)fraction * factor;
	sum = (unsigned __int128)whole * factor + parts / scale;
	if (sum > UINT64_MAX)
		return too_large(q, t->at);
	t->number.whole = sum;
	t->number.is_whole = parts % scale == 0;
	t->number.real = ((double)whole + (double)fraction / scale) * factor;
	t->len = end - t->at;
	return 0;
}

static int lex_text(struct nr_query *q, struct nr_token *t)
{
	const char *p = t->at + 1;

	for (; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	if (!*p)
		return nr_query_error(q, t->at, "the text has no closing \"");
	t->len = p + 1 - t->at;
	return nr_text_parse(q, &t->text, t->at + 1, t->len - 2);
}

static int lex_sign(struct nr_query *q, struct nr_token *t)
{
	for (unsigned i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		t->len = strlen(signs[i].text);
		t->kind = signs[i].kind;
		if (!strncmp(t->at, signs[i].text, t->len))
			return 0;
	}
	switch (*t->at) {
	case '=':
		return nr_query_error(q, t->at, "unexpected =: use == to compare");
	case '&':
	case '|':
		return nr_query_error(q, t->at, "unexpected %c: use %c%c", *t->at, *t->at, *t->at);
	case '\'':
		return nr_query_error(q, t->at, "unexpected ': put texts in double quotes");
	}
	if (*t->at < ' ' || *t->at > '~')
		return nr_query_error(q, t->at, "unexpected byte 0x%02x", (unsigned char)*t->at);
	return nr_query_error(q, t->at, "unexpected %c", *t->at);
}

static int lex_one(struct nr_query *q, struct nr_token *t, bool after_text)
{
	if (!*t->at) {
		t->kind = NR_TOKEN_END;
		return 0;
	}
	if (isdigit((unsigned char)*t->at)) {
		t->kind = NR_TOKEN_NUMBER;
		return t->at[0] == '0' && (t->at[1] == 'x' || t->at[1] == 'X') ? lex_hex(q, t)
									       : lex_decimal(q, t);
	}
	if (*t->at == '"') {
		t->kind = NR_TOKEN_TEXT;
		return lex_text(q, t);
	}
	/* "TYPE".field */
	if (is_word_start(*t->at) || (after_text && *t->at == '.' && is_word_start(t->at[1]))) {
		t->kind = NR_TOKEN_WORD;
		t->len = word_end(t->at) - t->at;
		return 0;
	}
	return lex_sign(q, t);
}

int nr_lex(struct nr_query *q)
{
	const char *p = q->text;
	struct nr_token *t;
	int err;

	/* Each token but the last has a byte at least. */
	q->tokens = nr_query_alloc(q, (strlen(p) + 1) * sizeof(*q->tokens));
	if (!q->tokens)
		return -ENOMEM;
	do {
		bool after_text = q->n_tokens && q->tokens[q->n_tokens - 1].kind == NR_TOKEN_TEXT;

		while (isspace((unsigned char)*p)) {
			after_text = false;
			p++;
		}
		t = &q->tokens[q->n_tokens++];
		t->at = p;
		err = lex_one(q, t, after_text);
		p += t->len;
	} while (!err && t->kind != NR_TOKEN_END);
	return err;
}
