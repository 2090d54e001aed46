// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include "matcher.h"

/* ---- floating point ---- */

static int find_real(struct nr_matcher *m, const struct nr_token *t, bool negative, double *value)
{
	if (t->kind != NR_TOKEN_NUMBER)
		return nr_match_word_error(m, t);
	*value = negative ? -t->number.real : t->number.real;
	return 0;
}

static int add_reals(struct nr_matcher *m, const struct nr_item *item, enum nr_op op)
{
	double low = 0, high = 0;
	int err = find_real(m, item->low, item->low_negative, &low)
			  ?: find_real(m, item->high, item->high_negative, &high);

	if (err)
		return err;
	if (low > high)
		return nr_query_error(m->q, item->low->at, "the range goes backwards");
	if (op == NR_OP_LT || op == NR_OP_LE)
		low = -INFINITY;
	if (op == NR_OP_GT || op == NR_OP_GE)
		high = INFINITY;
	m->reals[m->n++] = (struct nr_real_range){ low, high, op == NR_OP_GT, op == NR_OP_LT };
	return 0;
}

static int match_reals(struct nr_matcher *m)
{
	const struct nr_term *term = m->term;
	int err = 0;

	m->reals = nr_query_alloc(m->q, (term->n_items + 2) * sizeof(*m->reals));
	if (!m->reals)
		return -ENOMEM;
	if (term->op == NR_OP_SET) {
		m->reals[m->n++] = (struct nr_real_range){ .low = -INFINITY, .high_open = true };
		m->reals[m->n++] = (struct nr_real_range){ .high = INFINITY, .low_open = true };
	}
	for (unsigned i = 0; !err && i < term->n_items; i++)
		err = add_reals(m, &term->items[i], term->op);
	return err;
}

/* ---- texts ---- */

static int check_text(struct nr_matcher *m, const struct nr_item *item)
{
	const struct nr_token *t = item->low;

	if (item->low != item->high)
		return nr_query_error(m->q, t->at, "%s is a text, which is in no range",
				      m->term->path);
	if (t->kind == NR_TOKEN_TEXT)
		return 0;
	return nr_query_error(m->q, t->at, "%s is a text: write \"%.*s\" in double quotes",
			      m->term->path, (int)(t->len > 40 ? 40 : t->len), t->at);
}

static int check_texts(struct nr_matcher *m)
{
	const struct nr_term *term = m->term;
	int err = 0;

	if (term->op == NR_OP_SET)
		return nr_query_error(m->q, term->at,
				      "%s is a text: compare it, as in %s == \"a*\"", term->path,
				      term->path);
	if (term->op >= NR_OP_LT && term->op <= NR_OP_GE)
		return nr_query_error(m->q, term->op_at, "%s is a text: use ==, != or in",
				      term->path);
	for (unsigned i = 0; !err && i < term->n_items; i++)
		err = check_text(m, &term->items[i]);
	return err;
}

/* Leaves out texts that the field has no room for. */
static int match_texts(struct nr_matcher *m, struct nr_match *match)
{
	const struct nr_text **texts;
	int err = check_texts(m);

	if (err)
		return err;
	texts = nr_query_alloc(m->q, m->term->n_items * sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	for (unsigned i = 0; i < m->term->n_items; i++) {
		const struct nr_text *text = &m->term->items[i].low->text;

		if (m->leaf->tail || text->n_bytes <= m->leaf->count)
			texts[m->n++] = text;
	}
	*match = (struct nr_match){ .n = m->n, .texts = texts };
	return 0;
}

int nr_match_type(struct nr_query *q, const struct nr_term *term, const char *name)
{
	struct nr_matcher m = { .q = q, .term = term };
	int err = check_texts(&m);

	if (err)
		return err;
	for (unsigned i = 0; i < term->n_items; i++)
		if (nr_text_matches(&term->items[i].low->text, name, strlen(name)))
			return true;
	return false;
}

/* A recording knows its CPUs, so others match no event. */
static void drop_other_cpus(struct nr_matcher *m)
{
	unsigned n = 0;

	if (m->term->subject != NR_SUBJECT_CPU || !m->q->opts.recording || !m->q->opts.n_cpus)
		return;
	for (unsigned i = 0; i < m->n; i++)
		if (m->ranges[i].low < m->q->opts.n_cpus)
			m->ranges[n++] = m->ranges[i];
	m->n = n;
}

int nr_match_place(struct nr_query *q, const struct nr_term *term, const struct nr_place *place,
		   struct nr_match *match)
{
	struct nr_matcher m = { .q = q, .term = term, .leaf = &place->leaf };
	int err;

	if (place->leaf.kind == NR_TEXT)
		return match_texts(&m, match);
	if (place->leaf.kind == NR_FLOAT) {
		err = match_reals(&m);
		*match = (struct nr_match){ .n = m.n, .reals = m.reals };
		return err;
	}
	err = term->subject == NR_SUBJECT_NODE ? nr_match_nodes(&m) : nr_match_integers(&m);
	if (!err)
		drop_other_cpus(&m);
	*match = (struct nr_match){ .n = m.n, .ranges = m.ranges };
	return err;
}

bool nr_match_is_all(const struct nr_place *place, const struct nr_match *match)
{
	struct nr_range all;

	if (place->in_tail || !nr_field_is_integer(&place->leaf))
		return false;
	all = nr_field_limits(&place->leaf);
	return match->n == 1 && match->ranges[0].low == all.low &&
	       match->ranges[0].high == all.high;
}
