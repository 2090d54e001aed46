/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What authors of BPF programs include.
 *
 *	#include "vmlinux.h"
 *	#include <numaring/numaring.bpf.h>
 *
 *	struct hello { __u32 pid; char comm[16]; };
 *	NR_EVENT(hello, 1);
 *
 *	SEC("tp_btf/sched_process_exec")
 *	int on_exec(void *ctx)
 *	{
 *		struct hello *e = nr_reserve(hello);
 *		if (!e)
 *			return 0;		// the loss is counted already
 *		e->pid = bpf_get_current_pid_tgid() >> 32;
 *		bpf_get_current_comm(e->comm, sizeof(e->comm));
 *		nr_submit(e);
 *		return 0;
 *	}
 *	char LICENSE[] SEC("license") = "GPL";
 *
 * Before it: vmlinux.h, or <linux/types.h> and <linux/bpf.h>. Compile with -g -O2 -target bpf
 * -mcpu=v3 (or newer): the fence is an atomic add that returns a value.
 *
 * A record goes to the ring of the CPU's shard, is filled there in place and is never copied in the
 * kernel. Every reserved record must be submitted or discarded on every path; the verifier insists.
 */
#ifndef NUMARING_BPF_H
#define NUMARING_BPF_H

#include <bpf/bpf_helpers.h>
#include <numaring/record.h>

#ifndef NULL
#define NULL ((void *)0)
#endif

/* The maps all objects of one collector share. It makes them; what stands here is for the verifier. Weak,
 * as are the constants below, so that an object may be linked from several files that include this. */
struct nr_ring_template {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nr_ring_template);
} nr_shards SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nr_cpu);
} nr_cpus SEC(".maps") __weak;

/* node -> shard, for CPUs that are not in the plan. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nr_nodes SEC(".maps") __weak;

/* Set by the collector before the object is loaded. */
/* Added to the numbers of NR_EVENT. */
const volatile __u16 nr_id_base __weak = 0;
/* -p: these processes, up to the first 0. */
const volatile __u32 nr_only_tgid[NR_PIDS_MAX] __weak = {};
/* Not 0: the collector itself, which is not recorded. */
const volatile __u32 nr_hidden_tgid __weak = 0;

/*
 * Declares that struct TYPE is an event with the author's own number ID, 0..255, unique within the
 * object. What it leaves is read from the object's BTF, section .numaring, before the object is loaded;
 * the form is that of libbpf's map definitions, but for the type: clang leaves a struct that only a
 * pointer leads to out of the BTF.
 */
#define NR_EVENT(TYPE, ID)                                                                         \
	enum { nr_id_of_##TYPE = (ID) };                                                           \
	_Static_assert((ID) >= 0 && (ID) < 256, "NR_EVENT: the number must be 0..255");            \
	struct {                                                                                   \
		__uint(version, NR_RECORD_VERSION);                                                \
		__uint(id, (ID));                                                                  \
		struct TYPE type[0];                                                               \
	} nr_event_##TYPE SEC(".numaring")

/* Is it one of -p's processes, or is there no -p? Then the verifier knows that the first is 0 and removes what
 * follows. */
static __always_inline _Bool nr_chosen(__u32 tgid)
{
	if (!nr_only_tgid[0])
		return 1;
	for (int i = 0; i < NR_PIDS_MAX && nr_only_tgid[i]; i++)
		if (nr_only_tgid[i] == tgid)
			return 1;
	return 0;
}

/* Does -p want this process, and is it not the collector? For programs that follow tasks. */
static __always_inline _Bool nr_wanted(__u32 tgid)
{
	return (!nr_hidden_tgid || tgid != nr_hidden_tgid) && nr_chosen(tgid);
}

static __always_inline struct nr_cpu *nr_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&nr_cpus, &cpu);
}

static __always_inline __u32 nr_cpu_node(__u32 cpu)
{
	struct nr_cpu *c = bpf_map_lookup_elem(&nr_cpus, &cpu);

	return c ? c->node : 0;
}

/* A CPU that was offline when the plan was made joins the shard of the node it runs on. */
static __noinline int nr_join_shard(struct nr_cpu *c)
{
	__u32 node = bpf_get_numa_node_id();
	__u32 *shard = bpf_map_lookup_elem(&nr_nodes, &node);

	if (!c)
		return 0;
	c->node = node;
	c->shard = shard ? *shard : 0;
	return 0;
}

static __always_inline void *nr_ring_of(struct nr_cpu *c)
{
	__u32 shard;

	if (c->shard == NR_NO_SHARD)
		nr_join_shard(c);
	shard = c->shard;
	return bpf_map_lookup_elem(&nr_shards, &shard);
}

static __always_inline void nr_count_loss(struct nr_cpu *c, enum nr_loss cause)
{
	__sync_fetch_and_add(&c->lost[cause], 1);
	__sync_fetch_and_add(&c->lost_total, 1);
}

/* Bytes of a ring that a record of size takes, with the kernel's header. */
static __always_inline __u64 nr_ring_bytes(__u64 size)
{
	return ((size + 7) & ~7ULL) + 8;
}

/* The kernel keeps one byte free: a ring whose fill would become its whole capacity is full. */
static __noinline int nr_has_room(void *ring, __u64 size)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + nr_ring_bytes(size) <
	       bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);
}

/* NULL from reserve has several causes. A ring that had room when it was looked at was full before and was
 * given some back, so reserve was tried once more; with room it fails for its lock alone. */
static __noinline int nr_count_failure(struct nr_cpu *c, void *ring, __u64 size, int had_room)
{
	if (had_room)
		nr_count_loss(c, NR_LOSS_CONTENDED);
	else if (nr_ring_bytes(size) >= bpf_ringbuf_query(ring, BPF_RB_RING_SIZE))
		nr_count_loss(c, NR_LOSS_OVERSIZE);
	else
		nr_count_loss(c, NR_LOSS_FULL);
	return 0;
}

/* Makes the reservation visible to every CPU before the clock is read: a value-returning atomic is a
 * full barrier, one whose value is not used may be none (I2). */
static __always_inline void nr_fence(struct nr_cpu *c)
{
	__u64 before = __sync_fetch_and_add(&c->reserved, 1);

	asm volatile("" : : "r"(before) : "memory");
}

/* Header of a reserved record. The clock is read here, after reservation (I1) and fence (I2). */
static __always_inline void nr_stamp(struct nr_record *rec, struct nr_cpu *c, __u16 id)
{
	nr_fence(c);
	rec->ts = bpf_ktime_get_ns();
	rec->id = nr_id_base + id;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = c->lost_total;
}

/* size: of the record, with our header. NULL: it is lost and counted. */
static __always_inline struct nr_record *nr_reserve_record(struct nr_cpu *c, const __u64 size)
{
	void *ring = nr_ring_of(c);
	struct nr_record *rec;
	int room = 0;

	if (!ring) {
		nr_count_loss(c, NR_LOSS_NO_RING);
		return NULL;
	}
	rec = bpf_ringbuf_reserve(ring, size, 0);
	if (!rec) {
		room = nr_has_room(ring, size);
		if (room)
			rec = bpf_ringbuf_reserve(ring, size, 0);
	}
	if (!rec)
		nr_count_failure(c, ring, size, room);
	return rec;
}

static __always_inline void *nr_reserve_bytes(__u16 id, const __u64 size)
{
	struct nr_cpu *c = nr_this_cpu();
	struct nr_record *rec;

	if (!c)
		return NULL; /* no such CPU: the table has all possible ones */
	rec = nr_reserve_record(c, sizeof(*rec) + size);
	if (!rec)
		return NULL;
	nr_stamp(rec, c, id);
	return rec + 1;
}

/*
 * Whether this submit is to wake the consumer: no event does so by itself. The consumer comes by its
 * own deadline; a CPU only looks at the fill level after every check_bytes it wrote, and wakes the
 * consumer when the ring fills faster than it is visited.
 */
static __always_inline __u64 nr_wake_flag(__u64 size)
{
	struct nr_cpu *c = nr_this_cpu();
	void *ring;

	if (!c)
		return BPF_RB_NO_WAKEUP;
	c->unchecked += size;
	if (c->unchecked < c->check_bytes)
		return BPF_RB_NO_WAKEUP;
	c->unchecked = 0;
	ring = nr_ring_of(c);
	if (!ring || bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < c->fill_bytes)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

/* struct TYPE * to fill, or NULL: the record is lost and counted. */
#define nr_reserve(TYPE) ((struct TYPE *)nr_reserve_bytes(nr_id_of_##TYPE, sizeof(struct TYPE)))

#define NR_RECORD_OF(p) ((struct nr_record *)(p)-1)

/* Ends a record that nr_reserve returned: it becomes part of the stream. */
#define nr_submit(p)                                                                               \
	bpf_ringbuf_submit(NR_RECORD_OF(p), nr_wake_flag(sizeof(struct nr_record) + sizeof(*(p))))

/* Ends it without trace. It took its place in the ring all the same, and the reader steps over it:
 * decide before nr_reserve where you can. */
#define nr_discard(p)                                                                              \
	bpf_ringbuf_discard(NR_RECORD_OF(p), nr_wake_flag(sizeof(struct nr_record) + sizeof(*(p))))

static __always_inline int nr_output_bytes(__u16 id, const void *head, __u32 head_size,
					   const void *tail, __u32 tail_size)
{
	struct nr_cpu *c = nr_this_cpu();
	__u32 size = sizeof(struct nr_record) + head_size + tail_size;
	struct nr_record rec = {};
	struct bpf_dynptr ptr;
	int room = 0;
	void *ring;
	long err;

	if (!c)
		return -1;
	ring = nr_ring_of(c);
	if (!ring) {
		nr_count_loss(c, NR_LOSS_NO_RING);
		return -1;
	}
	err = bpf_ringbuf_reserve_dynptr(ring, size, 0, &ptr);
	if (err) {
		room = nr_has_room(ring, size);
		if (room) {
			bpf_ringbuf_discard_dynptr(&ptr, BPF_RB_NO_WAKEUP);
			err = bpf_ringbuf_reserve_dynptr(ring, size, 0, &ptr);
		}
	}
	if (err) {
		bpf_ringbuf_discard_dynptr(&ptr, BPF_RB_NO_WAKEUP);
		nr_count_failure(c, ring, size, room);
		return -1;
	}
	nr_stamp(&rec, c, id);
	bpf_dynptr_write(&ptr, 0, &rec, sizeof(rec), 0);
	bpf_dynptr_write(&ptr, sizeof(rec), (void *)head, head_size, 0);
	if (tail_size)
		bpf_dynptr_write(&ptr, sizeof(rec) + head_size, (void *)tail, tail_size, 0);
	bpf_ringbuf_submit_dynptr(&ptr, nr_wake_flag(size));
	return 0;
}

/*
 * The forms with a variable length, for a TYPE that ends in a flexible array `T data[]` with an unsigned
 * integer member `data_len` before it (docs/format.md). 0, or -1: lost and counted. Linux 5.19.
 *
 * nr_output takes the whole payload from one place; nr_output_tail takes the fixed part, struct TYPE
 * at head, and the tail from where it already lies. (data may begin before sizeof(struct TYPE), in what
 * would be padding.) The verifier must see a bound of each size.
 */
#define nr_output(TYPE, data, size) nr_output_bytes(nr_id_of_##TYPE, (data), (size), NULL, 0)
#define nr_output_tail(TYPE, head, tail, tail_size)                                                \
	nr_output_bytes(nr_id_of_##TYPE, (head), __builtin_offsetof(struct TYPE, data), (tail),    \
			(tail_size))

#endif
