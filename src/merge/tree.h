/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A loser tree: which of n sorted sources has the least key, with log2(n) comparisons per step.
 *
 * Every inner node holds the loser of the match played there, node[0] the winner of all. Sources
 * are compared by key, then by index, so that the order is total; a source that ran dry loses to
 * all.
 */
#ifndef NR_TREE_H
#define NR_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct nr_tree {
	uint32_t n;
	uint32_t *node; /* [n]: losers, and the winner in node[0] */
	uint64_t *key;	/* [n] */
	bool *dry;	/* [n] */
};

int nr_tree_init(struct nr_tree *tree, uint32_t n); /* n >= 1; -ENOMEM */
void nr_tree_destroy(struct nr_tree *tree);

/* After keys were set at will: plays all matches. */
void nr_tree_build(struct nr_tree *tree);

static inline uint32_t nr_tree_winner(const struct nr_tree *tree)
{
	return tree->node[0];
}

static inline bool nr_tree_beats(const struct nr_tree *tree, uint32_t a, uint32_t b)
{
	if (tree->dry[a] != tree->dry[b])
		return tree->dry[b];
	if (tree->key[a] != tree->key[b])
		return tree->key[a] < tree->key[b];
	return a < b;
}

/* After the winner's key changed, or it ran dry: plays its matches again. */
static inline void nr_tree_replay(struct nr_tree *tree)
{
	uint32_t winner = tree->node[0];

	for (uint32_t i = (winner + tree->n) / 2; i > 0; i /= 2) {
		uint32_t loser = tree->node[i];

		if (nr_tree_beats(tree, loser, winner)) {
			tree->node[i] = winner;
			winner = loser;
		}
	}
	tree->node[0] = winner;
}

#endif
