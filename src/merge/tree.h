/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A loser tree: finds the least key of n sorted sources with log2(n) comparisons per step.
 *
 * Every inner node holds the loser of its match, and node[0] holds the overall winner. Sources
 * compare by key, then by index, so the order is total. A dry source, one without records, loses to
 * all.
 */
#ifndef NR_TREE_H
#define NR_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct nr_tree {
	uint32_t n;
	uint32_t *node; /* [n] losers, and the winner in node[0] */
	uint64_t *key;	/* [n] */
	bool *dry;	/* [n] no record now: key is invalid */
};

int nr_tree_init(struct nr_tree *tree, uint32_t n); /* n >= 1; -ENOMEM */
void nr_tree_destroy(struct nr_tree *tree);

/* Plays all matches. Call it after setting any keys. */
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

/* Plays the winner's matches again. Call it after changing its key, or when it ran dry. */
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
