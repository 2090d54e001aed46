// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of schedlat: reports each wake-up of a task and each task switch of a CPU.
 *
 * Most similar tools keep a map in which one CPU stores a time for another CPU. This one needs no
 * map: the collector puts the events of all CPUs into one order, so user space can pair them.
 */
#include <numaring/vmlinux.h>	   /* the kernel's types; a complete vmlinux.h also works */
#include <bpf/bpf_tracing.h>	   /* BPF_PROG */
#include <numaring/numaring.bpf.h> /* NR_EVENT, nr_reserve, nr_submit */
#include "schedlat.h"

/* Reading task_struct through tp_btf needs no GPL-only helper, but the clock does. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Two event types. Their numbers must differ only within this file. */
NR_EVENT(woken, 1);
NR_EVENT(switched, 2);

/* Runs on the waking CPU once the task p is on a run queue. */
static __always_inline int woken(struct task_struct *p)
{
	struct woken *e;

	if (!nr_wanted(p->tgid)) /* skips the collector's own threads */
		return 0;
	e = nr_reserve(woken); /* in the ring of this CPU's node; also takes the time */
	if (!e)
		return 0; /* lost: already counted, reported at the end */
	e->pid = p->pid;
	e->waker_node = nr_cpu_node(bpf_get_smp_processor_id());
	nr_submit(e);
	return 0;
}

SEC("tp_btf/sched_wakeup") /* the section's name says where to attach the program */
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	return woken(p);
}

SEC("tp_btf/sched_wakeup_new") /* a new task's first wake-up has its own tracepoint */
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	return woken(p);
}

/* Runs on the switching CPU. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct switched *e = nr_reserve(switched);

	if (!e)
		return 0;
	e->prev_pid = prev->pid; /* CO-RE adjusts the offset to this kernel */
	e->next_pid = next->pid;
	e->node = nr_cpu_node(bpf_get_smp_processor_id());
	nr_submit(e);
	return 0;
}
