// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Producer for one ring as libbpf reads it: one for all CPUs, its wake-ups left to the kernel. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <numaring/record.h>
#include "cell.h"

const volatile __u32 bench_words = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bench_ring SEC(".maps");

static __always_inline int emit(void *ctx, __u64 seq)
{
	const __u32 words = bench_words;
	struct nr_record *rec = bpf_ringbuf_reserve(&bench_ring, sizeof(*rec) + words * 8ul, 0);
	__u64 *data;

	(void)ctx;
	if (!rec)
		return -1;
	data = (__u64 *)(rec + 1);
	rec->ts = bpf_ktime_get_ns();
	rec->id = 1;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = 0;
	for (__u32 i = 0; i < words; i++)
		data[i] = seq;
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

#include "produce.bpf.h"

SEC("raw_tp")
int bench_plain(void *ctx)
{
	return produce(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
