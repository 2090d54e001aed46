// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "irq": one event at the end of each hardware and each soft interrupt's handler.
 *
 * An interrupt belongs to no process: -p does not choose among these events.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum softirq_vector {
	HI,
	TIMER,
	NET_TX,
	NET_RX,
	BLOCK,
	IRQ_POLL,
	TASKLET,
	SCHED,
	HRTIMER,
	RCU,
};

struct hardirq {
	__u64 duration_ns;
	__u32 irq; /* the number in /proc/interrupts */
	char name[24] __attribute__((aligned(8)));
};
NR_EVENT(hardirq, 0);

struct softirq {
	__u64 duration_ns; /* with the hardware interrupts that came in between */
	enum softirq_vector vector;
};
NR_EVENT(softirq, 1);

/* The handlers that this CPU is in. Neither kind interrupts itself. */
struct begins {
	__u64 hard, soft; /* when the handler began, ns; 0: unknown */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct begins);
} begins SEC(".maps");

static __always_inline struct begins *begins_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&begins, &zero);
}

/* Time since *begin, which it clears; 0 if it is unknown. */
static __always_inline __u64 since(__u64 *begin)
{
	__u64 ns = *begin ? bpf_ktime_get_ns() - *begin : 0;

	*begin = 0;
	return ns;
}

static __always_inline void fill_hardirq(struct hardirq *e, __u64 ns, int irq,
					 struct irqaction *action)
{
	e->duration_ns = ns;
	e->irq = irq;
	__builtin_memset(e->name, 0, sizeof(e->name));
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), action->name);
}

static __always_inline void fill_softirq(struct softirq *e, __u64 ns, __u32 vector)
{
	e->duration_ns = ns;
	e->vector = vector;
}

SEC("tp_btf/irq_handler_entry")
int BPF_PROG(on_hard_entry, int irq, struct irqaction *action)
{
	struct begins *b = begins_here();

	if (b)
		b->hard = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/irq_handler_exit")
int BPF_PROG(on_hard_exit, int irq, struct irqaction *action, int ret)
{
	struct begins *b = begins_here();
	__u64 ns = b ? since(&b->hard) : 0;

	nr_emit(hardirq, fill_hardirq, ns, irq, action);
	return 0;
}

SEC("tp_btf/softirq_entry")
int BPF_PROG(on_soft_entry, unsigned int vector)
{
	struct begins *b = begins_here();

	if (b)
		b->soft = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(on_soft_exit, unsigned int vector)
{
	struct begins *b = begins_here();
	__u64 ns = b ? since(&b->soft) : 0;

	nr_emit(softirq, fill_softirq, ns, vector);
	return 0;
}
