/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this CPU is doing, as its preempt count tells. */
#ifndef NR_CONTEXT_H
#define NR_CONTEXT_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "numaring.bpf.h"

/* From an interrupt, the waker is only the task that was interrupted. */
enum wake_context {
	WAKE_TASK,
	WAKE_SOFTIRQ,
	WAKE_HARDIRQ, /* also NMI */
	WAKE_UNKNOWN,
};

#define SERVES_SOFTIRQ 0x100
#define IN_HARDIRQ     0xff0000 /* and NMI */

/* x86: bytes from a CPU's runqueues to its preempt count; 0: unknown. The collector reads it from
 * the kernel's BTF (src/kernel/tasks.c). A reference to the variable (__ksym) would need kallsyms to
 * list it, which takes CONFIG_KALLSYMS_ALL. CO-RE would look for a struct that this kernel lacks in
 * the BTF of modules, which takes CAP_SYS_ADMIN. */
const volatile __s64 nr_preempt_count = 0;

struct cfs_rq {
	void *rq;
} __attribute__((preserve_access_index));

struct sched_entity___rq {
	struct cfs_rq *cfs_rq; /* CONFIG_FAIR_GROUP_SCHED; set for all tasks */
} __attribute__((preserve_access_index));

struct task_struct___rq {
	struct sched_entity___rq se;
} __attribute__((preserve_access_index));

/* arm64 */
struct task_struct___preempt {
	struct {
		struct {
			__u32 count;
		} preempt;
	} thread_info;
} __attribute__((preserve_access_index));

static __always_inline enum wake_context context_of(__u32 count)
{
	return count & IN_HARDIRQ	? WAKE_HARDIRQ
	       : count & SERVES_SOFTIRQ ? WAKE_SOFTIRQ
					: WAKE_TASK;
}

static __always_inline enum wake_context context_now(void)
{
	void *self = bpf_get_current_task_btf();
	struct task_struct___preempt *counts = self;
	struct task_struct___rq *runs = self;
	__u32 count;

	if (bpf_core_field_exists(counts->thread_info.preempt.count))
		return context_of(counts->thread_info.preempt.count);
	if (!nr_preempt_count || !bpf_core_field_exists(runs->se.cfs_rq))
		return WAKE_UNKNOWN;
	if (bpf_probe_read_kernel(&count, sizeof(count), runs->se.cfs_rq->rq + nr_preempt_count))
		return WAKE_UNKNOWN;
	return context_of(count);
}

#endif
