// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keeps the processes of --follow: those that the collector starts, and all that these start. A child
 * is known before it runs, so none of its events is missed.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* By tgid, with the start of the process, because numbers are used again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} nr_followed SEC(".maps");

const volatile __u32 collector = 0;
__u64 missed = 0; /* processes for which there was no room */

/* A thread belongs to its process. */
static __always_inline bool is_process(struct task_struct *p)
{
	return p->pid == p->tgid;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 of = parent->tgid, tgid = child->tgid;
	__u64 start = child->start_time;

	if (!is_process(child) || (of != collector && !bpf_map_lookup_elem(&nr_followed, &of)))
		return 0;
	if (bpf_map_update_elem(&nr_followed, &tgid, &start, BPF_ANY))
		__sync_fetch_and_add(&missed, 1);
	return 0;
}

/* After the last event of the process. Its number may already be that of another one. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *p)
{
	__u32 tgid = p->tgid;
	__u64 *start;

	if (!is_process(p))
		return 0;
	start = bpf_map_lookup_elem(&nr_followed, &tgid);
	if (start && *start == p->start_time)
		bpf_map_delete_elem(&nr_followed, &tgid);
	return 0;
}
