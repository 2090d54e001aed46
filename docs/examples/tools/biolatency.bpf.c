// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts requests to disks by how long they took, and reports the slow ones. The counts are in the map
 * latency: numaring record --object biolatency.bpf.o --show-map latency */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <numaring/numaring.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* --set NAME=VALUE */
const volatile _Bool by_disk = 1;	 /* count each disk on its own */
const volatile _Bool by_operation = 1;	 /* and reads, writes and others */
const volatile _Bool by_flags = 0;	 /* and each combination of flags */
const volatile _Bool queued = 0;	 /* with the time before the disk got the request */
const volatile __u64 slow_ns = 10000000; /* report requests that took at least so long */

/* Values of the kernel's REQ_OP_..., which are stable in practice. */
enum operation {
	READ = 0,
	WRITE = 1,
	FLUSH = 2,
	DISCARD = 3,
};

#define SLOTS 27 /* the last one: 67 s and more */

struct latency_key {
	char disk[32];
	enum operation operation;
	__u32 flags; /* REQ_..., without the operation: enum req_flag_bits of this kernel's BTF */
};

struct latency_counts {
	__u64 requests;
	__u64 bytes;
	__u64 total_us;
	__u64 max_us;
	__u64 us[SLOTS]; /* requests that took 0 or 1, 2 or 3, 4 to 7, 8 to 15, ... us */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct latency_key);
	__type(value, struct latency_counts);
} latency SEC(".maps");

struct slow_io {
	__u64 took_ns;
	__u64 sector;
	__u32 bytes;
	enum operation operation;
	__u32 flags;
	__s32 error;
	char disk[32];
};
NR_EVENT(slow_io, 1);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64); /* the request */
	__type(value, __u64);
} issued SEC(".maps");

SEC("tp_btf/block_rq_issue")
int BPF_PROG(on_issue, struct request *rq)
{
	__u64 key = (__u64)rq, now = queued ? rq->start_time_ns : bpf_ktime_get_ns();

	bpf_map_update_elem(&issued, &key, &now, BPF_ANY);
	return 0;
}

static __always_inline __u32 slot_of(__u64 us)
{
	__u32 slot = 0;

	for (int bits = 32; bits; bits /= 2)
		if (us >> bits) {
			us >>= bits;
			slot += bits;
		}
	return slot < SLOTS ? slot : SLOTS - 1;
}

static __always_inline struct latency_counts *counts_of(const struct latency_key *key)
{
	static const struct latency_counts none;
	struct latency_counts *found = bpf_map_lookup_elem(&latency, key);

	if (found)
		return found;
	bpf_map_update_elem(&latency, key, &none, BPF_NOEXIST); /* another CPU may be faster */
	return bpf_map_lookup_elem(&latency, key);
}

static __always_inline void count(const struct latency_key *key, __u64 us, __u32 bytes)
{
	struct latency_counts *c = counts_of(key);

	if (!c)
		return;
	__sync_fetch_and_add(&c->requests, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
	__sync_fetch_and_add(&c->total_us, us);
	__sync_fetch_and_add(&c->us[slot_of(us)], 1);
	if (us > c->max_us)
		c->max_us = us;
}

static __always_inline void report(struct request *rq, __u64 took_ns, __u32 bytes, int error)
{
	struct slow_io *e = nr_reserve(slow_io);

	if (!e)
		return;
	e->took_ns = took_ns;
	e->sector = rq->__sector;
	e->bytes = bytes;
	e->operation = rq->cmd_flags & 0xff;
	e->flags = rq->cmd_flags >> 8;
	e->error = error;
	BPF_CORE_READ_STR_INTO(&e->disk, rq, q, disk, disk_name);
	nr_submit(e);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, int error, unsigned int bytes)
{
	__u64 at = (__u64)rq, *start = bpf_map_lookup_elem(&issued, &at), took_ns;
	struct latency_key key = {};

	if (!start)
		return 0; /* issued before the recording began */
	took_ns = bpf_ktime_get_ns() - *start;
	bpf_map_delete_elem(&issued, &at);
	if (by_disk)
		BPF_CORE_READ_STR_INTO(&key.disk, rq, q, disk, disk_name);
	if (by_operation)
		key.operation = rq->cmd_flags & 0xff;
	if (by_flags)
		key.flags = rq->cmd_flags >> 8;
	count(&key, took_ns / 1000, bytes);
	if (took_ns >= slow_ns)
		report(rq, took_ns, bytes, error);
	return 0;
}
