/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Placement of the collector's memory, as the kernel reports it to this process, which includes the
 * collector. The maps of the shards are found like programs find them: in the collector's arrays of
 * maps.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>
#include "sys.h"

/* The collector's array of maps of this name. Only one collector is open at a time. */
int place_find_maps(const char *array);

/* Pages of the map of shard s in this array that are not on node. */
size_t place_strays(int maps, unsigned s, int node);

/* Pages on each node of all memory with the policy of the collector's indexes. */
void place_count_index(size_t on_node[SYS_MAX]);

#endif
