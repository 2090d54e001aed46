/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all BPF objects of a collector share: the rings, the array of rings, the table of
 * nodes and the table of CPUs. They are created from the plan, before any object is loaded.
 */
#ifndef NR_MAPS_H
#define NR_MAPS_H

#include <linux/types.h>
#include <stdbool.h>
#include <numaring/plan.h>
#include <numaring/record.h>
#include "base/log.h"

struct nr_maps {
	uint32_t n_shards;
	int *ring_fd; /* [n_shards] */
	int shards_fd;
	int nodes_fd;
	int followed_fd;
	int cpus_fd;
	struct nr_cpu *cpus; /* [n_cpus], mapped */
	uint32_t n_cpus;
};

/* Room for so many processes of --follow. */
#define NR_FOLLOWED_MAX 65536

/* follow: make room for the processes of --follow. */
int nr_maps_create(struct nr_maps *maps, const struct nr_plan *plan, bool follow,
		   const struct nr_logger *log);
void nr_maps_destroy(struct nr_maps *maps); /* takes half-built and zeroed ones */

/* Returns the fd of the shared map of this name, -1 if there is none. */
int nr_maps_fd(const struct nr_maps *maps, const char *name);

/* Adds the records lost so far to lost[], by cause: those of one shard, or of all shards if shard
 * is NR_NO_SHARD. */
void nr_maps_lost(const struct nr_maps *maps, uint32_t shard, uint64_t lost[NR_LOSS_SLOTS]);
uint64_t nr_maps_lost_by_cpu(const struct nr_maps *maps, uint32_t cpu); /* of all causes */

/* Waits until every non-sleepable BPF program that is running now has ended (I3). */
int nr_maps_wait_grace(const struct nr_maps *maps);

#endif
