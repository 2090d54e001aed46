/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the collector's memory is, as the kernel tells this process, which the collector is in. The
 * rings are found the way programs find them: in the collector's array of maps.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>
#include "sys.h"

/* The collector's array of rings; one collector at a time is open. */
int place_find_rings(void);

/* Pages of ring number s, its two pages of positions included, that are not on node. */
size_t place_ring_strays(int rings, unsigned s, size_t ring_bytes, int node);

/* Pages on each node of the memory that has the policy of the collector's indexes. */
void place_count_index(size_t on_node[SYS_MAX]);

#endif
