/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stacks of addresses, and the processes whose mappings give them names.
 *
 * An object that includes this file has the ring nr_processes. The collector reads the mappings of
 * each process in it from /proc, and keeps them with the trace.
 */
#ifndef NR_STACK_H
#define NR_STACK_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"
#include "process_seen.h"

#define STACK_DEPTH 127 /* the kernel's own limit, kernel.perf_event_max_stack, by default */
#define STACK_BYTES (STACK_DEPTH * sizeof(__u64))

/* Room for the addresses of a stack. Each half has one more, so that its bytes can be bounded by a
 * mask. */
#define STACK_ROOM (2 * (STACK_DEPTH + 1))

/* An address space: a process gets another one with exec. */
struct stack_space {
	__u64 mm;
	__u64 tgid;
};

struct stack_visit {
	__u64 next; /* when its mappings are due to be read again, CLOCK_MONOTONIC ns */
	__u64 wait; /* ns */
};

#define STACK_FIRST_WAIT_NS 250000ull

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct stack_space);
	__type(value, struct stack_visit);
} stack_visits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} nr_processes SEC(".maps");

/*
 * Asks the collector to read the mappings of the process that runs: when it is first seen, which may
 * be within exec, and again with each doubling of its time since, because it may load libraries.
 */
static __always_inline void stack_visit(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct stack_space space = {
		.mm = (__u64)BPF_CORE_READ(task, mm),
		.tgid = bpf_get_current_pid_tgid() >> 32,
	};
	__u64 now = bpf_ktime_get_ns();
	struct nr_process_seen seen = { .ts = now, .pid = space.tgid };
	struct stack_visit visit = { .wait = STACK_FIRST_WAIT_NS };
	struct stack_visit *last;

	if (!space.mm)
		return; /* a kernel thread */
	last = bpf_map_lookup_elem(&stack_visits, &space);
	if (last && now < last->next)
		return;
	if (last) {
		visit.wait = 2 * last->wait;
		seen.again = 1;
	}
	visit.next = now + visit.wait;
	if (!bpf_ringbuf_output(&nr_processes, &seen, sizeof(seen), 0))
		bpf_map_update_elem(&stack_visits, &space, &visit, BPF_ANY);
}

/* The last fields of an event with a stack: the task that runs, and its addresses. */
#define STACK_FIELDS                                                                               \
	__u32 pid;                                                                                 \
	__u32 tid;                                                                                 \
	char comm[16] __attribute__((aligned(8)));                                                 \
	__u16 n_kernel; /* addresses of the kernel in stack; those of the process follow */        \
	__u32 stack_len;                                                                           \
	void *stack[]

/* A whole event, which is too large for a program's stack. Programs that use it do not interrupt
 * each other on one CPU. */
struct stack_scratch {
	__u64 head[8];
	__u64 addresses[STACK_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_scratch);
} stack_scratches SEC(".maps");

static __always_inline void *stack_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stack_scratches, &zero);
}

/* Reads the stack of the task that runs to to[STACK_ROOM]: the kernel's addresses, then those of the
 * process, each from the inside out. Returns their number, of which *n_kernel are the kernel's. */
static __always_inline __u32 stack_read(void *ctx, void *to, __u16 *n_kernel)
{
	long kernel = bpf_get_stack(ctx, to, STACK_BYTES, 0);
	long user;

	kernel = kernel < 0 ? 0 : kernel & (STACK_BYTES | 7);
	user = bpf_get_stack(ctx, to + kernel, STACK_BYTES, BPF_F_USER_STACK);
	user = user < 0 ? 0 : user & (STACK_BYTES | 7);
	*n_kernel = kernel / sizeof(__u64);
	return (kernel + user) / sizeof(__u64);
}

static __always_inline void stack_output(__u16 id, void *event, __u32 head, __u32 n)
{
	__u32 size = head + n * sizeof(__u64);

	if (!nr_passes(id, event) || size > sizeof(struct stack_scratch))
		return;
	stack_visit();
	nr_output_bytes(id, event, size, NULL, 0);
}

/* Records the task that runs and its stack as an event of TYPE, which ends with STACK_FIELDS; the rest
 * are initializers of its other fields. */
#define stack_emit(TYPE, ctx, ...)                                                                 \
	({                                                                                         \
		__u64 stack_task_ = bpf_get_current_pid_tgid();                                    \
		struct TYPE *stack_event_ = stack_scratch();                                       \
                                                                                                   \
		_Static_assert(sizeof(struct TYPE) <= 64, "it fits into struct stack_scratch");    \
		if (stack_event_) {                                                                \
			*stack_event_ = (struct TYPE){ .pid = stack_task_ >> 32,                   \
						       .tid = stack_task_,                         \
						       ##__VA_ARGS__ };                            \
			bpf_get_current_comm(stack_event_->comm, sizeof(stack_event_->comm));      \
			stack_event_->stack_len =                                                  \
				stack_read(ctx, stack_event_->stack, &stack_event_->n_kernel);     \
			stack_output(nr_id_of_##TYPE, stack_event_, sizeof(struct TYPE),           \
				     stack_event_->stack_len);                                     \
		}                                                                                  \
	})

#endif
