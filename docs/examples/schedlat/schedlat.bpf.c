// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of schedlat: says when a task is woken, and when a CPU switches tasks.
 *
 * There is no map in which one CPU leaves a time for another to find, as most tools of this kind
 * have it: the collector puts the events of all CPUs into one order, so user space can do the
 * pairing.
 */
#include <numaring/vmlinux.h>	   /* the kernel's types; a complete vmlinux.h is as good */
#include <bpf/bpf_tracing.h>	   /* BPF_PROG */
#include <numaring/numaring.bpf.h> /* NR_EVENT, nr_reserve, nr_submit */
#include "schedlat.h"

/* Reading task_struct through tp_btf needs no GPL-only helper, but the clock does. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Two event types. The numbers need only differ from each other within this file. */
NR_EVENT(woken, 1);
NR_EVENT(switched, 2);

/* Runs on the CPU that wakes, when the task p is on a run queue. */
static __always_inline int woken(struct task_struct *p)
{
	struct woken *e;

	if (!nr_wanted(p->tgid)) /* not the collector's own threads, please */
		return 0;
	e = nr_reserve(woken); /* room in the ring of this CPU's node; the time is taken here */
	if (!e)
		return 0; /* no room: counted as lost, and shown at the end */
	e->pid = p->pid;
	e->waker_node = nr_cpu_node(bpf_get_smp_processor_id());
	nr_submit(e);
	return 0;
}

SEC("tp_btf/sched_wakeup") /* the section name says where the collector attaches it */
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	return woken(p);
}

SEC("tp_btf/sched_wakeup_new") /* the first wake-up of a new task has a tracepoint of its own */
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	return woken(p);
}

/* Runs on the CPU that switches. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct switched *e = nr_reserve(switched);

	if (!e)
		return 0;
	e->prev_pid = prev->pid; /* a field access: CO-RE moves it to where this kernel has it */
	e->next_pid = next->pid;
	e->node = nr_cpu_node(bpf_get_smp_processor_id());
	nr_submit(e);
	return 0;
}
