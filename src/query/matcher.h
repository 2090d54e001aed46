/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files share that find out which values a comparison accepts. */
#ifndef NR_QUERY_MATCHER_H
#define NR_QUERY_MATCHER_H

#include "query.h"

struct nr_matcher {
	struct nr_query *q;
	const struct nr_term *term;
	const struct nr_field *leaf;
	struct nr_range *ranges;
	struct nr_real_range *reals;
	unsigned n;
};

/* The word is no number. */
int nr_match_word_error(struct nr_matcher *m, const struct nr_token *t);
/* Ranges of the leaf's values. */
int nr_match_integers(struct nr_matcher *m);
/* Ranges of the CPUs of the nodes that the comparison accepts. */
int nr_match_nodes(struct nr_matcher *m);

#endif
