// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "sample": which code runs on each CPU, many times a second. Needs Linux 5.19 (dynptr).
 *
 * The collector attaches the program to a perf event of each CPU: to the clock, whose samples come
 * from an interrupt, or to the CPU's cycle counter, whose samples come from an NMI (I8).
 */
#include "vmlinux.h"
#include "numaring.bpf.h"
#include "stack.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sample {
	__u32 pid;
	__u32 tid;
	char comm[16];
	__u16 n_kernel; /* addresses of the kernel in stack; those of the process follow */
	__u32 stack_len;
	void *stack[];
};
NR_EVENT(sample, 0);

/* A whole sample, which is too large for the program's stack. Samples of one CPU do not interrupt
 * each other. */
struct scratch {
	__u64 words[sizeof(struct sample) / sizeof(__u64) + STACK_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

SEC("perf_event")
int on_sample(void *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct scratch *scratch;
	__u32 zero = 0, size;
	struct sample *e;

	if (!current_wanted())
		return 0;
	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return 0;
	e = (void *)scratch;
	e->pid = pid_tgid >> 32;
	e->tid = pid_tgid;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->stack_len = stack_read(ctx, e->stack, &e->n_kernel);
	if (!nr_passes(nr_id_of_sample, e))
		return 0;
	stack_visit();
	size = sizeof(*e) + e->stack_len * sizeof(__u64);
	if (size <= sizeof(*scratch))
		nr_output(sample, e, size);
	return 0;
}
