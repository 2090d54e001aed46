// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tree.h"

int nr_tree_init(struct nr_tree *tree, uint32_t n)
{
	*tree = (struct nr_tree){
		.n = n,
		.node = calloc(n, sizeof(*tree->node)),
		.key = calloc(n, sizeof(*tree->key)),
		.dry = calloc(n, sizeof(*tree->dry)),
	};
	if (tree->node && tree->key && tree->dry)
		return 0;
	nr_tree_destroy(tree);
	return -ENOMEM;
}

void nr_tree_destroy(struct nr_tree *tree)
{
	free(tree->node);
	free(tree->key);
	free(tree->dry);
	memset(tree, 0, sizeof(*tree));
}

/* Returns the winner of the subtree at node i. Nodes n to 2n-1 are the leaves. */
static uint32_t play(struct nr_tree *tree, uint32_t i)
{
	uint32_t a, b;

	if (i >= tree->n)
		return i - tree->n;
	a = play(tree, 2 * i);
	b = play(tree, 2 * i + 1);
	if (nr_tree_beats(tree, a, b)) {
		tree->node[i] = b;
		return a;
	}
	tree->node[i] = a;
	return b;
}

void nr_tree_build(struct nr_tree *tree)
{
	tree->node[0] = tree->n > 1 ? play(tree, 1) : 0;
}
