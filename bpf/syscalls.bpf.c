// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "syscalls": entry and exit of every system call. It uses tp_btf, which needs no tracefs.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sys_enter {
	__u32 nr; /* the call's number on this architecture */
	__u32 pid;
	__u32 tid;
};
NR_EVENT(sys_enter, 0);

struct sys_exit {
	__s64 ret; /* the call's result: a negative errno on failure */
	__u32 nr;
	__u32 pid;
	__u32 tid;
};
NR_EVENT(sys_exit, 1);

/* The field with the call's number on each architecture. (bpf_tracing.h has a pt_regs___arm64.) */
struct pt_regs___on_x86 {
	unsigned long orig_ax;
} __attribute__((preserve_access_index));

struct pt_regs___on_arm64 {
	int syscallno;
} __attribute__((preserve_access_index));

static __always_inline __u32 syscall_nr(struct pt_regs *regs)
{
	struct pt_regs___on_x86 *x86 = (void *)regs;
	struct pt_regs___on_arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(x86->orig_ax))
		return BPF_CORE_READ(x86, orig_ax);
	if (bpf_core_field_exists(arm64->syscallno))
		return BPF_CORE_READ(arm64, syscallno);
	return ~0u;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct sys_enter *e;

	if (!nr_wanted(pid_tgid >> 32))
		return 0;
	e = nr_reserve(sys_enter);
	if (!e)
		return 0;
	e->nr = id;
	e->pid = pid_tgid >> 32;
	e->tid = pid_tgid;
	nr_submit(e);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct sys_exit *e;

	if (!nr_wanted(pid_tgid >> 32))
		return 0;
	e = nr_reserve(sys_exit);
	if (!e)
		return 0;
	e->ret = ret;
	e->nr = syscall_nr(regs);
	e->pid = pid_tgid >> 32;
	e->tid = pid_tgid;
	nr_submit(e);
	return 0;
}
