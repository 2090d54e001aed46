// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "sched": which task runs on which CPU. Needs Linux 5.18 (prev_state of sched_switch).
 *
 * It does not record the collector's own threads: their wake-ups, their migrations, and their
 * switches with the idle task or among themselves. It records a switch between the collector and
 * another task; otherwise that task's time line would have a gap.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Bits of task_struct.__state, as the scheduler reports them. */
enum sched_state {
	RUNNING = 0,
	SLEEPING = 1,
	UNINTERRUPTIBLE = 2,
	STOPPED = 4,
	TRACED = 8,
	EXIT_DEAD = 16,
	ZOMBIE = 32,
	PARKED = 64,
	DEAD = 128,
	IDLE = 0x402,
	RTLOCK = 0x1000, /* waits for a sleeping spin lock: PREEMPT_RT */
	FROZEN = 0x8000, /* for suspend or by a freezer; Linux 6.1 */
};

/* Leaves out modifiers of these states: WAKEKILL, FREEZABLE, ... */
#define STATE_MASK 0x94ff

struct sched_switch {
	__s32 prev_pid;
	__s32 prev_prio;
	enum sched_state prev_state;
	__s32 next_pid;
	__s32 next_prio;
	bool preempt;
	char prev_comm[16];
	char next_comm[16];
};
NR_EVENT(sched_switch, 0);

struct sched_wakeup {
	__s32 pid;
	__s32 prio;
	__u32 target_cpu;
	bool is_new; /* the task's first wake-up */
	char comm[16];
};
NR_EVENT(sched_wakeup, 1);

struct sched_migrate {
	__s32 pid;
	__s32 prio;
	__u32 from_cpu;
	__u32 to_cpu;
	__u32 from_node;
	__u32 to_node;
	char comm[16];
};
NR_EVENT(sched_migrate, 2);

static __always_inline bool hidden(struct task_struct *p)
{
	return nr_hidden_tgid && (__u32)p->tgid == nr_hidden_tgid;
}

static __always_inline bool switch_wanted(struct task_struct *prev, struct task_struct *next)
{
	if (!nr_chosen(prev->tgid) && !nr_chosen(next->tgid))
		return false;
	return !((hidden(prev) && (hidden(next) || !next->pid)) || (hidden(next) && !prev->pid));
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct sched_switch *e;

	if (!switch_wanted(prev, next))
		return 0;
	e = nr_reserve(sched_switch);
	if (!e)
		return 0;
	e->prev_pid = prev->pid;
	e->prev_prio = prev->prio;
	e->prev_state = prev_state & STATE_MASK;
	e->next_pid = next->pid;
	e->next_prio = next->prio;
	e->preempt = preempt;
	__builtin_memcpy(e->prev_comm, prev->comm, sizeof(e->prev_comm));
	__builtin_memcpy(e->next_comm, next->comm, sizeof(e->next_comm));
	nr_submit(e);
	return 0;
}

static __always_inline int wakeup(struct task_struct *p, bool is_new)
{
	struct sched_wakeup *e;

	if (!nr_wanted(p->tgid))
		return 0;
	e = nr_reserve(sched_wakeup);
	if (!e)
		return 0;
	e->pid = p->pid;
	e->prio = p->prio;
	e->target_cpu = p->thread_info.cpu;
	e->is_new = is_new;
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
	nr_submit(e);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	return wakeup(p, false);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	return wakeup(p, true);
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *p, int dest_cpu)
{
	struct sched_migrate *e;

	if (!nr_wanted(p->tgid))
		return 0;
	e = nr_reserve(sched_migrate);
	if (!e)
		return 0;
	e->pid = p->pid;
	e->prio = p->prio;
	e->from_cpu = p->thread_info.cpu;
	e->to_cpu = dest_cpu;
	e->from_node = nr_cpu_node(e->from_cpu);
	e->to_node = nr_cpu_node(dest_cpu);
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
	nr_submit(e);
	return 0;
}
