// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Producer for what numaring is compared with: one ring as libbpf reads it, its wake-ups left to
 * the kernel, or a perf buffer for each CPU, for which perf copies the record from memory of ours.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <numaring/record.h>
#include "cell.h"

/* Set before the program is loaded: the verifier drops the other branch. */
const volatile bool bench_perf_buffers = false;
const volatile __u32 bench_words = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bench_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} bench_perf SEC(".maps");

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

static __always_inline void fill(struct nr_record *rec, __u32 words, __u64 seq)
{
	__u64 *data = (__u64 *)(rec + 1);

	rec->ts = bpf_ktime_get_ns();
	rec->id = 1;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = 0;
	for (__u32 i = 0; i < words; i++)
		data[i] = seq;
}

/* Preemption is off and nothing else uses the scratch record, so nobody tears it. */
static __always_inline int emit_to_perf(void *ctx, __u32 words, __u64 seq)
{
	__u32 zero = 0;
	struct bench_scratch *s = bpf_map_lookup_elem(&bench_scratch, &zero);

	if (!s)
		return -1;
	fill(&s->rec, words, seq);
	return bpf_perf_event_output(ctx, &bench_perf, BPF_F_CURRENT_CPU, s,
				     sizeof(s->rec) + words * 8ul);
}

static __always_inline int emit(void *ctx, __u64 seq)
{
	const __u32 words = bench_words;
	struct nr_record *rec;

	if (bench_perf_buffers)
		return emit_to_perf(ctx, words, seq);
	rec = bpf_ringbuf_reserve(&bench_ring, sizeof(*rec) + words * 8ul, 0);
	if (!rec)
		return -1;
	fill(rec, words, seq);
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

#include "produce.bpf.h"
