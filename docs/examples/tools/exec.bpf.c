// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports each program start and its process. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct exec {
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u32 pid_ns;
	__u64 cgroup;
	char parent[16];
	__u16 data_len;
	char data[]; /* the path */
};
NR_EVENT(exec, 1);

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct exec e = {};
	char path[256];
	long len;

	if (!nr_wanted(task->tgid))
		return 0;
	len = bpf_probe_read_kernel_str(path, sizeof(path), BPF_CORE_READ(bprm, filename));
	if (len <= 0)
		return 0;
	e.pid = task->tgid;
	e.ppid = BPF_CORE_READ(parent, tgid);
	e.uid = BPF_CORE_READ(task, cred, uid.val);
	e.pid_ns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	e.cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_STR_INTO(&e.parent, parent, comm);
	e.data_len = len - 1;
	nr_output_tail(exec, &e, path, len - 1);
	return 0;
}
