// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Source "block": requests to block devices, when a device gets one and when it is done with it.
 *
 * A request belongs to the task that queued it. -p takes the requests of these processes.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "names.h"
#include "tasks.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The low bits of the kernel's cmd_flags. */
enum block_op {
	READ = 0,
	WRITE = 1,
	FLUSH = 2,
	DISCARD = 3,
	SECURE_ERASE = 5,
	ZONE_APPEND = 7,
	WRITE_ZEROES = 9,
	ZONE_OPEN = 11,
	ZONE_CLOSE = 13,
	ZONE_FINISH = 15,
	ZONE_RESET = 17,
	ZONE_RESET_ALL = 19,
	DRIVER_IN = 34,	 /* a command of the device's own protocol that reads */
	DRIVER_OUT = 35, /* the same, which writes */
};
#define OP_MASK 0xff

/* The sector of a request that has none: of a flush, for example. */
#define NO_SECTOR (~0ull)

/* The errors that the block layer knows; all others are EIO. */
enum {
	EIO = 5,
	EAGAIN = 11,
	ENOMEM = 12,
	EBUSY = 16,
	ENOSPC = 28,
	EBADE = 52,
	ENODATA = 61,
	ENOLINK = 67,
	EREMCHG = 78,
	EILSEQ = 84,
	EOPNOTSUPP = 95,
	ETIMEDOUT = 110,
	EREMOTEIO = 121,
};

struct block_issue {
	__u32 major;
	__u32 minor;
	enum block_op op;
	__u32 bytes;
	__u64 sector;	/* of 512 bytes, from the device's beginning; 0 if it has none */
	__u64 queue_ns; /* from its place in the queue to the issue; 0: unknown, or not queued */
	__u32 pid;
	__u32 tid;
	char comm[16] __attribute__((aligned(8)));
	char device[16] __attribute__((aligned(8)));
};
NR_EVENT(block_issue, 0);

struct block_complete {
	__u32 major;
	__u32 minor;
	enum block_op op;
	__u32 bytes;
	__u64 sector;
	__u64 latency_ns; /* from the issue; 0: unknown */
	__u64 queue_ns;
	enum error_nr error;
	__u32 pid; /* this and the next two: of the task that queued it; 0: unknown */
	__u32 tid;
	char comm[16] __attribute__((aligned(8)));
	char device[16] __attribute__((aligned(8)));
};
NR_EVENT(block_complete, 1);

/*
 * What we remember of a request on its way, in the slot of its address. If the slot has another
 * request's, the times of this one are unknown.
 */
struct flight {
	__u64 request; /* whose it is; FREE, or BUSY while a CPU writes it */
	__u64 inserted_ns;
	__u64 issued_ns;
	__u32 pid;
	__u32 tid;
	char comm[16] __attribute__((aligned(8)));
	__u64 wanted; /* is the task among those that are recorded? */
};
#define FREE	  0
#define BUSY	  1
#define SLOT_BITS 15

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << SLOT_BITS);
	__type(key, __u32);
	__type(value, struct flight);
} flights SEC(".maps");

/* The first argument of a tracepoint as a number: the verifier forbids to calculate with a pointer. */
static __always_inline __u64 address_of(const void *ctx)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), ctx);
	return address;
}

static __always_inline struct flight *slot_of(__u64 rq)
{
	__u32 slot = rq * 0x9e3779b97f4a7c15ull >> (64 - SLOT_BITS);

	return bpf_map_lookup_elem(&flights, &slot);
}

/* Copies what is known of the request. The request is in flight, so only others change the slot. */
static __always_inline struct flight recall(struct flight *slot, __u64 rq)
{
	const struct flight unknown = { .wanted = all_wanted() };
	struct flight f;

	if (!slot || *(volatile __u64 *)&slot->request != rq)
		return unknown;
	f = *slot;
	barrier();
	return *(volatile __u64 *)&slot->request == rq ? f : unknown;
}

static __always_inline void remember(struct flight *slot, __u64 rq, const struct flight *f)
{
	if (!slot || __sync_lock_test_and_set(&slot->request, BUSY) == BUSY)
		return;
	slot->inserted_ns = f->inserted_ns;
	slot->issued_ns = f->issued_ns;
	slot->pid = f->pid;
	slot->tid = f->tid;
	slot->wanted = f->wanted;
	__builtin_memcpy(slot->comm, f->comm, sizeof(f->comm));
	__sync_lock_test_and_set(&slot->request, rq);
}

static __always_inline void forget(struct flight *slot, __u64 rq)
{
	if (slot)
		__sync_val_compare_and_swap(&slot->request, rq, FREE);
}

static __always_inline struct flight by_current(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct flight f = { .pid = id >> 32, .tid = id, .wanted = current_wanted() };

	bpf_get_current_comm(f.comm, sizeof(f.comm));
	return f;
}

/* The fields that both events have. */
#define FILL_REQUEST(e, rq, f)                                                                     \
	do {                                                                                       \
		struct gendisk *disk_ = BPF_CORE_READ(rq, q, disk);                                \
                                                                                                   \
		(e)->major = BPF_CORE_READ(disk_, major);                                          \
		(e)->minor = BPF_CORE_READ(disk_, first_minor);                                    \
		(e)->op = (rq)->cmd_flags & OP_MASK;                                               \
		(e)->sector = (rq)->__sector == NO_SECTOR ? 0 : (rq)->__sector;                    \
		(e)->queue_ns = (f)->inserted_ns ? (f)->issued_ns - (f)->inserted_ns : 0;          \
		(e)->pid = (f)->pid;                                                               \
		(e)->tid = (f)->tid;                                                               \
		__builtin_memcpy((e)->comm, (f)->comm, sizeof((e)->comm));                         \
		__builtin_memset((e)->device, 0, sizeof((e)->device));                             \
		BPF_CORE_READ_STR_INTO(&(e)->device, disk_, disk_name);                            \
	} while (0)

static __always_inline void fill_issue(struct block_issue *e, struct request *rq,
				       const struct flight *f)
{
	FILL_REQUEST(e, rq, f);
	e->bytes = rq->__data_len;
}

/* The kernel's BLK_STS_ numbers. Those from 14 on differ from kernel to kernel. */
static __always_inline int error_of(blk_status_t status)
{
	switch (status) {
	case 0:
		return 0;
	case 1:
		return EOPNOTSUPP;
	case 2:
		return ETIMEDOUT;
	case 3:
		return ENOSPC;
	case 4:
		return ENOLINK;
	case 5:
		return EREMOTEIO;
	case 6:
		return EBADE;
	case 7:
		return ENODATA;
	case 8:
		return EILSEQ;
	case 9:
		return ENOMEM;
	case 11:
		return EREMCHG;
	case 12:
		return EAGAIN;
	case 13:
		return EBUSY;
	}
	return EIO;
}

static __always_inline void fill_complete(struct block_complete *e, struct request *rq,
					  const struct flight *f, __u64 latency_ns, __u32 bytes,
					  blk_status_t status)
{
	FILL_REQUEST(e, rq, f);
	e->bytes = bytes;
	e->latency_ns = latency_ns;
	e->error = error_of(status);
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(on_insert, struct request *rq)
{
	__u64 address = address_of(ctx);
	struct flight f = by_current();

	f.inserted_ns = bpf_ktime_get_ns();
	remember(slot_of(address), address, &f);
	return 0;
}

/* Another request takes its bytes over, and it ends here. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(on_merge, struct request *rq)
{
	__u64 address = address_of(ctx);

	forget(slot_of(address), address);
	return 0;
}

/* A request that was inserted may be issued by another task, and not before that. One that still
 * has a time of issue is issued again: its driver was busy. */
SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_issue, struct request *rq)
{
	__u64 address = address_of(ctx);
	struct flight *slot = slot_of(address);
	struct flight f = recall(slot, address);

	if (!f.inserted_ns && !f.issued_ns)
		f = by_current();
	f.issued_ns = bpf_ktime_get_ns();
	remember(slot, address, &f);
	if (f.wanted)
		nr_emit(block_issue, fill_issue, rq, &f);
	return 0;
}

/* An fsync's request is an empty write, which is never issued: the block layer makes a FLUSH of it,
 * which has events of its own. */
static __always_inline bool is_only_flush(struct request *rq)
{
	return !rq->__data_len && (rq->cmd_flags & OP_MASK) == WRITE;
}

/* A request may be completed in several parts, so the slot stays until the last one. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, blk_status_t status, unsigned int bytes)
{
	__u64 address = address_of(ctx);
	struct flight *slot = slot_of(address);
	struct flight f = recall(slot, address);
	__u64 latency_ns = f.issued_ns ? bpf_ktime_get_ns() - f.issued_ns : 0;

	if (!f.request && is_only_flush(rq))
		return 0;
	if (bytes >= rq->__data_len)
		forget(slot, address);
	if (f.wanted)
		nr_emit(block_complete, fill_complete, rq, &f, latency_ns, bytes, status);
	return 0;
}
