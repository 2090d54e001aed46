// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Finds the host's PID of a process. The collector knows the process by its PID in the collector's
 * PID namespace; programs see the host's PIDs. The iterator visits only the tasks of the
 * collector's namespace.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 wanted; /* PID in the collector's namespace */
__u32 found;  /* the host's PID of the process; 0: no such task */

/* The task's PID in its namespace at this level. */
static __always_inline __u32 number(struct task_struct *task, __u32 level)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *first = (void *)pid + bpf_core_field_offset(pid->numbers);
	__u32 nr = 0;

	if (level <= BPF_CORE_READ(pid, level))
		bpf_probe_read_kernel(&nr, sizeof(nr),
				      (void *)first + level * bpf_core_type_size(struct upid) +
					      bpf_core_field_offset(first->nr));
	return nr;
}

SEC("iter/task")
int find_task(struct bpf_iter__task *ctx)
{
	struct task_struct *self = (void *)bpf_get_current_task(), *task = ctx->task;

	if (task && number(task, BPF_CORE_READ(self, thread_pid, level)) == wanted)
		found = task->tgid;
	return 0;
}
