/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program that causes the event that it handles: each getpgid call makes the kernel run on_print once,
 * and skip it once. */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#ifdef __TARGET_ARCH_arm64
#define GETPGID 155
#else
#define GETPGID 121
#endif

struct printed {
	__u32 pid;
};
NR_EVENT(printed, 1);

static const char text[] = "numaring: tests/bpf/skipped";

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long nr)
{
	if (nr == GETPGID && nr_wanted(bpf_get_current_pid_tgid() >> 32))
		bpf_trace_printk(text, sizeof(text));
	return 0;
}

SEC("tp_btf/bpf_trace_printk")
int BPF_PROG(on_print)
{
	struct printed *e;

	if (!nr_wanted(bpf_get_current_pid_tgid() >> 32))
		return 0;
	bpf_trace_printk(text, sizeof(text));
	e = nr_reserve(printed);
	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	nr_submit(e);
	return 0;
}
