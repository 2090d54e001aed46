// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 *	or:	and { "||" and }
 *	and:	unary { "&&" unary }
 *	unary:	"!" unary | "(" or ")" | term
 *	term:	name [ ("==" | "!=" | "<" | "<=" | ">" | ">=") constant
 *		     | ["!"] "in" ( "[" item { "," item } "]" | item ) ]
 *	name:	WORD | TEXT WORD	"TYPE".field
 *	item:	constant [ "-" constant ]
 *	constant: ["-"] NUMBER | TEXT | WORD
 */
#include <errno.h>
#include "query.h"

struct parser {
	struct nr_query *q;
	const struct nr_token *t; /* the next one */
	unsigned depth;
	int err;
};

static struct nr_node *parse_or(struct parser *p);

static void *fail(struct parser *p, int err)
{
	p->err = err;
	return NULL;
}

/* "expected WHAT before TOKEN" */
static void *expected(struct parser *p, const char *what)
{
	const struct nr_token *t = p->t;

	if (t->kind == NR_TOKEN_END)
		return fail(p, nr_query_error(p->q, t->at, "expected %s at the end", what));
	return fail(p, nr_query_error(p->q, t->at, "expected %s before %.*s", what,
				      (int)(t->len > 40 ? 40 : t->len), t->at));
}

static void *alloc(struct parser *p, size_t size)
{
	void *memory = nr_query_alloc(p->q, size);

	return memory ?: fail(p, -ENOMEM);
}

static bool is_word(const struct nr_token *t, const char *word)
{
	return t->kind == NR_TOKEN_WORD && t->len == strlen(word) && !memcmp(t->at, word, t->len);
}

static bool take(struct parser *p, enum nr_token_kind kind)
{
	if (p->t->kind != kind)
		return false;
	p->t++;
	return true;
}

static struct nr_node *new_node(struct parser *p, enum nr_node_kind kind, const char *at)
{
	struct nr_node *node = alloc(p, sizeof(*node));

	if (node) {
		node->kind = kind;
		node->at = at;
	}
	return node;
}

static const struct nr_token *parse_constant(struct parser *p, bool *negative)
{
	*negative = take(p, NR_TOKEN_MINUS);
	switch (p->t->kind) {
	case NR_TOKEN_WORD:
	case NR_TOKEN_TEXT:
		if (!*negative)
			return p->t++;
		break;
	case NR_TOKEN_NUMBER:
		return p->t++;
	default:
		break;
	}
	return expected(p, *negative ? "a number" : "a number, a name or a text in double quotes");
}

static bool parse_item(struct parser *p, struct nr_item *item, bool may_be_range)
{
	item->low = parse_constant(p, &item->low_negative);
	item->high = item->low;
	item->high_negative = item->low_negative;
	if (item->low && may_be_range && take(p, NR_TOKEN_MINUS))
		item->high = parse_constant(p, &item->high_negative);
	return item->low && item->high;
}

/* The items up to the closing bracket. */
static unsigned count_items(const struct nr_token *t)
{
	unsigned n = 1;

	for (; t->kind != NR_TOKEN_LIST_END && t->kind != NR_TOKEN_END; t++)
		n += t->kind == NR_TOKEN_COMMA;
	return n;
}

static void parse_list(struct parser *p, struct nr_term *term)
{
	bool in_brackets = take(p, NR_TOKEN_LIST);
	struct nr_item *items =
		alloc(p, (in_brackets ? count_items(p->t) : 1) * sizeof(*term->items));

	term->items = items;
	do {
		if (!items || !parse_item(p, &items[term->n_items++], true))
			return;
	} while (in_brackets && take(p, NR_TOKEN_COMMA));
	if (in_brackets && !take(p, NR_TOKEN_LIST_END))
		expected(p, "] or a comma");
}

static void parse_comparison(struct parser *p, struct nr_term *term)
{
	static const enum nr_op ops[] = {
		[NR_TOKEN_EQ] = NR_OP_EQ, [NR_TOKEN_NE] = NR_OP_NE, [NR_TOKEN_LT] = NR_OP_LT,
		[NR_TOKEN_LE] = NR_OP_LE, [NR_TOKEN_GT] = NR_OP_GT, [NR_TOKEN_GE] = NR_OP_GE,
	};
	struct nr_item *item;

	term->op_at = p->t->at;
	if (is_word(p->t, "in")) {
		p->t++;
		term->op = NR_OP_IN;
		return parse_list(p, term);
	}
	if (p->t->kind == NR_TOKEN_NOT && is_word(p->t + 1, "in")) {
		p->t += 2;
		term->op = NR_OP_NOT_IN;
		return parse_list(p, term);
	}
	if (p->t->kind < NR_TOKEN_EQ || p->t->kind > NR_TOKEN_GE)
		return;
	term->op = ops[p->t++->kind];
	item = alloc(p, sizeof(*item));
	term->items = item;
	term->n_items = 1;
	if (item)
		parse_item(p, item, false);
}

static const char *copy(struct parser *p, const char *s, size_t n)
{
	char *text = alloc(p, n + 1);

	return text ? memcpy(text, s, n) : NULL;
}

static struct nr_node *parse_term(struct parser *p)
{
	struct nr_node *node = new_node(p, NR_NODE_TERM, p->t->at);
	const struct nr_token *type = NULL;
	struct nr_term *term = node ? alloc(p, sizeof(*term)) : NULL;

	if (!term)
		return NULL;
	node->term = term;
	term->at = p->t->at;
	if (p->t->kind == NR_TOKEN_TEXT && p->t[1].kind == NR_TOKEN_WORD && *p->t[1].at == '.')
		type = p->t++;
	if (p->t->kind != NR_TOKEN_WORD || is_word(p->t, "in"))
		return expected(p, "the name of a field");
	term->type = type ? type->text.bytes : NULL;
	term->path = copy(p, p->t->at + !!type, p->t->len - !!type);
	p->t++;
	if (!p->err)
		parse_comparison(p, term);
	if (!p->err)
		p->err = nr_name_resolve(p->q, term);
	return p->err ? NULL : node;
}

static struct nr_node *parse_unary(struct parser *p)
{
	const struct nr_token *first = p->t;
	struct nr_node *node = NULL;

	if (first->kind != NR_TOKEN_NOT && first->kind != NR_TOKEN_OPEN)
		return parse_term(p);
	if (p->depth == NR_QUERY_MAX_DEPTH)
		return fail(p, nr_query_error(p->q, first->at,
					      "more than %d parentheses and ! inside of each other",
					      NR_QUERY_MAX_DEPTH));
	p->depth++;
	p->t++;
	if (first->kind == NR_TOKEN_NOT) {
		node = new_node(p, NR_NODE_NOT, first->at);
		if (node)
			node->kids = parse_unary(p);
	} else {
		node = parse_or(p);
		if (node && !take(p, NR_TOKEN_CLOSE))
			expected(p, "an operator or )");
	}
	p->depth--;
	return p->err ? NULL : node;
}

/* One or more of what `parse` parses; at: the first operator. */
static struct nr_node *parse_chain(struct parser *p, enum nr_node_kind kind,
				   enum nr_token_kind sign,
				   struct nr_node *(*parse)(struct parser *))
{
	struct nr_node *first = parse(p), *last = first, *node = first;

	while (!p->err && p->t->kind == sign) {
		if (node == first) {
			node = new_node(p, kind, p->t->at);
			if (!node)
				return NULL;
			node->kids = first;
		}
		p->t++;
		last->next = parse(p);
		last = last->next;
	}
	return p->err ? NULL : node;
}

static struct nr_node *parse_and(struct parser *p)
{
	return parse_chain(p, NR_NODE_AND, NR_TOKEN_AND, parse_unary);
}

static struct nr_node *parse_or(struct parser *p)
{
	return parse_chain(p, NR_NODE_OR, NR_TOKEN_OR, parse_and);
}

int nr_parse(struct nr_query *q)
{
	struct parser p = { .q = q, .t = q->tokens };

	if (p.t->kind == NR_TOKEN_END)
		return nr_query_error(q, p.t->at, "the expression is empty");
	q->root = parse_or(&p);
	if (!p.err && p.t->kind != NR_TOKEN_END)
		expected(&p, "an operator");
	return p.err;
}
