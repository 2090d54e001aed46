/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A loser tree: finds the least key of n sorted sources with log2(n) comparisons per step.
 *
 * A key is a time and the number of its source in one integer, so the order is total, and a
 * comparison needs no branch, which nobody could predict. Every inner node holds the key that lost
 * its match, and node[0] holds the overall winner. A dry source, one without records, loses to all.
 */
#ifndef NR_TREE_H
#define NR_TREE_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned __int128 nr_tree_key;

struct nr_tree {
	uint32_t n_leaves; /* a power of two: every path has the same length */
	nr_tree_key *node; /* [2 * n_leaves] the inner nodes, then the leaves, for the build */
};

#define NR_TREE_DRY 0x80000000u /* beside the source's number */

int nr_tree_init(struct nr_tree *tree, uint32_t n); /* n >= 1; -ENOMEM. All sources are dry. */
void nr_tree_destroy(struct nr_tree *tree);

static inline nr_tree_key nr_tree_key_at(uint64_t time, uint32_t source)
{
	return (nr_tree_key)time << 64 | source;
}

static inline nr_tree_key nr_tree_key_dry(uint32_t source)
{
	return nr_tree_key_at(UINT64_MAX, source | NR_TREE_DRY);
}

static inline uint64_t nr_tree_time(nr_tree_key key)
{
	return key >> 64;
}

static inline uint32_t nr_tree_source(nr_tree_key key)
{
	return (uint32_t)key & ~NR_TREE_DRY;
}

static inline bool nr_tree_is_dry(nr_tree_key key)
{
	return key & NR_TREE_DRY;
}

/* Before nr_tree_build. */
static inline void nr_tree_set(struct nr_tree *tree, nr_tree_key key)
{
	tree->node[tree->n_leaves + nr_tree_source(key)] = key;
}

/* Plays all matches. Call it after setting any keys. */
void nr_tree_build(struct nr_tree *tree);

static inline nr_tree_key nr_tree_winner(const struct nr_tree *tree)
{
	return tree->node[0];
}

/* The winner's source goes on with this key: plays its matches again. Returns the new winner. */
static inline nr_tree_key nr_tree_replace(struct nr_tree *tree, uint32_t source, nr_tree_key key)
{
	nr_tree_key *node = tree->node;

	for (uint32_t i = (tree->n_leaves + source) / 2; i > 0; i /= 2) {
		nr_tree_key other = node[i];
		bool loses = other < key;

		node[i] = loses ? key : other;
		key = loses ? other : key;
	}
	node[0] = key;
	return key;
}

/* The least key of all sources but the winner. */
static inline nr_tree_key nr_tree_second(const struct nr_tree *tree, uint32_t winner)
{
	nr_tree_key second = ~(nr_tree_key)0;

	for (uint32_t i = (tree->n_leaves + winner) / 2; i > 0; i /= 2)
		second = tree->node[i] < second ? tree->node[i] : second;
	return second;
}

#endif
