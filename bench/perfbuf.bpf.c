// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Producer for perf buffers, one for each CPU. perf copies the record from memory of our own. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <numaring/record.h>
#include "cell.h"

const volatile __u32 bench_words = 0;

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

/* Preemption is off and nothing else uses the scratch record, so nobody tears it. */
static __always_inline int emit(void *ctx, __u64 seq)
{
	const __u32 words = bench_words;
	__u32 zero = 0;
	struct bench_scratch *s = bpf_map_lookup_elem(&bench_scratch, &zero);

	if (!s)
		return -1;
	s->rec.ts = bpf_ktime_get_ns();
	s->rec.id = 1;
	s->rec.cpu = bpf_get_smp_processor_id();
	s->rec.lost = 0;
	for (__u32 i = 0; i < words; i++)
		s->data[i] = seq;
	return bpf_perf_event_output(ctx, &bench_perf, BPF_F_CURRENT_CPU, s,
				     sizeof(s->rec) + words * 8ul);
}

#include "produce.bpf.h"

SEC("raw_tp")
int bench_perfbuf(void *ctx)
{
	return produce(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
