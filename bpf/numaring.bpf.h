/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The header for authors of BPF programs.
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
 *			return 0;		// the loss is already counted
 *		e->pid = bpf_get_current_pid_tgid() >> 32;
 *		bpf_get_current_comm(e->comm, sizeof(e->comm));
 *		nr_submit(e);
 *		return 0;
 *	}
 *	char LICENSE[] SEC("license") = "GPL";
 *
 * Include vmlinux.h, or <linux/types.h> and <linux/bpf.h>, before this header. Compile with -g -O2
 * -target bpf -mcpu=v3 (or newer): the fence is an atomic add that returns a value.
 *
 * A program fills a record in place, in the ring of the CPU's shard or in the CPU's lane: the
 * collector chooses before it loads the object. The kernel never copies a record. Every path must
 * submit or discard a reserved record. With rings, the verifier refuses the program otherwise; with
 * lanes, the collector counts such a record as abandoned.
 */
#ifndef NUMARING_BPF_H
#define NUMARING_BPF_H

#include <bpf/bpf_helpers.h>
#include <numaring/record.h>

#ifndef NULL
#define NULL ((void *)0)
#endif

/* The maps that all objects of a collector share. The collector creates them; these definitions are
 * for the verifier. The maps and the constants below are weak, so that several files that include
 * this header can be linked into one object. */
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

/* The processes of --follow by tgid, with the time when they started. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} nr_followed SEC(".maps") __weak;

/* Set by the collector before the object is loaded. */
/* Added to the numbers of NR_EVENT. */
const volatile __u16 nr_id_base __weak = 0;
/* The processes of -p, up to the first 0. */
const volatile __u32 nr_only_tgid[NR_PIDS_MAX] __weak = {};
/* Record only the processes in nr_followed. */
const volatile _Bool nr_follow __weak = 0;
/* Record only tasks in this cgroup or below it, by the id and the level of the cgroup, of v2; id 0:
 * all tasks. */
const volatile __u64 nr_cgroup_id __weak = 0;
const volatile __u32 nr_cgroup_level __weak = 0;
/* The collector itself, which is not recorded; 0: none. */
const volatile __u32 nr_hidden_tgid __weak = 0;
/* The tests of --filter, NR_FILTER_TESTS for each type. */
const volatile struct nr_test nr_tests[NR_FILTER_TYPES * NR_FILTER_TESTS] __weak = {};

/*
 * Declares struct TYPE as an event. The author chooses its number ID, 0..255, unique within the
 * object. The collector reads the declaration from the object's BTF, section .numaring, before it
 * loads the object. The form is that of libbpf's map definitions, except for `type`: it is an array
 * and not a pointer, because clang omits a struct from BTF if only a pointer refers to it.
 */
#define NR_EVENT(TYPE, ID)                                                                         \
	enum { nr_id_of_##TYPE = (ID) };                                                           \
	_Static_assert((ID) >= 0 && (ID) < 256, "NR_EVENT: the number must be 0..255");            \
	struct {                                                                                   \
		__uint(version, NR_RECORD_VERSION);                                                \
		__uint(id, (ID));                                                                  \
		struct TYPE type[0];                                                               \
	} nr_event_##TYPE SEC(".numaring")

/* True for the processes of -p or --follow, and for all processes without these. Then the verifier
 * knows that the first number is 0, and removes the rest. */
static __always_inline _Bool nr_chosen(__u32 tgid)
{
	if (nr_follow)
		return bpf_map_lookup_elem(&nr_followed, &tgid);
	if (!nr_only_tgid[0])
		return 1;
	for (int i = 0; i < NR_PIDS_MAX && nr_only_tgid[i]; i++)
		if (nr_only_tgid[i] == tgid)
			return 1;
	return 0;
}

/* Is the task that runs in the cgroup of the recording? True if there is none. */
static __always_inline _Bool nr_in_cgroup(void)
{
	return !nr_cgroup_id || bpf_get_current_ancestor_cgroup_id(nr_cgroup_level) == nr_cgroup_id;
}

/* True if the recording includes this process, which runs (-p, --follow, cgroup), and it is not the
 * collector. */
static __always_inline _Bool nr_wanted(__u32 tgid)
{
	return (!nr_hidden_tgid || tgid != nr_hidden_tgid) && nr_chosen(tgid) && nr_in_cgroup();
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

/* A CPU that was offline when the plan was made joins the shard of its node. */
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

#include "lane.bpf.h"

/* Bytes that a record of this size takes in a ring, with the kernel's header. */
static __always_inline __u64 nr_ring_bytes(__u64 size)
{
	return ((size + 7) & ~7ULL) + 8;
}

/* The kernel keeps one byte free: a record that would fill the ring completely does not fit. */
static __noinline int nr_has_room(void *ring, __u64 size)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + nr_ring_bytes(size) <
	       bpf_ringbuf_query(ring, BPF_RB_RING_SIZE);
}

/* Counts a failed reservation by cause. If the ring had room after the first failure, the consumer
 * had released some meanwhile, so the caller tried again. With room, only the lock can fail. */
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

/* Makes the reservation visible to every CPU before the clock is read. An atomic that returns a
 * value is a full barrier; without a use of the value, it may be no barrier (I2). */
static __always_inline void nr_fence(struct nr_cpu *c)
{
	__u64 before = __sync_fetch_and_add(&c->reserved, 1);

	asm volatile("" : : "r"(before) : "memory");
}

/* Fills the header of a reserved record. Reads the clock after reservation (I1) and fence (I2). */
static __always_inline void nr_stamp(struct nr_record *rec, struct nr_cpu *c, __u16 id)
{
	rec->ts = bpf_ktime_get_ns();
	rec->id = nr_id_base + id;
	rec->cpu = bpf_get_smp_processor_id();
	rec->lost = c->lost_total;
}

/* As nr_lane_reserve, in a ring. */
static __always_inline struct nr_record *nr_ring_reserve(struct nr_cpu *c, const __u64 size)
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

/* Lanes and rings go separate ways: where they met, the compiler would check a record of a ring a
 * second time, and the verifier of Linux 6.1 believes that it can be NULL there. A reservation in a
 * lane is a fence. */
static __always_inline void *nr_reserve_bytes(__u16 id, const __u64 size)
{
	const __u64 bytes = sizeof(struct nr_record) + size;
	const __u32 shift = nr_block_shift;
	struct nr_cpu *c = nr_this_cpu();
	struct nr_record *rec;

	if (!c)
		return NULL; /* cannot happen: nr_cpus has all possible CPUs */
	if (shift) {
		rec = nr_lane_reserve(c, bytes, shift);
		if (!rec)
			return NULL;
	} else {
		rec = nr_ring_reserve(c, bytes);
		if (!rec)
			return NULL;
		nr_fence(c);
	}
	nr_stamp(rec, c, id);
	return rec + 1;
}

/*
 * Decides whether this submit wakes the consumer. Usually it does not, because the consumer comes
 * at its own deadline. A CPU checks the fill level each time it has written check_bytes, and wakes
 * the consumer if the ring fills up faster than the consumer comes.
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

/* Returns a struct TYPE * to fill, or NULL: the record is lost, and the loss is counted. */
#define nr_reserve(TYPE) ((struct TYPE *)nr_reserve_bytes(nr_id_of_##TYPE, sizeof(struct TYPE)))

#define NR_RECORD_OF(p) ((struct nr_record *)(p)-1)

static __always_inline void nr_submit_record(struct nr_record *rec, __u64 size)
{
	if (nr_has_lanes())
		nr_lane_commit(rec, NR_COMMIT_SUBMITTED);
	else
		bpf_ringbuf_submit(rec, nr_wake_flag(size));
}

static __always_inline void nr_discard_record(struct nr_record *rec, __u64 size)
{
	if (nr_has_lanes())
		nr_lane_commit(rec, NR_COMMIT_DISCARDED);
	else
		bpf_ringbuf_discard(rec, nr_wake_flag(size));
}

/* Hands over a record from nr_reserve: it becomes part of the stream. */
#define nr_submit(p) nr_submit_record(NR_RECORD_OF(p), sizeof(struct nr_record) + sizeof(*(p)))

/* Takes a record from nr_reserve back. It still occupies its place until the consumer steps over it,
 * so decide before nr_reserve if you can. */
#define nr_discard(p) nr_discard_record(NR_RECORD_OF(p), sizeof(struct nr_record) + sizeof(*(p)))

/* Does --filter look at events of this number inside of BPF programs? The verifier knows, and
 * removes what depends on it if not. */
static __always_inline _Bool nr_has_filter(const __u16 id)
{
	return id < NR_FILTER_TYPES && nr_tests[id * NR_FILTER_TESTS].what;
}

/* Reads of nr_tests are volatile: the compiler must not take them for zero. */
static __always_inline __u64 nr_test_value(const volatile struct nr_test *t, const void *payload)
{
	const void *p = payload + t->offset;
	const __u8 bias = t->bias;

	if (t->what == NR_TEST_CPU)
		return bpf_get_smp_processor_id();
	switch (t->size) {
	case 1:
		return bias ? (__u64)(__s64) * (const __s8 *)p : *(const __u8 *)p;
	case 2:
		return bias ? (__u64)(__s64) * (const __s16 *)p : *(const __u16 *)p;
	case 4:
		return bias ? (__u64)(__s64) * (const __s32 *)p : *(const __u32 *)p;
	}
	return *(const __u64 *)p;
}

/*
 * Runs the tests of an event type as far as the bytes of its payload from `from` up to `to` decide,
 * and the CPU if it is known. True: an event with these can pass. So a program can ask before it does
 * what costs more. The verifier knows all that is constant in the tests: it follows the list, and
 * removes what no test needs.
 */
static __always_inline _Bool nr_may_pass(const __u16 id, const void *payload, const __u32 from,
					 const __u32 to, const _Bool cpu)
{
	__u32 at = 0;

	if (!nr_has_filter(id))
		return 1;
	while (at < NR_FILTER_TESTS) {
		const volatile struct nr_test *t = &nr_tests[id * NR_FILTER_TESTS + at];
		__u64 v;

		if (t->yes == t->no) { /* rejects everything */
			at = t->yes;
			continue;
		}
		if (t->what == NR_TEST_CPU ? !cpu : t->offset < from || t->offset + t->size > to)
			return 1;
		v = nr_test_value(t, payload) & t->mask;
		if (t->bias)
			v += 1ull << 63;
		at = v >= t->low && v <= t->high ? t->yes : t->no;
	}
	return at == NR_TEST_ACCEPT;
}

/* Runs the tests of an event type on a whole payload. */
static __always_inline _Bool nr_passes(const __u16 id, const void *payload)
{
	return nr_may_pass(id, payload, 0, ~0u, 1);
}

/*
 * Reserves, fills and submits an event of TYPE: FILL(struct TYPE *e, ...) sets all fields of *e. With
 * --filter it fills a copy on the stack, which is submitted only if the tests let it pass. Fields that
 * --filter is to test must be aligned to their size in TYPE.
 */
#define nr_emit(TYPE, FILL, ...)                                                                   \
	({                                                                                         \
		struct TYPE *nr_event_;                                                            \
                                                                                                   \
		if (nr_has_filter(nr_id_of_##TYPE)) {                                              \
			struct TYPE nr_try_ __attribute__((aligned(8))) = {};                      \
                                                                                                   \
			FILL(&nr_try_, ##__VA_ARGS__);                                             \
			nr_event_ =                                                                \
				nr_passes(nr_id_of_##TYPE, &nr_try_) ? nr_reserve(TYPE) : NULL;    \
			if (nr_event_)                                                             \
				__builtin_memcpy(nr_event_, &nr_try_, sizeof(nr_try_));            \
		} else {                                                                           \
			nr_event_ = nr_reserve(TYPE);                                              \
			if (nr_event_)                                                             \
				FILL(nr_event_, ##__VA_ARGS__);                                    \
		}                                                                                  \
		if (nr_event_)                                                                     \
			nr_submit(nr_event_);                                                      \
	})

/* A record that is written in pieces, through a dynptr, because its size is not constant. */
struct nr_writer {
	struct bpf_dynptr ptr; /* the record in its ring, or the whole block of a lane */
	__u32 payload;	       /* where the payload begins in it */
	__u32 shard, where;    /* in a lane: as in nr_lane_header */
};

/* size is that of the payload. Returns 0, or -1: the record is lost, and the loss is counted. */
static __always_inline int nr_ring_open(struct nr_writer *w, __u16 id, __u32 size)
{
	struct nr_cpu *c = nr_this_cpu();
	struct nr_record rec = {};
	int room = 0;
	void *ring;
	long err;

	size += sizeof(rec);
	if (!c)
		return -1;
	ring = nr_ring_of(c);
	if (!ring) {
		nr_count_loss(c, NR_LOSS_NO_RING);
		return -1;
	}
	err = bpf_ringbuf_reserve_dynptr(ring, size, 0, &w->ptr);
	if (err) {
		room = nr_has_room(ring, size);
		if (room) {
			bpf_ringbuf_discard_dynptr(&w->ptr, BPF_RB_NO_WAKEUP);
			err = bpf_ringbuf_reserve_dynptr(ring, size, 0, &w->ptr);
		}
	}
	if (err) {
		bpf_ringbuf_discard_dynptr(&w->ptr, BPF_RB_NO_WAKEUP);
		nr_count_failure(c, ring, size, room);
		return -1;
	}
	nr_fence(c);
	nr_stamp(&rec, c, id);
	bpf_dynptr_write(&w->ptr, 0, &rec, sizeof(rec), 0);
	w->payload = sizeof(rec);
	return 0;
}

/* The same in a lane. The dynptr checks what the verifier cannot. No program ends between this and
 * nr_close, so the header has no place to go on from. */
static __always_inline int nr_lane_open(struct nr_writer *w, __u16 id, __u32 size)
{
	struct {
		struct nr_lane_header h;
		struct nr_record rec;
	} front = { .h = { .length = sizeof(front.rec) + size, .where = NR_LANE_DONE } };
	const __u32 shift = nr_block_shift;
	struct nr_cpu *c = nr_this_cpu();
	__u32 block, offset, shard, where;
	__u64 start;
	void *data;

	if (!c)
		return -1;
	start = nr_lane_take(c, nr_granules(front.h.length), shift);
	if (start == NR_LANE_NOWHERE)
		return -1;
	nr_stamp(&front.rec, c, id);
	block = nr_lane_block(c, start, shift);
	shard = c->shard;
	where = nr_where(block, start, shift);
	data = nr_block_of(shard, block);
	if (!data)
		return -1;
	bpf_dynptr_from_mem(data, NR_LANE_GRANULE << shift, 0, &w->ptr);
	offset = (start & ((1ull << shift) - 1)) * NR_LANE_GRANULE;
	bpf_dynptr_write(&w->ptr, offset, &front, sizeof(front), 0);
	w->payload = offset + sizeof(front);
	w->where = where;
	w->shard = shard;
	return 0;
}

static __always_inline int nr_open(struct nr_writer *w, __u16 id, __u32 size)
{
	return nr_has_lanes() ? nr_lane_open(w, id, size) : nr_ring_open(w, id, size);
}

/* Writes `size` bytes of the payload, at `at`. */
static __always_inline void nr_write(struct nr_writer *w, __u32 at, const void *from, __u32 size)
{
	bpf_dynptr_write(&w->ptr, w->payload + at, (void *)from, size, 0);
}

/* Submits a record whose payload has `size` bytes. */
static __always_inline void nr_close(struct nr_writer *w, __u32 size)
{
	if (nr_has_lanes())
		nr_lane_commit_at(w->shard, w->where, NR_COMMIT_SUBMITTED);
	else
		bpf_ringbuf_submit_dynptr(&w->ptr, nr_wake_flag(sizeof(struct nr_record) + size));
}

static __always_inline int nr_output_bytes(__u16 id, const void *head, __u32 head_size,
					   const void *tail, __u32 tail_size)
{
	struct nr_writer w;

	if (nr_open(&w, id, head_size + tail_size))
		return -1;
	nr_write(&w, 0, head, head_size);
	if (tail_size)
		nr_write(&w, head_size, tail, tail_size);
	nr_close(&w, head_size + tail_size);
	return 0;
}

/*
 * For records of variable length: TYPE ends in a flexible array `T data[]` and has an unsigned
 * integer member `data_len` before it (docs/format.md). They return 0, or -1 if the record is lost;
 * the loss is counted. They need Linux 5.19.
 *
 * nr_output copies the whole payload from one place. nr_output_tail copies the fixed part, struct
 * TYPE, from head, and the array from tail. (data may begin before sizeof(struct TYPE), inside the
 * padding.) The verifier must see a bound on each size.
 */
#define nr_output(TYPE, data, size) nr_output_bytes(nr_id_of_##TYPE, (data), (size), NULL, 0)
#define nr_output_tail(TYPE, head, tail, tail_size)                                                \
	nr_output_bytes(nr_id_of_##TYPE, (head), __builtin_offsetof(struct TYPE, data), (tail),    \
			(tail_size))

#endif
