/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A test double of the programs' side of lanes (bpf/lane.bpf.h), in user space: the same memory, and
 * the same steps. A test can stop a program between any two of them, and let others run on the same
 * CPU meanwhile, as an interrupt does or a task after preemption.
 *
 * Programs write through the consumer's mapping, so that the thread sanitizer sees both sides at one
 * address.
 */
#ifndef FAKE_LANE_H
#define FAKE_LANE_H

#include "fake_ring.h"

struct fake_lanes {
	struct nr_arena arena; /* the shard of fake_lanes_shard owns the mappings */
	struct fake_ring bell;
	struct nr_cpu *cpus; /* [n_cpus] */
	uint32_t n_cpus;
	_Atomic(uint64_t)
		dirty; /* commit bytes that were not clear when a program reserved them (L2) */
	_Atomic(uint64_t) rung;
};

#define FAKE_SHARD 5u

/* The CPUs write to FAKE_SHARD. start: nr_lane.head of each one, at the start of a block. */
void fake_lanes_open(struct fake_lanes *fake, uint32_t n_cpus, uint32_t n_blocks, uint32_t shift,
		     uint64_t start);
void fake_lanes_close(struct fake_lanes *fake);

/* Makes the shard. Its owner destroys it. */
int fake_lanes_shard(struct fake_lanes *fake, struct nr_shard *shard);

static inline uint64_t fake_head(uint64_t granule, uint64_t count)
{
	return granule << NR_LANE_COUNT_BITS | (count & ((1u << NR_LANE_COUNT_BITS) - 1));
}

enum fake_step {
	FAKE_LOOK,     /* reads bell, head and, from the bell on, the limit */
	FAKE_SWAP,     /* moves head, or looks again */
	FAKE_SKIP,     /* marks the rest of a block that was too short */
	FAKE_PLACE,    /* writes the header */
	FAKE_RESERVED, /* rec can be filled, then committed */
	FAKE_LOST,
};

/* One program that runs on a CPU. */
struct fake_program {
	struct fake_lanes *fake;
	struct nr_cpu *cpu;
	enum fake_step step;
	uint32_t length;
	unsigned tries;
	bool passes_bell;
	uint64_t head, pos, start, end; /* positions of 40 bits */
	struct nr_record *rec;
};

/* length: with struct nr_record, unless the test wants a record that is too short. */
void fake_program_begin(struct fake_program *p, struct fake_lanes *fake, uint32_t cpu,
			uint32_t length);
/* Makes one step. True: it has reserved or lost its record. */
bool fake_program_step(struct fake_program *p);
/* All steps. NULL: lost. */
struct nr_record *fake_program_reserve(struct fake_program *p, struct fake_lanes *fake,
				       uint32_t cpu, uint32_t length);
void fake_program_commit(struct fake_program *p, enum nr_commit how);

/* Reserves, fills the header and submits at once. False: lost. */
bool fake_lane_put(struct fake_lanes *fake, uint64_t ts, uint16_t cpu, uint32_t payload);

#endif
