// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "query.h"

#define BIAS (1ull << 63)

/* ---- single comparisons ---- */

/* What is known of a comparison after looking at it for every type. */
struct outcome {
	bool possible;	       /* it is true for some value of some type */
	bool valid;	       /* the constants fit the field of some type */
	struct nr_place place; /* if valid: of the first such type */
	uint32_t failed;       /* the first type whose field they do not fit; NR_NO_TYPE: none */
};

static int try_type(struct nr_query *q, const struct nr_term *term, uint32_t id,
		    struct outcome *out)
{
	struct nr_place places[NR_MAX_PLACES];
	struct nr_match match;
	int n = nr_name_places(q, term, id, places), err = n < 0 ? n : 0;

	for (int i = 0; i < n; i++) {
		err = nr_match_place(q, term, &places[i], &match);
		if (err == -ENOMEM)
			return err;
		if (err)
			continue;
		out->possible |= match.n || nr_op_is_negative(term->op);
		if (!out->valid)
			out->place = places[i];
		out->valid = true;
	}
	if (err && out->failed == NR_NO_TYPE)
		out->failed = id;
	return 0;
}

static int never_true(struct nr_query *q, const struct nr_term *term, const struct nr_place *place)
{
	const struct nr_field *f = &place->leaf;
	const struct nr_range limits = f->kind == NR_TEXT || f->kind == NR_FLOAT
					       ? (struct nr_range){}
					       : nr_field_limits(f);

	if (term->subject == NR_SUBJECT_NODE)
		return nr_query_error(q, term->at, "no CPU is on such a node");
	if (term->subject == NR_SUBJECT_CPU && q->opts.recording && q->opts.n_cpus)
		return nr_query_error(q, term->at, "this host has only the CPUs 0 to %u",
				      q->opts.n_cpus - 1);
	if (f->kind == NR_TEXT)
		return nr_query_error(q, term->at, "this is never true: %s holds at most %u bytes",
				      term->path, f->count);
	if (f->is_signed)
		return nr_query_error(
			q, term->at, "this is never true: %s is %" PRId64 " to %" PRId64,
			term->path, (int64_t)(limits.low - BIAS), (int64_t)(limits.high - BIAS));
	return nr_query_error(q, term->at, "this is never true: %s is 0 to %" PRIu64, term->path,
			      limits.high);
}

/* Says why the comparison is an error for this type. */
static int explain(struct nr_query *q, const struct nr_term *term, uint32_t id)
{
	struct nr_place places[NR_MAX_PLACES];
	struct nr_match match;
	int n = nr_name_places(q, term, id, places), err = n < 0 ? n : 0;

	for (int i = 0; !err && i < n; i++)
		err = nr_match_place(q, term, &places[i], &match);
	return err;
}

static int check_places(struct nr_query *q, const struct nr_term *term)
{
	struct outcome out = { .failed = NR_NO_TYPE };
	int err = 0;

	q->quiet = true;
	if (term->subject == NR_SUBJECT_CPU || term->subject == NR_SUBJECT_NODE)
		err = try_type(q, term, 0, &out);
	else
		for (uint32_t id = 0; !err && id < q->types->n_ids; id++)
			err = try_type(q, term, id, &out);
	q->quiet = false;
	if (err || out.possible)
		return err;
	if (out.valid)
		return never_true(q, term, &out.place);
	if (out.failed != NR_NO_TYPE)
		return explain(q, term, out.failed);
	return nr_query_error(q, term->at, "no event type has a %s", term->path);
}

struct type_search {
	struct nr_query *q;
	const struct nr_term *term;
	struct nr_near *near;
};

/* Returns 1 at the first type that matches. */
static int match_type(void *ctx, uint16_t id, const char *name)
{
	struct type_search *s = ctx;

	(void)id;
	if (s->near)
		nr_near_try(s->near, name);
	return nr_match_type(s->q, s->term, name);
}

static int check_type(struct nr_query *q, const struct nr_term *term)
{
	const struct nr_token *first = term->n_items ? term->items[0].low : NULL;
	struct type_search s = { .q = q, .term = term };
	struct nr_near near;
	char hint[200];
	int found = nr_match_type(q, term, NR_RAW_NAME);

	found = found ?: nr_types_each(q->types, match_type, &s);
	if (found)
		return found < 0 ? found : 0;
	nr_near_begin(&near, first->at + 1, first->len - 2);
	s.near = &near;
	nr_types_each(q->types, match_type, &s);
	return nr_query_error(q, first->at, "there is no event type %.*s%s", (int)first->len - 2,
			      first->at + 1, nr_near_hint(&near, "", hint, sizeof(hint)));
}

static int check_term(struct nr_query *q, const struct nr_term *term)
{
	switch (term->subject) {
	case NR_SUBJECT_CGROUP:
		return 0;
	case NR_SUBJECT_TYPE:
		return check_type(q, term);
	default:
		return check_places(q, term);
	}
}

/* together: the node has to be true if the expression is. */
static int check_node(struct nr_query *q, const struct nr_node *node, bool together)
{
	int err = 0;

	if (node->kind == NR_NODE_TERM && node->term->subject == NR_SUBJECT_CGROUP && !together)
		return nr_query_error(q, node->at, "cgroup can only be joined to the rest with &&");
	if (node->kind == NR_NODE_TERM)
		return check_term(q, node->term);
	together &= node->kind == NR_NODE_AND;
	for (const struct nr_node *kid = node->kids; !err && kid; kid = kid->next)
		err = check_node(q, kid, together);
	return err;
}

int nr_check(struct nr_query *q, const struct nr_node *node)
{
	return check_node(q, node, true);
}

/* ---- the whole ---- */

static unsigned add_nothing(struct nr_generator *g, const struct nr_place *place,
			    const struct nr_match *match, unsigned yes, unsigned no, bool upward)
{
	(void)g;
	(void)place;
	(void)match;
	(void)upward;
	return yes == no ? yes : 0;
}

/* Takes out of types those for which the node is false. Returns how many are left. */
static unsigned narrow(struct nr_query *q, const struct nr_node *node, bool *types)
{
	struct nr_generator g = { .query = q, .add = add_nothing };
	unsigned left = 0;

	for (uint32_t i = 0; i <= q->types->n_ids; i++) {
		g.id = i < q->types->n_ids ? i : NR_NO_TYPE;
		if (i < q->types->n_ids && !nr_types_name(q->types, i))
			types[i] = false;
		if (types[i])
			types[i] = nr_generate(&g, node) != NR_REJECT;
		left += types[i];
	}
	return left;
}

/* The node is false for all types. Finds the smallest part that is to blame. */
static int blame(struct nr_query *q, const struct nr_node *node)
{
	bool *types = nr_query_alloc(q, q->types->n_ids + 1), *alone;
	int err = -ENOMEM;

	alone = nr_query_alloc(q, q->types->n_ids + 1);
	if (!types || !alone)
		return err;
	memset(types, true, q->types->n_ids + 1);
	for (const struct nr_node *kid = node->kids; kid; kid = kid->next) {
		memset(alone, true, q->types->n_ids + 1);
		if (node->kind != NR_NODE_NOT && !narrow(q, kid, alone))
			return blame(q, kid);
		if (node->kind == NR_NODE_AND && !narrow(q, kid, types))
			return nr_query_error(q, kid->at,
					      "no event type fits both this and what is before "
					      "it");
	}
	return nr_query_error(q, node->at, "this is true for no event");
}

int nr_check_possible(struct nr_query *q)
{
	if (q->other.entry != NR_REJECT)
		return 0;
	for (uint32_t id = 0; id < q->types->n_ids; id++)
		if (nr_types_name(q->types, id) && q->programs[id].entry != NR_REJECT)
			return 0;
	return blame(q, q->root);
}
