// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tree.h"

int nr_tree_init(struct nr_tree *tree, uint32_t n)
{
	uint32_t n_leaves = 1;

	while (n_leaves < n)
		n_leaves *= 2;
	*tree = (struct nr_tree){
		.n_leaves = n_leaves,
		.node = calloc(2 * n_leaves, sizeof(*tree->node)),
	};
	if (!tree->node)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_leaves; i++)
		nr_tree_set(tree, nr_tree_key_dry(i));
	nr_tree_build(tree);
	return 0;
}

void nr_tree_destroy(struct nr_tree *tree)
{
	free(tree->node);
	memset(tree, 0, sizeof(*tree));
}

/* Returns the winner of the subtree at node i. */
static nr_tree_key play(struct nr_tree *tree, uint32_t i)
{
	nr_tree_key a, b;

	if (i >= tree->n_leaves)
		return tree->node[i];
	a = play(tree, 2 * i);
	b = play(tree, 2 * i + 1);
	tree->node[i] = a < b ? b : a;
	return a < b ? a : b;
}

void nr_tree_build(struct nr_tree *tree)
{
	tree->node[0] = play(tree, 1);
}
