// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "memory": page faults, stalls in reclaim and compaction, pages that are moved between
 * nodes, and tasks that NUMA balancing moves.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct page_fault {
	void *address; /* that was accessed */
	void *ip;      /* of the instruction that accessed it */
	__u32 pid;
	__u32 tid;
	bool user; /* the access came from user space, not from the kernel */
	bool write;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(page_fault, 0);

enum reclaim_kind {
	DIRECT, /* the node had too few free pages */
	MEMCG,	/* a memory cgroup reached its limit */
};

struct memory_reclaim {
	__u64 duration_ns;
	__u64 reclaimed; /* pages */
	__u32 order;	 /* 2^order pages were wanted */
	__u32 pid;
	__u32 tid;
	enum reclaim_kind kind;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(memory_reclaim, 1);

/* The kernel's enum compact_result. */
enum compaction_status {
	NOT_SUITABLE_ZONE,
	SKIPPED,
	DEFERRED,
	NO_SUITABLE_PAGE,
	CONTINUE,
	COMPLETE,
	PARTIAL_SKIPPED,
	CONTENDED,
	SUCCESS,
};

struct memory_compact {
	__u64 duration_ns;
	enum compaction_status status;
	__u32 pid;
	__u32 tid;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(memory_compact, 2);

/* The kernel's enum migrate_reason. */
enum migrate_reason {
	COMPACTION,
	MEMORY_FAILURE,
	MEMORY_HOTPLUG,
	SYSCALL,
	MEMPOLICY_MBIND,
	NUMA_MISPLACED,
	CONTIG_RANGE,
	LONGTERM_PIN,
	DEMOTION,
	DAMON,
};

struct memory_migrate {
	__u64 succeeded; /* pages */
	__u64 failed;	 /* pages */
	enum migrate_reason reason;
	__u32 pid;
	__u32 tid;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(memory_migrate, 3);

enum numa_move_kind {
	MOVE,  /* to an idle CPU */
	SWAP,  /* with a task there, which has an event of its own */
	STICK, /* balancing wanted to move it, and could not */
};

struct numa_move {
	__s32 pid;
	__u32 tgid;
	__s32 from_cpu;
	__s32 to_cpu; /* -1: balancing found none */
	__s32 from_node;
	__s32 to_node;
	enum numa_move_kind kind;
	char comm[16] __attribute__((aligned(8)));
};
NR_EVENT(numa_move, 4);

/*
 * When a stall of a thread began, in the slot of the low bits of its tid: the rest of the tid, the
 * order, and 52 bits of the time. One word, so threads that share a slot overwrite each other's
 * begin as a whole, and one of the two durations is unknown.
 */
#define SLOTS	   16384
#define TIME_MASK  ((1ull << 52) - 1)
#define ORDER_MASK 15

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} reclaims SEC(".maps"), compactions SEC(".maps");

struct stall {
	__u64 ns; /* 0: unknown */
	__u32 order;
};

static __always_inline __u64 *slot_here(void *map)
{
	__u32 slot = (__u32)bpf_get_current_pid_tgid() % SLOTS;

	return bpf_map_lookup_elem(map, &slot);
}

static __always_inline __u64 tag_here(void)
{
	return (__u64)((__u32)bpf_get_current_pid_tgid() / SLOTS) << 56;
}

static __always_inline void begin(void *map, __u32 order)
{
	__u64 *slot = current_wanted() ? slot_here(map) : NULL;

	if (slot)
		*(volatile __u64 *)slot = tag_here() | (__u64)(order & ORDER_MASK) << 52 |
					  (bpf_ktime_get_ns() & TIME_MASK);
}

static __always_inline struct stall end(void *map)
{
	__u64 *slot = slot_here(map);
	__u64 was = slot ? *(volatile __u64 *)slot : 0;

	if (!was || (was & ~0ull << 56) != tag_here())
		return (struct stall){};
	*(volatile __u64 *)slot = 0;
	return (struct stall){ .ns = (bpf_ktime_get_ns() - was) & TIME_MASK,
			       .order = was >> 52 & ORDER_MASK };
}

/* Sets the three fields that say which task it was. */
#define FILL_TASK(e)                                                                               \
	do {                                                                                       \
		__u64 id_ = bpf_get_current_pid_tgid();                                            \
                                                                                                   \
		(e)->pid = id_ >> 32;                                                              \
		(e)->tid = id_;                                                                    \
		bpf_get_current_comm((e)->comm, sizeof((e)->comm));                                \
	} while (0)

/* ---- page faults ---- */

#define FAULT_WRITE 2 /* a bit of x86's error code */

static __always_inline void fill_fault(struct page_fault *e, unsigned long address,
				       struct pt_regs *regs, unsigned long error, bool user)
{
	e->address = (void *)address;
	e->ip = (void *)PT_REGS_IP(regs);
	e->user = user;
	e->write = error & FAULT_WRITE;
	FILL_TASK(e);
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(on_fault_user, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	if (current_wanted())
		nr_emit(page_fault, fill_fault, address, regs, error, true);
	return 0;
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_fault_kernel, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	if (current_wanted())
		nr_emit(page_fault, fill_fault, address, regs, error, false);
	return 0;
}

/* ---- reclaim and compaction ---- */

static __always_inline void fill_reclaim(struct memory_reclaim *e, const struct stall *stall,
					 __u64 reclaimed, enum reclaim_kind kind)
{
	e->duration_ns = stall->ns;
	e->reclaimed = reclaimed;
	e->order = stall->order;
	e->kind = kind;
	FILL_TASK(e);
}

static __always_inline int reclaim_end(__u64 reclaimed, enum reclaim_kind kind)
{
	struct stall stall;

	if (!current_wanted())
		return 0;
	stall = end(&reclaims);
	nr_emit(memory_reclaim, fill_reclaim, &stall, reclaimed, kind);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(on_direct_begin, int order)
{
	begin(&reclaims, order);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(on_direct_end, unsigned long reclaimed)
{
	return reclaim_end(reclaimed, DIRECT);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(on_memcg_begin, int order)
{
	begin(&reclaims, order);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_memcg_end, unsigned long reclaimed)
{
	return reclaim_end(reclaimed, MEMCG);
}

/* The arguments of these two tracepoints differ from kernel to kernel. CO-RE compares only the kinds
 * of the arguments, so the contents of the types do not matter. */
struct compact_control {
	int contents;
};
enum migrate_mode { MIGRATE_ASYNC };
typedef void (*btf_trace_mm_compaction_end___zone)(void *, struct compact_control *, unsigned long,
						   unsigned long, bool, int);
typedef void (*btf_trace_mm_migrate_pages___no_folio)(void *, unsigned long, unsigned long,
						      unsigned long, unsigned long, unsigned long,
						      enum migrate_mode, int);

/* Argument N of the tracepoint. A compiler that merged two of these reads would calculate their
 * address, which the verifier refuses. */
#define ARGUMENT(ctx, n)                                                                           \
	({                                                                                         \
		__u64 value_;                                                                      \
                                                                                                   \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value_) : "r"(ctx), "i"((n)*8));      \
		value_;                                                                            \
	})

static __always_inline void fill_compact(struct memory_compact *e, __u64 ns, int status)
{
	e->duration_ns = ns;
	e->status = status;
	FILL_TASK(e);
}

SEC("tp_btf/mm_compaction_begin")
int BPF_PROG(on_compact_begin)
{
	begin(&compactions, 0);
	return 0;
}

SEC("tp_btf/mm_compaction_end")
int on_compact_end(__u64 *ctx)
{
	__u64 ns;
	int status;

	if (!current_wanted())
		return 0;
	if (bpf_core_type_exists(btf_trace_mm_compaction_end___zone))
		status = ARGUMENT(ctx, 4);
	else
		status = ARGUMENT(ctx, 5);
	ns = end(&compactions).ns;
	nr_emit(memory_compact, fill_compact, ns, status);
	return 0;
}

/* ---- pages and tasks that move ---- */

static __always_inline void fill_migrate(struct memory_migrate *e, __u64 succeeded, __u64 failed,
					 int reason)
{
	e->succeeded = succeeded;
	e->failed = failed;
	e->reason = reason;
	FILL_TASK(e);
}

SEC("tp_btf/mm_migrate_pages")
int on_migrate(__u64 *ctx)
{
	int reason;

	if (!current_wanted())
		return 0;
	if (bpf_core_type_exists(btf_trace_mm_migrate_pages___no_folio))
		reason = ARGUMENT(ctx, 6);
	else
		reason = ARGUMENT(ctx, 7);
	nr_emit(memory_migrate, fill_migrate, ctx[0], ctx[1], reason);
	return 0;
}

static __always_inline int node_of(int cpu)
{
	return cpu < 0 ? -1 : (int)nr_cpu_node(cpu);
}

static __always_inline void fill_move(struct numa_move *e, struct task_struct *p, int from, int to,
				      enum numa_move_kind kind)
{
	e->pid = p->pid;
	e->tgid = p->tgid;
	e->from_cpu = from;
	e->to_cpu = to;
	e->from_node = node_of(from);
	e->to_node = node_of(to);
	e->kind = kind;
	__builtin_memcpy(e->comm, p->comm, sizeof(e->comm));
}

static __always_inline int moved(struct task_struct *p, int from, int to, enum numa_move_kind kind)
{
	if (p && task_wanted(p))
		nr_emit(numa_move, fill_move, p, from, to, kind);
	return 0;
}

SEC("tp_btf/sched_move_numa")
int BPF_PROG(on_numa_move, struct task_struct *p, int from, int to)
{
	return moved(p, from, to, MOVE);
}

SEC("tp_btf/sched_swap_numa")
int BPF_PROG(on_numa_swap, struct task_struct *p, int from, struct task_struct *other, int to)
{
	moved(p, from, to, SWAP);
	return moved(other, to, from, SWAP);
}

SEC("tp_btf/sched_stick_numa")
int BPF_PROG(on_numa_stick, struct task_struct *p, int from, struct task_struct *other, int to)
{
	return moved(p, from, to, STICK);
}
