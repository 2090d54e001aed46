// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which integers a comparison accepts. */
#include <errno.h>
#include <stdlib.h>
#include "matcher.h"

#define BIAS (1ull << 63)

/* Holds all values of signed and unsigned fields, and those next to them. */
__extension__ typedef __int128 wide;

static wide of_biased(const struct nr_field *f, uint64_t v)
{
	return f->is_signed ? (wide)(int64_t)(v - BIAS) : (wide)v;
}

int nr_match_word_error(struct nr_matcher *m, const struct nr_token *t)
{
	return nr_query_error(m->q, t->at, "%s is a number: compare it with one, not with %.*s",
			      m->term->path, (int)(t->len > 40 ? 40 : t->len), t->at);
}

/* The first names of the enum, for a message. */
static const char *list_names(const struct nr_field *f, char *buf, size_t size)
{
	size_t used = snprintf(buf, size, ": it has");

	for (unsigned i = 0; i < f->n_values && used < size; i++) {
		if (i == 6 && f->n_values > 8) {
			snprintf(buf + used, size - used, " ...");
			break;
		}
		used += snprintf(buf + used, size - used, " %s", f->values[i].name);
	}
	return buf;
}

static int no_value(struct nr_matcher *m, const struct nr_token *t, const char *name, size_t len)
{
	char hint[200], names[160];
	struct nr_near near;

	nr_near_begin(&near, name, len);
	for (unsigned i = 0; i < m->leaf->n_values; i++)
		nr_near_try(&near, m->leaf->values[i].name);
	return nr_query_error(
		m->q, t->at, "%s has no value %.*s%s", m->term->path, (int)(len > 60 ? 60 : len),
		name,
		nr_near_hint(&near, list_names(m->leaf, names, sizeof(names)), hint, sizeof(hint)));
}

static wide enum_value(const struct nr_field *f, unsigned i)
{
	return f->is_signed ? (wide)(int64_t)f->values[i].value : (wide)f->values[i].value;
}

static int find_name(struct nr_matcher *m, const struct nr_token *t, wide *value)
{
	for (unsigned i = 0; i < m->leaf->n_values; i++)
		if (strlen(m->leaf->values[i].name) == t->len &&
		    !memcmp(m->leaf->values[i].name, t->at, t->len)) {
			*value = enum_value(m->leaf, i);
			return 0;
		}
	return no_value(m, t, t->at, t->len);
}

static int find_integer(struct nr_matcher *m, const struct nr_token *t, bool negative, wide *value)
{
	switch (t->kind) {
	case NR_TOKEN_WORD:
		return m->leaf->kind == NR_ENUM ? find_name(m, t, value)
						: nr_match_word_error(m, t);
	case NR_TOKEN_NUMBER:
		if (!t->number.is_whole)
			return nr_query_error(m->q, t->at, "%s is a whole number, and %.*s is not",
					      m->term->path, (int)(t->len > 40 ? 40 : t->len),
					      t->at);
		*value = negative ? -(wide)t->number.whole : (wide)t->number.whole;
		return 0;
	default:
		return nr_query_error(m->q, t->at,
				      "%s is a number: compare it with one, without quotes",
				      m->term->path);
	}
}

/* Adds the part of the range that the field can hold. */
static void add_range(struct nr_matcher *m, wide low, wide high)
{
	const struct nr_range limits = nr_field_limits(m->leaf);
	wide least = of_biased(m->leaf, limits.low), most = of_biased(m->leaf, limits.high);
	uint64_t bias = m->leaf->is_signed ? BIAS : 0;

	low = low < least ? least : low;
	high = high > most ? most : high;
	if (low <= high)
		m->ranges[m->n++] =
			(struct nr_range){ (uint64_t)low + bias, (uint64_t)high + bias };
}

/* A text stands for all names of the enum that it matches. */
static int add_names(struct nr_matcher *m, const struct nr_token *t)
{
	unsigned before = m->n;

	for (unsigned i = 0; i < m->leaf->n_values; i++) {
		const char *name = m->leaf->values[i].name;

		if (nr_text_matches(&t->text, name, strlen(name)))
			add_range(m, enum_value(m->leaf, i), enum_value(m->leaf, i));
	}
	return m->n > before ? 0 : no_value(m, t, t->at + 1, t->len - 2);
}

static int add_bool(struct nr_matcher *m, const struct nr_item *item)
{
	const struct nr_token *t = item->low;
	bool is_true = t->kind == NR_TOKEN_WORD && t->len == 4 && !memcmp(t->at, "true", 4);
	bool is_false = t->kind == NR_TOKEN_WORD && t->len == 5 && !memcmp(t->at, "false", 5);

	if (t->kind == NR_TOKEN_NUMBER && t->number.is_whole && !item->low_negative) {
		is_true = t->number.whole == 1;
		is_false = t->number.whole == 0;
	}
	if ((!is_true && !is_false) || item->high != item->low)
		return nr_query_error(m->q, t->at, "%s is a boolean: compare it with true or false",
				      m->term->path);
	add_range(m, is_true, is_true ? UINT64_MAX : 0);
	return 0;
}

static int add_integers(struct nr_matcher *m, const struct nr_item *item)
{
	wide low, high;
	int err;

	if (m->leaf->kind == NR_BOOL)
		return add_bool(m, item);
	if (m->leaf->kind == NR_ENUM && item->low->kind == NR_TOKEN_TEXT && item->low == item->high)
		return add_names(m, item->low);
	err = find_integer(m, item->low, item->low_negative, &low)
		      ?: find_integer(m, item->high, item->high_negative, &high);
	if (err)
		return err;
	if (low > high)
		return nr_query_error(m->q, item->low->at, "the range goes backwards");
	add_range(m, low, high);
	return 0;
}

static int add_inequality(struct nr_matcher *m)
{
	const wide most = (wide)UINT64_MAX + 1;
	const struct nr_item *item = m->term->items;
	wide value;
	int err;

	if (m->leaf->kind == NR_BOOL)
		return nr_query_error(m->q, m->term->op_at,
				      "%s is a boolean: use == or !=", m->term->path);
	err = find_integer(m, item->low, item->low_negative, &value);
	if (err)
		return err;
	if (m->term->op == NR_OP_LT || m->term->op == NR_OP_LE)
		add_range(m, -most, m->term->op == NR_OP_LT ? value - 1 : value);
	else
		add_range(m, m->term->op == NR_OP_GT ? value + 1 : value, most);
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct nr_range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

/* Sorts the ranges and joins those without a gap between them. */
static void join_ranges(struct nr_matcher *m)
{
	unsigned n = 0;

	qsort(m->ranges, m->n, sizeof(*m->ranges), compare_ranges);
	for (unsigned i = 0; i < m->n; i++) {
		const struct nr_range r = m->ranges[i];

		if (n &&
		    (m->ranges[n - 1].high == UINT64_MAX || r.low <= m->ranges[n - 1].high + 1)) {
			if (r.high > m->ranges[n - 1].high)
				m->ranges[n - 1].high = r.high;
		} else {
			m->ranges[n++] = r;
		}
	}
	m->n = n;
}

int nr_match_integers(struct nr_matcher *m)
{
	const struct nr_term *term = m->term;
	size_t most = 2;
	int err = 0;

	for (unsigned i = 0; i < term->n_items; i++)
		most += term->items[i].low->kind == NR_TOKEN_TEXT ? m->leaf->n_values : 1;
	m->ranges = nr_query_alloc(m->q, most * sizeof(*m->ranges));
	if (!m->ranges)
		return -ENOMEM;
	if (term->op == NR_OP_SET) {
		add_range(m, -(wide)UINT64_MAX, -1);
		add_range(m, 1, UINT64_MAX);
	} else if (term->op >= NR_OP_LT && term->op <= NR_OP_GE) {
		err = add_inequality(m);
	} else {
		for (unsigned i = 0; !err && i < term->n_items; i++)
			err = add_integers(m, &term->items[i]);
	}
	join_ranges(m);
	return err;
}

/* ---- the CPUs of nodes ---- */

static bool is_on_node(const struct nr_query *q, const struct nr_match *nodes, unsigned cpu)
{
	uint32_t node = cpu < q->opts.n_cpus ? q->opts.node_of_cpu[cpu] : UINT32_MAX;

	for (unsigned i = 0; node != UINT32_MAX && i < nodes->n; i++)
		if (nodes->ranges[i].low <= node && node <= nodes->ranges[i].high)
			return true;
	return false;
}

/* Turns ranges of nodes into ranges of CPUs. */
static int find_cpus(struct nr_matcher *m)
{
	const struct nr_match nodes = { .n = m->n, .ranges = m->ranges };
	unsigned most = m->q->opts.n_cpus < 65536 ? m->q->opts.n_cpus : 65536, n = 0;

	for (unsigned cpu = 0; cpu < most; cpu++)
		n += is_on_node(m->q, &nodes, cpu) && (!cpu || !is_on_node(m->q, &nodes, cpu - 1));
	m->n = 0;
	m->ranges = nr_query_alloc(m->q, (n + 1) * sizeof(*m->ranges));
	if (!m->ranges)
		return -ENOMEM;
	for (unsigned cpu = 0; cpu < most; cpu++) {
		if (!is_on_node(m->q, &nodes, cpu))
			continue;
		if (m->n && m->ranges[m->n - 1].high == cpu - 1)
			m->ranges[m->n - 1].high = cpu;
		else
			m->ranges[m->n++] = (struct nr_range){ cpu, cpu };
	}
	return 0;
}

int nr_match_nodes(struct nr_matcher *m)
{
	static const struct nr_field node = { .kind = NR_UINT, .bits = 32 };

	m->leaf = &node;
	return nr_match_integers(m) ?: find_cpus(m);
}
