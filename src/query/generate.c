// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every node becomes tests that lead to `yes` or `no`. So ! only swaps the two, && and || only say
 * where a part goes on, and a part that is constant for the type needs no test.
 */
#include <errno.h>
#include "query.h"

struct targets {
	unsigned yes, no;
	bool upward; /* see struct nr_generator */
};

static unsigned generate(struct nr_generator *g, const struct nr_node *node, struct targets to);

static unsigned generate_places(struct nr_generator *g, const struct nr_term *term,
				struct targets to)
{
	struct nr_place places[NR_MAX_PLACES];
	struct nr_match matches[NR_MAX_PLACES];
	int n = nr_name_places(g->query, term, g->id, places);
	unsigned at, left = 0;

	for (int i = 0; i < n; i++) {
		int err = nr_match_place(g->query, term, &places[i], &matches[left]);

		if (err == -ENOMEM)
			g->err = err;
		else if (!err)
			places[left++] = places[i];
	}
	if (!left)
		return to.no;
	if (nr_op_is_negative(term->op))
		to = (struct targets){ to.no, to.yes, !to.upward };
	at = to.no;
	while (left--) {
		if (nr_match_is_all(&places[left], &matches[left]))
			at = to.yes;
		else if (matches[left].n)
			at = g->add(g, &places[left], &matches[left], to.yes, at, to.upward);
	}
	return at;
}

static unsigned generate_term(struct nr_generator *g, const struct nr_term *term, struct targets to)
{
	const char *name = nr_types_name(g->query->types, g->id) ?: NR_RAW_NAME;
	int found;

	switch (term->subject) {
	case NR_SUBJECT_CGROUP:
		return to.yes;
	case NR_SUBJECT_TYPE:
		found = nr_match_type(g->query, term, name);
		if (found < 0)
			return to.no;
		return !!found != nr_op_is_negative(term->op) ? to.yes : to.no;
	default:
		return generate_places(g, term, to);
	}
}

/* From the last kid to the first, because each one leads to the next. */
static unsigned generate_kids(struct nr_generator *g, enum nr_node_kind kind,
			      const struct nr_node *kid, struct targets to)
{
	unsigned rest;

	if (!kid->next)
		return generate(g, kid, to);
	rest = generate_kids(g, kind, kid->next, to);
	if (kind == NR_NODE_AND)
		to.yes = rest;
	else
		to.no = rest;
	return generate(g, kid, to);
}

static unsigned generate(struct nr_generator *g, const struct nr_node *node, struct targets to)
{
	switch (node->kind) {
	case NR_NODE_TERM:
		return generate_term(g, node->term, to);
	case NR_NODE_NOT:
		return generate(g, node->kids, (struct targets){ to.no, to.yes, !to.upward });
	default:
		return generate_kids(g, node->kind, node->kids, to);
	}
}

unsigned nr_generate(struct nr_generator *g, const struct nr_node *node)
{
	bool quiet = g->query->quiet;
	unsigned at;

	g->query->quiet = true; /* what does not fit this type is false for it */
	at = generate(g, node, (struct targets){ NR_ACCEPT, NR_REJECT, true });
	g->query->quiet = quiet;
	return at;
}
