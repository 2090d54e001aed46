// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* For abi.sh: a library that refers to the structs that may grow, and the properties of
 * record.h in every object built with this version of it. */
#include <numaring/bulk.h>
#include <numaring/numaring.h>
#include <numaring/query.h>
#include <numaring/symbols.h>

_Static_assert(NR_RECORD_VERSION == 3, "what follows is true of version 3");
_Static_assert(sizeof(struct nr_record) == 16, "nr_record");
_Static_assert(sizeof(struct nr_cpu) == 128 + sizeof(struct nr_lane), "nr_cpu");
_Static_assert(offsetof(struct nr_cpu, lost_total) == 20, "nr_cpu.lost_total");
_Static_assert(offsetof(struct nr_cpu, reserved) == 24, "nr_cpu.reserved");
_Static_assert(offsetof(struct nr_cpu, lost) == 32, "nr_cpu.lost");
_Static_assert(NR_LOSS_FULL == 0, "NR_LOSS_FULL");
_Static_assert(NR_LOSS_CONTENDED == 1, "NR_LOSS_CONTENDED");
_Static_assert(NR_LOSS_OVERSIZE == 2, "NR_LOSS_OVERSIZE");
_Static_assert(NR_LOSS_NO_RING == 3, "NR_LOSS_NO_RING");
_Static_assert(NR_LOSS_ABANDONED == 4, "NR_LOSS_ABANDONED");
_Static_assert(offsetof(struct nr_cpu, lane) == 128, "nr_cpu.lane");
_Static_assert(sizeof(struct nr_lane_header) == 8, "nr_lane_header");
_Static_assert(NR_LANE_GRANULE == 16, "NR_LANE_GRANULE");
_Static_assert(offsetof(struct nr_lane, head) == 0, "nr_lane.head");
_Static_assert(offsetof(struct nr_lane, fence) == 8, "nr_lane.fence");
_Static_assert(offsetof(struct nr_lane, limit) == 64, "nr_lane.limit");
_Static_assert(offsetof(struct nr_lane, bell) == 72, "nr_lane.bell");
_Static_assert(offsetof(struct nr_lane, slots) == 80, "nr_lane.slots");

NR_API uint64_t probe(const struct nr_stats *stats, const struct nr_cpu *cpu)
{
	return nr_stats_shard(stats, 0)->records + nr_stats_output(stats, 0)->events +
	       cpu->reserved;
}

NR_API void probe_opts(const struct nr_collector_opts *collector,
		       const struct nr_output_opts *output, const struct nr_topology_opts *topology,
		       const struct nr_plan_opts *plan, const struct nr_trace_opts *trace,
		       const struct nr_repair_opts *repair)
{
	(void)collector, (void)output, (void)topology, (void)plan, (void)trace, (void)repair;
}

NR_API void probe_results(const struct nr_repair *repair, const struct nr_account *account,
			  const struct nr_plan *plan, const struct nr_packet_info *packet,
			  const struct nr_damage *damage, const struct nr_batch *batch)
{
	(void)repair, (void)account, (void)plan, (void)packet, (void)damage, (void)batch;
}

NR_API void probe_readers(const struct nr_query_opts *query, const struct nr_field_info *field,
			  const struct nr_symbols_opts *symbols, const struct nr_symbol *symbol,
			  const struct nr_stack *stack)
{
	(void)query, (void)field, (void)symbols, (void)symbol, (void)stack;
}

NR_API void probe_bulk(const struct nr_bulk_opts *bulk, const struct nr_column *column)
{
	(void)bulk, (void)column;
}
