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
#include "calls.h"
#include "context.h"
#include "numaring.bpf.h"
#include "slots.h"
#include "tasks.h"

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
	__s32 prev_pid; /* *_pid is a thread, *_tgid its process */
	__u32 prev_tgid;
	__s32 prev_prio;
	enum sched_state prev_state;
	__s32 next_pid;
	__u32 next_tgid;
	__s32 next_prio;
	enum syscall_nr prev_syscall; /* that prev is in */
	__s32 next_mem_node;	      /* where NUMA balancing wants next; -1: unknown */
	bool preempt;
	char prev_comm[16] __attribute__((aligned(8)));
	char next_comm[16];
	__u64 off_ns;  /* since next left a CPU; 0: unknown, like the next one */
	__u64 wait_ns; /* of this, the time that it could have run */
};
NR_EVENT(sched_switch, 0);

struct sched_wakeup {
	__s32 pid;
	__u32 tgid;
	__s32 prio;
	__u32 target_cpu;
	__s32 waker_pid;
	__u32 waker_tgid;
	enum wake_context context;
	bool is_new; /* the task's first wake-up */
	char comm[16] __attribute__((aligned(8)));
	char waker_comm[16];
};
NR_EVENT(sched_wakeup, 1);

struct sched_migrate {
	__s32 pid;
	__u32 tgid;
	__s32 prio;
	__u32 from_cpu;
	__u32 to_cpu;
	__u32 from_node;
	__u32 to_node;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(sched_migrate, 2);

/* Who woke a task, and what its CPU was doing. */
struct waker {
	__s32 pid;
	__u32 tgid;
	enum wake_context context;
	char comm[16] __attribute__((aligned(8)));
};

struct slot {
	__u32 tid;
	bool woken;    /* waker is known */
	__u64 left;    /* the CPU; 0: unknown, or it runs */
	__u64 waiting; /* since when; 0: unknown, or it does not wait for a CPU */
	struct waker waker;
	__u64 rest;
};
NR_SLOTS_OF(slot);

static __always_inline struct slot *own_slot(struct task_struct *p)
{
	struct slot *s = nr_slot_for(p->pid);

	if (!s || s->tid == p->pid)
		return s;
	s->tid = p->pid;
	s->woken = false;
	s->left = 0;
	s->waiting = 0;
	return s;
}

static __always_inline bool hidden(struct task_struct *p)
{
	return nr_hidden_tgid && (__u32)p->tgid == nr_hidden_tgid;
}

static __always_inline bool switch_wanted(struct task_struct *prev, struct task_struct *next)
{
	if (!task_chosen(prev) && !task_chosen(next))
		return false;
	return !((hidden(prev) && (hidden(next) || !next->pid)) || (hidden(next) && !prev->pid));
}

/* A task that is preempted, or that finds a signal on its way to sleep, can run. */
static __always_inline void leave(struct task_struct *p, bool preempt, __u64 now)
{
	struct slot *s = p->pid && task_wanted(p) ? own_slot(p) : NULL;

	if (!s)
		return;
	s->left = now;
	s->waiting = preempt || !p->__state ? now : 0;
}

static __always_inline __u64 since(__u64 then, __u64 now)
{
	return then && then < now ? now - then : 0;
}

struct absence {
	__u64 off_ns;
	__u64 wait_ns;
};

static __always_inline struct absence come(struct task_struct *p, __u64 now)
{
	struct slot *s = p->pid && task_wanted(p) ? own_slot(p) : NULL;
	struct absence a = {};

	if (!s)
		return a;
	a.off_ns = since(s->left, now);
	a.wait_ns = since(s->waiting, now);
	s->left = 0;
	s->waiting = 0;
	return a;
}

static __always_inline __s32 preferred_node(struct task_struct *p)
{
	if (bpf_core_field_exists(p->numa_preferred_nid))
		return p->numa_preferred_nid;
	return -1;
}

static __always_inline void fill_switch(struct sched_switch *e, struct task_struct *prev,
					struct task_struct *next, __u32 prev_state, bool preempt,
					const struct absence *a)
{
	e->prev_pid = prev->pid;
	e->prev_tgid = prev->tgid;
	e->prev_prio = prev->prio;
	e->prev_state = prev_state & STATE_MASK;
	e->next_pid = next->pid;
	e->next_tgid = next->tgid;
	e->next_prio = next->prio;
	e->prev_syscall = call_of(prev);
	e->next_mem_node = preferred_node(next);
	e->preempt = preempt;
	__builtin_memcpy(e->prev_comm, prev->comm, sizeof(e->prev_comm));
	__builtin_memcpy(e->next_comm, next->comm, sizeof(e->next_comm));
	e->off_ns = a->off_ns;
	e->wait_ns = a->wait_ns;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct absence a;
	__u64 now;

	if (!switch_wanted(prev, next))
		return 0;
	now = bpf_ktime_get_ns();
	leave(prev, preempt, now);
	a = come(next, now);
	nr_emit(sched_switch, fill_switch, prev, next, prev_state, preempt, &a);
	return 0;
}

static __always_inline void set_waker(struct waker *w)
{
	struct task_struct *self = bpf_get_current_task_btf();

	w->pid = self->pid;
	w->tgid = self->tgid;
	w->context = context_now();
	__builtin_memcpy(w->comm, self->comm, sizeof(w->comm));
}

/* Runs on the waker's CPU, and on_wakeup maybe on another one. */
SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *p)
{
	struct slot *s = task_wanted(p) ? own_slot(p) : NULL;

	if (!s)
		return 0;
	set_waker(&s->waker);
	s->woken = true;
	return 0;
}

static __always_inline void fill_wakeup(struct sched_wakeup *e, struct task_struct *p, bool is_new,
					const struct waker *w)
{
	e->pid = p->pid;
	e->tgid = p->tgid;
	e->prio = p->prio;
	e->target_cpu = p->thread_info.cpu;
	e->waker_pid = w->pid;
	e->waker_tgid = w->tgid;
	e->context = w->context;
	e->is_new = is_new;
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
	__builtin_memcpy(e->waker_comm, w->comm, sizeof(e->waker_comm));
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	struct waker w = { .context = WAKE_UNKNOWN };
	struct slot *s;

	if (!task_wanted(p))
		return 0;
	s = own_slot(p);
	if (s && s->woken)
		w = s->waker;
	if (s) {
		s->woken = false;
		if (!s->waiting) /* else it could run before */
			s->waiting = bpf_ktime_get_ns();
	}
	nr_emit(sched_wakeup, fill_wakeup, p, false, &w);
	return 0;
}

/* Another thread may have had this number before. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *p)
{
	struct waker w = {};
	struct slot *s;

	if (!task_wanted(p))
		return 0;
	set_waker(&w);
	s = own_slot(p);
	if (s) {
		s->woken = false;
		s->left = 0;
		s->waiting = bpf_ktime_get_ns();
	}
	nr_emit(sched_wakeup, fill_wakeup, p, true, &w);
	return 0;
}

static __always_inline void fill_migrate(struct sched_migrate *e, struct task_struct *p,
					 __u32 to_cpu)
{
	e->pid = p->pid;
	e->tgid = p->tgid;
	e->prio = p->prio;
	e->from_cpu = p->thread_info.cpu;
	e->to_cpu = to_cpu;
	e->from_node = nr_cpu_node(e->from_cpu);
	e->to_node = nr_cpu_node(to_cpu);
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *p, int dest_cpu)
{
	if (task_wanted(p))
		nr_emit(sched_migrate, fill_migrate, p, dest_cpu);
	return 0;
}
