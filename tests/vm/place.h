/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Placement of the collector's memory, as the kernel reports it to this process, which includes the
 * collector. The rings are found like programs find them: in the collector's array of maps.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>
#include "sys.h"

/* The collector's array of rings. Only one collector is open at a time. */
int place_find_rings(void);

/* Pages of ring s that are not on node, including its two pages of positions. */
size_t place_ring_strays(int rings, unsigned s, size_t ring_bytes, int node);

/* Pages on each node of all memory with the policy of the collector's indexes. */
void place_count_index(size_t on_node[SYS_MAX]);

#endif
