/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all BPF objects of a collector share: the rings or arenas, the arrays of them, the
 * table of nodes and the table of CPUs. They are created from the plan, before any object is loaded.
 */
#ifndef NR_MAPS_H
#define NR_MAPS_H

#include <linux/types.h>
#include <stdbool.h>
#include <numaring/plan.h>
#include <numaring/record.h>
#include "base/log.h"

/* The arrays of a shard with lanes: its blocks, and their commit bytes. */
struct nr_arena_maps {
	uint32_t n_blocks;
	int data_fd, commits_fd; /* -1 once nr_maps_close_arena has closed them */
};

struct nr_maps {
	uint32_t n_shards;
	int *ring_fd; /* [n_shards]; with lanes, these are the bells */
	size_t *ring_bytes;
	struct nr_arena_maps *arenas; /* [n_shards], with lanes */
	uint32_t block_shift;	      /* log2 of the granules of a block; 0: rings */
	int shards_fd;
	int arena_fd, commit_fd; /* of shard 0 */
	int arenas_fd;
	int commits_fd;
	int nodes_fd;
	int followed_fd;
	int cpus_fd;
	struct nr_cpu *cpus; /* [n_cpus], mapped */
	uint32_t n_cpus;
};

/* Room for so many processes of --follow. */
#define NR_FOLLOWED_MAX 65536

/* follow: make room for the processes of --follow. */
int nr_maps_create(struct nr_maps *maps, const struct nr_plan *plan, bool lanes, bool follow,
		   const struct nr_logger *log);
void nr_maps_destroy(struct nr_maps *maps); /* takes half-built and zeroed ones */

/* Closes the arrays of a shard, which its mappings and the arrays of maps keep alive: a host with a shard
 * for each CPU needs as few open files as with rings. */
void nr_maps_close_arena(struct nr_maps *maps, uint32_t shard);

/* log2 of the granules of a block, for all arenas of a plan. */
uint32_t nr_maps_block_shift(const struct nr_plan *plan);
uint32_t nr_maps_count_blocks(const struct nr_plan_shard *shard, uint32_t block_shift);

/* Returns the fd of the shared map of this name, -1 if there is none. */
int nr_maps_fd(const struct nr_maps *maps, const char *name);

/* Adds the records lost so far to lost[], by cause: those of one shard, or of all shards if shard
 * is NR_NO_SHARD. */
void nr_maps_lost(const struct nr_maps *maps, uint32_t shard, uint64_t lost[NR_LOSS_SLOTS]);
uint64_t nr_maps_lost_by_cpu(const struct nr_maps *maps, uint32_t cpu); /* of all causes */

/* Waits until every non-sleepable BPF program that is running now has ended (I3). */
int nr_maps_wait_grace(const struct nr_maps *maps);

#endif
