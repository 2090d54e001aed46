// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Producer for what numaring is compared with. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <numaring/record.h>
#include "cell.h"

/* Set before the program is loaded: the verifier drops the other branches. */
const volatile __u32 bench_baseline = BENCH_FLOOR;
const volatile __u64 bench_ring_flags = 0; /* of submit */
const volatile __u32 bench_words = 0;
const volatile __u32 bench_slot_mask = 0; /* number of slots - 1 */
const volatile __u32 bench_slot_room = 0; /* with so many in use, a record is refused */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bench_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} bench_perf SEC(".maps");

/* User space sets both sizes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct bench_slot) + BENCH_MAX_SIZE);
} bench_slots SEC(".maps");

struct bench_ends bench_ends;

struct bench_scratch {
	struct nr_record rec;
	__u64 data[(BENCH_MAX_SIZE - sizeof(struct nr_record)) / 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_scratch);
} bench_scratch SEC(".maps");

static __always_inline void fill(struct nr_record *rec, __u64 seq)
{
	const __u32 words = bench_words;
	__u64 *data = (__u64 *)(rec + 1);

	rec->ts = bpf_ktime_get_ns();
	rec->id = 1;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = 0;
	for (__u32 i = 0; i < words; i++)
		data[i] = seq;
}

/* Stores before it are visible before stores behind it. x86-64 keeps stores in order; elsewhere an
 * atomic that returns its value is a full barrier. */
static __always_inline void release_stores(struct bench_cell *cell)
{
#ifdef __TARGET_ARCH_x86
	(void)cell;
	barrier();
#else
	asm volatile("" : : "r"(__sync_fetch_and_add(&cell->done, 0)) : "memory");
#endif
}

/* Preemption is off and nothing else uses the scratch record, so nobody tears it. */
static __always_inline int emit_to_scratch(__u64 seq)
{
	__u32 zero = 0;
	struct bench_scratch *s = bpf_map_lookup_elem(&bench_scratch, &zero);

	if (!s)
		return -1;
	fill(&s->rec, seq);
	return 0;
}

/* perf copies the record from memory of ours. */
static __always_inline int emit_to_perf(void *ctx, struct bench_cell *cell, __u64 seq)
{
	/* The fence: visible before the clock is read. */
	__u64 begun = __sync_fetch_and_add(&cell->begun, 1);
	__u32 zero = 0;
	struct bench_scratch *s = bpf_map_lookup_elem(&bench_scratch, &zero);
	long err = -1;

	if (s) {
		fill(&s->rec, seq);
		err = bpf_perf_event_output(ctx, &bench_perf, BPF_F_CURRENT_CPU, s,
					    sizeof(s->rec) + bench_words * 8ul);
	}
	release_stores(cell);
	cell->done = begun + 1;
	return err;
}

static __always_inline int emit_to_ring(__u64 seq)
{
	struct nr_record *rec =
		bpf_ringbuf_reserve(&bench_ring, sizeof(*rec) + bench_words * 8ul, 0);

	if (!rec)
		return -1;
	fill(rec, seq);
	bpf_ringbuf_submit(rec, bench_ring_flags);
	return 0;
}

/* Each CPU has one record at most between the comparison and the addition, so the room that is kept
 * for them is enough. The addition is the fence, too. */
static __always_inline int emit_to_array(struct bench_cell *cell, __u64 seq)
{
	const volatile struct bench_ends *ends = &bench_ends;
	struct bench_slot *slot;
	__u64 position;
	__u32 place;

	if (ends->head - ends->tail >= bench_slot_room)
		return -1;
	position = __sync_fetch_and_add(&bench_ends.head, 1);
	place = position & bench_slot_mask;
	slot = bpf_map_lookup_elem(&bench_slots, &place);
	if (!slot)
		return -1;
	fill((struct nr_record *)(slot + 1), seq);
	release_stores(cell);
	*(volatile __u64 *)&slot->full = position + 1;
	return 0;
}

static __always_inline int emit(void *ctx, struct bench_cell *cell, __u64 seq)
{
	switch (bench_baseline) {
	case BENCH_RING:
		return emit_to_ring(seq);
	case BENCH_PERF:
		return emit_to_perf(ctx, cell, seq);
	case BENCH_ARRAY:
		return emit_to_array(cell, seq);
	default:
		return emit_to_scratch(seq);
	}
}

#include "produce.bpf.h"
