// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* For abi.sh: a library that refers to the structs of the statistics, and the properties of
 * record.h in every object built with this version of it. */
#include <numaring/numaring.h>

_Static_assert(NR_RECORD_VERSION == 2, "what follows is true of version 2");
_Static_assert(sizeof(struct nr_record) == 16, "nr_record");
_Static_assert(sizeof(struct nr_cpu) == 128, "nr_cpu");
_Static_assert(offsetof(struct nr_cpu, lost_total) == 20, "nr_cpu.lost_total");
_Static_assert(offsetof(struct nr_cpu, reserved) == 24, "nr_cpu.reserved");
_Static_assert(offsetof(struct nr_cpu, lost) == 32, "nr_cpu.lost");
_Static_assert(NR_LOSS_FULL == 0, "NR_LOSS_FULL");
_Static_assert(NR_LOSS_CONTENDED == 1, "NR_LOSS_CONTENDED");
_Static_assert(NR_LOSS_OVERSIZE == 2, "NR_LOSS_OVERSIZE");
_Static_assert(NR_LOSS_NO_RING == 3, "NR_LOSS_NO_RING");

NR_API uint64_t probe(const struct nr_stats *stats, const struct nr_cpu *cpu);

uint64_t probe(const struct nr_stats *stats, const struct nr_cpu *cpu)
{
	return nr_stats_shard(stats, 0)->records + cpu->reserved;
}
