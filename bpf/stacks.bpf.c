// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the argument "stacks" adds to the source "sched": the stacks of tasks that go to sleep and of
 * those that wake them. Needs Linux 5.19 (dynptr). Both tracepoints run with interrupts disabled.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "numaring.bpf.h"
#include "stack.bpf.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Right before the sched_switch in which the task goes to sleep. */
struct sched_stack {
	NR_STACK_FIELDS;
};
NR_EVENT(sched_stack, 0);

/* Before the sched_wakeup: the stack of the waker, or of what it interrupts. */
struct sched_waker_stack {
	__u32 woken_tid;
	__u32 woken_pid;
	NR_STACK_FIELDS;
};
NR_EVENT(sched_waker_stack, 1);

SEC("tp_btf/sched_switch")
int BPF_PROG(on_sleep, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	if (!preempt && prev_state && task_wanted(prev))
		nr_emit_stack(sched_stack, ctx);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *p)
{
	if (task_wanted(p))
		nr_emit_stack(sched_waker_stack, ctx, .woken_tid = p->pid, .woken_pid = p->tgid);
	return 0;
}
