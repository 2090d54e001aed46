/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stacks in events, whose addresses get names when the trace is read. After numaring.bpf.h:
 *
 *	struct slow { __u64 took_ns; NR_STACK_FIELDS; };
 *	NR_EVENT(slow, 1);
 *	...
 *	nr_emit_stack(slow, ctx, .took_ns = took);	// the whole stack, kernel and process
 *
 * Or as a field of any event, in place: __u64 user_stack[16], or __s32 user_stack_id. docs/own-events.md
 * says which fields count as stacks.
 *
 * An object that includes this file has the ring nr_processes. The collector reads the mappings of
 * each process in it from /proc, and keeps them with the trace.
 */
#ifndef NUMARING_STACK_BPF_H
#define NUMARING_STACK_BPF_H

#include <bpf/bpf_core_read.h>
#include "numaring.bpf.h"

#define NR_STACK_DEPTH 127 /* the kernel's own limit, kernel.perf_event_max_stack, by default */
#define NR_STACK_BYTES (NR_STACK_DEPTH * sizeof(__u64))

/* Room for the addresses of a stack. Each half has one more, so that its bytes can be bounded by a
 * mask. */
#define NR_STACK_ROOM (2 * (NR_STACK_DEPTH + 1))

/* An address space: a process gets another one with exec. */
struct nr_stack_space {
	__u64 mm;
	__u64 tgid;
};

struct nr_stack_visit {
	__u64 next; /* when its mappings are due to be read again, CLOCK_MONOTONIC ns */
	__u64 wait; /* ns */
};

#define NR_STACK_FIRST_WAIT_NS 250000ull
/* A record that gets a stack was reserved before, and its time is that of the reservation. An exec
 * takes longer. */
#define NR_STACK_RESERVED_NS 50000ull

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct nr_stack_space);
	__type(value, struct nr_stack_visit);
} nr_stack_visits SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} nr_processes SEC(".maps") __weak;

/*
 * Asks the collector to read the mappings of the process that runs: when it is first seen, which may
 * be within exec, and again with each doubling of its time since, because it may load libraries.
 */
static __always_inline void nr_stack_visit(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct nr_stack_space space = {
		.mm = (__u64)BPF_CORE_READ(task, mm),
		.tgid = bpf_get_current_pid_tgid() >> 32,
	};
	__u64 now = bpf_ktime_get_ns();
	struct nr_process_seen seen = { .ts = now - NR_STACK_RESERVED_NS, .pid = space.tgid };
	struct nr_stack_visit visit = { .wait = NR_STACK_FIRST_WAIT_NS };
	struct nr_stack_visit *last;

	if (!space.mm)
		return; /* a kernel thread */
	last = bpf_map_lookup_elem(&nr_stack_visits, &space);
	if (last && now < last->next)
		return;
	if (last) {
		visit.wait = 2 * last->wait;
		seen.again = 1;
	}
	visit.next = now + visit.wait;
	if (!bpf_ringbuf_output(&nr_processes, &seen, sizeof(seen), 0))
		bpf_map_update_elem(&nr_stack_visits, &space, &visit, BPF_ANY);
}

/* As bpf_get_stack and bpf_get_stackid; the addresses of the process can get names. */
static __always_inline long nr_get_stack(void *ctx, void *to, __u32 bytes, __u64 flags)
{
	if (flags & BPF_F_USER_STACK)
		nr_stack_visit();
	return bpf_get_stack(ctx, to, bytes, flags);
}

static __always_inline long nr_get_stackid(void *ctx, void *map, __u64 flags)
{
	if (flags & BPF_F_USER_STACK)
		nr_stack_visit();
	return bpf_get_stackid(ctx, map, flags);
}

/* The last fields of an event with a whole stack: the task that runs, and its addresses. */
#define NR_STACK_FIELDS                                                                            \
	__u32 pid;                                                                                 \
	__u32 tid;                                                                                 \
	char comm[16] __attribute__((aligned(8)));                                                 \
	__u16 n_kernel; /* addresses of the kernel in stack; those of the process follow */        \
	__u32 stack_len;                                                                           \
	void *stack[]

/* A whole event, which is too large for a program's stack. A program may interrupt or preempt another
 * on its CPU, so a CPU has several, and one belongs to the program that has set busy. */
#define NR_STACK_SCRATCHES 4

struct nr_stack_scratch {
	__u32 busy;
	__u32 unused;
	__u64 head[32];
	__u64 addresses[NR_STACK_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_STACK_SCRATCHES);
	__type(key, __u32);
	__type(value, struct nr_stack_scratch);
} nr_stack_scratches SEC(".maps") __weak;

/* NULL: all are busy; the record is lost, and the loss is counted. */
static __always_inline struct nr_stack_scratch *nr_stack_take(void)
{
	struct nr_cpu *c = nr_this_cpu();

	for (__u32 i = 0; i < NR_STACK_SCRATCHES; i++) {
		__u32 key = i;
		struct nr_stack_scratch *s = bpf_map_lookup_elem(&nr_stack_scratches, &key);

		if (s && !__sync_lock_test_and_set(&s->busy, 1))
			return s;
	}
	if (c)
		nr_count_loss(c, NR_LOSS_CONTENDED);
	return NULL;
}

static __always_inline void nr_stack_release(struct nr_stack_scratch *s)
{
	*(volatile __u32 *)&s->busy = 0;
}

/* Reads the stack of the task that runs to to[NR_STACK_ROOM]: the kernel's addresses, then those of
 * the process, each from the inside out. Returns their number, of which *n_kernel are the kernel's. */
static __always_inline __u32 nr_stack_read(void *ctx, void *to, __u16 *n_kernel)
{
	long kernel = bpf_get_stack(ctx, to, NR_STACK_BYTES, 0);
	long user;

	kernel = kernel < 0 ? 0 : kernel & (NR_STACK_BYTES | 7);
	user = bpf_get_stack(ctx, to + kernel, NR_STACK_BYTES, BPF_F_USER_STACK);
	user = user < 0 ? 0 : user & (NR_STACK_BYTES | 7);
	*n_kernel = kernel / sizeof(__u64);
	return (kernel + user) / sizeof(__u64);
}

static __always_inline void nr_stack_output(__u16 id, void *event, __u32 head, __u32 n)
{
	__u32 size = head + n * sizeof(__u64);

	if (!nr_passes(id, event) ||
	    size > sizeof(struct nr_stack_scratch) -
			    __builtin_offsetof(struct nr_stack_scratch, head))
		return;
	nr_stack_visit();
	nr_output_bytes(id, event, size, NULL, 0);
}

/* Records the task that runs and its stack as an event of TYPE, which ends with NR_STACK_FIELDS; the
 * rest are initializers of its other fields. Needs Linux 5.19. */
#define nr_emit_stack(TYPE, ctx, ...)                                                              \
	({                                                                                         \
		__u64 nr_task_ = bpf_get_current_pid_tgid();                                       \
		struct nr_stack_scratch *nr_scratch_ = nr_stack_take();                            \
                                                                                                   \
		_Static_assert(sizeof(struct TYPE) <= sizeof(nr_scratch_->head),                   \
			       "nr_emit_stack: the fields before the stack take too many bytes");  \
		if (nr_scratch_) {                                                                 \
			struct TYPE *nr_event_ = (void *)nr_scratch_->head;                        \
                                                                                                   \
			*nr_event_ = (struct TYPE){ .pid = nr_task_ >> 32,                         \
						    .tid = nr_task_,                               \
						    ##__VA_ARGS__ };                               \
			bpf_get_current_comm(nr_event_->comm, sizeof(nr_event_->comm));            \
			nr_event_->stack_len =                                                     \
				nr_stack_read(ctx, nr_event_->stack, &nr_event_->n_kernel);        \
			nr_stack_output(nr_id_of_##TYPE, nr_event_, sizeof(struct TYPE),           \
					nr_event_->stack_len);                                     \
			nr_stack_release(nr_scratch_);                                             \
		}                                                                                  \
	})

#endif
